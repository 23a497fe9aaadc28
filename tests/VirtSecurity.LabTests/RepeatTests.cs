using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Asked again, nothing is done; asked otherwise, the difference is named.</summary>
public sealed class RepeatTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    public async Task ASecondRunChangesNothingAndReturnsTheSameAndAContradictionIsNamed()
    {
        const string Same = "New-SecureGuestVolume volumegroup images 600MB -MountPoint /virtstorage -FileSystem xfs -VirtHost $lab";
        var first = PowerShell(Same);
        Assert.Empty(first.Errors);
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();
        var state = await HostState();

        var second = PowerShell(Same);

        Assert.Empty(second.Errors);
        Assert.Equal(Show(first.Output), Show(second.Output));
        Assert.Equal(state, await HostState());

        var others = PowerShell("""
            New-SecureGuestVolume volumegroup images 700MB -MountPoint /virtstorage -FileSystem xfs -VirtHost $lab
            New-SecureGuestVolume volumegroup images 600MB -MountPoint /virtstorage -FileSystem ext4 -VirtHost $lab
            New-SecureGuestVolume volumegroup images 600MB -MountPoint /elsewhere -FileSystem xfs -VirtHost $lab
            New-SecureGuestVolume volumegroup other 64MB -MountPoint /virtstorage -VirtHost $lab
            New-SecureGuestVolume volumegroup images 600MB -MountPoint /virtstorage -FileSystem xfs -NoPersist -VirtHost $lab
            """);
        Assert.Empty(others.Output);
        Assert.Equal(["VolumeDiffers", "VolumeDiffers", "VolumeDiffers", "MountPointBusy", "VolumeDiffers"], others.Errors.Select(ErrorId));
        Assert.Collection(
            others.Errors.Select(error => Text(error, "Message")),
            message => Assert.Contains("size in bytes is 629145600, asked for is 734003200", message, StringComparison.Ordinal),
            message => Assert.Contains("file system is xfs, asked for is ext4", message, StringComparison.Ordinal),
            message => Assert.Contains("mount point is /virtstorage, asked for is /elsewhere", message, StringComparison.Ordinal),
            message => Assert.Contains("is mounted there", message, StringComparison.Ordinal),
            message => Assert.Contains("persistence", message, StringComparison.Ordinal));
        Assert.Equal(state, await HostState());
        Assert.Empty(Recorder.Mutating.Intersect(await recorder.StopAsync()));

        await OnHost("lvcreate -q -n foreign -L 64M volumegroup");
        var taken = PowerShell("New-SecureGuestVolume volumegroup foreign 64MB -MountPoint /foreign -VirtHost $lab");
        Assert.Equal("NameTaken", ErrorId(Assert.Single(taken.Errors)));
    }

    [Fact]
    public async Task WhatIfPrintsTheCommandLinesAndConfirmAsksOnceAVolumeAndNeitherRunsAnything()
    {
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();

        var whatIf = PowerShell("New-SecureGuestVolume volumegroup images 1GB -MountPoint /srv/deep/images -VirtHost $lab -WhatIf");
        var confirm = PowerShell(
            "New-SecureGuestVolume volumegroup one 64MB /one -VirtHost $lab -Confirm; [pscustomobject]@{ Name = 'two'; MountPoint = '/two' }, [pscustomobject]@{ Name = 'three'; MountPoint = '/three' } | New-SecureGuestVolume volumegroup -Size 64MB -VirtHost $lab -Confirm",
            "--answers", "nnn");

        Assert.Empty(whatIf.Errors);
        var lines = string.Join('\n', whatIf.Console).Split('\n').Select(line => line.Trim()).ToArray();
        string[] expected =
        [
            "lvcreate --yes -W y -n images -L 1073741824b --addtag virtsecurity --addtag virtsecurity.run=", "mke2fs -q -t ext4 -U ", "mkdir -p -m 0755 -- /srv/deep", "mkdir -m 0000 -- /srv/deep/images",
            "chattr +i -- /srv/deep/images", "echo '/dev/volumegroup/images /srv/deep/images ext4 nodev,nosuid,noexec,nofail,",
            "mount -t ext4 -o nodev,nosuid,noexec -- /dev/volumegroup/images /srv/deep/images", "chgrp -- libvirt-qemu /srv/deep/images", "chmod 0710 -- /srv/deep/images",
            @"printf '%s\n' 'fcontext -a -f a -t virt_image_t -r s0 '\''/srv/deep/images(/.*)?'\''' | semanage import -N", "restorecon -- /srv/deep/images /srv/deep/images/lost+found",
            "systemctl daemon-reload",
        ];
        Assert.Equal(expected.Length, lines.Length - 1);
        Assert.All(expected.Zip(lines.Skip(1)), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.Equal(3, confirm.Questions.Count);
        Assert.Empty(confirm.Output);
        Assert.Empty(Recorder.Mutating.Intersect(await recorder.StopAsync()));
        Assert.NotEqual(0, (await TryOnHost("ls /var/lib/virtsecurity")).Code);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task APolicyCommitWaitsForAnothersSemanage()
    {
        // libsemanage's own lock on the store, as another's semanage holds it; ours alone would give up after five seconds.
        await OnHost("mkdir -m 0711 /images && (flock /var/lib/selinux/default/semanage.trans.LOCK sleep 45 >/dev/null 2>&1 </dev/null &)");
        var run = PowerShell("Set-VirtImageContext /images -VirtHost $lab");
        Assert.Empty(run.Errors);
        Assert.Equal(true, Value(Assert.Single(run.Output), "IsCompliant"));
        Assert.Contains(":virt_image_t:", await OnHost("stat -c %C /images"), StringComparison.Ordinal);
    }

    private static string Show(IEnumerable<System.Management.Automation.PSObject> objects) => string.Join('\n', objects.SelectMany(value =>
        value.Properties.Select(property => $"{property.Name} = {(property.Value is System.Management.Automation.PSObject { BaseObject: System.Collections.IEnumerable list and not string } ? string.Join(',', list.Cast<object>()) : property.Value)}")));
}
