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

    public static IReadOnlyList<Scenario<VirtImageContextRequest>> Images { get; } =
    [
        new("a directory of images", ImageDirectory, [Image("/images")]),
        new("one image", ImageDirectory, [Image("/images/one.img")]),
        new("a rule of another type", () => WithRule(ImageDirectory(), @"/images(/.*)?", "virt_content_t"), [Image("/images")]),
        new("a rule without labels", () => WithRule(ImageDirectory(), @"/images(/.*)?", "virt_image_t"), [Image("/images")]),
        new("two directories", TwoImageDirectories, [Image("/images"), Image("/srv/more images")]),
    ];

    public static SecureGuestVolumeRequest Volume(
        string name, string mountPoint, GuestFileSystem fileSystem = GuestFileSystem.Ext4, long size = Size, bool persist = true, IReadOnlyList<string>? options = null,
        string group = "volumegroup") =>
        SecureGuestVolumeRequest.Validated(Host, group, name, size, mountPoint, fileSystem, null, null, options, persist);

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
