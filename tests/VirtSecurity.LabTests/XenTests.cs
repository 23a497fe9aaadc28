using VirtSecurity.Lab;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>A volume on a Xen dom0, from start to end. SELinux's type is set and looked up there; under xl it is no gate.</summary>
public sealed class XenTests(LabFixture fixture) : LabTest(fixture)
{
    protected override LabFlavour Flavour => LabFlavour.Xen;

    [Fact]
    public async Task ADom0GetsAVolumeForXensImages()
    {
        Assert.Contains("control_d", await OnHost("cat /proc/xen/capabilities"), StringComparison.Ordinal);

        var run = PowerShell("""
            Connect-VirtHost $lab
            Connect-VirtHost $lab | New-SecureGuestVolume volumegroup guests 512MB /xenstorage
            New-SecureGuestVolume volumegroup other 64MB /other -Hypervisor Kvm -VirtHost $lab
            """);

        Assert.Equal("WrongHypervisor", ErrorId(Assert.Single(run.Errors)));
        Assert.Equal(("Xen", "Enforcing"), (Text(run.Output[0], "Hypervisor"), Text(run.Output[0], "SELinuxMode")));
        var volume = run.Output[1];
        Assert.Equal(("xen_image_t", true, "0700"), (Text(volume, "SELinuxType"), Value(volume, "IsCompliant"), Text(volume, "Mode")));
        Assert.Equal(Text(volume, "FileContextRule"), await OnHost("grep xenstorage /etc/selinux/default/contexts/files/file_contexts.local"));
        Assert.Contains(":xen_image_t:", await OnHost("stat -c %C /xenstorage; touch /xenstorage/guest.img; stat -c %C /xenstorage/guest.img"), StringComparison.Ordinal);
        await OnHost("matchpathcon -V /xenstorage/guest.img && mountpoint -q /xenstorage && findmnt --verify");
        Assert.Contains("x-systemd.before=xendomains.service", Text(volume, "FstabLine"), StringComparison.Ordinal);
        Assert.NotEqual(0, (await TryOnHost("runuser -u nobody -- cat /xenstorage/guest.img")).Code);
    }
}
