using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>An edit of the policy's local file contexts: a rule for all file types, added or given another type.</summary>
/// <param name="Pattern">As it will stand in file_contexts.local.</param>
/// <param name="Type">The type it gives.</param>
/// <param name="Before">The local rule with the same pattern; null: there is none yet.</param>
internal sealed record RuleEdit(string Pattern, string Type, SecurityContext? Before)
{
    /// <summary>The line for semanage import.</summary>
    public string DoLine => Before is null ? Semanage.Add(Pattern, Type) : Semanage.Modify(Pattern, Type, Before.Range ?? "s0");

    /// <summary>The line that takes it back.</summary>
    public string UndoLine => Before is null ? Semanage.Delete(Pattern) : Semanage.Modify(Pattern, Before.Type, Before.Range ?? "s0");

    /// <summary>Whether the host's rules have it as this edit makes it. A rule that was so before is nobody's to take back.</summary>
    public bool IsInPlace(FileContexts contexts) => Before?.Type != Type && contexts.Local(Pattern)?.Context?.Type == Type;
}

/// <summary>A path to be given the label the policy has for it.</summary>
/// <param name="Path">On the host.</param>
/// <param name="Before">Its label now; null where there is nothing to give back: the path is made by this run.</param>
internal sealed record Relabel(string Path, SecurityContext? Before);

/// <summary>
/// All that one object the user named asks of the host: its own changes, and what it adds to the host's one policy commit and one
/// relabel. Empty when the host is already as asked.
/// </summary>
/// <param name="Subject">The object, as messages name it.</param>
/// <param name="Own">Changes that are its own, in order.</param>
/// <param name="Rules">Its part of the policy commit.</param>
/// <param name="Labels">Its part of the relabel.</param>
internal sealed record ChangeSet(string Subject, IReadOnlyList<Change> Own, IReadOnlyList<RuleEdit> Rules, IReadOnlyList<Relabel> Labels)
{
    /// <summary>The host is as asked.</summary>
    public bool IsEmpty => Own.Count == 0 && Rules.Count == 0 && Labels.Count == 0;

    /// <summary>What will be run, line by line; of a commit shared with other objects, this object's part.</summary>
    public IReadOnlyList<string> CommandLines =>
    [
        .. Own.SelectMany(change => change.Do).Select(call => call.ToString()),
        .. Rules.Count == 0 ? [] : new[] { PolicyCommit.OfRules(Rules).Do[0].ToString() },
        .. Labels.Count == 0 ? [] : new[] { PolicyCommit.OfLabels(Labels).Do[0].ToString() },
    ];
}
