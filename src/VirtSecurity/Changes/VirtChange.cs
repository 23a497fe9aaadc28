using VirtSecurity.Hosts;

namespace VirtSecurity.Changes;

/// <summary>What became of a run.</summary>
public enum VirtChangeState
{
    /// <summary>All of it was made and read back.</summary>
    Done,

    /// <summary>All of it was taken back, or nothing of it was begun.</summary>
    Undone,

    /// <summary>Part of it was taken back: an object that failed, or one that could not be undone whole.</summary>
    PartlyUndone,

    /// <summary>It was cut off, or is still at work.</summary>
    Unfinished,

    /// <summary>Its journal cannot be read to its end.</summary>
    Damaged,
}

/// <summary>One step of a run, with the command lines that make it and those that take it back.</summary>
public sealed record VirtChangeStep(string Subject, string Step, IReadOnlyList<string> CommandLine, IReadOnlyList<string> UndoLine)
{
    /// <summary>The step and its object.</summary>
    public override string ToString() => $"{Step} ({Subject})";
}

/// <summary>What was done to a host, when and by whom: one run of a cmdlet, as the host's own journal has it.</summary>
public sealed record VirtChange
{
    /// <summary>The host.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The run's name: when it began, and eight hex digits. Sorts by time.</summary>
    public required string Run { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTime Time { get; init; }

    /// <summary>The cmdlet; null: it cannot be read.</summary>
    public required string? Command { get; init; }

    /// <summary>Who ran it, as user@machine.</summary>
    public required string? User { get; init; }

    /// <summary>What became of it.</summary>
    public required VirtChangeState State { get; init; }

    /// <summary>Tools of it run on the host at this moment.</summary>
    public required bool IsWorking { get; init; }

    /// <summary>The objects it changed.</summary>
    public required IReadOnlyList<string> Subject { get; init; }

    /// <summary>Its steps, in order.</summary>
    public required IReadOnlyList<VirtChangeStep> Change { get; init; }

    /// <summary>What could not be taken back, as command lines that would do it.</summary>
    public required IReadOnlyList<string> NotUndone { get; init; }

    /// <summary>Steps that somebody else had taken away, or changed, before they were to be taken back.</summary>
    public required IReadOnlyList<string> NotInPlace { get; init; }

    /// <summary>Why its journal cannot be read to its end; null: it can.</summary>
    public required string? Problem { get; init; }

    /// <summary>The run.</summary>
    public override string ToString() => Run;

    internal static VirtChange From(VirtHost host, JournalRun run) => new()
    {
        VirtHost = host,
        Run = run.Run,
        Time = run.Time,
        Command = run.Command,
        User = run.User,
        State = StateOf(run),
        IsWorking = run.IsWorking,
        Subject = [.. run.Subjects.Select(subject => subject.Set.Subject)],
        Change = [.. run.Subjects.SelectMany(subject => subject.Set.AllChanges.Select(change => new VirtChangeStep(subject.Set.Subject, change.Step, Lines(change.Do), Lines(change.Undo))))],
        NotUndone = [.. run.Subjects.SelectMany(subject => subject.Left).Distinct()],
        NotInPlace = [.. run.Subjects.SelectMany(subject => subject.Gone.Select(step => $"{step} ({subject.Set.Subject})"))],
        Problem = run.Problem?.Message,
    };

    private static VirtChangeState StateOf(JournalRun run)
    {
        if (run.Problem is not null) return VirtChangeState.Damaged;
        if (run.IsUnfinished) return VirtChangeState.Unfinished;
        if (run.Subjects.All(subject => subject.State == SubjectState.Undone)) return VirtChangeState.Undone;
        return run.Subjects.All(subject => subject.State == SubjectState.Done) ? VirtChangeState.Done : VirtChangeState.PartlyUndone;
    }

    private static IReadOnlyList<string> Lines(IEnumerable<ToolCall> calls) => [.. calls.Select(call => call.ToString())];
}
