using System.Management.Automation;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Thin volumes, and volumes that guests use as their disks.</summary>
public sealed class ThinRawTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task ARawVolumeShowsNothingOfTheLastOneRunsAGuestAndKeepsAnAskedLabelAcrossActivationAndReboot()
    {
        // A former guest's data, 40 MiB into the very extents that the new volume is given.
        await OnHost("""
            lvcreate -q -n old -L 64M volumegroup
            printf 'the last guest wrote this' | dd of=/dev/volumegroup/old bs=1 seek=41943040 conv=notrunc,fsync status=none
            lvremove -q -y volumegroup/old
            """);
        var run = PowerShell("""
            New-SecureGuestVolume volumegroup disk 64MB -Raw -VirtHost $lab
            New-SecureGuestVolume volumegroup disk 64MB -Raw -VirtHost $lab
            New-SecureGuestVolume volumegroup labelled 64MB -Raw -SELinuxType virt_image_t -VirtHost $lab
            Set-VirtImageContext /dev/volumegroup/disk -VirtHost $lab
            """);

        Assert.Equal("NotAnImagePlace", ErrorId(Assert.Single(run.Errors)));
        Assert.Equal(3, run.Output.Count);
        Assert.All(run.Output, volume => Assert.Equal(true, Value(volume, "IsRaw")));
        Assert.All(run.Output, volume => Assert.Equal(true, Value(volume, "IsCompliant")));
        Assert.Contains("fixed_disk_device_t", Text(run.Output[0], "Context"), StringComparison.Ordinal);
        Assert.Contains("virt_image_t", Text(run.Output[2], "Context"), StringComparison.Ordinal);
        Assert.Equal("zero", await OnHost("cmp -n 67108864 /dev/volumegroup/disk /dev/zero && echo zero"));
        Assert.Equal("1", await OnHost("ls /etc/udev/rules.d | grep -c virtsecurity"));
        Assert.Equal("", await OnHost("grep volumegroup /etc/fstab || :"));

        await OnHost("lab-guest-define g /dev/volumegroup/disk && virsh start g </dev/null");
        Assert.Matches(@"svirt_image_t:s0:c\d+,c\d+", await OnHost("stat -L -c %C /dev/volumegroup/disk"));
        Assert.Contains("guest-io-ok", await OnHost("lab-guest-wait g 60"), StringComparison.Ordinal);
        var while_ = PowerShell("New-SecureGuestVolume volumegroup disk 64MB -Raw -VirtHost $lab");
        Assert.Equal(true, Value(Assert.Single(while_.Output), "IsCompliant"));
        await OnHost("virsh destroy g </dev/null");
        Assert.Contains(":fixed_disk_device_t:", await OnHost("stat -L -c %C /dev/volumegroup/disk"), StringComparison.Ordinal);

        await OnHost("lvchange -an volumegroup/labelled && lvchange -ay volumegroup/labelled && udevadm settle");
        Assert.Contains(":virt_image_t:", await OnHost("stat -L -c %C /dev/volumegroup/labelled"), StringComparison.Ordinal);
        await Machine.RebootAsync(TestContext.Current.CancellationToken);
        Assert.Contains(":virt_image_t:", await OnHost("stat -L -c %C /dev/volumegroup/labelled"), StringComparison.Ordinal);
        Assert.Contains(":fixed_disk_device_t:", await OnHost("stat -L -c %C /dev/volumegroup/disk"), StringComparison.Ordinal);

        // Listed as what they are; a label that somebody gave is put right; and each goes with its rule, once its guest is gone.
        await OnHost("chcon -t virt_content_t $(readlink -e /dev/volumegroup/disk); chcon -t fixed_disk_device_t $(readlink -e /dev/volumegroup/labelled)");
        var later = PowerShell("""
            Get-SecureGuestVolume -VirtHost $lab | Where-Object Problem | Repair-SecureGuestVolume
            Get-SecureGuestVolume -VirtHost $lab
            Get-SecureGuestVolume -VirtHost $lab | Remove-SecureGuestVolume -Confirm:$false
            """);
        Assert.Equal(4, later.Output.Take(4).Count(volume => Value(volume, "IsCompliant") is true && Value(volume, "IsRaw") is true));
        Assert.Equal("VolumeInUse", ErrorId(Assert.Single(later.Errors)));
        Assert.Equal("labelled: UdevRule Volume", $"{Value(later.Output[4], "Name")}: {string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(Value(later.Output[4], "Removed")))}");
        await OnHost("virsh undefine g </dev/null");
        Assert.Empty(PowerShell("Get-SecureGuestVolume -VirtHost $lab | Remove-SecureGuestVolume -Wipe -Confirm:$false").Errors);
        Assert.Equal("", await OnHost("lvs --noheadings; ls /etc/udev/rules.d | grep virtsecurity || :"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AThinVolumeIsMadeInItsPoolAFailureTakesVolumeAndRuleAwayAndContradictionsAreNamed()
    {
        await OnHost("lvcreate -q --yes -L 256M --type thin-pool -n pool volumegroup 2>/dev/null; lvcreate -q --yes -n fat -L 64M volumegroup");
        var before = await HostState() + await OnHost("ls -la /etc/udev/rules.d | tail -n +4");
        await Wrap("/usr/sbin/lvchange", "echo broken for the test >&2; exit 5");
        var failed = PowerShell("New-SecureGuestVolume volumegroup disk 64MB -Raw -SELinuxType virt_image_t -VirtHost $lab");
        await Unwrap("/usr/sbin/lvchange");
        Assert.Equal("LvmFailed", ErrorId(Assert.Single(failed.Errors)));
        Assert.Contains("Undone: lvcreate; udev", Text(failed.Errors[0], "Message"), StringComparison.Ordinal);
        Assert.Equal(before, await HostState() + await OnHost("ls -la /etc/udev/rules.d | tail -n +4"));

        var run = PowerShell("""
            New-SecureGuestVolume volumegroup images 1GB /srv/images -ThinPool pool -VirtHost $lab
            New-SecureGuestVolume volumegroup disk 512MB -Raw -ThinPool pool -VirtHost $lab
            New-SecureGuestVolume volumegroup other 512MB -Raw -ThinPool none -VirtHost $lab
            New-SecureGuestVolume volumegroup other 512MB -Raw -ThinPool fat -VirtHost $lab
            New-SecureGuestVolume volumegroup images 1GB /srv/images -ThinPool other -VirtHost $lab
            New-SecureGuestVolume volumegroup disk 512MB /srv/disk -VirtHost $lab
            """);
        Assert.Equal(["ThinPoolNotFound", "ThinPoolNotFound", "VolumeDiffers", "VolumeDiffers"], run.Errors.Select(ErrorId));
        Assert.Equal(2, run.Output.Count);
        Assert.All(run.Output, volume => Assert.Equal(true, Value(volume, "IsCompliant")));
        Assert.Contains(run.Warnings, warning => warning.Contains("thin pool volumegroup/pool", StringComparison.Ordinal));
        Assert.Equal("disk pool\nimages pool", await OnHost("lvs --noheadings --separator ' ' -o lv_name,pool_lv -S 'pool_lv=pool' volumegroup 2>/dev/null | sed 's/^ *//' | sort"));
    }
}
