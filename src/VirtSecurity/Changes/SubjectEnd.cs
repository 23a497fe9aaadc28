namespace VirtSecurity.Changes;

/// <summary>What became of one object of a run.</summary>
internal enum SubjectState
{
    /// <summary>Announced, and not settled: what of it was made is not known until it is looked at.</summary>
    Begun,

    /// <summary>It was being taken back, and that was not settled.</summary>
    Undoing,

    /// <summary>Made, and read back.</summary>
    Done,

    /// <summary>Taken back.</summary>
    Undone,

    /// <summary>Taken back in part.</summary>
    NotUndone,

    /// <summary>Made in part, where a change that cannot be undone may have begun: it can be finished only.</summary>
    NotFinished,
}

/// <summary>How a run, or the undoing of it, ended for one object.</summary>
/// <param name="Subject">The object.</param>
/// <param name="State">Done, Undone, NotUndone or NotFinished.</param>
/// <param name="Left">What could not be taken back, or is left to do, as command lines.</param>
/// <param name="Gone">Steps that were no longer in place when they were to be taken back.</param>
internal sealed record SubjectEnd(string Subject, SubjectState State, IReadOnlyList<string> Left, IReadOnlyList<string> Gone);
