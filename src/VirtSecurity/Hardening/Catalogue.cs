using VirtSecurity.Hardening.Rules;
using VirtSecurity.Resources;
using NearestWord = VirtSecurity.Planning.NearestWord;

namespace VirtSecurity.Hardening;

/// <summary>All checks, in their order.</summary>
internal static class Catalogue
{
    /// <summary>The checks by category.</summary>
    public static IReadOnlyList<HardeningRule> Rules { get; } =
    [
        .. PlanRules.All,
        .. SELinuxRules.All,
        .. ImageRules.All,
        .. StorageRules.All,
        .. ServiceRules.All,
        .. ConfinementRules.All,
        .. FirewallRules.All,
        .. AccountRules.All,
        .. KernelRules.All,
        .. AuditRules.All,
    ];

    /// <summary>The categories, in their order.</summary>
    public static IReadOnlyList<string> Categories { get; } = [.. Rules.Select(rule => rule.Category).Distinct()];

    /// <summary>Picks rules by ids, categories and severities; what is empty picks all.</summary>
    /// <param name="ids">Ids, perhaps with wildcards.</param>
    /// <param name="categories">Categories, perhaps with wildcards.</param>
    /// <param name="severities">Severities.</param>
    /// <param name="isMatch">Whether a text matches a pattern.</param>
    /// <exception cref="VirtException">RuleUnknown, CategoryUnknown: with the nearest there is.</exception>
    public static IReadOnlyList<HardeningRule> Pick(IReadOnlyCollection<string> ids, IReadOnlyCollection<string> categories, IReadOnlyCollection<HardeningSeverity> severities, Func<string, string, bool> isMatch)
    {
        foreach (var id in ids)
        {
            if (!Rules.Any(rule => isMatch(id, rule.Id))) throw new VirtException("RuleUnknown", id, NearestWord.AnyOf(id, Rules.Select(rule => rule.Id)));
        }

        foreach (var category in categories)
        {
            if (!Categories.Any(known => isMatch(category, known))) throw new VirtException("CategoryUnknown", category, NearestWord.AnyOf(category, Categories), string.Join(", ", Categories));
        }

        return [.. Rules.Where(rule => (ids.Count == 0 || ids.Any(id => isMatch(id, rule.Id)))
            && (categories.Count == 0 || categories.Any(category => isMatch(category, rule.Category)))
            && (severities.Count == 0 || severities.Contains(rule.Severity)))];
    }

    /// <summary>What the rules need, each question once.</summary>
    public static IReadOnlyList<FactQuestion> Questions(IEnumerable<HardeningRule> rules) =>
        [.. rules.SelectMany(rule => rule.NeedsSELinux ? rule.Needs.Concat(HardeningFacts.IsSELinuxAsked) : rule.Needs).Concat(HardeningFacts.AlwaysAsked).DistinctBy(question => question.Key)];
}
