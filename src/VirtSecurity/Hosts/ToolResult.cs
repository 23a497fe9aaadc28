namespace VirtSecurity.Hosts;

/// <summary>How a call ended.</summary>
internal enum ToolOutcome
{
    /// <summary>It ran to its end; the exit code counts.</summary>
    Exited,

    /// <summary>The host has no such tool in its trusted directories; nothing ran.</summary>
    NotFound,

    /// <summary>It was interrupted because its time was up.</summary>
    TimedOut,

    /// <summary>It was interrupted because the user stopped the run.</summary>
    Stopped,

    /// <summary>It was not run: an earlier call failed, or the run was stopped.</summary>
    NotRun,

    /// <summary>The connection was lost while it ran; it is gone now, but what it did is unknown until read.</summary>
    Lost,
}

/// <summary>What became of one call. Output is bytes: paths and labels need not be UTF-8.</summary>
internal sealed record ToolResult(ToolCall Call, ToolOutcome Outcome, int ExitCode, byte[] StdoutBytes, byte[] StderrBytes)
{
    /// <summary>It ran to its end and reported success.</summary>
    public bool Succeeded => Outcome == ToolOutcome.Exited && ExitCode == 0;

    /// <summary>It was started, so it may have changed something.</summary>
    public bool Started => Outcome is not (ToolOutcome.NotRun or ToolOutcome.NotFound);

    /// <summary>Standard output, as <see cref="HostText"/>.</summary>
    public string Stdout => HostText.Decode(StdoutBytes);

    /// <summary>Standard error, as <see cref="HostText"/>, trimmed.</summary>
    public string Stderr => HostText.Decode(StderrBytes).Trim();

    /// <summary>A result without output.</summary>
    public static ToolResult Of(ToolCall call, ToolOutcome outcome) => new(call, outcome, -1, [], []);
}
