using System.Management.Automation;
using VirtSecurity.Lab;
using VirtSecurity.Tests.Engine;
using Xunit;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: AssemblyFixture(typeof(VirtSecurity.LabTests.LabFixture))]

namespace VirtSecurity.LabTests;

/// <summary>The one lab machine of the run. Where none can be had, every test fails with what is missing.</summary>
public sealed class LabFixture : IAsyncLifetime
{
    private LabMachine? machine;
    private LabFlavour? flavour;
    private Exception? impossible;

    /// <summary>The machine is as it was after its first boot, as far as a test can tell.</summary>
    public bool IsAsReady { get; set; }

    public LabMachine Machine => machine ?? throw new InvalidOperationException($"No lab machine: {impossible?.Message}", impossible);

    /// <summary>The machine boots as the first test wants it.</summary>
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>The machine of that flavour, in the state ready: one runs at a time, so the other is ended first.</summary>
    public async Task ReadyAsync(LabFlavour wanted, CancellationToken stop)
    {
        if (impossible is not null) return;
        if (flavour == wanted)
        {
            if (!IsAsReady) await Machine.ResetAsync(stop);
            IsAsReady = false;
            return;
        }

        try
        {
            if (machine is not null) await machine.DisposeAsync();
            machine = await LabMachine.StartAsync(wanted, new Progress<string>(line => Console.Error.WriteLine($"lab: {line}")), stop);
            flavour = wanted;
        }
        catch (LabException problem)
        {
            (machine, impossible) = (null, problem);
        }

        IsAsReady = false;
    }

    public async ValueTask DisposeAsync()
    {
        if (machine is not null) await machine.DisposeAsync();
    }
}

/// <summary>The base of all lab tests: each begins on the machine as it was after its first boot.</summary>
public abstract class LabTest(LabFixture fixture) : IAsyncLifetime
{
    protected LabMachine Machine => fixture.Machine;

    /// <summary>How the machine is booted.</summary>
    protected virtual LabFlavour Flavour => LabFlavour.Kvm;

    public async ValueTask InitializeAsync() => await fixture.ReadyAsync(Flavour, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>A test that has just compared the host with what it was before spares the next one the reset.</summary>
    protected void LeftAsFound() => fixture.IsAsReady = true;

    /// <summary>Runs PowerShell in the engine, with $lab as the lab's -VirtHost.</summary>
    protected EngineRun PowerShell(string script, params string[] arguments)
    {
        var run = EngineRun.Of($"$lab = '{Machine.VirtHost}'\n{script}", arguments);
        foreach (var line in run.Verbose) TestContext.Current.TestOutputHelper?.WriteLine(line);
        foreach (var error in run.Errors) TestContext.Current.TestOutputHelper?.WriteLine($"{error.Properties["FullyQualifiedErrorId"].Value}: {error.Properties["Message"].Value}");
        return run;
    }

    /// <summary>A script's output on the lab machine; fails the test if the script fails.</summary>
    protected async Task<string> OnHost(string script) =>
        (await Machine.CheckAsync(script, ct: TestContext.Current.CancellationToken)).Stdout.TrimEnd('\n');

    /// <summary>A script's exit code and both outputs on the lab machine.</summary>
    protected async Task<(int Code, string Text)> TryOnHost(string script)
    {
        var result = await Machine.RunAsync(script, ct: TestContext.Current.CancellationToken);
        return (result.ExitCode, result.Stdout + result.Stderr);
    }

    /// <summary>All that a run may change, as text to compare.</summary>
    protected Task<string> HostState() => OnHost("""
        lvs --noheadings -o vg_name,lv_name,lv_size,lv_tags
        sha256sum /etc/fstab
        stat -c '%n %a %U:%G %C' /etc/fstab
        sort /etc/selinux/default/contexts/files/file_contexts.local 2>/dev/null | grep -v -e '^#' -e '^$'
        findmnt -rn -t ext2,ext3,ext4,xfs -o TARGET,SOURCE,OPTIONS
        find / -xdev -maxdepth 2 \( -path /srv -o -path '/srv/*' -o -maxdepth 1 \) -printf '%p %m %u:%g %Z\n' 2>/dev/null | sort
        lsattr -d /* 2>/dev/null | grep -e '-i-' || :
        ls /run | grep virtsecurity || :
        pgrep -a 'lvcreate|mke2fs|semanage|restorecon' || :
        """);

    protected static object? Value(PSObject value, string property) => value.Properties[property]?.Value;

    protected static string Text(PSObject value, string property) => Value(value, property)?.ToString() ?? "";

    protected static string ErrorId(PSObject error) => Text(error, "FullyQualifiedErrorId").Split(',')[0];
}
