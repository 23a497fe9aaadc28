using System.Security.Cryptography;
using System.Text;
using CliWrap;
using VirtSecurity.Resources;

namespace VirtSecurity.Hosts;

/// <summary>
/// A host reached with the user's own ssh client: their configuration, keys, agent, known_hosts and jump hosts. A batch
/// is one <c>sh -s</c> over a multiplexed master that closes itself a minute after its last use. No host key is ever
/// accepted here: BatchMode makes ssh refuse an unknown one.
/// </summary>
internal sealed class SshHost(VirtHost name, IHostLog log, string? change = null) : IHost
{
    /// <summary>From ssh's start to the script's first word: as long as sshd itself gives a log-in (LoginGraceTime).</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan ReconnectLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public VirtHost Name => name;

    /// <inheritdoc/>
    public IHostLog Log => log;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ToolResult>> RunAsync(IReadOnlyList<ToolCall> batch, BatchMode mode, CancellationToken stop)
    {
        if (batch.Count == 0 || stop.IsCancellationRequested) return [.. batch.Select(call => ToolResult.Of(call, ToolOutcome.NotRun))];
        var results = await RunOnceAsync(batch, mode, stop).ConfigureAwait(false);
        var mayAskAgain = !stop.IsCancellationRequested && !batch.Any(call => call.Mutating);
        return mayAskAgain && results.Any(result => result.Outcome == ToolOutcome.Lost)
            ? await RunOnceAsync(batch, mode, stop).ConfigureAwait(false)
            : results;
    }

    private async Task<IReadOnlyList<ToolResult>> RunOnceAsync(IReadOnlyList<ToolCall> batch, BatchMode mode, CancellationToken stop)
    {
        log.Sending(name, batch);
        // Frames have a nonce of their own: the run's is in the tools' environment, and what a tool prints is never a frame.
        var (run, nonce) = (Nonce(), Nonce());
        using var abandon = new CancellationTokenSource(AnswerLimit);
        var frames = new FrameReader(nonce, batch, () => abandon.CancelAfter(Timeout.InfiniteTimeSpan), call => log.Started(name, call));
        var running = ShellAsync(SshScript.ForBatch(nonce, batch, mode), frames.ReadAsync, abandon.Token, run);

        Task? stopping = null;
        int code;
        byte[] error;
        await using (stop.Register(() => stopping = StopAsync(run, frames, running, abandon)).ConfigureAwait(false))
            (code, error) = await running.ConfigureAwait(false);
        if (stopping is not null) await stopping.ConfigureAwait(false);

        frames.TakeErrors(error);
        foreach (var result in frames.Results().Where(result => result.Outcome is not (ToolOutcome.Lost or ToolOutcome.NotRun))) log.Ended(name, result);
        if (frames.Complete) return Stopped(frames.Results(), stop);
        if (frames.Directory is null && !batch.Any(call => call.Mutating))
            throw stop.IsCancellationRequested ? new OperationCanceledException(stop) : Refusal(code, Words(error));

        // The connection broke after the batch may have begun: wait it out, then what ran is to be read, not assumed.
        await SettleAsync(run, frames.Directory).ConfigureAwait(false);
        return frames.Directory is null ? [.. batch.Select(call => ToolResult.Of(call, ToolOutcome.Lost))] : frames.Results();
    }

    /// <summary>A tool that ended while a stop was asked for was interrupted by us, unless it still reported success.</summary>
    private static IReadOnlyList<ToolResult> Stopped(IReadOnlyList<ToolResult> results, CancellationToken stop)
    {
        if (!stop.IsCancellationRequested) return results;
        var last = results.Count(result => result.Outcome != ToolOutcome.NotRun) - 1;
        return [.. results.Select((result, i) => i == last && result.Outcome == ToolOutcome.Exited && result.ExitCode != 0
            ? result with { Outcome = ToolOutcome.Stopped }
            : result)];
    }

    private async Task StopAsync(string run, FrameReader frames, Task running, CancellationTokenSource abandon)
    {
        // The log-in may still be under way; until the script has begun there is nothing on the host to stop.
        for (var waited = TimeSpan.Zero; frames.Directory is null && !running.IsCompleted && waited < StopPatience; waited += Tick)
            await Task.Delay(Tick).ConfigureAwait(false);

        if (running.IsCompleted) return;
        var interrupt = frames.Running?.Stop != StopPolicy.LetFinish;
        if (frames.Directory is { } directory)
        {
            using var limit = new CancellationTokenSource(StopPatience);
            await ShellAsync(SshScript.ForStop(run, directory), Drain, limit.Token).ConfigureAwait(false);
        }

        // A tool that is let finish takes the time it takes; one that was interrupted and a dead connection do not.
        if (interrupt && await Task.WhenAny(running, Task.Delay(StopPatience)).ConfigureAwait(false) != running)
            await abandon.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>After a lost connection: until nothing of the run is left on the host, nothing may be concluded or undone.</summary>
    private async Task SettleAsync(string run, string? directory)
    {
        var deadline = DateTime.UtcNow + ReconnectLimit;
        var words = "";
        while (DateTime.UtcNow < deadline)
        {
            using var limit = new CancellationTokenSource(ReconnectLimit);
            var (code, error) = await ShellAsync(SshScript.ForWait(run, directory), Drain, limit.Token).ConfigureAwait(false);
            if (code == 0) return;
            words = Words(error);
            await Task.Delay(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        }

        throw new VirtException("ConnectionLost", name, words.Length > 0 ? words : "a tool of this run was still running there");
    }

    private async Task<(int Code, byte[] Error)> ShellAsync(
        byte[] script, Func<Stream, CancellationToken, Task> read, CancellationToken abandon, string? run = null)
    {
        using var error = new MemoryStream();
        try
        {
            // setsid: a Ctrl+C in the terminal is for the cmdlet, which stops the remote tool first; ssh must outlive it.
            var result = await Cli.Wrap(Client.Setsid)
                .WithArguments(["--wait", Client.Ssh, .. Arguments(run)])
                .WithStandardInputPipe(PipeSource.FromBytes(script))
                .WithStandardOutputPipe(PipeTarget.Create(read))
                .WithStandardErrorPipe(PipeTarget.ToStream(error))
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(abandon).ConfigureAwait(false);
            return (result.ExitCode, error.ToArray());
        }
        catch (OperationCanceledException)
        {
            return (-1, "it did not answer, and the connection was given up"u8.ToArray());
        }
    }

    private static string Nonce() => "vs" + Convert.ToHexString(RandomNumberGenerator.GetBytes(12));

    private static string Words(byte[] error) => Encoding.UTF8.GetString(error).Trim();

    private static Task Drain(Stream stream, CancellationToken stop) => stream.CopyToAsync(Stream.Null, stop);

    private IEnumerable<string> Arguments(string? run)
    {
        if (name.ConfigFile is not null) yield return $"-F{name.ConfigFile}";
        if (name.KeyFile is not null) yield return $"-i{name.KeyFile}";
        if (name.User is not null) yield return $"-l{name.User}";
        if (name.Port is not null) yield return $"-p{name.Port}";
        string[] options =
        [
            "BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=5", "ServerAliveCountMax=3", "RequestTTY=no", "ForwardX11=no", "LogLevel=ERROR",
            "ControlMaster=auto", "ControlPersist=60", $"ControlPath={Client.ControlPath(name)}",
        ];
        foreach (var option in options) yield return "-o" + option;
        yield return "--";
        yield return name.Name.Trim('[', ']');
        if (name.Sudo) yield return "sudo -n --";
        var variables = run is null ? "" : $" {SshScript.RunVariable}={run}" + (change is null ? "" : $" {SshScript.ChangeVariable}={change}");
        yield return $"env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/ LVM_SUPPRESS_FD_WARNINGS=1{variables} sh -s";
    }

    /// <summary>No frame came: the host was not reached, or gave us no shell. ssh's own words decide which.</summary>
    private VirtException Refusal(int code, string words)
    {
        var id = code == 255 ? Client.RefusalId(words)
            : name.Sudo && words.Contains("sudo", StringComparison.Ordinal) ? "SudoRefused"
            : "NoShell";
        return new VirtException(id, name, words.Length > 0 ? words : $"exit code {code}");
    }
}
