using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>The changes that many objects of a host share: one import into the policy, one relabel of an explicit list, and systemd reads fstab again.</summary>
internal static class HostCommit
{
    /// <summary>The commit of many objects: at most one of each.</summary>
    public static IReadOnlyList<Change> Of(IReadOnlyList<ChangeSet> sets) => Of(
        sets.Any(set => set.NeedsReload),
        [.. sets.SelectMany(set => set.Rules).DistinctBy(rule => rule.Pattern)],
        [.. sets.SelectMany(set => set.Labels).DistinctBy(label => label.Path)]);

    /// <summary>A commit of these rules and labels; none of either is no change.</summary>
    public static IReadOnlyList<Change> Of(bool needsReload, IReadOnlyCollection<RuleEdit> rules, IReadOnlyCollection<Relabel> labels) =>
        [.. rules.Count > 0 ? new[] { OfRules(rules) } : [], .. labels.Count > 0 ? new[] { OfLabels(labels) } : [], .. needsReload ? new[] { Reload } : []];

    /// <summary>It can be made at any time. Who takes a line back has systemd read fstab again himself.</summary>
    public static Change Reload { get; } = new("daemon-reload", [Systemctl.DaemonReload()], null, []);

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
        string[] types = [.. labels.Where(label => !label.IsWhole).Select(label => label.Path)];
        (string, string)[] whole = [.. labels.Where(label => label.IsWhole).Select(label => (label.Path, label.Before!.ToString()))];
        ToolCall[] calls = [.. types.Length > 0 ? new[] { Restorecon.List(types) } : [], .. whole.Length > 0 ? new[] { Restorecon.Whole(whole) } : []];
        return new("restorecon", calls, null, before.Length == 0 ? [] : [Restorecon.GiveBack(before)]);
    }
}
