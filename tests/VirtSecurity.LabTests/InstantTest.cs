using System.Diagnostics;
using System.Globalization;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>What happens to a run.</summary>
public enum Fault
{
    /// <summary>PowerShell is killed with -9.</summary>
    Killed,

    /// <summary>ssh is killed; PowerShell goes on.</summary>
    ConnectionCut,

    /// <summary>Ctrl+C.</summary>
    Stopped,

    /// <summary>The root file system has no byte left, until the run is over.</summary>
    DiskFull,

    /// <summary>The tool says that it failed.</summary>
    ToolFails,
}

/// <summary>The base of the tests that disturb runs: what must hold afterwards, and the record of what was seen.</summary>
public abstract class InstantTest : LabTest
{
    protected const string FillDisk = """
        fallocate -l $(($(df --output=avail -B1 / | tail -n 1) * 99 / 100)) /filler
        dd if=/dev/zero of=/filler bs=64k oflag=append conv=notrunc status=none 2>/dev/null || :
        dd if=/dev/zero of=/filler.rest bs=512 status=none 2>/dev/null || :
        """;

    private readonly Stopwatch watch = Stopwatch.StartNew();

    /// <summary>A case that an interrupted `tests/Lab -- full` has seen is not run again.</summary>
    protected InstantTest(LabFixture fixture)
        : base(fixture) => Assert.SkipWhen(Recorded is { } file && File.Exists(file), $"recorded in {Recorded}");

    /// <summary>Where this case is recorded once it has passed, or null where no record is kept.</summary>
    private static string? Recorded => Environment.GetEnvironmentVariable("VIRTSECURITY_LAB_RECORD") is { Length: > 0 } record
        ? Path.Combine(record, Case)
        : null;

    /// <summary>The running test's method and arguments.</summary>
    private static string Case => TestContext.Current.Test!.TestDisplayName.Split('.')[^1];

    /// <summary>How long after PowerShell's start; the same for the same number. A run of three volumes takes a minute or more.</summary>
    protected static TimeSpan Moment(int number) => TimeSpan.FromSeconds(2 + 75 * new Random(number).NextDouble());

    /// <summary>The state that has to be had again.</summary>
    protected async Task<string> BeforeAsync()
    {
        await OnHost("printf '# no newline at the end' >>/etc/fstab; sync");
        return await HostState();
    }

    /// <summary>Ends ssh, its master and the channels of it that a process has.</summary>
    protected static void CutConnection(int client)
    {
        foreach (var ssh in Process.GetProcessesByName("ssh"))
        {
            using (ssh)
            {
                if (ChildrenAndMasters(ssh.Id, client)) ssh.Kill();
            }
        }
    }

    /// <summary>
    /// Nothing of the run is left at work. What it left unfinished is undone or finished; then it is as before, or as asked: asking again
    /// changes nothing, and taking it back gives what was before.
    /// </summary>
    protected async Task SettledAsync(string instant, string fault, string script, int volumes, string before, bool isUndone)
    {
        await OnHost("rm -f /filler /filler.rest");
        await NothingOfOursIsLeft();
        var found = PowerShell("Get-VirtChange -VirtHost $lab");
        Assert.Empty(found.Errors);
        var states = found.Output.Select(run => Text(run, "State")).ToArray();
        string outcome;
        if (states is [] or ["Undone"])
        {
            outcome = "as before by itself";
        }
        else if (states is ["Done"])
        {
            outcome = "as asked by itself";
            TakenBack(script, volumes);
        }
        else if (isUndone || states is ["PartlyUndone"])
        {
            outcome = $"{states[0]}, undone";
            var undo = PowerShell("Get-VirtChange -VirtHost $lab | Undo-VirtChange -Confirm:$false");
            Assert.Empty(undo.Errors);
            Assert.Equal("Undone", Text(Assert.Single(undo.Output), "State"));
        }
        else
        {
            outcome = $"{states[0]}, finished";
            var finished = PowerShell("Get-VirtChange -VirtHost $lab | Resume-VirtChange");
            Assert.Empty(finished.Errors);
            Assert.Equal("Done", Text(Assert.Single(finished.Output), "State"));
            TakenBack(script, volumes);
        }

        Assert.Equal(before.Split('\n'), (await HostState()).Split('\n'));
        Assert.Equal("0", PowerShell("@(Get-VirtChange -Unfinished -VirtHost $lab).Count").Output[0].ToString());
        if (Recorded is { } file)
            await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $"| {fault} | {instant} | {outcome} | {watch.Elapsed.TotalSeconds:0} | {Case} |\n"));
    }

    private void TakenBack(string script, int volumes)
    {
        var run = PowerShell($"{script}; @(Get-VirtChange -VirtHost $lab).Count; Get-VirtChange -VirtHost $lab | Undo-VirtChange -Confirm:$false");
        Assert.Empty(run.Errors);
        Assert.All(run.Output.Take(volumes), volume => Assert.Equal((true, true), (Value(volume, "IsCompliant"), Value(volume, "IsPersistent"))));
        Assert.Equal("1", run.Output[volumes].ToString());
        Assert.Equal("Undone", Text(run.Output[volumes + 1], "State"));
    }

    private static bool ChildrenAndMasters(int ssh, int client)
    {
        try
        {
            // The master leaves its parent; its socket's name has the client's id in it.
            return File.ReadAllText($"/proc/{ssh}/cmdline").Contains($"vs-{client}-", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
