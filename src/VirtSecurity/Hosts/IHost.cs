namespace VirtSecurity.Hosts;

/// <summary>Whether a batch goes on after a call that did not succeed.</summary>
internal enum BatchMode
{
    /// <summary>Every call is run: questions.</summary>
    RunAll,

    /// <summary>The calls after the first that fails are not run: changes.</summary>
    StopAtFailure,
}

/// <summary>A host that runs calls.</summary>
internal interface IHost
{
    /// <summary>Which host this is.</summary>
    VirtHost Name { get; }

    /// <summary>Where it tells what it does.</summary>
    IHostLog Log { get; }

    /// <summary>
    /// Runs the calls in order and returns one result a call, in that order. What a tool did is never an exception;
    /// a stop ends the running call as its policy says and leaves the rest <see cref="ToolOutcome.NotRun"/>.
    /// </summary>
    /// <exception cref="Resources.VirtException">The host could not be reached or refuses us; nothing was run.</exception>
    Task<IReadOnlyList<ToolResult>> RunAsync(IReadOnlyList<ToolCall> batch, BatchMode mode, CancellationToken stop);
}

/// <summary>What a host tells while it works: for the verbose and debug streams, and for progress.</summary>
internal interface IHostLog
{
    /// <summary>The calls about to be sent.</summary>
    void Sending(VirtHost host, IReadOnlyList<ToolCall> batch);

    /// <summary>A call that has just begun, for progress.</summary>
    void Started(VirtHost host, ToolCall call);

    /// <summary>A call's result, with its raw output.</summary>
    void Ended(VirtHost host, ToolResult result);

    /// <summary>A warning for the user: the name of its message, and its arguments after the host.</summary>
    void Warn(VirtHost host, string id, params object?[] arguments);
}
