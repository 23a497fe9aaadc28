using System.Reflection;
using CliWrap;

namespace VirtSecurity.Lab;

/// <summary>
/// The main job on the real machine: a guest that SELinux refuses, one cmdlet, and the same guest running. What is printed is what
/// the commands print; the PowerShell ones run in the engine on this machine and reach the lab over ssh, with nothing installed there.
/// </summary>
internal static class Demo
{
    private const string Cmdlet = "New-SecureGuestVolume volumegroup NewVolumeName 5GB -MountPoint /virtstorage -VirtHost $lab";

    /// <summary>Shows it all.</summary>
    /// <exception cref="LabException">A step did not do what it is there to show.</exception>
    public static async Task RunAsync(LabMachine machine, TextWriter output, CancellationToken ct)
    {
        await SayAsync(output, "A confined guest with its disk in a directory someone made: SELinux refuses it.").ConfigureAwait(false);
        await OnHostAsync(machine, output, "mkdir /virtstorage && truncate -s 16M /virtstorage/g.img && lab-guest-define g /virtstorage/g.img", 0, ct).ConfigureAwait(false);
        await OnHostAsync(machine, output, "virsh start g </dev/null", 1, ct).ConfigureAwait(false);
        await OnHostAsync(machine, output, "rm -r /virtstorage", 0, ct).ConfigureAwait(false);

        await SayAsync(output, "What New-SecureGuestVolume would do there, command line by command line.").ConfigureAwait(false);
        await PowerShellAsync(machine, output, Cmdlet + " -WhatIf", ct).ConfigureAwait(false);

        await SayAsync(output, "It does it, reads everything back, and returns what is on the host.").ConfigureAwait(false);
        await PowerShellAsync(machine, output, Cmdlet, ct).ConfigureAwait(false);

        await SayAsync(output, "The same guest now starts, confined, and does I/O on its disk.").ConfigureAwait(false);
        await OnHostAsync(machine, output, "truncate -s 16M /virtstorage/g.img && virsh start g </dev/null && lab-guest-wait g", 0, ct).ConfigureAwait(false);
        await OnHostAsync(machine, output, "ps -eo label,comm | grep qemu; ls -Z /virtstorage/g.img", 0, ct).ConfigureAwait(false);

        await SayAsync(output, "Asked again, nothing is left to do; the guest's image is left as its guest has it.").ConfigureAwait(false);
        await PowerShellAsync(machine, output, Cmdlet + " | Set-VirtImageContext -WhatIf", ct).ConfigureAwait(false);
    }

    private static async Task SayAsync(TextWriter output, string text) =>
        await output.WriteLineAsync($"\n# {text}").ConfigureAwait(false);

    private static async Task OnHostAsync(LabMachine machine, TextWriter output, string command, int expected, CancellationToken ct)
    {
        await output.WriteLineAsync($"\nroot@lab:~# {command}").ConfigureAwait(false);
        var result = await machine.RunAsync(command, null, ct).ConfigureAwait(false);
        await output.WriteAsync(result.Stdout + result.Stderr).ConfigureAwait(false);
        if (result.ExitCode != expected) throw new LabException($"The command ended with {result.ExitCode}, not {expected}.");
    }

    private static async Task PowerShellAsync(LabMachine machine, TextWriter output, string script, CancellationToken ct)
    {
        await output.WriteLineAsync($"\nPS /> {script}").ConfigureAwait(false);
        var result = await Cli.Wrap("dotnet")
            .WithArguments([Metadata("EnginePath"), "--module", Path.Combine(Metadata("RepoRoot"), "VirtSecurity.psd1")])
            .WithStandardInputPipe(PipeSource.FromString($"$lab = '{machine.VirtHost}'\n{script}\n"))
            .WithStandardOutputPipe(PipeTarget.ToDelegate(output.WriteLine))
            .WithStandardErrorPipe(PipeTarget.ToDelegate(output.WriteLine))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(ct).ConfigureAwait(false);
        if (result.ExitCode != 0) throw new LabException($"The engine ended with {result.ExitCode}.");
    }

    private static string Metadata(string key) =>
        typeof(Demo).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;
}
