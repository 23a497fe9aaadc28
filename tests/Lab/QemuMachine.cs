using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace VirtSecurity.Lab;

/// <summary>
/// The QEMU process, found by its pid file: it is started with -daemonize, so that it outlives the program that started it
/// and can be taken over by the next.
/// </summary>
internal sealed class QemuMachine(LabCache cache, LabFlavour flavour, LabImage image, LabDisks disks)
{
    public const string Snapshot = "ready";

    private string PidFile => Path.Combine(cache.RunFolder, "qemu.pid");

    private string Socket => Path.Combine(cache.RunFolder, "qmp.sock");

    public static string SerialLog(LabCache cache) => Path.Combine(cache.RunFolder, "serial.log");

    /// <summary>$VIRTSECURITY_LAB_ACCEL: kvm, or tcg (default), because /dev/kvm may exist and still hang the kernel.</summary>
    public static string Accelerator =>
        Environment.GetEnvironmentVariable("VIRTSECURITY_LAB_ACCEL") switch
        {
            null or "" or "tcg" => "tcg,thread=multi",
            "kvm" => "kvm",
            var other => throw new LabException($"VIRTSECURITY_LAB_ACCEL is '{other}'; it can be tcg or kvm."),
        };

    /// <summary>What a snapshot depends on: one made under other arguments or by another QEMU does not load.</summary>
    public static async Task<string> KeyAsync(LabFlavour flavour, CancellationToken ct)
    {
        var version = await Tool.RunAsync("qemu-system-x86_64", ["--version"], ct).ConfigureAwait(false);
        var nowhere = new QemuMachine(new LabCache("/"), flavour, new LabImage("/"), new LabDisks("/"));
        return LabCache.Key([version, .. nowhere.Arguments(0)]);
    }

    /// <summary>The process id, or null where no machine of this cache runs.</summary>
    public static int? RunningPid(LabCache cache)
    {
        var pidFile = Path.Combine(cache.RunFolder, "qemu.pid");
        try
        {
            var pid = int.Parse(File.ReadAllText(pidFile).Trim(), CultureInfo.InvariantCulture);
            // Process ids are used again: only a QEMU that was given our pid file is ours. A dead one not yet reaped has no command line.
            return File.ReadAllText($"/proc/{pid}/cmdline").Contains(pidFile, StringComparison.Ordinal) ? pid : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    /// <summary>A port of 127.0.0.1 that was free just now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public bool IsRunning => RunningPid(cache) is not null;

    /// <summary>
    /// Starts QEMU and returns when it runs: cold from the disks, or from the snapshot. ssh of the machine is on 127.0.0.1:port.
    /// Throws <see cref="LabException"/> with QEMU's words when it does not start or the snapshot does not load.
    /// </summary>
    public async Task StartAsync(int port, bool fromSnapshot, CancellationToken ct)
    {
        if (Socket.Length > QmpClient.LongestSocketPath)
            throw new LabException($"The cache's path is too long for a socket in it: {Socket}. Set VIRTSECURITY_LAB_CACHE to a shorter one.");
        File.Delete(Socket);
        File.Delete(PidFile);
        SshConfigFile.Write(cache.SshConfig, image, port);
        string[] load = fromSnapshot ? ["-loadvm", Snapshot] : [];
        await Tool.RunAsync("qemu-system-x86_64", [.. Arguments(port), .. load], ct).ConfigureAwait(false);
    }

    /// <summary>Stores the running machine, memory and disks, as `ready`.</summary>
    public Task SaveAsync(CancellationToken ct) => SnapshotAsync("savevm", ct);

    /// <summary>Brings the running machine back to `ready`, disks included.</summary>
    public Task LoadAsync(CancellationToken ct) => SnapshotAsync("loadvm", ct);

    /// <summary>Ends QEMU in order; the guest sees nothing of it. Nothing happens when none runs.</summary>
    public static async Task QuitAsync(LabCache cache, CancellationToken ct)
    {
        if (RunningPid(cache) is not { } pid)
            return;
        try
        {
            await QmpClient.QuitAsync(Path.Combine(cache.RunFolder, "qmp.sock"), ct).ConfigureAwait(false);
            await WaitForEndAsync(pid, TimeSpan.FromSeconds(20), ct).ConfigureAwait(false);
        }
        catch (LabException)
        {
            await KillAsync(cache, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Ends QEMU at once, as a power cut does: what the guest had not synced is lost.</summary>
    public static async Task KillAsync(LabCache cache, CancellationToken ct)
    {
        if (RunningPid(cache) is not { } pid)
            return;
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // Gone in between.
        }

        await WaitForEndAsync(pid, TimeSpan.FromSeconds(30), ct).ConfigureAwait(false);
    }

    private static async Task WaitForEndAsync(int pid, TimeSpan limit, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (!HasEnded(pid))
        {
            if (clock.Elapsed > limit)
                throw new LabException($"QEMU (process {pid}) does not end.");
            await Task.Delay(20, ct).ConfigureAwait(false);
        }
    }

    // A dying process holds its files, and with them the locks of its disks, until its last thread is gone; the command line
    // that RunningPid looks at is gone before. Where nobody reaps it, it stays as a zombie, which holds nothing.
    private static bool HasEnded(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X' && Directory.GetDirectories($"/proc/{pid}/task").Length <= 1;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private async Task SnapshotAsync(string verb, CancellationToken ct)
    {
        var said = await QmpClient.HumanAsync(Socket, $"{verb} {Snapshot}", ct).ConfigureAwait(false);
        if (said.Length > 0)
            throw new LabException($"{verb} {Snapshot}: {said.Trim()}");
    }

    private string[] Arguments(int port)
    {
        var accelerator = Accelerator;
        return
        [
            "-name", "virtsecurity-lab-" + flavour.Name, "-nodefaults", "-display", "none",
            "-accel", accelerator, "-cpu", accelerator == "kvm" ? "host" : flavour.Cpu,
            "-smp", "2", "-m", flavour.MemoryMiB.ToString(CultureInfo.InvariantCulture),
            "-kernel", Boot(flavour.Kernel), "-initrd", Boot(flavour.Initrd), "-append", flavour.Append,
            .. LabDisks.Names.SelectMany(Disk),
            // restrict: the machine reaches nothing, only ssh comes in. No boot ROM: it would need one more package.
            "-netdev", $"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22",
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-device", "virtio-rng-pci",
            "-chardev", $"file,id=serial,path={SerialLog(cache)},append=on", "-serial", "chardev:serial",
            "-qmp", $"unix:{Socket},server=on,wait=off",
            "-pidfile", PidFile, "-daemonize",
        ];
    }

    private string Boot(string template) => template.Replace("{boot}", image.BootFolder, StringComparison.Ordinal);

    // cache=unsafe: the guest's syncs reach QEMU's file but not the platter. They survive the end of QEMU, which is the only
    // power cut there is here, and cost nothing. Zeros written become holes, so wiping a volume does not fill the cache.
    private string[] Disk(string name) =>
    [
        "-drive", $"if=none,id={name},file={disks.PathOf(name)},format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap",
        "-device", $"virtio-blk-pci,drive={name},serial=lab-{name}",
    ];
}
