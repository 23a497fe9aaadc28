using VirtSecurity.Hosts;

namespace VirtSecurity.Changes;

/// <summary>One step of a change to a host, all of it data: it is printed, journalled and run from the same record.</summary>
/// <param name="Step">What it is called in messages.</param>
/// <param name="Do">The calls that make it, in order.</param>
/// <param name="Check">
/// Exits 0 and prints something exactly while the change is in place and is what this run made. Null: the change goes
/// with an earlier one, its undo can be run in any state, and so can the change itself.
/// </param>
/// <param name="Undo">The calls that take it back; none: it goes with an earlier change.</param>
internal sealed record Change(string Step, IReadOnlyList<ToolCall> Do, ToolCall? Check, IReadOnlyList<ToolCall> Undo)
{
    /// <summary>What is gone for good once this change has begun, in words for the user; null: nothing is.</summary>
    public string? Loss { get; init; }

    /// <summary>systemd has to read fstab again after it; that is done once for all objects of a run, in <see cref="HostCommit"/>.</summary>
    public bool NeedsReload { get; init; }

    /// <summary>The name of the call that asks whether something is gone.</summary>
    public const string GoneName = "is-gone";

    /// <summary>The check of a change that takes something away: prints something exactly while the question about that thing has no answer.</summary>
    public static ToolCall Gone(ToolCall check) => ToolCall.Script(
        GoneName, """o=$("$@"); case $? in 0) if [ -z "$o" ]; then echo gone; fi;; 1) echo gone;; *) exit 2;; esac""", check.Argv) with
    { Stdin = check.Stdin };

    /// <summary>
    /// The name of a later step of the same object that hides this change from its check, as a mount hides the directory under it: while
    /// that one is in place, so is this one. Null: the check always sees it.
    /// </summary>
    public string? HiddenBy { get; init; }

    /// <summary>
    /// What a check says: in place, or not (it printed nothing, or exited 1 as grep and findmnt do where nothing
    /// matches). Null: it could not tell, which is never read as "not there".
    /// </summary>
    public static bool? IsInPlace(ToolResult check) => check switch
    {
        { Outcome: ToolOutcome.Exited, ExitCode: 0 } => check.Stdout.Trim().Length > 0,
        { Outcome: ToolOutcome.Exited, ExitCode: 1 } => false,
        _ => null,
    };

    /// <summary>Whether the change at a place is in place, by its own check, or by that of a later step: the one that hides it or, of a change that has no check, any.</summary>
    /// <param name="changes">An object's changes, in order.</param>
    /// <param name="seen">What each one's own check says.</param>
    /// <param name="place">Which of them.</param>
    public static bool? IsInPlace(IReadOnlyList<Change> changes, IReadOnlyList<bool?> seen, int place)
    {
        bool Tells(Change later) => changes[place].Check is null || later.Step == changes[place].HiddenBy;
        return seen[place] is not true && Enumerable.Range(place + 1, changes.Count - place - 1).Any(i => Tells(changes[i]) && IsInPlace(changes, seen, i) is true) ? true : seen[place];
    }
}
