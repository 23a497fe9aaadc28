namespace VirtSecurity.Changes;

/// <summary>Why an object's changes were not made, and what became of those that were.</summary>
/// <param name="Id">The error's id.</param>
/// <param name="Step">The step that failed.</param>
/// <param name="Words">The tool's own words.</param>
internal sealed record RunFailure(string Id, string Step, string Words)
{
    /// <summary>Steps taken back and seen to be gone, in the order they were undone.</summary>
    public IReadOnlyList<string> Undone { get; init; } = [];

    /// <summary>What could not be taken back, as command lines that would do it.</summary>
    public IReadOnlyList<string> NotUndone { get; init; } = [];

    /// <summary>What is gone for good, in words.</summary>
    public IReadOnlyList<string> Lost { get; init; } = [];

    /// <summary>A change that cannot be undone may have been made, so nothing was taken back.</summary>
    public bool IsFinal { get; init; }

    /// <summary>What is left to do of a final one, as command lines that finish it.</summary>
    public IReadOnlyList<string> ToFinish { get; init; } = [];
}

/// <summary>What became of one object's changes; no failure: all made and read back.</summary>
internal sealed record RunOutcome(ChangeSet Changes, RunFailure? Failure);
