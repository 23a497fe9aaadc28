using CliWrap;

namespace VirtSecurity.Lab;

/// <summary>
/// A real Debian 12 host with SELinux enforcing, LVM and libvirt, or a Xen dom0, running under QEMU. In it: volume group `volumegroup` on
/// /dev/vdb (16 GB, empty), /dev/vdc (4 GB, all zero), users admin (no rights) and operator (sudo without a password).
/// Everything is lost at <see cref="ResetAsync"/>. The machine has no network but the ssh that comes in.
/// Not for use from several threads at a time, but <see cref="RunAsync"/> and <see cref="CheckAsync"/> may run side by side.
/// </summary>
public sealed class LabMachine : IAsyncDisposable
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(10);

    private readonly LabCache _cache;
    private readonly LabFlavour _flavour;
    private readonly LabLock? _lock;
    private readonly QemuMachine _qemu;
    private readonly LabDisks _disks;
    private readonly SshChannel _ssh;
    private readonly IProgress<string>? _progress;
    private int _port;
    private bool _leaveRunning;

    private LabMachine(LabCache cache, LabLock? held, LabFlavour flavour, QemuMachine qemu, LabDisks disks, int port, IProgress<string>? progress)
    {
        _flavour = flavour;
        _cache = cache;
        _lock = held;
        _qemu = qemu;
        _disks = disks;
        _port = port;
        _progress = progress;
        _ssh = new SshChannel(cache.SshConfig);
    }

    /// <summary>
    /// For `ssh -F`, with the hosts virtlab (root), virtlab-admin and virtlab-operator. It stays valid over reset, reboot and
    /// power cut; its port is another one at the next start.
    /// </summary>
    public string SshConfigPath => _cache.SshConfig;

    /// <summary>The machine as a value for a cmdlet's -VirtHost.</summary>
    public string VirtHost => $"ssh://virtlab?config={SshConfigPath}";

    /// <summary>QEMU's record of the machine's serial console, for the diagnosis of a boot that fails.</summary>
    public string SerialLogPath => QemuMachine.SerialLog(_cache);

    /// <summary>
    /// A machine in the state `ready`. Waits for the lab's lock; installs missing packages, builds the image and boots it once
    /// where that has not been done (together about 5 minutes, root only); otherwise a few seconds. A machine that `up` or a
    /// killed run left behind is stopped first. Throws <see cref="LabException"/> naming what is missing.
    /// </summary>
    /// <param name="flavour">How it is booted.</param>
    /// <param name="progress">Told of the long steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <param name="place">0, or 1 for a second machine beside the first; each place has a lock of its own.</param>
    public static async Task<LabMachine> StartAsync(LabFlavour flavour, IProgress<string>? progress, CancellationToken ct, int place = 0)
    {
        ArgumentNullException.ThrowIfNull(flavour);
        var cache = LabCache.FromEnvironment(place);
        var held = await LabLock.TakeAsync(cache, cache.LockFile, progress, ct).ConfigureAwait(false);
        try
        {
            if (QemuMachine.RunningPid(cache) is { } pid)
            {
                progress?.Report($"stopping the lab machine left running (process {pid})");
                await QemuMachine.QuitAsync(cache, ct).ConfigureAwait(false);
            }

            var (image, disks) = await PrepareAsync(cache, flavour, progress, ct).ConfigureAwait(false);
            File.Delete(QemuMachine.SerialLog(cache));
            var machine = new LabMachine(cache, held, flavour, new QemuMachine(cache, flavour, image, disks), disks, QemuMachine.FreePort(), progress);
            try
            {
                await disks.RepairAsync(ct).ConfigureAwait(false);
                await LabStep.RunAsync(progress, "restoring the machine", () => machine.ResetAsync(ct)).ConfigureAwait(false);
                return machine;
            }
            catch
            {
                await machine.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static async Task<(LabImage Image, LabDisks Disks)> PrepareAsync(LabCache cache, LabFlavour flavour, IProgress<string>? progress, CancellationToken ct)
    {
        using var building = await LabLock.TakeAsync(cache, cache.BuildLockFile, progress, ct).ConfigureAwait(false);
        await cache.RemoveUnfinishedAsync(ct).ConfigureAwait(false);
        await HostPackages.EnsureForRunAsync(progress, ct).ConfigureAwait(false);
        var image = await ImageBuilder.EnsureAsync(cache, progress, ct).ConfigureAwait(false);
        var ready = await ReadyBuilder.EnsureAsync(cache, flavour, image, progress, ct).ConfigureAwait(false);
        return (image, await ready.AtAsync(cache.Place, ct).ConfigureAwait(false));
    }

    /// <summary>Prepares image and snapshot without leaving a machine running.</summary>
    public static async Task BuildAsync(LabFlavour flavour, IProgress<string>? progress, CancellationToken ct)
    {
        var machine = await StartAsync(flavour, progress, ct).ConfigureAwait(false);
        await machine.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// The machine that `up` left running, or null where none runs. With <paramref name="exclusive"/> the lock is taken, and
    /// waited for; without it the machine may belong to a test run, which is good for looking, not for changing.
    /// Disposing an attached machine leaves it running.
    /// </summary>
    public static async Task<LabMachine?> AttachAsync(LabFlavour flavour, bool exclusive, IProgress<string>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(flavour);
        var cache = LabCache.FromEnvironment();
        var held = exclusive ? await LabLock.TakeAsync(cache, cache.LockFile, progress, ct).ConfigureAwait(false) : null;
        try
        {
            if (QemuMachine.RunningPid(cache) is null)
            {
                held?.Dispose();
                return null;
            }

            var image = ImageBuilder.Locate(cache);
            var disks = (await ReadyBuilder.LocateAsync(flavour, image, ct).ConfigureAwait(false)).At(cache.Place);
            return new LabMachine(cache, held, flavour, new QemuMachine(cache, flavour, image, disks), disks, SshConfigFile.ReadPort(cache.SshConfig), progress) { _leaveRunning = true };
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    /// <summary>Ends the machine that runs, whoever started it, after waiting for the lock.</summary>
    public static async Task StopRunningAsync(IProgress<string>? progress, CancellationToken ct)
    {
        var cache = LabCache.FromEnvironment();
        using var held = await LabLock.TakeAsync(cache, cache.LockFile, progress, ct).ConfigureAwait(false);
        await QemuMachine.QuitAsync(cache, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Back to `ready`: memory and disks, about 4 s (of Xen 10) and one ssh connection. The clock is set to the host's. Every ssh
    /// connection made before is dead, also a test's own master. Works on a machine that was ended or powered off as well.
    /// </summary>
    public async Task ResetAsync(CancellationToken ct = default)
    {
        await _ssh.CloseAsync().ConfigureAwait(false);
        // Xen does not always bear that its timers go back under it: dom0 then stands still for minutes. In a new QEMU they do not.
        if (_qemu.IsRunning && _flavour == LabFlavour.Xen) await QemuMachine.QuitAsync(_cache, ct).ConfigureAwait(false);
        if (_qemu.IsRunning)
            await _qemu.LoadAsync(ct).ConfigureAwait(false);
        else
            await StartQemuAsync(fromSnapshot: true, ct).ConfigureAwait(false);
        // The restored machine believes that it is still the moment of the snapshot.
        await CheckAsync("date -s @" + DateTimeOffset.UtcNow.ToUnixTimeSeconds(), TimeSpan.FromMinutes(2), ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Runs a bash script as root, given to `bash -s` on standard input: a program in it that reads standard input needs
    /// &lt;/dev/null. Default limit 5 minutes, enforced inside the machine. Throws <see cref="LabException"/> only when the time
    /// is over or the connection breaks.
    /// </summary>
    public Task<LabResult> RunAsync(string bashScript, TimeSpan? timeout = null, CancellationToken ct = default) =>
        _ssh.RunAsync(bashScript, timeout ?? DefaultTimeout, ct);

    /// <summary>As <see cref="RunAsync"/>, and throws <see cref="LabException"/> with both streams when the exit code is not 0.</summary>
    public async Task<LabResult> CheckAsync(string bashScript, TimeSpan? timeout = null, CancellationToken ct = default)
    {
        var result = await RunAsync(bashScript, timeout, ct).ConfigureAwait(false);
        return result.ExitCode == 0
            ? result
            : throw new LabException($"A script in the machine ended with {result.ExitCode}:\n{bashScript}\nstdout:\n{result.Stdout}\nstderr:\n{result.Stderr}");
    }

    /// <summary>
    /// Copies a file to the path, or a folder's content into the path; parents are made, modes kept, owner is root, the
    /// SELinux type is what the parent directory gives.
    /// </summary>
    public async Task CopyToAsync(string localPath, string remotePath, CancellationToken ct = default)
    {
        var target = Quote(remotePath);
        PipeSource input;
        string command;
        if (Directory.Exists(localPath))
        {
            input = PipeSource.FromCommand(Tool.Command("tar", "-C", localPath, "-cf", "-", ".").WithValidation(CommandResultValidation.ZeroExitCode));
            command = $"mkdir -p {target} && tar -C {target} --no-same-owner -xpf -";
        }
        else if (File.Exists(localPath))
        {
            var mode = Convert.ToString((int)File.GetUnixFileMode(localPath), 8);
            input = PipeSource.FromFile(localPath);
            command = $"mkdir -p \"$(dirname {target})\" && cat > {target} && chmod {mode} {target}";
        }
        else
        {
            throw new LabException($"There is no {localPath} to copy into the machine.");
        }

        var result = await _ssh.PipeAsync(input, command, TimeSpan.FromMinutes(10), ct).ConfigureAwait(false);
        if (result.ExitCode != 0)
            throw new LabException($"Copying {localPath} to {remotePath} in the machine ended with {result.ExitCode}: {result.Stderr}");
    }

    /// <summary>Clean reboot from inside, 60 to 120 s; returns when systemd has finished starting.</summary>
    public async Task RebootAsync(CancellationToken ct = default)
    {
        var before = (await CheckAsync("cat /proc/sys/kernel/random/boot_id", null, ct).ConfigureAwait(false)).Stdout.Trim();
        // In the background and a moment later: the answer to this command must get out before sshd goes.
        await CheckAsync("systemd-run --quiet --on-active=1 systemctl reboot < /dev/null", null, ct).ConfigureAwait(false);
        await _ssh.CloseAsync().ConfigureAwait(false);
        await LabStep.RunAsync(_progress, "rebooting", () => _ssh.WaitAsync(before, BootLimit, ct)).ConfigureAwait(false);
    }

    /// <summary>QEMU is killed, and the machine boots again from its disks as they are; returns when systemd has finished starting.</summary>
    public async Task PowerCutAsync(CancellationToken ct = default)
    {
        await QemuMachine.KillAsync(_cache, ct).ConfigureAwait(false);
        await _ssh.CloseAsync().ConfigureAwait(false);
        await _disks.RepairAsync(ct).ConfigureAwait(false);
        await StartQemuAsync(fromSnapshot: false, ct).ConfigureAwait(false);
        await LabStep.RunAsync(_progress, "booting after a power cut", () => _ssh.WaitAsync(null, BootLimit, ct)).ConfigureAwait(false);
    }

    /// <summary>Ends QEMU; the lock is kept, and <see cref="ResetAsync"/> starts it again.</summary>
    public async Task StopAsync()
    {
        await _ssh.CloseAsync().ConfigureAwait(false);
        await QemuMachine.QuitAsync(_cache, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Lets the machine run on after <see cref="DisposeAsync"/>, for the next to attach to.</summary>
    public void LeaveRunning() => _leaveRunning = true;

    /// <summary>Stops QEMU, unless it is to be left running, and gives the lock free.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_leaveRunning)
                await StopAsync().ConfigureAwait(false);
            await _ssh.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _lock?.Dispose();
        }
    }

    private async Task StartQemuAsync(bool fromSnapshot, CancellationToken ct)
    {
        const int tries = 3;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _qemu.StartAsync(_port, fromSnapshot, ct).ConfigureAwait(false);
                return;
            }
            catch (LabException e) when (attempt < tries && e.Message.Contains("Could not set up host forwarding", StringComparison.Ordinal))
            {
                // Another program took the port between our look and QEMU's.
                _port = QemuMachine.FreePort();
            }
        }
    }

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
