using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>A fault at each change of a run: the host is as before, or is brought there, or to what was asked, by Undo- or Resume-VirtChange.</summary>
public sealed class InstantTests(LabFixture fixture) : InstantTest(fixture)
{
    private const string Volume = "New-SecureGuestVolume volumegroup images 64MB -MountPoint /srv/store/images -VirtHost $lab";

    private static readonly (string Tool, string Stopped)[] Changes =
    [
        ("/usr/sbin/lvcreate", "lvcreate"), ("/usr/sbin/mke2fs", "mke2fs"), ("/usr/bin/chattr", "chattr"), ("/usr/bin/mount", "mount"), ("/usr/sbin/semanage", "semanage import"),
    ];

    /// <summary>All of them with VIRTSECURITY_LAB_FULL=1; a sample otherwise.</summary>
    public static TheoryData<int, Fault> Faults => new(
        from change in Enumerable.Range(0, Changes.Length)
        from fault in Enum.GetValues<Fault>()
        where IsFull || (change, fault) is (1, Fault.DiskFull)
        select (change, fault));

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task AFaultAtAChangeLeavesNothingHalfDone(int change, Fault fault)
    {
        var (tool, stopped) = Changes[change];
        var before = await BeforeAsync();
        // Every second time the tool is caught before its work, and otherwise after it.
        var isBefore = (change + (int)fault) % 2 == 0;
        await Wrap(tool, $$"""
            if [ -e {{tool}}.fail ]; then {{(isBefore ? "" : "$REAL \"$@\"; ")}}echo 'broken for the test' >&2; exit 1; fi
            {{(isBefore ? "" : "$REAL \"$@\"; code=$?")}}
            i=0
            while [ -e {{tool}}.wait ] && [ $i -lt 1200 ]; do sleep 0.1; i=$((i + 1)); done
            {{(isBefore ? "exec $REAL \"$@\"" : "exit $code")}}
            """);

        EngineRun? run;
        if (fault == Fault.Stopped)
        {
            run = PowerShell(Volume, "--stop-on", stopped);
        }
        else if (fault == Fault.ToolFails)
        {
            await OnHost($"touch {tool}.fail");
            run = PowerShell(Volume);
            Assert.Contains("broken for the test", Text(Assert.Single(run.Errors), "Message"), StringComparison.Ordinal);
        }
        else
        {
            await OnHost($"touch {tool}.wait");
            run = await EngineRun.DisturbedAsync($"$lab = '{Machine.VirtHost}'\n{Volume}", async process =>
            {
                await Runs(Path.GetFileName(tool));
                if (fault == Fault.Killed) process.Kill();
                if (fault == Fault.ConnectionCut) CutConnection(process.Id);
                if (fault == Fault.DiskFull) await OnHost(FillDisk);
                await OnHost($"rm {tool}.wait");
            });
        }

        Assert.Equal(fault == Fault.Killed, run is null);
        await Unwrap(tool);
        await SettledAsync($"{Path.GetFileName(tool)} {(isBefore ? "not begun" : "done")}", fault.ToString(), Volume, 1, before, change % 2 == 0);
    }
}

/// <summary>The machine loses its power with a run of three volumes at work.</summary>
public sealed class PowerCutTests(LabFixture fixture) : InstantTest(fixture)
{
    /// <summary>QEMU is ended with the client at work, and the machine boots from its disks as they are.</summary>
    public static TheoryData<int> PowerCuts => new(Enumerable.Range(0, IsFull ? 10 : 1));

    [Theory]
    [MemberData(nameof(PowerCuts))]
    public async Task APowerCutLeavesNothingHalfDone(int number)
    {
        var before = await BeforeAsync();
        var after = Moment(number);
        await EngineRun.DisturbedAsync($"$lab = '{Machine.VirtHost}'\n{RandomMomentTests.ThreeVolumes}", async process =>
        {
            await Task.Delay(after, TestContext.Current.CancellationToken);
            await Machine.PowerCutAsync(TestContext.Current.CancellationToken);
            if (!process.HasExited) process.Kill();
        });
        await SettledAsync($"after {after.TotalSeconds:0.0} s", "power cut", RandomMomentTests.ThreeVolumes, 3, before, number % 2 == 0);
    }
}

/// <summary>PowerShell killed at a random moment of a run of three volumes.</summary>
[Trait(Lengthy, Yes)]
public sealed class RandomMomentTests(LabFixture fixture) : InstantTest(fixture)
{
    internal const string ThreeVolumes = """
        'one', 'two', 'three' | ForEach-Object { [pscustomobject]@{ Name = $_; MountPoint = "/srv/new/$_" } } |
            New-SecureGuestVolume -VolumeGroup volumegroup -Size 64MB -VirtHost $lab
        """;

    public static TheoryData<int> Numbers => new(Enumerable.Range(100, IsFull ? 25 : 1));

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task ARunOfThreeVolumesKilledAtAnyMomentLeavesNothingHalfDone(int number)
    {
        var before = await BeforeAsync();
        var after = Moment(number);
        await EngineRun.DisturbedAsync($"$lab = '{Machine.VirtHost}'\n{ThreeVolumes}", async process =>
        {
            await Task.Delay(after, TestContext.Current.CancellationToken);
            if (!process.HasExited) process.Kill();
        });
        await SettledAsync($"after {after.TotalSeconds:0.0} s", "killed", ThreeVolumes, 3, before, number % 2 == 0);
    }
}
