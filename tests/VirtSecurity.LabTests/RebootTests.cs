using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>What is made is there at the next boot, before a guest needs it; and when it is gone the host boots without.</summary>
public sealed class RebootTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    public async Task AfterARebootTheVolumeIsMountedBeforeItsAutostartedGuest()
    {
        await AutostartedGuest();
        await Machine.RebootAsync(TestContext.Current.CancellationToken);

        await OnHost("systemctl is-active srv-guests.mount && systemctl start libvirtd && lab-guest-wait g 120");
        Assert.Equal("", await OnHost("systemctl --failed --no-legend --plain"));
        Assert.Contains("libvirtd.service", await OnHost("systemctl show -P Before srv-guests.mount"), StringComparison.Ordinal);
        var mounted = long.Parse(await OnHost("systemctl show -P ActiveEnterTimestampMonotonic srv-guests.mount"), System.Globalization.CultureInfo.InvariantCulture);
        var started = long.Parse(await OnHost("systemctl show -P ExecMainStartTimestampMonotonic libvirtd.service"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(mounted, 1, started);
        Assert.Contains(":virt_image_t:", await OnHost("stat -c %C /srv/guests"), StringComparison.Ordinal);
        Assert.Contains(":virt_image_t:", await OnHost("touch /srv/guests/new.img && stat -c %C /srv/guests/new.img"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task WithoutItsVolumeGroupTheHostStillBootsAndNothingIsWrittenInTheVolumesPlace()
    {
        await AutostartedGuest();
        await OnHost("umount /srv/guests; vgchange -an volumegroup; wipefs -aq /dev/vdb; sync");
        await Machine.RebootAsync(TestContext.Current.CancellationToken);

        Assert.DoesNotContain("_image_t", await OnHost("stat -c %C /srv/guests"), StringComparison.Ordinal);
        await OnHost("systemctl start libvirtd");
        Assert.Equal("shut off", await OnHost("virsh domstate g </dev/null"));
        Assert.NotEqual(0, (await TryOnHost("mountpoint -q /srv/guests")).Code);
        var (code, text) = await TryOnHost("touch /srv/guests/stray.img");
        Assert.NotEqual(0, code);
        Assert.Contains("Operation not permitted", text, StringComparison.Ordinal);
    }

    private async Task AutostartedGuest()
    {
        Assert.Empty(PowerShell("New-SecureGuestVolume volumegroup guests 1GB -MountPoint /srv/guests -VirtHost $lab").Errors);
        await OnHost("truncate -s 16M /srv/guests/g.img && lab-guest-define g /srv/guests/g.img autostart");
    }
}
