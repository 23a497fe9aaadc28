using System.Text;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using VirtSecurity.Tools;

namespace VirtSecurity.Tests.Domain;

/// <summary>A host and what is asked of it.</summary>
internal sealed record Scenario<TRequest>(string Name, Func<ModelMachine> Machine, IReadOnlyList<TRequest> Requests);

/// <summary>Hosts as administrators have them, and requests for them.</summary>
internal static class Scenarios
{
    public const long Size = 5L << 30;
    private static readonly VirtHost Host = new("model");

    public static IReadOnlyList<Scenario<SecureGuestVolumeRequest>> Volumes { get; } =
    [
        new("one volume", () => new(), [Volume("a", "/virtstorage")]),
        new("missing parents", () => new(), [Volume("a", "/srv/guests/deep/store")]),
        new("a closed parent", ClosedParent, [Volume("a", "/srv/closed/store")]),
        new("missing below closed", ClosedParent, [Volume("a", "/srv/closed/new/store")]),
        new("fstab without its final newline", CutFstab, [Volume("a", "/virtstorage")]),
        new("an empty mount point that exists", ExistingMountPoint, [Volume("a", "/virtstorage")]),
        new("not persistent", () => new(), [Volume("a", "/virtstorage", persist: false)]),
        new("xfs", () => new(), [Volume("a", "/virtstorage", GuestFileSystem.Xfs)]),
        new("ext3", () => new(), [Volume("a", "/virtstorage", GuestFileSystem.Ext3)]),
        new("a local rule of another type", LocalRule, [Volume("a", "/virtstorage")]),
        new("mounted without rule and label", MountedUnlabelled, [Volume("a", "/virtstorage")]),
        new("a store of ours that others may list", OpenStore, [Volume("a", "/virtstorage")]),
        new("three volumes", () => new(), [Volume("a", "/virt/a"), Volume("b", "/virt/b"), Volume("c", "/virt/c")]),
        new("three volumes of all kinds", ThreeKinds,
            [Volume("a", "/srv/closed/new/a", GuestFileSystem.Xfs), Volume("b", "/srv/closed/new/b"), Volume("c", "/virtstorage")]),
    ];

    /// <summary>Partitions instead of logical volumes; what is on the last one is lost, whatever becomes of the run.</summary>
    public static IReadOnlyList<Scenario<SecureGuestVolumeRequest>> Devices { get; } =
    [
        new("an empty partition", () => WithPartitions(1), [Device("/dev/vdc1", "/virtstorage")]),
        new("by a link, xfs, not persistent", () => WithPartitions(1), [Device("/dev/disk/by-id/virtio-lab-part1", "/srv/new/store", GuestFileSystem.Xfs, persist: false)]),
        new("force where nothing is lost", () => WithPartitions(1), [Device("/dev/vdc1", "/virtstorage", force: true)]),
        new("two partitions and a volume", () => WithPartitions(2), [Device("/dev/vdc1", "/virt/a"), Volume("b", "/virt/b"), Device("/dev/vdc2", "/virt/c")]),
        new("thin volumes", WithThinPool, [Volume("a", "/virt/a", thinPool: "pool"), Volume("b", "/virt/b")]),
    ];

    /// <summary>Guests' own disks.</summary>
    public static IReadOnlyList<Scenario<RawVolumeRequest>> Raw { get; } =
    [
        new("raw on KVM", () => new(), [RawVolume("a")]),
        new("raw with a type asked for", () => new(), [RawVolume("a", type: "virt_image_t")]),
        new("raw on Xen", () => new() { IsXen = true }, [RawVolume("a"), RawVolume("b")]),
        new("raw and thin", WithThinPool, [RawVolume("a", pool: "pool")]),
        new("a rule for a raw volume that exists", ExistingRaw, [RawVolume("a", type: "virt_image_t")]),
    ];

    public static IReadOnlyList<Scenario<VirtImageContextRequest>> Images { get; } =
    [
        new("a directory of images", ImageDirectory, [Image("/images")]),
        new("one image", ImageDirectory, [Image("/images/one.img")]),
        new("a rule of another type", () => WithRule(ImageDirectory(), @"/images(/.*)?", "virt_content_t"), [Image("/images")]),
        new("a rule without labels", () => WithRule(ImageDirectory(), @"/images(/.*)?", "virt_image_t"), [Image("/images")]),
        new("two directories", TwoImageDirectories, [Image("/images"), Image("/srv/more images")]),
        new("left-over categories and customizable types", StaleImages, [Image("/images")]),
        new("a directory and what is in it", ImageDirectory, [Image("/images"), Image("/images/one.img"), Image("/images/two.img")]),
        new("a rule that says its path wrongly", () => WithRule(DottedDirectory(), "/my.images(/.*)?", "virt_image_t"), [Image("/my.images") with { Replaces = "/my.images(/.*)?" }]),
        new("the user too", StaleImages, [Image("/images") with { IsStrict = true }]),
    ];

    public static IReadOnlyList<Scenario<ContextRemovalRequest>> RuleRemovals { get; } =
    [
        new("a rule and its labels", LabelledImages, [RuleRemoval("/images")]),
        new("a rule by its pattern", () => WithRule(LabelledImages(), "/images/.*", "virt_content_t"), [RuleRemoval("/images", "/images/.*")]),
        new("a rule for what is gone", () => WithRule(new ModelMachine(), "/gone(/.*)?", "virt_image_t"), [RuleRemoval("/gone")]),
        new("two rules", TwoLabelledDirectories, [RuleRemoval("/images"), RuleRemoval("/srv/more images")]),
        new("reset", LabelledImages, [RuleRemoval("/images", isReset: true)]),
        new("reset without a rule", ImageDirectory, [RuleRemoval("/images", isReset: true)]),
        new("reset of one image", () => WithRule(LabelledImages(), @"/images/one\x2eimg", "virt_content_t"), [RuleRemoval("/images/one.img", isReset: true)]),
    ];

    public static IReadOnlyList<Scenario<ImageMoveRequest>> Moves { get; } =
    [
        new("nobody's image", MovableImages, [Move("/old/orphan.img")]),
        new("a guest's image", MovableImages, [Move("/old/web.img")]),
        new("an image of two guests", () => WithGuest(MovableImages(), "web2", "/old/web.img"), [Move("/old/web.img")]),
        new("an image of xl's", XenImages, [Move("/old/web.img")]),
        new("two images", MovableImages, [Move("/old/web.img"), Move("/old/db.img")]),
    ];

    public static ImageMoveRequest Move(string path, string destination = "/images") => ImageMoveRequest.Validated(Host, path, destination);

    public static ContextRemovalRequest RuleRemoval(string path, string? pattern = null, bool isReset = false) => ContextRemovalRequest.Validated(Host, path, pattern, isReset);

    public static IReadOnlyList<Scenario<VolumeRemovalRequest>> Removals { get; } =
    [
        new("removed", () => Made("a"), [Removal("a")]),
        new("removed by device", () => Made("a"), [Removal(null, devicePath: "/dev/volumegroup/a")]),
        new("removed by mount point, wiped", () => Made("a"), [Removal(null, mountPoint: "/virt/a", wipe: true)]),
        new("kept", () => Made("a"), [Removal("a", keep: true)]),
        new("not ours, not named", () => Made("a", tags: []), [Removal(null, mountPoint: "/virt/a")]),
        new("fstab of many kinds", () => OldFstab(Made("a")), [Removal("a")]),
        new("not mounted", () => NotMounted("a"), [Removal("a")]),
        new("raw with its udev rule", RawWithRule, [Removal("a")]),
        new("raw with its udev rule, kept", RawWithRule, [Removal("a", keep: true)]),
        new("left over", LeftOver, [Removal(null, mountPoint: "/virt/a")]),
        new("three removed", () => Made("a", "b", "c"), [Removal("a"), Removal("b", wipe: true), Removal("c")]),
    ];

    public static IReadOnlyList<Scenario<VolumeResizeRequest>> Resizes { get; } =
    [
        new("grown", () => Made("a"), [Resize("a", Size * 2)]),
        new("xfs grown", () => Made(["a"], fileSystem: "xfs"), [Resize("a", Size * 2)]),
        new("file system smaller than its volume", SmallerFileSystem, [Resize("a", Size * 2)]),
        new("two grown", () => Made("a", "b"), [Resize("a", Size * 2), Resize("b", Size * 2)]),
    ];

    public static VolumeRemovalRequest Removal(string? name, string? mountPoint = null, string? devicePath = null, bool keep = false, bool wipe = false) =>
        new(VolumeIdentity.Validated(Host, name is null ? null : "volumegroup", name, devicePath, mountPoint), name is not null, keep, wipe);

    public static VolumeResizeRequest Resize(string name, long size) => new(VolumeIdentity.Validated(Host, "volumegroup", name, null, null), size);

    /// <summary>Volumes as New-SecureGuestVolume leaves them.</summary>
    public static ModelMachine Made(params string[] names) => Made(names, null);

    public static ModelMachine Made(string name, IReadOnlyList<string> tags) => Made([name], tags);

    public static ModelMachine Made(string[] names, IReadOnlyList<string>? tags = null, string fileSystem = "ext4")
    {
        var machine = new ModelMachine();
        machine.AddFile("/virt", 'd', "755", "unconfined_u:object_r:default_t:s0");
        foreach (var name in names)
        {
            var volume = machine.AddVolume("volumegroup", name, Size, tags ?? ["virtsecurity", "virtsecurity.run=20250101T000000Z-01234567"], fileSystem);
            machine.AddFile($"/virt/{name}", 'd', "0", "unconfined_u:object_r:default_t:s0").Immutable = true;
            machine.AddToFstab($"/dev/volumegroup/{name} /virt/{name} {fileSystem} nodev,nosuid,noexec,nofail 0 0");
            machine.MountVolume(volume, $"/virt/{name}");
            volume.FileSystem!.Inodes[""].Label = "system_u:object_r:virt_image_t:s0";
            machine.LocalRules.Add(($"/virt/{name}(/.*)?", "system_u:object_r:virt_image_t:s0"));
        }

        return machine;
    }

    private static ModelMachine OldFstab(ModelMachine machine)
    {
        machine.AddToFstab("# by hand\r");
        machine.AddToFstab("/dev/mapper/volumegroup-a\t/virt/a  ext4 noauto\r");
        machine.AddToFstab("/dev/volumegroup/a /virt/a ext4 nodev,nosuid,noexec,nofail 0 0");
        machine.AddToFstab("UUID=" + machine.Volumes[0].FileSystem!.Uuid + " /elsewhere ext4 noauto 0 0");
        machine.CutFstabNewline();
        return machine;
    }

    public static IReadOnlyList<Scenario<RepairRequest>> Repairs { get; } =
    [
        new("the rule is for another path", RuleAstray, [Repair(mountPoint: "/virtstorage")]),
        new("a partition mounted by hand", HandMadePartition, [Repair(device: "/dev/vdc1")]),
        new("unmounted", () => Broken(machine => machine.Mounts.RemoveAt(1)), [Repair("a")]),
        new("unmounted, weak in fstab", () => Broken(machine => { machine.Mounts.RemoveAt(1); WeakenFstab(machine); }), [Repair("a")]),
        new("unmounted and not in fstab, named with its place", () => Broken(machine => { machine.Mounts.RemoveAt(1); DropFromFstab(machine); }), [Repair("a", mountPoint: "/virtstorage")]),
        new("not in fstab", () => Broken(DropFromFstab), [Repair("a")]),
        new("not in fstab, whose last line is unfinished", () => Broken(machine => { DropFromFstab(machine); machine.CutFstabNewline(); }), [Repair("a")]),
        new("weak options in fstab and at the mount", () => Broken(machine => { WeakenFstab(machine); machine.Mounts[1] = machine.Mounts[1] with { Options = "rw,relatime" }; }), [Repair("a")]),
        new("weak options in fstab's unfinished last line", () => Broken(machine => { WeakenFstab(machine); machine.CutFstabNewline(); }), [Repair("a")]),
        new("the wrong label", () => Broken(machine => machine.Look("/virtstorage")!.Label = "unconfined_u:object_r:default_t:s0"), [Repair("a")]),
        new("no rule", () => Broken(machine => machine.LocalRules.Clear()), [Repair("a")]),
        new("an open root", () => Broken(machine => machine.Look("/virtstorage")!.Mode = "755"), [Repair("a")]),
        new("a closed parent", () => { var machine = ClosedParent(); machine.MountVolume(machine.AddVolume("volumegroup", "a", Size, ["virtsecurity"], "ext4"), "/srv/closed/store", "rw,relatime"); return machine; }, [Repair("a")]),
        new("everything", () => Broken(BreakAll), [Repair("a")]),
        new("two at once", TwoBroken, [Repair("a"), Repair("b")]),
    ];

    public static RepairRequest Repair(string? name = null, string? device = null, string? mountPoint = null) =>
        RepairRequest.Validated(Host, name is null ? null : "volumegroup", name, device, mountPoint, null, null);

    /// <summary>A host on which a volume was made by us, and then something happened to it.</summary>
    public static ModelMachine Broken(Action<ModelMachine> happens)
    {
        var machine = new ModelMachine();
        using var host = new ModelHost(machine);
        FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Volume("a", "/virtstorage")]).GetAwaiter().GetResult();
        machine.JournalFiles.Clear();
        happens(machine);
        return machine;
    }

    /// <summary>The procedure as printed: the rule is for /virtualization, the mount at /virtstorage, and fstab is forgotten.</summary>
    public static ModelMachine RuleAstray() => WithRule(MountedUnlabelled(), "/virtualization(/.*)?", "virt_image_t");

    private static ModelMachine HandMadePartition()
    {
        var machine = WithRule(ExistingMountPoint(), "/virtstorage(/.*)?", "virt_image_t");
        machine.MountVolume(machine.AddPartition("/dev/vdc1", "ext4"), "/virtstorage", "rw,relatime");
        return machine;
    }

    private static void BreakAll(ModelMachine machine)
    {
        BreakItsOwn(machine);
        machine.Look("/virtstorage")!.Label = "unconfined_u:object_r:default_t:s0";
        machine.LocalRules.Clear();
    }

    private static void BreakItsOwn(ModelMachine machine)
    {
        machine.Mounts[1] = machine.Mounts[1] with { Options = "rw,relatime" };
        DropFromFstab(machine);
        machine.Look("/virtstorage")!.Mode = "777";
    }

    private static ModelMachine TwoBroken()
    {
        var machine = WithRule(Broken(BreakItsOwn), "/b(/.*)?", "virt_image_t");
        machine.AddFile("/b", 'd', "755", "unconfined_u:object_r:default_t:s0");
        // What the root of an unmounted file system has for mode and label is seen only once it is mounted; a failed repair does not give back what was wrong with them.
        var root = machine.AddVolume("volumegroup", "b", Size, ["virtsecurity"], "xfs").FileSystem!.Inodes[""];
        (root.Mode, root.Label) = ("711", "system_u:object_r:virt_image_t:s0");
        machine.AddToFstab("/dev/mapper/volumegroup-b\t/b\txfs\tdefaults,exec\t0 2");
        machine.CutFstabNewline();
        return machine;
    }

    private static ModelMachine NotMounted(string name)
    {
        var machine = Made(name);
        machine.Mounts.RemoveAt(machine.Mounts.Count - 1);
        return machine;
    }

    private static ModelMachine LeftOver()
    {
        var machine = NotMounted("a");
        machine.Volumes.Clear();
        return machine;
    }

    /// <summary>A run that was cut off between volume and file system.</summary>
    private static ModelMachine SmallerFileSystem()
    {
        var machine = Made("a");
        machine.Volumes[0].Size = Size * 2;
        return machine;
    }

    private static void WeakenFstab(ModelMachine machine) =>
        machine.Fstab = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(machine.Fstab).Replace(" nodev,nosuid,noexec,nofail", "\tdefaults,suid", StringComparison.Ordinal));

    private static void DropFromFstab(ModelMachine machine) =>
        machine.Fstab = Encoding.UTF8.GetBytes(string.Concat(Encoding.UTF8.GetString(machine.Fstab).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.Contains("/virtstorage", StringComparison.Ordinal)).Select(line => line + "\n")));

    public static SecureGuestVolumeRequest Volume(
        string name, string mountPoint, GuestFileSystem fileSystem = GuestFileSystem.Ext4, long size = Size, bool persist = true, IReadOnlyList<string>? options = null,
        string group = "volumegroup", string? thinPool = null) =>
        SecureGuestVolumeRequest.Validated(Host, group, name, size, mountPoint, fileSystem, null, null, options, persist, thinPool);

    public static SecureGuestVolumeRequest Device(
        string device, string mountPoint, GuestFileSystem fileSystem = GuestFileSystem.Ext4, long? size = null, bool persist = true, bool force = false) =>
        SecureGuestVolumeRequest.OfDevice(Host, device, size, mountPoint, fileSystem, null, null, null, persist, force);

    public static RawVolumeRequest RawVolume(string name, long size = Size, string? pool = null, string? type = null) =>
        RawVolumeRequest.Validated(Host, "volumegroup", name, size, pool, null, type);

    public static ModelMachine WithPartitions(int count)
    {
        var machine = new ModelMachine();
        for (var i = 1; i <= count; i++) machine.AddEmptyPartition($"/dev/vdc{i}");
        return machine;
    }

    public static ModelMachine WithThinPool()
    {
        var machine = new ModelMachine();
        machine.ThinPools.Add(new("volumegroup", "pool", 8L << 30));
        return machine;
    }

    public static ModelMachine ExistingRaw()
    {
        var machine = new ModelMachine();
        machine.AddVolume("volumegroup", "a", Size, ["virtsecurity", "virtsecurity.run=20260101T000000Z-00000000", "virtsecurity.raw"]).IsZeroed = true;
        return machine;
    }

    public static ModelMachine RawWithRule()
    {
        var machine = ExistingRaw();
        machine.UdevRules[Udev.RulePath("volumegroup", "a")] = Udev.RuleFor("volumegroup", "a", "virt_image_t");
        (machine.Volumes[0].NodeMode, machine.Volumes[0].NodeLabel) = ("600", "system_u:object_r:virt_image_t:s0");
        return machine;
    }

    public static VirtImageContextRequest Image(string path, Hypervisor? hypervisor = null, string? type = null) =>
        VirtImageContextRequest.Validated(Host, path, hypervisor, type);

    public static ModelMachine ClosedParent()
    {
        var machine = new ModelMachine();
        machine.AddFile("/srv/closed", 'd', "700", "system_u:object_r:var_t:s0");
        return machine;
    }

    public static ModelMachine CutFstab()
    {
        var machine = new ModelMachine();
        machine.CutFstabNewline();
        return machine;
    }

    public static ModelMachine ExistingMountPoint()
    {
        var machine = new ModelMachine();
        machine.AddFile("/virtstorage", 'd', "755", "unconfined_u:object_r:default_t:s0");
        return machine;
    }

    public static ModelMachine LocalRule() => WithRule(new ModelMachine(), "/virtstorage(/.*)?", "public_content_t");

    /// <summary>What an administrator has who followed the procedure up to the mount and forgot the rest.</summary>
    public static ModelMachine MountedUnlabelled()
    {
        var machine = ExistingMountPoint();
        machine.MountVolume(machine.AddVolume("volumegroup", "a", Size, [], "ext4"), "/virtstorage");
        return machine;
    }

    /// <summary>A volume of ours whose root was given to another group and opened to all.</summary>
    public static ModelMachine OpenStore()
    {
        var machine = ExistingMountPoint();
        machine.MountVolume(machine.AddVolume("volumegroup", "a", Size, ["virtsecurity"], "ext4"), "/virtstorage");
        return machine;
    }

    public static ModelMachine ThreeKinds()
    {
        var machine = ClosedParent();
        machine.AddFile("/virtstorage", 'd', "755", "unconfined_u:object_r:default_t:s0");
        machine.CutFstabNewline();
        return WithRule(machine, "/virtstorage(/.*)?", "public_content_t");
    }

    /// <summary>Four images: two at rest, one that a guest's label marks, one that a guest holds open.</summary>
    public static ModelMachine ImageDirectory()
    {
        var machine = new ModelMachine();
        machine.AddFile("/images", 'd', "711", "unconfined_u:object_r:default_t:s0");
        machine.AddFile("/images/one.img", '-', "600", "unconfined_u:object_r:default_t:s0");
        machine.AddFile("/images/two.img", '-', "600", "system_u:object_r:user_home_t:s0");
        machine.AddFile("/images/running.img", '-', "600", "system_u:object_r:svirt_image_t:s0:c3,c17");
        machine.AddFile("/images/open.img", '-', "600", "system_u:object_r:default_t:s0");
        machine.OpenByGuests.Add("/images/open.img");
        machine.RunningRanges.Add("s0:c3,c17");
        return machine;
    }

    /// <summary>Images that lie where no rule is, and a labelled directory.</summary>
    public static ModelMachine MovableImages()
    {
        var machine = LabelledImages();
        machine.AddFile("/old", 'd', "755", "unconfined_u:object_r:default_t:s0");
        foreach (var name in (string[])["web", "db", "orphan"])
        {
            var image = machine.AddFile($"/old/{name}.img", '-', "640", "unconfined_u:object_r:default_t:s0", owner: 64055);
            (image.Content, image.Written) = ($"the data of {name}", 1_700_000_000 + name.Length);
        }

        machine.DefineGuest("web", "/old/web.img");
        machine.DefineGuest("db", "/old/db.img");
        return machine;
    }

    public static ModelMachine WithGuest(ModelMachine machine, string name, string disk, bool running = false)
    {
        machine.DefineGuest(name, disk, running);
        return machine;
    }

    private static ModelMachine XenImages()
    {
        var machine = new ModelMachine { IsXen = true };
        machine.AddFile("/images", 'd', "711", "system_u:object_r:xen_image_t:s0");
        WithRule(machine, "/images(/.*)?", "xen_image_t");
        machine.AddFile("/old", 'd', "755", "unconfined_u:object_r:default_t:s0");
        machine.AddFile("/old/web.img", '-', "600", "unconfined_u:object_r:default_t:s0").Content = "the data of web";
        machine.Definitions["/etc/xen/web.cfg"] = "name = 'web'\nmemory = 512\ndisk = ['format=raw,vdev=xvda,access=rw,target=/old/web.img', 'phy:/dev/vg/b,xvdb,w']\n";
        return machine;
    }

    /// <summary>What a guest that was killed has left, and what chcon has made of others.</summary>
    public static ModelMachine StaleImages()
    {
        var machine = ImageDirectory();
        machine.CustomizableTypes.Add("svirt_image_t");
        machine.AddFile("/images/stale.img", '-', "600", "system_u:object_r:svirt_image_t:s0:c8,c9");
        machine.AddFile("/images/ranged.img", '-', "600", "unconfined_u:object_r:virt_image_t:s0:c1");
        machine.AddFile("/images/shared.img", '-', "600", "unconfined_u:object_r:svirt_image_t:s0");
        return machine;
    }

    /// <summary>As Set-VirtImageContext leaves it.</summary>
    public static ModelMachine LabelledImages()
    {
        var machine = WithRule(ImageDirectory(), "/images(/.*)?", "virt_image_t");
        foreach (var path in (string[])["/images", "/images/one.img", "/images/two.img"]) machine.Look(path)!.Label = "system_u:object_r:virt_image_t:s0";
        return machine;
    }

    private static ModelMachine TwoLabelledDirectories()
    {
        var machine = WithRule(LabelledImages(), @"/srv/more\x20images(/.*)?", "virt_image_t");
        machine.AddFile("/srv/more images", 'd', "755", "system_u:object_r:virt_image_t:s0");
        machine.AddFile("/srv/more images/it's one", '-', "600", "unconfined_u:object_r:virt_image_t:s0");
        return machine;
    }

    private static ModelMachine DottedDirectory()
    {
        var machine = new ModelMachine();
        machine.AddFile("/my.images", 'd', "711", "unconfined_u:object_r:default_t:s0");
        return machine;
    }

    private static ModelMachine TwoImageDirectories()
    {
        var machine = ImageDirectory();
        machine.AddFile("/srv/more images", 'd', "755", "unconfined_u:object_r:var_t:s0");
        machine.AddFile("/srv/more images/it's one", '-', "600", "unconfined_u:object_r:var_t:s0");
        return machine;
    }

    private static ModelMachine WithRule(ModelMachine machine, string pattern, string type)
    {
        machine.LocalRules.Add((pattern, $"system_u:object_r:{type}:s0"));
        return machine;
    }
}
