namespace VirtSecurity.Tests.Domain.Model;

/// <summary>What may become of one call that changes the host.</summary>
public enum FaultKind
{
    /// <summary>The tool fails and has done nothing.</summary>
    FailsDoingNothing,

    /// <summary>The tool fails although it has done its work.</summary>
    FailsHavingDone,

    /// <summary>The tool is not there.</summary>
    Missing,

    /// <summary>Its time was up before it did anything.</summary>
    TimesOutDoingNothing,

    /// <summary>Its time was up when it had done its work.</summary>
    TimesOutHavingDone,

    /// <summary>The connection broke before it did anything; the host answers again.</summary>
    LostDoingNothing,

    /// <summary>The connection broke when it had done its work; the host answers again.</summary>
    LostHavingDone,

    /// <summary>The connection broke, and the host went through the whole batch before it noticed; it answers again.</summary>
    LostWhileTheRestRan,

    /// <summary>The host is gone from then on; the call did nothing.</summary>
    UnreachableDoingNothing,

    /// <summary>The host is gone from then on; the call did its work.</summary>
    UnreachableHavingDone,

    /// <summary>The user stops the run: an interruptible tool ends having done nothing, another is let finish.</summary>
    StoppedDoingNothing,

    /// <summary>The user stops the run: the tool ends by the interrupt, having done its work.</summary>
    StoppedHavingDone,

    /// <summary>The user stops the run as the tool reports success.</summary>
    StoppedAsItEnded,

    /// <summary>From then on no journal line can be written.</summary>
    DiskFull,

    /// <summary>semanage import makes half of its edits and fails.</summary>
    ImportsInPart,

    /// <summary>The tool reports success and has done nothing.</summary>
    ClaimsHavingDone,
}
