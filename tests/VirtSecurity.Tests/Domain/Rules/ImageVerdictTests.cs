using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>From label, rule, mount and guests to the verdict: each line of the table is a case of a host's life.</summary>
public sealed class ImageVerdictTests
{
    private const string Pool = "/var/lib/libvirt/images/a.img";
    private const string Image = "system_u:object_r:virt_image_t:s0";
    private const ulong Labelling = 0xFE00;
    private const ulong Fuse = 0x35;

    private static readonly GuestHolds Web = GuestHolds.None with
    {
        Ranges = new Dictionary<string, Holder> { ["s0:c3,c17"] = new("web", null) },
        Inodes = new Dictionary<InodeNumber, Holder> { [new(Labelling, 7)] = new("web", null) },
        Devices = new Dictionary<string, Holder> { ["253:4"] = new("web", SecurityContext.Parse("system_u:object_r:svirt_image_t:s0:c3,c17")) },
    };

    private static readonly MountFact[] Mounts =
    [
        new("254:0", "/", ["rw"], "ext4", "/dev/vda") { SuperOptions = ["rw", "seclabel"] },
        new("0:53", "/nfs", ["rw"], "nfs4", "server:/export"), new("0:54", "/cifs", ["rw"], "cifs", "//server/share"),
        new("0:55", "/fuse", ["rw"], "fuse.sshfs", "server:"), new("7:0", "/vfat", ["rw"], "vfat", "/dev/loop0"),
    ];

    [Theory]
    [InlineData(Pool, '-', Image, ContextVerdict.Compliant, true)]
    [InlineData("/var/lib/libvirt/images", 'd', Image, ContextVerdict.Compliant, true)]
    [InlineData("/virtstorage/deep/below/a b.img", '-', Image, ContextVerdict.Compliant, true)]
    [InlineData("/vmstore/a.img", '-', Image, ContextVerdict.Compliant, true)]
    [InlineData(Pool, '-', "system_u:object_r:user_home_t:s0", ContextVerdict.WrongType, false)]
    [InlineData(Pool, '-', "system_u:object_r:svirt_image_t:s0", ContextVerdict.WrongType, false)]
    [InlineData(Pool, '-', "system_u:unconfined_r:virt_image_t:s0", ContextVerdict.WrongType, false)]
    [InlineData(Pool, '-', "unconfined_u:object_r:virt_image_t:s0", ContextVerdict.WrongUser, true)]
    [InlineData(Pool, '-', "system_u:object_r:virt_image_t:s1", ContextVerdict.WrongRange, false)]
    [InlineData(Pool, '-', "system_u:object_r:virt_image_t", ContextVerdict.WrongRange, false)]
    [InlineData(Pool, '-', "system_u:object_r:unlabeled_t:s0", ContextVerdict.Unlabelled, false)]
    [InlineData(Pool, '-', "system_u:object_r:file_t:s0", ContextVerdict.Unlabelled, false)]
    [InlineData(Pool, '-', "system_u:object_r:svirt_image_t:s0:c3,c18", ContextVerdict.StaleCategories, false)]
    [InlineData(Pool, '-', "system_u:object_r:virt_image_t:s0:c1", ContextVerdict.StaleCategories, false)]
    [InlineData(Pool, '-', "system_u:object_r:svirt_image_t:s0:c3,c17", ContextVerdict.RunningGuest, true)]
    [InlineData("/nowhere/a.img", '-', "system_u:object_r:svirt_image_t:s0:c3,c17", ContextVerdict.RunningGuest, true)]
    [InlineData("/nowhere/a.img", '-', "unconfined_u:object_r:default_t:s0", ContextVerdict.NoRule, false)]
    [InlineData("/nowhere/a.img", '-', Image, ContextVerdict.NoRule, false)]
    [InlineData("/srv/kept/a.img", '-', Image, ContextVerdict.NoRule, false)]
    [InlineData("/nowhere/a.img", '-', "system_u:object_r:svirt_image_t:s0:c9", ContextVerdict.NoRule, false)]
    [InlineData("/var/lib/xen/images/a.img", '-', "system_u:object_r:xen_image_t:s0", ContextVerdict.NoRule, false)]
    [InlineData("/var/lib/libvirt/isos/a.iso", '-', "system_u:object_r:virt_content_t:s0", ContextVerdict.Compliant, true)]
    [InlineData("/srv/only/dirs", 'd', Image, ContextVerdict.Compliant, true)]
    [InlineData("/srv/only/dirs/file", '-', Image, ContextVerdict.NoRule, false)]
    [InlineData("/etc/shadow", '-', "system_u:object_r:shadow_t:s0", ContextVerdict.NoRule, false)]
    [InlineData("/var/lib/libvirt/qemu/nvram/web.fd", '-', "system_u:object_r:svirt_runtime_t:s0", ContextVerdict.Compliant, true)]
    [InlineData("/dev/vda", 'b', "system_u:object_r:fixed_disk_device_t:s0", ContextVerdict.Compliant, true)]
    [InlineData("/dev/vda", 'b', Image, ContextVerdict.Compliant, true)]
    [InlineData("/dev/vda", 'b', "system_u:object_r:device_t:s0", ContextVerdict.WrongType, false)]
    [InlineData("/dev/vda", 'b', "system_u:object_r:svirt_image_t:s0:c5,c6", ContextVerdict.StaleCategories, false)]
    [InlineData("/dev/vda", 'b', "system_u:object_r:unlabeled_t:s0", ContextVerdict.Unlabelled, false)]
    public void ALabelIsJudged(string path, char fileType, string label, ContextVerdict verdict, bool? isCompliant)
    {
        var judged = Judge(path, fileType, label, holds: Web);
        Assert.Equal((verdict, isCompliant), (judged.Verdict, judged.IsCompliant));
        Assert.Equal(verdict == ContextVerdict.Compliant && judged.Message is null, judged.Message is null);
        Assert.Equal(verdict == ContextVerdict.RunningGuest ? "web" : null, judged.Holder?.Guest);
    }

    [Fact]
    public void AnotherUserIsWrongOnlyIfThatIsAskedFor()
    {
        Assert.True(Judge(Pool, '-', "unconfined_u:object_r:virt_image_t:s0").IsCompliant);
        Assert.Contains("unconfined_u", Judge(Pool, '-', "unconfined_u:object_r:virt_image_t:s0").Message, StringComparison.Ordinal);
        Assert.False(Judge(Pool, '-', "unconfined_u:object_r:virt_image_t:s0", isStrict: true).IsCompliant);
        Assert.True(Judge(Pool, '-', Image, isStrict: true).IsCompliant);
    }

    [Fact]
    public void WhatAGuestHasOpenIsItsOwnWhateverItsLabelOrPath()
    {
        var right = Judge("/nowhere/a.img", '-', Image, inode: 7, holds: Web);
        Assert.Equal((ContextVerdict.RunningGuest, true), (right.Verdict, right.IsCompliant));

        // Open since before somebody took its label away: not to be touched, and not right either.
        var odd = Judge(Pool, '-', "system_u:object_r:user_home_t:s0", inode: 7, holds: Web);
        Assert.Equal((ContextVerdict.RunningGuest, null), (odd.Verdict, odd.IsCompliant));
        Assert.Contains("web", odd.Message, StringComparison.Ordinal);
        var other = Judge(Pool, '-', "system_u:object_r:svirt_image_t:s0:c8,c9", inode: 7, holds: Web);
        Assert.Null(other.IsCompliant);

        // The same number on another file system is another file.
        Assert.Equal(ContextVerdict.WrongType, Judge(Pool, '-', "system_u:object_r:user_home_t:s0", inode: 7, device: 0xFE01, holds: Web).Verdict);
    }

    [Fact]
    public void ADeviceHasTheLabelThatItsGuestSees()
    {
        var judged = Judge("/dev/vda", 'b', "system_u:object_r:fixed_disk_device_t:s0", number: "253:4", holds: Web);
        Assert.Equal((ContextVerdict.RunningGuest, true, "web"), (judged.Verdict, judged.IsCompliant, judged.Holder?.Guest));
        Assert.Equal("system_u:object_r:svirt_image_t:s0:c3,c17", judged.Context?.ToString());
        Assert.Equal(ContextVerdict.Compliant, Judge("/dev/vdb", 'b', "system_u:object_r:fixed_disk_device_t:s0", number: "253:5", holds: Web).Verdict);
    }

    [Theory]
    [InlineData("/nfs/a.img", 0x35, "system_u:object_r:nfs_t:s0", "setsebool -P virt_use_nfs on", "xen_use_nfs")]
    [InlineData("/cifs/a.img", 0x36, "system_u:object_r:cifs_t:s0", "setsebool -P virt_use_samba on", "context=system_u:object_r:xen_image_t:s0")]
    [InlineData("/fuse/a.img", 0x37, "system_u:object_r:fusefs_t:s0", "setsebool -P virt_use_fusefs on", "context=system_u:object_r:xen_image_t:s0")]
    [InlineData("/vfat/a.img", 0x700, "system_u:object_r:dosfs_t:s0", "context=system_u:object_r:virt_image_t:s0", "context=system_u:object_r:xen_image_t:s0")]
    public void AFileSystemWithoutLabelsIsNeitherRightNorWrongAndItIsSaidWhatHelps(string path, int device, string label, string onKvm, string onXen)
    {
        var kvm = Judge(path, '-', label, device: (ulong)device);
        Assert.Equal((ContextVerdict.NotSupported, null), (kvm.Verdict, kvm.IsCompliant));
        Assert.Contains(onKvm, kvm.Message, StringComparison.Ordinal);
        Assert.Contains(onXen, Judge(path, '-', label, device: (ulong)device, hypervisor: Hypervisor.Xen).Message, StringComparison.Ordinal);

        // context= gives all of it one label, and a guest that runs there is known by its open file.
        var given = Judge(path, '-', Image, device: (ulong)device);
        Assert.Equal((ContextVerdict.Compliant, true), (given.Verdict, given.IsCompliant));
        var held = Judge(path, '-', label, device: (ulong)device, inode: 9, holds: Web with { Inodes = new Dictionary<InodeNumber, Holder> { [new((ulong)device, 9)] = new(null, null) } });
        Assert.Equal((ContextVerdict.RunningGuest, null), (held.Verdict, held.IsCompliant));
    }

    [Fact]
    public void OnAXenHostItIsXensTypeThatIsRight()
    {
        Assert.Equal(ContextVerdict.Compliant, Judge("/var/lib/xen/images/a.img", '-', "system_u:object_r:xen_image_t:s0", hypervisor: Hypervisor.Xen).Verdict);
        var kvms = Judge(Pool, '-', Image, hypervisor: Hypervisor.Xen);
        Assert.Equal(ContextVerdict.NoRule, kvms.Verdict);
        Assert.Contains("virt_image_t", kvms.Message, StringComparison.Ordinal);
        Assert.Contains("Xen", kvms.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FirmwareIsRightUnderTheTypeThatPackagesGiveIt()
    {
        var contexts = new FileContexts([new("/usr/.*", null, SecurityContext.Parse("system_u:object_r:usr_t:s0"), RuleSource.Policy, "/usr/.*	system_u:object_r:usr_t:s0")], []);
        Assert.Equal(ContextVerdict.Compliant, Judge("/usr/share/OVMF/OVMF_CODE.fd", '-', "system_u:object_r:usr_t:s0", contexts: contexts).Verdict);
        Assert.Equal(ContextVerdict.NoRule, Judge("/usr/share/OVMF/OVMF_CODE.fd", '-', "system_u:object_r:user_home_t:s0", contexts: contexts).Verdict);
    }

    [Fact]
    public void WhyATypeStaysWrongIsSaid()
    {
        Assert.Contains("customizable", Judge(Pool, '-', "system_u:object_r:svirt_image_t:s0").Message, StringComparison.Ordinal);
        Assert.DoesNotContain("customizable", Judge(Pool, '-', "system_u:object_r:user_home_t:s0").Message, StringComparison.Ordinal);
        Assert.Contains("2 names", Judge(Pool, '-', "system_u:object_r:user_home_t:s0", names: 2).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("names", Judge("/virtstorage", 'd', "system_u:object_r:user_home_t:s0", names: 5).Message, StringComparison.Ordinal);
    }

    private static Judgement Judge(
        string path, char fileType, string label, ulong device = Labelling, ulong inode = 1, int names = 1, string? number = null, GuestHolds? holds = null,
        Hypervisor hypervisor = Hypervisor.Kvm, bool isStrict = false, FileContexts? contexts = null)
    {
        var probe = new HostProbeFact(true, true, "Debian", hypervisor == Hypervisor.Xen, hypervisor == Hypervisor.Kvm, [], [], null);
        var host = new HostFacts(new VirtHost("kvm1"), probe, new SELinuxFact(SELinuxMode.Enforcing, "default", contexts ?? Debian12.FileContexts), ImageTypes.All.ToHashSet());
        var facts = new LabelFacts(host, holds ?? GuestHolds.None, new MountPlaces(Mounts), new HashSet<string> { "svirt_image_t" });
        return new ImageVerdict(facts, isStrict).Of(path, new TreeEntry(path, fileType, SecurityContext.Parse(label), new(device, inode), names), number);
    }
}
