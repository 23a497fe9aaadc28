using System.Management.Automation;
using VirtSecurity.Lab;
using VirtSecurity.Tests.Engine;
using Xunit;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = VirtSecurity.LabTests.LabFixture.MostMachines)]
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: AssemblyFixture(typeof(VirtSecurity.LabTests.LabFixture))]

namespace VirtSecurity.LabTests;

/// <summary>
/// The lab machines of the run, lent to one test at a time: an emulated machine keeps little more than one processor busy, so two
/// run side by side. Where none can be had, every test fails with what is missing.
/// </summary>
public sealed class LabFixture : IAsyncLifetime
{
    /// <summary>As many tests run at once.</summary>
    public const int MostMachines = 2;

    private readonly Stack<Place> free = new(Enumerable.Range(0, MostMachines).Select(number => new Place { Number = MostMachines - 1 - number }));
    private readonly Lock gate = new();

    /// <summary>A machine of that flavour, as it was after its first boot.</summary>
    internal async Task<Place> BorrowAsync(LabFlavour flavour, CancellationToken stop)
    {
        Place place;
        lock (gate) place = free.Pop();
        try
        {
            if (place.Machine is not null && place.Flavour == flavour)
            {
                await place.Machine.ResetAsync(stop);
            }
            else
            {
                if (place.Machine is not null) await place.Machine.DisposeAsync();
                place.Machine = null;
                place.Machine = await LabMachine.StartAsync(flavour, new Progress<string>(line => Console.Error.WriteLine($"lab {place.Number}: {line}")), stop, place.Number);
                place.Flavour = flavour;
            }
        }
        catch
        {
            Return(place);
            throw;
        }

        return place;
    }

    internal void Return(Place place)
    {
        lock (gate) free.Push(place);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var place in free)
        {
            if (place.Machine is not null) await place.Machine.DisposeAsync();
        }
    }

    /// <summary>Where a machine may run, and the one that does.</summary>
    internal sealed class Place
    {
        public required int Number { get; init; }
        public LabMachine? Machine { get; set; }
        public LabFlavour? Flavour { get; set; }
    }
}

/// <summary>The base of all lab tests: each begins on a machine as it was after its first boot.</summary>
public abstract class LabTest(LabFixture fixture) : IAsyncLifetime
{
    /// <summary>The trait of tests that CI leaves out, as it has to stay below three quarters of an hour: what another test there, or the scripted host, shows of its kind.</summary>
    protected const string Lengthy = "lengthy";

    /// <summary>Its value.</summary>
    protected const string Yes = "yes";

    private LabFixture.Place? place;

    /// <summary>All cases are asked for, as `tests/Lab -- full` does; otherwise a sample of them.</summary>
    protected static bool IsFull => Environment.GetEnvironmentVariable("VIRTSECURITY_LAB_FULL") == "1";

    /// <summary>All cases, or every third.</summary>
    protected static IEnumerable<T> Sample<T>(IEnumerable<T> cases) => IsFull ? cases : cases.Where((_, i) => i % 3 == 0);

    protected LabMachine Machine => place?.Machine ?? throw new InvalidOperationException("No lab machine.");

    /// <summary>How the machine is booted.</summary>
    protected virtual LabFlavour Flavour => LabFlavour.Kvm;

    public async ValueTask InitializeAsync() => place = await fixture.BorrowAsync(Flavour, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (place is not null) fixture.Return(place);
        return ValueTask.CompletedTask;
    }

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

    /// <summary>
    /// Puts a script in a tool's place, in which $REAL is the tool itself: a copy with the tool's SELinux label, so that it still runs in its
    /// domain.
    /// </summary>
    protected Task<string> Wrap(string tool, string script)
    {
        // lvcreate is a link to lvm, which goes by the name it is called by.
        var real = tool.EndsWith("/lvcreate", StringComparison.Ordinal) ? "/usr/sbin/lvm lvcreate" : $"{tool}.real";
        return OnHost($$"""
            cp -a {{tool}} {{tool}}.real
            cat >{{tool}}.new <<'END'
            #!/bin/sh
            {{script.Replace("$REAL", real, StringComparison.Ordinal)}}
            END
            chmod 0755 {{tool}}.new
            perl -e 'rename "{{tool}}.new", "{{tool}}" or die'
            """);
    }

    /// <summary>Gives a tool its place back.</summary>
    protected Task<string> Unwrap(string tool) => OnHost($"perl -e 'rename \"{tool}.real\", \"{tool}\" or die'; rm -f {tool}.wait {tool}.fail");

    /// <summary>Waits until nothing that this module started runs on the host any more, and fails if something stays.</summary>
    protected Task<string> NothingOfOursIsLeft() => OnHost("""
        for i in $(seq 240); do
          if ! grep -qzs '^VIRTSECURITY_' /proc/[0-9]*/environ && [ -z "$(ls /run | grep 'virtsecurity[-.]')" ]; then exit 0; fi
          sleep 0.5
        done
        ps -ef; ls /run; exit 1
        """);

    /// <summary>Waits until a tool runs on the host.</summary>
    protected Task<string> Runs(string tool) => OnHost($"for i in $(seq 1200); do if pgrep -x {tool} >/dev/null; then exit 0; fi; sleep 0.1; done; exit 1");

    /// <summary>All that a run may change, as text to compare.</summary>
    protected Task<string> HostState() => OnHost("""
        lvs --noheadings -o vg_name,lv_name,lv_size,lv_tags
        sha256sum /etc/fstab
        stat -c '%n %a %U:%G %C' /etc/fstab
        sort /etc/selinux/default/contexts/files/file_contexts.local 2>/dev/null | grep -v -e '^#' -e '^$'
        findmnt -rn -t ext2,ext3,ext4,xfs -o TARGET,SOURCE,OPTIONS
        find / -xdev -maxdepth 2 \( -path /srv -o -path '/srv/*' -o -maxdepth 1 \) -printf '%p %m %u:%g %Z\n' 2>/dev/null | sort
        lsattr -d /* 2>/dev/null | grep -e '-i-' || :
        ls /run | grep 'virtsecurity[-.]' || :
        ls -la /etc/udev/rules.d | grep -v -e '^total' -e ' \.\.*$'
        pgrep -a 'lvcreate|mke2fs|semanage|restorecon' || :
        """);

    protected static object? Value(PSObject value, string property) => value.Properties[property]?.Value;

    protected static string Text(PSObject value, string property) => Value(value, property)?.ToString() ?? "";

    protected static string ErrorId(PSObject error) => Text(error, "FullyQualifiedErrorId").Split(',')[0];
}
