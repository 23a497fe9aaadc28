using System.Management.Automation;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>A volume's later life: it grows under a running guest, is not removed while anybody uses it, and goes without a trace.</summary>
public sealed class RemoveResizeTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    public async Task AVolumeGrowsUnderItsGuestIsRefusedToGoWhileUsedAndLeavesNoTrace()
    {
        // A line of its own kind stands before and after: tabs, a carriage return, a comment at its end.
        await OnHost(@"printf 'tmpfs\t/mnt  tmpfs\tnoauto 0 0 # by hand\r\n' >>/etc/fstab");
        var before = await State();
        var made = PowerShell("New-SecureGuestVolume volumegroup images 64MB -MountPoint /virtstorage -VirtHost $lab");
        Assert.Empty(made.Errors);
        await OnHost("umask 077 && truncate -s 16M /virtstorage/g.img && lab-guest-define g /virtstorage/g.img && virsh start g </dev/null && lab-guest-wait g 60");
        var fstab = await OnHost("sha256sum /etc/fstab");

        // Smaller is refused; larger is done at once, and a second time there is nothing to do.
        var grown = PowerShell("""
            Resize-SecureGuestVolume volumegroup images 32MB -VirtHost $lab
            Resize-SecureGuestVolume -MountPoint /virtstorage -Size 900GB -VirtHost $lab
            Resize-SecureGuestVolume -DevicePath /dev/mapper/volumegroup-images -Size 198MB -VirtHost $lab
            Resize-SecureGuestVolume volumegroup images 198MB -VirtHost $lab -Verbose
            """);
        Assert.Equal(["SizeTooSmall", "VolumeGroupFull"], grown.Errors.Select(ErrorId));
        Assert.Equal([200L << 20, 200L << 20], grown.Output.Select(volume => (long)Value(volume, "Size")!));
        Assert.DoesNotContain(grown.Verbose.SkipWhile(line => !line.Contains("resize2fs", StringComparison.Ordinal)).Skip(1), line => line.Contains("lvextend", StringComparison.Ordinal));
        Assert.Equal("209715200", await OnHost("lvs --noheadings --units b --nosuffix -o lv_size volumegroup/images | tr -d ' '"));
        Assert.Equal("209715200", await OnHost("dumpe2fs -h /dev/volumegroup/images 2>/dev/null | awk -F: '/^Block (count|size)/ { n = n ? n * $2 : $2 } END { print n }'"));
        Assert.Contains("guest-io-ok", await OnHost("lab-guest-wait g 60"), StringComparison.Ordinal);
        await OnHost("head -c 120M /dev/zero >/virtstorage/filling && rm /virtstorage/filling");

        // Used by a running guest, by one that is only defined, by a process: refused, and nothing is different.
        var used = await State();
        Refused("guest g (running");
        Assert.Contains("guest-io-ok", await OnHost("lab-guest-wait g 60"), StringComparison.Ordinal);
        await OnHost("virsh destroy g </dev/null");
        Refused("guest g (defined");
        await OnHost("virsh undefine g </dev/null; setsid sleep 1000 </virtstorage/g.img >/dev/null 2>&1 & echo $! >/run/holder");
        Refused($"process {await OnHost("cat /run/holder")} (sleep)");
        await OnHost("kill $(cat /run/holder); sleep 1; cd /; setsid sh -c 'cd /virtstorage; exec sleep 1000' </dev/null >/dev/null 2>&1 & echo $! >/run/holder; sleep 1");
        Refused($"process {await OnHost("cat /run/holder")} (sleep)");
        await OnHost("kill $(cat /run/holder); rm /run/holder; sleep 1");
        Assert.Equal(fstab, await OnHost("sha256sum /etc/fstab"));
        Assert.Equal(used, await State());

        var removed = PowerShell("""
            $volume = New-SecureGuestVolume volumegroup images 200MB -MountPoint /virtstorage -VirtHost $lab
            $volume | Remove-SecureGuestVolume -Confirm:$false
            Remove-SecureGuestVolume volumegroup images -MountPoint /virtstorage -VirtHost $lab -Confirm:$false
            """);
        Assert.Equal("VolumeNotFound", ErrorId(Assert.Single(removed.Errors)));
        var gone = Assert.Single(removed.Output);
        Assert.Equal("Mount FstabLine Rule Directory Volume", string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(Value(gone, "Removed"))));
        Assert.Equal(false, Value(gone, "IsVolumeKept"));
        Assert.Equal(before, await State());
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AnXfsVolumeGrowsAndWhatIsNotOursIsKeptUnlessItIsNamed()
    {
        var before = await State();
        var made = PowerShell("""
            New-SecureGuestVolume volumegroup big 400MB -MountPoint /xfsstorage -FileSystem xfs -VirtHost $lab
            Resize-SecureGuestVolume volumegroup big 1GB -VirtHost $lab
            """);
        Assert.Empty(made.Errors);
        Assert.Equal(1L << 30, Value(made.Output[1], "Size"));
        Assert.Contains("blocks=262144,", await OnHost("xfs_info /xfsstorage | grep ^data"), StringComparison.Ordinal);
        await OnHost("head -c 600M /dev/zero >/xfsstorage/filling && rm /xfsstorage/filling");

        // A run that was cut off between volume and file system is finished by the next; a volume made by hand is kept unless it is named.
        await OnHost("lvextend -q -L 1200M volumegroup/big; lvcreate -q -n byhand -L 64M volumegroup && mke2fs -q -t ext4 /dev/volumegroup/byhand && mkdir /byhand && mount /dev/volumegroup/byhand /byhand");
        var second = PowerShell("""
            Resize-SecureGuestVolume -MountPoint /xfsstorage -Size 1200MB -VirtHost $lab
            Remove-SecureGuestVolume volumegroup big -Wipe -VirtHost $lab -Confirm:$false
            [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'byhand'; VirtHost = $lab } | Remove-SecureGuestVolume -Confirm:$false
            Remove-SecureGuestVolume volumegroup byhand -KeepVolume -VirtHost $lab -Confirm:$false
            """);
        Assert.Empty(second.Errors);
        Assert.Equal(1200L << 20, Value(second.Output[0], "Size"));
        Assert.Equal([false, true, true], second.Output.Skip(1).Select(one => (bool)Value(one, "IsVolumeKept")!));
        Assert.Contains(second.Warnings, warning => warning.Contains("/dev/volumegroup/byhand", StringComparison.Ordinal));
        Assert.Equal("byhand", await OnHost("lvs --noheadings -o lv_name | tr -d ' '"));
        Assert.Empty(PowerShell("Remove-SecureGuestVolume volumegroup byhand -VirtHost $lab -Confirm:$false").Errors);
        Assert.Equal(before, await State());
    }

    private async Task<string> State() => await HostState() + await OnHost("findmnt -rn -o TARGET,SOURCE; systemctl list-units --all --plain --no-legend '*virtstorage*' '*xfsstorage*'");

    private void Refused(string because)
    {
        var run = PowerShell("Remove-SecureGuestVolume -MountPoint /virtstorage -VirtHost $lab -Confirm:$false");
        Assert.Empty(run.Output);
        var error = Assert.Single(run.Errors);
        Assert.Equal("VolumeInUse", ErrorId(error));
        Assert.Contains(because, Text(error, "Message"), StringComparison.Ordinal);
    }
}
