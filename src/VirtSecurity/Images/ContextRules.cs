using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What is needed to judge a host's rules.</summary>
/// <param name="Host">The host.</param>
/// <param name="Places">By pattern: what there is of the path of a rule of the administrator's.</param>
/// <param name="Roots">By mount point: the roots of mounted block devices.</param>
/// <param name="Mounts">What is mounted.</param>
internal sealed record RuleFacts(HostFacts Host, IReadOnlyDictionary<string, RulePlace> Places, IReadOnlyDictionary<string, PathFact> Roots, IReadOnlyList<MountFact> Mounts);

/// <summary>Reads them in one round trip.</summary>
internal static class RuleReader
{
    /// <summary>The host's rules: the administrator's, and those of the policy's that give an image type.</summary>
    public static async Task<IReadOnlyList<VirtImageContextRule>> ReadAsync(IHost host, CancellationToken stop)
    {
        var batch = new FactBatch();
        var common = HostFacts.Ask(batch, host.Name);
        var places = batch.Ask(RulePlaces.Look(), FactUnknown.Unless(RulePlaces.Read));
        var roots = batch.Ask(StorePaths.Inodes(), FactUnknown.Unless(Coreutils.ReadStat));
        var mounts = batch.Ask(Mount.Table(), FactUnknown.Unless(Mount.ReadTable));
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        var facts = common();
        facts.RequireReadable();
        return ContextRules.Of(new(facts, places.Value, roots.Value.DistinctBy(root => root.Path).ToDictionary(root => root.Path), mounts.Value));
    }
}

/// <summary>The verdicts on a host's rules. Pure.</summary>
internal static class ContextRules
{
    /// <summary>All of the administrator's rules, and the policy's image rules, in file order.</summary>
    public static IReadOnlyList<VirtImageContextRule> Of(RuleFacts facts) =>
        [.. facts.Host.SELinux.FileContexts.Rules.Where(rule => rule.Source == RuleSource.Local || IsImageRule(rule)).Select(rule => Of(facts, rule))];

    private static VirtImageContextRule Of(RuleFacts facts, FileContextRule rule)
    {
        var problems = Problems(facts, rule).Select(found => new ContextRuleProblem(found.Id, Messages.Format(found.Id, found.Arguments))).ToArray();
        return new()
        {
            VirtHost = facts.Host.Host,
            Pattern = rule.Pattern,
            FileType = rule.FileType?.ToString(),
            SELinuxType = rule.Context?.Type,
            Context = rule.Context,
            Source = rule.Source,
            Path = PathOf(facts, rule),
            Problem = problems,
            Remedy = RemedyOf(rule, PathOf(facts, rule), [.. problems.Select(problem => problem.Id)]),
        };
    }

    /// <summary>The path of a plain pattern; of another one its very text, if that is a path that exists: then it was meant for one.</summary>
    private static string? PathOf(RuleFacts facts, FileContextRule rule) =>
        PathPattern.PathOf(rule.Pattern) ?? (rule.Source == RuleSource.Local && facts.Places.GetValueOrDefault(rule.Pattern)?.IsThereAsWritten == true ? PathPattern.TextOf(rule.Pattern) : null);

    /// <summary>Only the administrator's rules for images are ours to change, and only where nothing is left to be decided.</summary>
    private static ContextRuleRemedy RemedyOf(FileContextRule rule, string? path, IReadOnlyList<string> problems)
    {
        if (rule is not { Source: RuleSource.Local, FileType: null } || !IsImageRule(rule) || path is null || problems.Contains("OtherPath")) return ContextRuleRemedy.None;
        if (problems.Any(id => id is "Dead" or "Shadowed" or "Duplicate" or "SystemTree")) return ContextRuleRemedy.Remove;
        return problems.Count > 0 && HostPath.IsImagePlace(path) ? ContextRuleRemedy.Set : ContextRuleRemedy.None;
    }

    private static IEnumerable<(string Id, object?[] Arguments)> Problems(RuleFacts facts, FileContextRule rule)
    {
        var contexts = facts.Host.SELinux.FileContexts;
        var path = PathPattern.PathOf(rule.Pattern);
        if (path is not null && Shadow(contexts, rule, path) is { } other && (rule.Source == RuleSource.Local || other.Source == RuleSource.Local))
            yield return (other.Context == rule.Context && PathPattern.PathOf(other.Pattern) == path ? "Duplicate" : "Shadowed", [rule.Pattern, other.Text]);
        if (rule.Source != RuleSource.Local) yield break;

        if (path is not null && contexts.Resolve(path) != path) yield return ("UnderEquivalence", [path, ImageRule.EquivalenceOf(contexts, path)]);
        var place = facts.Places.GetValueOrDefault(rule.Pattern);
        if (path is null && place is { IsThereAsWritten: true }) yield return ("OverMatches", [rule.Pattern, "+ ? * and their like"]);
        else if (path is not null && PathPattern.HasBareDot(rule.Pattern)) yield return ("OverMatches", [rule.Pattern, "."]);

        if (IsImageRule(rule) && path is not null && !HostPath.IsImagePlace(path)) yield return ("SystemTree", [path]);
        if (place is null || (path is null ? place.HasAny || place.IsThereAsWritten : place.IsThere)) yield break;
        var without = IsImageRule(rule) && path is not null ? WithoutRule(facts).ToArray() : [];
        yield return without.Length > 0 ? ("OtherPath", [path, string.Join(", ", without)]) : ("Dead", [rule.Pattern]);
    }

    /// <summary>The rule that decides wherever this one could; null: this one decides somewhere. Looked for at the path, in it, and two levels down.</summary>
    private static FileContextRule? Shadow(FileContexts contexts, FileContextRule rule, string path)
    {
        (string Path, char Type)[] probes = PathPattern.IsTree(rule.Pattern)
            ? [(path, 'd'), ($"{path}/a", '-'), ($"{path}/a", 'd'), ($"{path}/a/b", '-'), (path, '-')]
            : [(path, '-'), (path, 'd'), (path, 'b'), (path, 'l')];
        FileContextRule? shadow = null;
        foreach (var (probe, type) in probes.Where(probe => rule.FileType is null || rule.FileType == probe.Type))
        {
            // A path under an equivalence is looked up as another: that is a verdict of its own.
            if (contexts.Resolve(probe) != probe || contexts.Lookup(probe, type) is not { } decides || decides == rule) return null;
            shadow ??= decides;
        }

        return shadow;
    }

    /// <summary>Mounted volumes that can keep labels, where images may lie, and that no rule gives an image type: one of them may have been meant by a rule for a path that does not exist.</summary>
    private static IEnumerable<string> WithoutRule(RuleFacts facts) => facts.Mounts
        .Where(mount => mount.KeepsLabels && mount.Source.StartsWith("/dev/", StringComparison.Ordinal) && mount.Root == "/" && HostPath.IsImagePlace(mount.MountPoint))
        .Where(mount => !facts.Host.IsImageType(facts.Host.SELinux.FileContexts.Lookup(mount.MountPoint, 'd')?.Context?.Type) && !facts.Host.IsImageType(facts.Roots.GetValueOrDefault(mount.MountPoint)?.Context?.Type))
        .Select(mount => mount.MountPoint)
        .Distinct();

    private static bool IsImageRule(FileContextRule rule) => rule.Context is { } context && (ImageTypes.All.Contains(context.Type) || context.Type is "svirt_image_t");
}
