using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>The changes that many objects of a host share: one import into the policy, one relabel of an explicit list.</summary>
internal static class PolicyCommit
{
    /// <summary>All rules as one import.</summary>
    public static Change OfRules(IReadOnlyCollection<RuleEdit> rules) => new(
        "semanage import",
        [Semanage.Import(rules.Select(rule => rule.DoLine))],
        null,
        [Semanage.Import(rules.Select(rule => rule.UndoLine))]);

    /// <summary>All paths as one relabel; the undo gives back each label that was there before.</summary>
    public static Change OfLabels(IReadOnlyCollection<Relabel> labels)
    {
        var before = labels.Where(label => label.Before is not null).Select(label => (label.Path, label.Before!.ToString())).ToArray();
        return new("restorecon", [Restorecon.List([.. labels.Select(label => label.Path)])], null, before.Length == 0 ? [] : [Restorecon.GiveBack(before)]);
    }
}
