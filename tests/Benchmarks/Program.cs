using System.Globalization;
using System.Runtime.InteropServices;
using VirtSecurity.Benchmarks;
using VirtSecurity.Lab;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

// New-SecureGuestVolume beside what one would use instead, on one lab machine in one run. Each way starts on the machine as it was after its
// first boot, and is measured from the start of its process, with an ssh connection of its own; afterwards it is seen whether it did it.
var rounds = args is [var asked] && int.TryParse(asked, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : 1;
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = true;
    stop.Cancel();
});

try
{
    var machine = await LabMachine.StartAsync(LabFlavour.Kvm, new Progress<string>(Console.Error.WriteLine), stop.Token);
    await using (machine)
    {
        Console.WriteLine(await Volumes.RunAsync(machine, [1, 3, 10], rounds, stop.Token));
    }

    return 0;
}
catch (LabException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}
