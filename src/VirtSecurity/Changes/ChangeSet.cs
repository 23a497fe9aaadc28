using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>An edit of the policy's local file contexts: a rule for all file types, added, given another type, or deleted.</summary>
/// <param name="Pattern">As it stands, or will stand, in file_contexts.local.</param>
/// <param name="Type">The type it gives; null: the rule goes.</param>
/// <param name="Before">The context of the local rule with the same pattern; null: there is none yet.</param>
internal sealed record RuleEdit(string Pattern, string? Type, SecurityContext? Before)
{
    /// <summary>The line for semanage import.</summary>
    public string DoLine => (Type, Before) switch
    {
        (null, _) => Semanage.Delete(Pattern),
        (_, null) => Semanage.Add(Pattern, Type),
        _ => Semanage.Modify(Pattern, Type, Before.Range ?? "s0"),
    };

    /// <summary>The line that takes it back; a rule that went comes back with its type, range and user.</summary>
    public string UndoLine => (Type, Before) switch
    {
        (null, _) => Semanage.Add(Pattern, Before!),
        (_, null) => Semanage.Delete(Pattern),
        _ => Semanage.Modify(Pattern, Before.Type, Before.Range ?? "s0"),
    };

    /// <summary>Whether the host's rules are as this edit makes them, whoever made them so.</summary>
    public bool Holds(FileContexts contexts) => Type is null ? contexts.Local(Pattern) is null : contexts.Local(Pattern)?.Context?.Type == Type;

    /// <summary>Whether the host's rules have it as this edit makes it. A rule that was so before is nobody's to take back.</summary>
    public bool IsInPlace(FileContexts contexts) =>
        (Type is null || Before?.Type != Type) && Holds(contexts);
}

/// <summary>A path to be given the label the policy has for it.</summary>
/// <param name="Path">On the host.</param>
/// <param name="Before">Its label now; null where there is nothing to give back: the path is made by this run.</param>
/// <param name="Type">The type the policy will have for it.</param>
internal sealed record Relabel(string Path, SecurityContext? Before, string Type)
{
    /// <summary>Whether a label is the one this run gives; a running guest's categories are libvirt's.</summary>
    public bool IsInPlace(SecurityContext? now) => now is { HasCategories: false } && now.Type == Type && now != Before;
}

/// <summary>
/// All that one object the user named asks of the host: its own changes, what it adds to the host's one policy commit and one
/// relabel, and what cannot be undone and so comes last. Empty when the host is already as asked.
/// </summary>
/// <param name="Subject">The object, as messages name it.</param>
/// <param name="Own">Changes that are its own, in order.</param>
/// <param name="Rules">Its part of the policy commit.</param>
/// <param name="Labels">Its part of the relabel.</param>
internal sealed record ChangeSet(string Subject, IReadOnlyList<Change> Own, IReadOnlyList<RuleEdit> Rules, IReadOnlyList<Relabel> Labels)
{
    /// <summary>
    /// Its changes that cannot be undone, in order, made once everything else is seen to be in place. They have no undo; of such a change the check
    /// says: in place, or exited 1 or printed nothing: it has had no effect whatever; anything else, or no check: it may have.
    /// </summary>
    public IReadOnlyList<Change> Last { get; init; } = [];

    /// <summary>What no other run may have in hand at the same time: the object's name, its mount point, its path.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>The host is as asked.</summary>
    public bool IsEmpty => Own.Count == 0 && Rules.Count == 0 && Labels.Count == 0 && Last.Count == 0;

    /// <summary>One of its changes is complete only when systemd has read fstab again.</summary>
    public bool NeedsReload => Own.Any(change => change.NeedsReload);

    /// <summary>All of it in order; of a commit shared with other objects, this object's part.</summary>
    public IReadOnlyList<Change> AllChanges => [.. Own, .. HostCommit.Of([this]), .. Last];

    /// <summary>What making it loses for good, in words.</summary>
    public IReadOnlyList<string> Losses => [.. Own.Select(change => change.Loss).OfType<string>()];

    /// <summary>What will be run, line by line.</summary>
    public IReadOnlyList<string> CommandLines => [.. AllChanges.SelectMany(change => change.Do).Select(call => call.ToString())];
}
