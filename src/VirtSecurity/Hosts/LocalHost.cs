using System.Runtime.InteropServices;
using CliWrap;

namespace VirtSecurity.Hosts;

/// <summary>
/// This machine. Each call is an exec with an argument array, no shell, in a process session of its own, with a clean
/// environment; tools come from the trusted directories only, never from the caller's PATH.
/// </summary>
internal sealed class LocalHost(VirtHost name, IHostLog log, string? change = null) : IHost
{
    private const int NotFoundCode = 127;

    // A process that .NET starts gets its arguments as UTF-8. Words with other bytes in them go through a shell's printf: escaped, as positional
    // parameters; the x keeps a last newline. No word is read as anything but data, and the tool takes the shell's place.
    private const string BytesScript = """
        n=$#
        while [ "$n" -gt 0 ]; do
          w=$(printf '%bx' "$1")
          set -- "$@" "${w%x}"
          shift
          n=$((n - 1))
        done
        exec "$@"
        """;

    private static readonly string[] TrustedDirectories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(SshScript.GraceSeconds);

    private static readonly Dictionary<string, string?> CleanEnvironment = new()
    {
        ["PATH"] = string.Join(':', TrustedDirectories),
        ["LC_ALL"] = "C",
        ["HOME"] = "/",
        ["LVM_SUPPRESS_FD_WARNINGS"] = "1",
    };

    /// <inheritdoc/>
    public VirtHost Name => name;

    /// <inheritdoc/>
    public IHostLog Log => log;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ToolResult>> RunAsync(IReadOnlyList<ToolCall> batch, BatchMode mode, CancellationToken stop)
    {
        log.Sending(name, batch);
        var results = new List<ToolResult>(batch.Count);
        var failed = false;
        foreach (var call in batch)
        {
            var result = stop.IsCancellationRequested || failed
                ? ToolResult.Of(call, ToolOutcome.NotRun)
                : await RunOneAsync(call, stop).ConfigureAwait(false);
            failed |= mode == BatchMode.StopAtFailure && !result.Succeeded;
            results.Add(result);
            log.Ended(name, result);
        }

        return results;
    }

    private async Task<ToolResult> RunOneAsync(ToolCall call, CancellationToken stop)
    {
        if (TrustedDirectories.Select(directory => Path.Combine(directory, call.Argv[0])).FirstOrDefault(File.Exists) is not { } tool)
            return ToolResult.Of(call, ToolOutcome.NotFound) with { ExitCode = NotFoundCode };

        log.Started(name, call);
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        using var interrupt = new CancellationTokenSource(call.TimeLimit);
        using var kill = new CancellationTokenSource();
        using var onLimit = interrupt.Token.Register(() => KillAfterGrace(call, kill));
        using var onStop = call.Stop == StopPolicy.Interrupt ? stop.Register(interrupt.Cancel) : default;

        var code = -1;
        try
        {
            var running = Cli.Wrap(Client.Setsid)
                .WithArguments(Arguments(tool, call))
                .WithEnvironmentVariables(OnlyClean())
                .WithWorkingDirectory("/")
                .WithStandardInputPipe(call.Stdin is null ? PipeSource.Null : PipeSource.FromBytes(call.Stdin))
                .WithStandardOutputPipe(PipeTarget.ToStream(output))
                .WithStandardErrorPipe(PipeTarget.ToStream(error))
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(kill.Token);
            using var onInterrupt = interrupt.Token.Register(() => Interrupt(running));
            code = (await running.ConfigureAwait(false)).ExitCode;
        }
        catch (OperationCanceledException)
        {
            // It had to be killed; the outcome below says why.
        }

        var outcome = code == 0 || !interrupt.IsCancellationRequested ? ToolOutcome.Exited
            : stop.IsCancellationRequested ? ToolOutcome.Stopped
            : ToolOutcome.TimedOut;
        return new ToolResult(call, outcome, code, output.ToArray(), error.ToArray());
    }

    private static IEnumerable<string> Arguments(string tool, ToolCall call)
    {
        string[] words = [tool, .. call.Argv.Skip(1)];
        return words.Any(HostText.HasBytes) ? ["/bin/sh", "-c", BytesScript.ReplaceLineEndings("\n"), call.Tool, .. words.Select(Escaped)] : words;
    }

    /// <summary>As printf's %b reads it.</summary>
    private static string Escaped(string word) => string.Concat(HostText.Encode(word).Select(value =>
        value is > 0x1f and < 0x7f and not (byte)'\\' ? ((char)value).ToString() : $"\\0{Convert.ToString(value, 8).PadLeft(3, '0')}"));

    /// <summary>
    /// SIGINT to the tool and all it started (its session is a process group too), as timeout(1) does over ssh. CliWrap's own
    /// interrupt reaches the first process only, and forgets the exit code of a tool that ended well all the same.
    /// </summary>
    private static void Interrupt(CommandTask<CommandResult> running)
    {
        const int sigint = 2;
        // Before setsid has made the group there is only the process.
        if (!running.Task.IsCompleted && Kill(-running.ProcessId, sigint) != 0) _ = Kill(running.ProcessId, sigint);
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);

    private static void KillAfterGrace(ToolCall call, CancellationTokenSource kill)
    {
        if (call.Stop == StopPolicy.Interrupt) kill.CancelAfter(Grace);
    }

    /// <summary>CliWrap adds to our own environment; what is not in the clean one is removed by a null.</summary>
    private Dictionary<string, string?> OnlyClean()
    {
        var variables = Environment.GetEnvironmentVariables().Keys.Cast<string>().ToDictionary(key => key, _ => (string?)null);
        foreach (var (key, value) in CleanEnvironment) variables[key] = value;
        if (change is not null) variables[SshScript.ChangeVariable] = change;
        return variables;
    }
}
