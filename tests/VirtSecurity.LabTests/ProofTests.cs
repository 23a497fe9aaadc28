using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>The sentence of the procedure, live: SELinux stops a guest whose image is in the wrong place, and lets it start from a secure volume.</summary>
public sealed class ProofTests(LabFixture fixture) : LabTest(fixture)
{
    private const string Image = "/virtstorage/g.img";

    [Fact]
    public async Task AGuestRefusedBySELinuxStartsFromANewSecureGuestVolume()
    {
        await PositiveControl();
        await OnHost($"mkdir /virtstorage && truncate -s 16M {Image} && lab-guest-define g {Image}");
        await RefusedBySELinux();
        await OnHost("rm -r /virtstorage");

        var run = PowerShell("New-SecureGuestVolume volumegroup NewVolumeName 1GB -MountPoint /virtstorage -VirtHost $lab");

        Assert.Empty(run.Errors);
        var volume = Assert.Single(run.Output);
        Assert.Equal("virt_image_t", Text(volume, "SELinuxType"));
        Assert.Equal("/virtstorage(/.*)?    system_u:object_r:virt_image_t:s0", Text(volume, "FileContextRule"));
        Assert.Equal(Text(volume, "FileContextRule"), await OnHost("grep virtstorage /etc/selinux/default/contexts/files/file_contexts.local"));
        Assert.Equal(Text(volume, "FstabLine"), await OnHost("grep virtstorage /etc/fstab"));
        Assert.Equal(Text(volume, "Uuid"), await OnHost("blkid -p -s UUID -o value /dev/volumegroup/NewVolumeName"));
        Assert.Equal(true, Value(volume, "IsCompliant"));

        // An image that its own mode lets everybody read.
        await OnHost($"umask 022 && truncate -s 16M {Image}");
        Assert.Equal("root:libvirt-qemu 710 644", await OnHost($"stat -c '%U:%G %a' /virtstorage | tr '\n' ' '; stat -c %a {Image}"));
        await StartsConfined();
        await OnlyQemuGetsIn();
        await LabelledAgainOnceStopped();
    }

    [Fact]
    public async Task AGuestRefusedBySELinuxStartsAfterSetVirtImageContext()
    {
        await PositiveControl();
        await OnHost($"""
            lvcreate -q -n byhand -L 256M volumegroup && mke2fs -q -t ext4 /dev/volumegroup/byhand && mkdir /virtstorage && mount /dev/volumegroup/byhand /virtstorage
            truncate -s 16M {Image} && lab-guest-define g {Image}
            """);
        Assert.Contains("unlabeled_t", await OnHost("ls -dZ /virtstorage"), StringComparison.Ordinal);
        await RefusedBySELinux();

        var run = PowerShell("Set-VirtImageContext /virtstorage -VirtHost $lab");

        Assert.Empty(run.Errors);
        var context = Assert.Single(run.Output);
        Assert.Equal("/virtstorage(/.*)?    system_u:object_r:virt_image_t:s0", Text(context, "FileContextRule"));
        Assert.Equal(true, Value(context, "IsCompliant"));
        await StartsConfined();

        // A running guest's image is left as libvirt labelled it, and the guest goes on writing.
        var before = await OnHost($"stat -c %C {Image}");
        await OnHost("touch /virtstorage/other && chcon -t default_t /virtstorage/other");
        var again = PowerShell("Set-VirtImageContext /virtstorage -VirtHost $lab");
        Assert.Empty(again.Errors);
        Assert.Contains(again.Warnings, warning => warning.Contains(Image, StringComparison.Ordinal));
        Assert.Equal(before, await OnHost($"stat -c %C {Image}"));
        Assert.Contains("virt_image_t", await OnHost("stat -c %C /virtstorage/other"), StringComparison.Ordinal);
        await OnHost("lab-guest-wait g 60");

        await LabelledAgainOnceStopped();
        var third = PowerShell("'/virtstorage' | Set-VirtImageContext -VirtHost $lab");
        Assert.Empty(third.Errors);
        Assert.Empty(third.Warnings);
        Assert.Equal(true, Value(Assert.Single(third.Output), "IsCompliant"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task WhereTheHostIsNeitherTheHypervisorIsAskedForAndXensTypeIsSet()
    {
        Assert.Equal("WrongHypervisor", ErrorId(Assert.Single(PowerShell("New-SecureGuestVolume volumegroup x 64MB /xenstorage -Hypervisor Xen -VirtHost $lab").Errors)));
        Assert.Equal("WrongHypervisor", ErrorId(Assert.Single(PowerShell("New-SecureGuestVolume volumegroup x 64MB /xenstorage -SELinuxType xen_image_t -VirtHost $lab").Errors)));

        await OnHost("rm -f /dev/kvm /usr/sbin/libvirtd");
        Assert.Equal("HypervisorUnknown", ErrorId(Assert.Single(PowerShell("New-SecureGuestVolume volumegroup x 64MB /xenstorage -VirtHost $lab").Errors)));

        var run = PowerShell("New-SecureGuestVolume volumegroup x 64MB /xenstorage -Hypervisor Xen -FileSystem ext3 -VirtHost $lab");
        Assert.Empty(run.Errors);
        var volume = Assert.Single(run.Output);
        Assert.Equal("xen_image_t", Text(volume, "SELinuxType"));
        Assert.Equal("ext3", Text(volume, "FileSystem"));
        Assert.Contains(":xen_image_t:", await OnHost("stat -c %C /xenstorage"), StringComparison.Ordinal);
        Assert.Contains(":xen_image_t:", await OnHost("matchpathcon -n /xenstorage/guest.img"), StringComparison.Ordinal);
        await OnHost("touch /xenstorage/guest.img && restorecon /xenstorage/guest.img && matchpathcon -V /xenstorage/guest.img");
    }

    /// <summary>Without this a refusal could have any reason at all.</summary>
    private async Task PositiveControl()
    {
        await OnHost("truncate -s 16M /var/lib/libvirt/images/control.img && lab-guest-define control /var/lib/libvirt/images/control.img");
        await OnHost("virsh start control </dev/null && lab-guest-wait control 60 && virsh destroy control </dev/null");
    }

    private async Task RefusedBySELinux()
    {
        var (code, text) = await TryOnHost("virsh start g </dev/null");
        Assert.NotEqual(0, code);
        Assert.Contains("Permission denied", text, StringComparison.Ordinal);
        Assert.Contains(Image, text, StringComparison.Ordinal);
        // The policy refuses libvirt other things too, of no concern here: only what was refused on the image or its file system counts.
        var denials = await OnHost("""
            sync
            ausearch -m AVC --input-logs 2>/dev/null | grep denied | grep -e 'name="g.img"' -e 'path="/virtstorage' -e 'dev="dm-'
            """);
        TestContext.Current.TestOutputHelper?.WriteLine(denials);
        Assert.Matches("scontext=[^ ]*:s?virtd?_t:[^ ]* tcontext=[^ ]*:(root_t|default_t|unlabeled_t|etc_runtime_t):", denials);
    }

    private async Task StartsConfined()
    {
        await OnHost("virsh start g </dev/null");
        Assert.Matches(@"svirt_t:s0:c\d+,c\d+", await OnHost("ps -eo label,comm | grep qemu"));
        Assert.Matches(@"svirt_image_t:s0:c\d+,c\d+", await OnHost($"stat -c %C {Image}"));
        Assert.Contains("guest-io-ok", await OnHost("lab-guest-wait g 60"), StringComparison.Ordinal);
    }

    /// <summary>DAC too: QEMU's user passes through the directory, others read neither it nor an image.</summary>
    private async Task OnlyQemuGetsIn()
    {
        await OnHost($"runuser -u libvirt-qemu -- stat {Image} >/dev/null");
        Assert.NotEqual(0, (await TryOnHost("runuser -u nobody -- ls /virtstorage")).Code);
        Assert.NotEqual(0, (await TryOnHost($"runuser -u nobody -- cat {Image}")).Code);
    }

    private async Task LabelledAgainOnceStopped()
    {
        await OnHost("virsh destroy g </dev/null");
        Assert.Matches(":virt_image_t:s0$", await OnHost($"stat -c %C {Image}"));
        await OnHost($"matchpathcon -V {Image}");
    }
}
