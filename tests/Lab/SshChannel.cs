using System.Diagnostics;
using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;

namespace VirtSecurity.Lab;

/// <summary>
/// Commands in the machine as root, over one ssh connection kept open: the first costs seconds under emulation, each further
/// one a quarter of a second.
/// </summary>
internal sealed class SshChannel(string configPath) : IAsyncDisposable
{
    // Not in the cache: a control socket's path is limited to 108 bytes, and ssh adds to it.
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("virtlab-");

    private string ControlPath => Path.Combine(_folder.FullName, "master");

    /// <summary>
    /// Waits until ssh answers and the machine is not the one with <paramref name="otherThanBoot"/> (null: any), then until
    /// systemd has finished starting. Returns the boot id. Throws <see cref="LabException"/> when the limit passes.
    /// </summary>
    public async Task<string> WaitAsync(string? otherThanBoot, TimeSpan limit, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var last = "";
        while (clock.Elapsed < limit)
        {
            // A connection of its own with a short limit: while the guest boots, QEMU accepts and nobody answers.
            var probe = await Tool.TryAsync("ssh", ["-F", configPath, "-o", "ConnectTimeout=10", "-o", "ControlPath=none",
                SshConfigFile.RootHost, "cat /proc/sys/kernel/random/boot_id; systemctl is-system-running --wait"], ct).ConfigureAwait(false);
            var lines = probe.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines is [var boot, "running" or "degraded"] && boot != otherThanBoot)
                return boot;
            last = (probe.Stdout + probe.Stderr).Trim();
            await Task.Delay(500, ct).ConfigureAwait(false);
        }

        throw new LabException($"The machine did not answer by ssh within {limit.TotalSeconds:0} s. Last answer: {last}");
    }

    /// <summary>Opens the shared connection where there is none.</summary>
    public async Task OpenAsync(CancellationToken ct)
    {
        if (File.Exists(ControlPath))
            return;
        await Tool.RunAsync("ssh", ["-F", configPath, "-o", "ControlMaster=yes", "-o", "ControlPath=" + ControlPath,
            "-N", "-f", SshConfigFile.RootHost], ct).ConfigureAwait(false);
    }

    /// <summary>Drops the shared connection; needed before the machine is replaced behind its back.</summary>
    public async Task CloseAsync()
    {
        if (!File.Exists(ControlPath))
            return;
        await Tool.TryAsync("ssh", ["-F", configPath, "-o", "ControlPath=" + ControlPath, "-O", "exit", SshConfigFile.RootHost], CancellationToken.None).ConfigureAwait(false);
        File.Delete(ControlPath);
    }

    /// <summary>Runs a bash script given on standard input. Throws <see cref="LabException"/> when the time is over or the connection breaks.</summary>
    public async Task<LabResult> RunAsync(string script, TimeSpan timeout, CancellationToken ct)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(timeout.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var clock = Stopwatch.StartNew();
        // timeout runs in the machine: ending the ssh client would leave the script running there.
        var result = await PipeAsync(PipeSource.FromString(script), $"timeout -k 5 {seconds} bash -s", timeout + TimeSpan.FromSeconds(30), ct).ConfigureAwait(false);
        if (result.ExitCode is 124 or 137 && clock.Elapsed >= timeout)
            throw new LabException($"A script in the machine did not end within {seconds} s:\n{script}\n{result.Stdout}{result.Stderr}");
        return result;
    }

    /// <summary>Runs a command with the given standard input. Throws <see cref="LabException"/> when the connection breaks or the limit passes.</summary>
    public async Task<LabResult> PipeAsync(PipeSource input, string command, TimeSpan limit, CancellationToken ct)
    {
        await OpenAsync(ct).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        stop.CancelAfter(limit);
        BufferedCommandResult result;
        try
        {
            result = await Tool.Command("ssh", "-F", configPath, "-o", "ControlPath=" + ControlPath, SshConfigFile.RootHost, command)
                .WithStandardInputPipe(input)
                .ExecuteBufferedAsync(Encoding.UTF8, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new LabException($"The machine did not finish `{command}` within {limit.TotalSeconds:0} s.", e);
        }

        // 255 is ssh's own failure, and may be the command's: a master that is gone tells them apart.
        if (result.ExitCode == 255 && !await IsOpenAsync(ct).ConfigureAwait(false))
        {
            File.Delete(ControlPath);
            throw new LabException($"The connection to the machine broke during `{command}`: {result.StandardError.Trim()}");
        }

        return new LabResult(result.ExitCode, result.StandardOutput, result.StandardError);
    }

    private async Task<bool> IsOpenAsync(CancellationToken ct) =>
        File.Exists(ControlPath)
        && (await Tool.TryAsync("ssh", ["-F", configPath, "-o", "ControlPath=" + ControlPath, "-O", "check", SshConfigFile.RootHost], ct).ConfigureAwait(false)).ExitCode == 0;

    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _folder.Delete(recursive: true);
    }
}
