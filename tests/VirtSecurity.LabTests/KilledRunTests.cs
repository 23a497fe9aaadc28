using System.Management.Automation;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>PowerShell killed with -9 in the middle of a run: nothing of it stays at work, and the run is finished or undone from its journal.</summary>
public sealed class KilledRunTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AKilledRunIsShownKeepsOthersOffIsFinishedAndThenTakenBackWhole()
    {
        var before = await HostState();
        // mke2fs does its work and then waits until it is told to end.
        await Wrap("/usr/sbin/mke2fs", """
            $REAL "$@" || exit
            while [ ! -e /root/go ]; do sleep 0.5; done
            """);

        var client = await Killed("New-SecureGuestVolume volumegroup images 64MB -MountPoint /srv/store/images -VirtHost $lab", "mke2fs");
        var working = PowerShell("""
            Get-VirtChange -Unfinished -VirtHost $lab
            New-SecureGuestVolume volumegroup images 64MB -MountPoint /srv/store/images -VirtHost $lab
            Get-VirtChange -Unfinished -VirtHost $lab | Undo-VirtChange -Confirm:$false
            """);
        Assert.Equal(("Unfinished", "True", "New-SecureGuestVolume"), (Text(working.Output[0], "State"), Text(working.Output[0], "IsWorking"), Text(working.Output[0], "Command")));
        Assert.Single(working.Output);
        Assert.Equal(["UnfinishedRun", "RunIsWorking"], working.Errors.Select(ErrorId));
        Assert.Contains("at work at this moment", Text(working.Errors[0], "Message"), StringComparison.Ordinal);

        await OnHost("touch /root/go");
        await NothingOfOursIsLeft();
        await Unwrap("/usr/sbin/mke2fs");
        await OnHost("rm /root/go");
        await NoMasterOf(client);

        // The half-made volume is made whole, with the file system it has: it is not made again.
        var uuid = await OnHost("blkid -p -o value -s UUID /dev/volumegroup/images");
        var finished = PowerShell("""
            New-SecureGuestVolume volumegroup images 64MB -MountPoint /srv/store/images -VirtHost $lab
            New-SecureGuestVolume volumegroup other 64MB -MountPoint /srv/other -VirtHost $lab -WhatIf
            Get-VirtChange -Unfinished -VirtHost $lab | Resume-VirtChange
            New-SecureGuestVolume volumegroup images 64MB -MountPoint /srv/store/images -VirtHost $lab
            """);
        Assert.Equal("UnfinishedRun", ErrorId(Assert.Single(finished.Errors)));
        Assert.Equal("Done", Text(finished.Output[0], "State"));
        Assert.Equal((true, true, uuid), (Value(finished.Output[1], "IsCompliant"), Value(finished.Output[1], "IsPersistent"), Text(finished.Output[1], "Uuid")));

        // In use: the kernel refuses, and all of it stays.
        var whole = await HostState();
        await OnHost("cd /srv/store/images && (sleep 600 >/dev/null 2>&1 </dev/null & echo $! >/root/user)");
        var busy = PowerShell("Get-VirtChange -VirtHost $lab | Undo-VirtChange -Confirm:$false");
        Assert.Equal("ChangeNotUndone", ErrorId(Assert.Single(busy.Errors)));
        Assert.Contains("busy", Text(busy.Errors[0], "Message"), StringComparison.Ordinal);
        Assert.Equal("Done", Text(Assert.Single(busy.Output), "State"));
        Assert.Equal(whole, await HostState());

        await OnHost("kill $(cat /root/user); rm /root/user");
        var undone = PowerShell("Get-VirtChange -VirtHost $lab | Undo-VirtChange -Confirm:$false");
        Assert.Empty(undone.Errors);
        Assert.Equal("Undone", Text(Assert.Single(undone.Output), "State"));
        Assert.Equal(before, await HostState());
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task ARunOfThreeVolumesKilledInItsCommitIsTakenBack()
    {
        await OnHost("grep -q 'no newline' /etc/fstab || printf '# no newline at the end' >>/etc/fstab");
        var before = await HostState();

        await Killed("""
            'one', 'two', 'three' | ForEach-Object { [pscustomobject]@{ Name = $_; MountPoint = "/srv/new/$_" } } |
                New-SecureGuestVolume -VolumeGroup volumegroup -Size 64MB -VirtHost $lab
            """, "semanage");
        await NothingOfOursIsLeft();
        var half = await HostState();
        var run = PowerShell("Get-VirtChange -Unfinished -VirtHost $lab | Undo-VirtChange -Confirm:$false; @(Get-VirtChange -Unfinished -VirtHost $lab).Count");

        Assert.Empty(run.Errors);
        Assert.NotEqual(before, half);
        Assert.Equal("Undone", Text(run.Output[0], "State"));
        Assert.Equal(3, LanguagePrimitives.ConvertTo<string[]>(Value(run.Output[0], "Subject")).Length);
        Assert.Equal("0", run.Output[1].ToString());
        Assert.Equal(before, await HostState());
    }

    /// <summary>Starts a script and kills its PowerShell once a tool runs on the host.</summary>
    /// <returns>The process's id, by which what it left behind can be known.</returns>
    private async Task<int> Killed(string script, string tool)
    {
        var client = 0;
        var run = await EngineRun.DisturbedAsync($"$lab = '{Machine.VirtHost}'\n{script}", async process =>
        {
            client = process.Id;
            await Runs(tool);
            process.Kill();
        });
        Assert.Null(run);
        return client;
    }

    /// <summary>ssh's own master, which the killed process had started, closes itself a minute after its last use.</summary>
    private static async Task NoMasterOf(int client)
    {
        for (var i = 0; i < 120; i++)
        {
            var masters = Directory.GetDirectories("/proc").Where(process => Path.GetFileName(process).All(char.IsAsciiDigit)).Select(CommandLine);
            if (!masters.Any(line => line.Contains($"vs-{client}-", StringComparison.Ordinal))) return;
            await Task.Delay(1000, TestContext.Current.CancellationToken);
        }

        Assert.Fail("The ssh master of the killed process is still there.");
    }

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
