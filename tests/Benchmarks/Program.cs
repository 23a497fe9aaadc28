using System.Globalization;
using System.Runtime.InteropServices;
using VirtSecurity.Benchmarks;
using VirtSecurity.Lab;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// What the module does beside what one would use instead, on one lab machine in one run; each prints its table, as docs/benchmarks.md has it.
//   volumes [ROUNDS]   New-SecureGuestVolume beside bash and Ansible. Each way starts on the machine as it was after its first boot, and is measured from
//                      the start of its process, with an ssh connection of its own; afterwards it is seen whether it did it.
//   inventory          Get-SecureGuestVolume and completion on a host with many volumes.
//   images             Test-VirtImageContext on many images beside restorecon.
//   contexts           Set-VirtImageContext on many images beside semanage and restorecon.
//   hardening          Test-Dom0Hardening beside Lynis and OpenSCAP: which of thirty planted weaknesses each finds, and how long it takes.
//   hosts [COUNT]      Test-Dom0Hardening on many hosts at once beside Ansible's setup; on this machine, by as many sshd, without the lab.
//   labels             What it costs to judge a file's label, here and without a lab machine.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = true;
    stop.Cancel();
});

var progress = new Progress<string>(Console.Error.WriteLine);
Func<LabMachine, Task<string>>? measure = args switch
{
    ["volumes"] => machine => Volumes.RunAsync(machine, [1, 3, 10], 1, stop.Token),
    ["volumes", var asked] when int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds > 0 => machine => Volumes.RunAsync(machine, [1, 3, 10], rounds, stop.Token),
    ["inventory"] => machine => Inventory.RunAsync(machine, [1, 50, 500], stop.Token),
    ["images"] => machine => LabelPeers.JudgeAsync(machine, 100_000, progress, stop.Token),
    ["contexts"] => machine => LabelPeers.SetAsync(machine, 1_000, progress, stop.Token),
    ["hardening"] => machine => HardeningPeers.RunAsync(machine, progress, stop.Token),
    _ => null,
};
Func<Task<string>>? measureHere = args switch
{
    ["labels"] => () => Labels.RunAsync([1_000, 10_000, 100_000, 1_000_000], stop.Token),
    ["hosts"] => () => ManyHosts.RunAsync(100, progress, stop.Token),
    ["hosts", var asked] when int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 3 => () => ManyHosts.RunAsync(count, progress, stop.Token),
    _ => null,
};
if (measure is null && measureHere is null)
{
    Console.Error.WriteLine("Usage: dotnet run --project tests/Benchmarks -- volumes [ROUNDS] | inventory | images | contexts | hardening | hosts [COUNT] | labels");
    return 2;
}

try
{
    if (measureHere is not null)
    {
        Console.WriteLine(await measureHere());
        return 0;
    }

    var machine = await LabMachine.StartAsync(LabFlavour.Kvm, progress, stop.Token);
    await using (machine)
    {
        Console.WriteLine(await measure!(machine));
    }

    return 0;
}
catch (LabException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}
