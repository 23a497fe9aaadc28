using System.Diagnostics;
using System.Runtime.InteropServices;
using VirtSecurity.Lab;

return await Verbs.RunAsync(args).ConfigureAwait(false);

/// <summary>The program's verbs: the same library the tests use, by hand.</summary>
internal static class Verbs
{
    private const string Usage = """
        The lab: a Debian 12 host with SELinux enforcing, LVM and libvirt under QEMU.

        dotnet run --project tests/Lab -- [xen] VERB      with `xen`, the same image as a Xen dom0

          build         prepare image and snapshot: about 5 minutes the first time, root only
          up            start the machine in the state `ready` and leave it running
          ssh [ARGS]    log in as root, or run a command; `ssh virtlab-admin` and `ssh virtlab-operator` log in as these users
          run SCRIPT    run a bash script (a file, or - for standard input) as root, in the running machine or in a fresh one
          reset         bring the running machine back to `ready`
          down          end the running machine
          status        what is there and what runs
          demo          what the module does, on a fresh machine
          full          runs disturbed at every change and at random moments, on two machines: some hours, goes on after an
                        interruption; writes docs/instants.md

        In the machine: volume group `volumegroup` on /dev/vdb (16 GB, no volumes), /dev/vdc (4 GB, empty),
        users admin (no rights) and operator (sudo), and for guests inside
          lab-guest-define NAME DISK [autostart]   a libvirt guest that does I/O on DISK; then `virsh start NAME`
          lab-guest-wait NAME [SECONDS]            until it has done one more round
        Its console is /var/log/libvirt/qemu/NAME-serial.log: "guest-io-ok N" or "guest-io-failed N".

        One lab at a time: a second user waits. Tests end a machine that `up` left running.

        VIRTSECURITY_LAB_CACHE  folder for images (default /var/cache/virtsecurity-lab; about 3 GB)
        VIRTSECURITY_LAB_ACCEL  tcg (default) or kvm

        Exit code: 0, 1 the lab failed, 2 wrong usage; `run` and `ssh` end with that of what they ran.
        """;

    private static LabFlavour Flavour { get; set; } = LabFlavour.Kvm;
    private static readonly StderrProgress Progress = new();

    public static async Task<int> RunAsync(string[] args)
    {
        using var stop = new CancellationTokenSource();
        // Neither Ctrl+C nor a CI system's SIGTERM may leave a QEMU or a half-made build behind.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        try
        {
            return await DispatchAsync(args, stop.Token).ConfigureAwait(false);
        }
        catch (LabException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("stopped").ConfigureAwait(false);
            return 1;
        }
    }

    private static Task<int> DispatchAsync(string[] args, CancellationToken ct)
    {
        if (args is not ["xen", .. var rest]) return VerbAsync(args, ct);
        Flavour = LabFlavour.Xen;
        return VerbAsync(rest, ct);
    }

    private static Task<int> VerbAsync(string[] args, CancellationToken ct) => args switch
    {
        ["build"] => BuildAsync(ct),
        ["up"] => UpAsync(ct),
        ["ssh", .. var rest] => SshAsync(rest, ct),
        ["run", var script] => RunScriptAsync(script, ct),
        ["reset"] => ResetAsync(ct),
        ["down"] => DownAsync(ct),
        ["status"] => Task.FromResult(Status()),
        ["demo"] => DemoAsync(ct),
        ["full"] => Instants.RunAsync(Console.Out, ct),
        ["help" or "--help" or "-h"] => Task.FromResult(Help(Console.Out, 0)),
        _ => Task.FromResult(Help(Console.Error, 2)),
    };

    private static int Help(TextWriter writer, int exitCode)
    {
        writer.WriteLine(Usage);
        return exitCode;
    }

    private static async Task<int> BuildAsync(CancellationToken ct)
    {
        await LabMachine.BuildAsync(Flavour, Progress, ct).ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> UpAsync(CancellationToken ct)
    {
        var machine = await LabMachine.StartAsync(Flavour, Progress, ct).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            machine.LeaveRunning();
            Console.WriteLine($"ssh -F {machine.SshConfigPath} virtlab");
            Console.WriteLine($"-VirtHost '{machine.VirtHost}'");
        }

        return 0;
    }

    private static async Task<int> SshAsync(string[] args, CancellationToken ct)
    {
        var machine = await AttachedAsync(exclusive: false, ct).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            string[] target = args is [var host, ..] && host.StartsWith(SshConfigFile.RootHost, StringComparison.Ordinal) ? [] : [SshConfigFile.RootHost];
            using var ssh = Process.Start(new ProcessStartInfo(Tool.Find("ssh")!, ["-F", machine.SshConfigPath, .. target, .. args]))!;
            // Ctrl+C belongs to the session inside: ssh gets it from the terminal itself.
            await ssh.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return ssh.ExitCode;
        }
    }

    private static async Task<int> RunScriptAsync(string script, CancellationToken ct)
    {
        if (script != "-" && !File.Exists(script))
            throw new LabException($"There is no script {script}.");
        var text = script == "-"
            ? await Console.In.ReadToEndAsync(ct).ConfigureAwait(false)
            : await File.ReadAllTextAsync(script, ct).ConfigureAwait(false);
        var machine = await LabMachine.AttachAsync(Flavour, exclusive: false, Progress, ct).ConfigureAwait(false)
            ?? await LabMachine.StartAsync(Flavour, Progress, ct).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            var result = await machine.RunAsync(text, TimeSpan.FromHours(1), ct).ConfigureAwait(false);
            await Console.Out.WriteAsync(result.Stdout).ConfigureAwait(false);
            await Console.Error.WriteAsync(result.Stderr).ConfigureAwait(false);
            return result.ExitCode;
        }
    }

    private static async Task<int> ResetAsync(CancellationToken ct)
    {
        var machine = await AttachedAsync(exclusive: true, ct).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
            await LabStep.RunAsync(Progress, "reset", () => machine.ResetAsync(ct)).ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> DownAsync(CancellationToken ct)
    {
        await LabMachine.StopRunningAsync(Progress, ct).ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> DemoAsync(CancellationToken ct)
    {
        var machine = await LabMachine.StartAsync(Flavour, Progress, ct).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
            await Demo.RunAsync(machine, Console.Out, ct).ConfigureAwait(false);
        return 0;
    }

    private static int Status()
    {
        var cache = LabCache.FromEnvironment();
        var image = ImageBuilder.Locate(cache);
        Console.WriteLine($"image:   {image.Folder}{(Directory.Exists(image.Folder) ? "" : " (not built)")}");
        Console.WriteLine($"machine: {(QemuMachine.RunningPid(cache) is { } pid ? $"running, process {pid}, ssh -F {cache.SshConfig} virtlab" : "not running")}");
        Console.WriteLine($"lock:    {(LabLock.IsHeld(cache.LockFile) ? "held by " + LabLock.Holder(cache.LockFile) : "free")}");
        Console.WriteLine($"console: {QemuMachine.SerialLog(cache)}");
        return 0;
    }

    private static async Task<LabMachine> AttachedAsync(bool exclusive, CancellationToken ct) =>
        await LabMachine.AttachAsync(Flavour, exclusive, Progress, ct).ConfigureAwait(false)
            ?? throw new LabException("No lab machine is running. Start one with `up`.");
}
