using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>What is there and is not what is asked for is an error that names the difference, and nothing is run.</summary>
public sealed class ContradictionTests
{
    [Fact]
    public Task AnotherSize() => VolumeDiffersAsync(Scenarios.Volume("a", "/virtstorage", size: Scenarios.Size + 1), "size in bytes is 5368709120, asked for is 5372903424");

    [Fact]
    public Task AnotherFileSystem() => VolumeDiffersAsync(Scenarios.Volume("a", "/virtstorage", GuestFileSystem.Xfs), "file system is ext4, asked for is xfs");

    [Fact]
    public Task AnotherMountPoint() => VolumeDiffersAsync(Scenarios.Volume("a", "/elsewhere"), "mount point is /virtstorage, asked for is /elsewhere");

    [Fact]
    public Task NoPersistenceWhereThereIsALine() => VolumeDiffersAsync(Scenarios.Volume("a", "/virtstorage", persist: false), "persistence is a line in /etc/fstab, asked for is none");

    [Fact]
    public Task AnOptionThatTheMountHasNot() => VolumeDiffersAsync(Scenarios.Volume("a", "/virtstorage", options: ["ro"]), "mount options");

    [Fact]
    public Task AnOptionThatTheLineHasNot() => VolumeDiffersAsync(Scenarios.Volume("a", "/virtstorage", options: ["noatime"]), "options in /etc/fstab");

    [Fact]
    public async Task ANameThatAForeignVolumeHas()
    {
        var machine = new ModelMachine();
        machine.AddVolume("volumegroup", "a", Scenarios.Size, [], "ext4");
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "NameTaken", "volumegroup/a");
    }

    [Fact]
    public async Task AForeignVolumeMountedElsewhereIsStillForeign()
    {
        var machine = new ModelMachine();
        machine.AddFile("/data", 'd', "755", ModelMachine.Unlabelled);
        machine.MountVolume(machine.AddVolume("volumegroup", "a", Scenarios.Size, ["backup"], "ext4"), "/data");
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "NameTaken", "volumegroup/a");
    }

    [Fact]
    public async Task AMountPointThatAnotherDeviceHas()
    {
        var machine = Scenarios.ExistingMountPoint();
        machine.MountVolume(machine.AddVolume("volumegroup", "other", Scenarios.Size, [], "ext4"), "/virtstorage");
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "MountPointBusy", "/dev/mapper/volumegroup-other is mounted there");
    }

    [Theory]
    [InlineData("/dev/sdb1 /virtstorage ext4 defaults 0 0", "/virtstorage")]
    [InlineData("/dev/sdb1 /virt\\040storage ext4 defaults 0 0", "/virt storage")]
    public async Task AMountPointThatAnotherFstabEntryHas(string line, string mountPoint)
    {
        var machine = new ModelMachine();
        machine.AddToFstab(line);
        await RefusedAsync(machine, Scenarios.Volume("a", mountPoint), "MountPointBusy", "/etc/fstab has /dev/sdb1 for it");
    }

    [Fact]
    public async Task AMountPointWithSomethingInIt()
    {
        var machine = Scenarios.ExistingMountPoint();
        machine.AddFile("/virtstorage/precious", '-', "600", ModelMachine.Unlabelled);
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "MountPointBusy", "not empty");
    }

    [Fact]
    public async Task AMountPointThatIsAFile()
    {
        var machine = new ModelMachine();
        machine.AddFile("/virtstorage", '-', "644", ModelMachine.Unlabelled);
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "MountPointBusy", "not a directory");
    }

    [Fact]
    public async Task AMountPointThatIsNotRoots()
    {
        var machine = new ModelMachine();
        machine.AddFile("/virtstorage", 'd', "755", ModelMachine.Unlabelled, owner: 1000);
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "MountPointBusy", "user 1000");
    }

    [Theory]
    [InlineData('d', "777", 0, "can be written to by others than root (mode 0777)")]
    [InlineData('d', "1777", 0, "can be written to by others than root (mode 1777)")]
    [InlineData('d', "775", 0, "can be written to by others than root (mode 0775)")]
    [InlineData('d', "755", 1000, "belongs to user 1000, not to root")]
    [InlineData('l', "777", 0, "is a symbolic link")]
    [InlineData('-', "644", 0, "is not a directory")]
    public async Task AParentThatOthersCouldExchange(char type, string mode, int owner, string reason)
    {
        var machine = new ModelMachine();
        machine.AddFile("/srv/theirs", type, mode, "system_u:object_r:var_t:s0", owner);
        await RefusedAsync(machine, Scenarios.Volume("a", "/srv/theirs/store"), "UnsafeParent", reason);
    }

    [Fact]
    public Task AVolumeGroupThatIsNotThere() => RefusedAsync(new ModelMachine(), Scenarios.Volume("a", "/virtstorage", group: "other"), "VolumeGroupNotFound", "other");

    [Fact]
    public Task AVolumeGroupThatIsFull() => RefusedAsync(new ModelMachine(), Scenarios.Volume("a", "/virtstorage", size: 1L << 50), "VolumeGroupFull", "41943040000 are free");

    [Fact]
    public Task NotRoot() => RefusedAsync(new ModelMachine { UserId = "1000" }, Scenarios.Volume("a", "/virtstorage"), "NotPrivileged", "model");

    [Theory]
    [InlineData("", "SELinuxDisabled")]
    [InlineData("0", "SELinuxPermissive")]
    public Task SELinuxThatGuardsNothing(string enforce, string id) => RefusedAsync(new ModelMachine { Enforce = enforce }, Scenarios.Volume("a", "/virtstorage"), id, "model");

    [Theory]
    [InlineData("lvcreate")]
    [InlineData("mke2fs")]
    [InlineData("semanage")]
    [InlineData("restorecon")]
    public async Task AToolThatIsNotThere(string tool)
    {
        var machine = new ModelMachine();
        machine.MissingTools.Add(tool);
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "ToolNotFound", tool);
    }

    [Fact]
    public async Task ATypeThatThePolicyDoesNotKnow()
    {
        var machine = new ModelMachine();
        machine.KnownTypes.Remove("virt_image_t");
        await RefusedAsync(machine, Scenarios.Volume("a", "/virtstorage"), "TypeUnknown", "virt_image_t");
    }

    [Theory]
    [InlineData(Hypervisor.Xen, null, "WrongHypervisor")]
    [InlineData(null, "xen_image_t", "WrongHypervisor")]
    [InlineData(null, "svirt_image_t", "NotAnImageType")]
    [InlineData(null, "default_t", "NotAnImageType")]
    public async Task ATypeThatIsNotForThisHost(Hypervisor? hypervisor, string? type, string id)
    {
        using var host = new ModelHost(Scenarios.ImageDirectory());
        Assert.Equal(id, Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images", hypervisor, type)])).Refusal?.Id);
        Assert.Empty(host.Mutations);
    }

    [Theory]
    [InlineData("/nowhere", "PathNotFound")]
    [InlineData("/device", "NotAnImagePlace")]
    [InlineData("/link", "NotAnImagePlace")]
    public async Task APlaceThatHoldsNoImages(string path, string id)
    {
        var machine = new ModelMachine();
        machine.AddFile("/device", 'b', "660", ModelMachine.Unlabelled);
        machine.AddFile("/link", 'l', "777", ModelMachine.Unlabelled);
        using var host = new ModelHost(machine);
        Assert.Equal(id, Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image(path)])).Refusal?.Id);
        Assert.Empty(host.Mutations);
    }

    /// <summary>Asked of a host that has made the volume as it is usually asked for.</summary>
    private static async Task VolumeDiffersAsync(SecureGuestVolumeRequest request, string difference)
    {
        using var host = new ModelHost(new ModelMachine());
        await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")]);
        await RefusedAsync(host.Machine, request, "VolumeDiffers", difference);
    }

    /// <summary>QEMU does not hold its disk exclusively: the mount would succeed, and ruin it.</summary>
    [Fact]
    public async Task WhatAGuestHasAsItsDiskIsNeverMounted()
    {
        var machine = Scenarios.Made("a");
        machine.Mounts.RemoveAll(mount => mount.Point == "/virt/a");
        machine.DefineGuest("web", "/dev/mapper/volumegroup-a", running: true);
        await RefusedAsync(machine, Scenarios.Volume("a", "/virt/a"), "VolumeInUse", "guest web (running");
        using var host = new ModelHost(machine);
        var request = RepairRequest.Validated(host.Name, "volumegroup", "a", null, null, null, null);
        Assert.Equal("VolumeInUse", Assert.Single(await FlowRun.OfAsync(RepairPlan.Flow, host, [request])).Refusal?.Id);
        Assert.Empty(host.Mutations);
    }

    private static async Task RefusedAsync(ModelMachine machine, SecureGuestVolumeRequest request, string id, string difference)
    {
        using var host = new ModelHost(machine);
        var before = machine.Snapshot();
        var refusal = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [request])).Refusal;
        Assert.Equal(id, refusal?.Id);
        Assert.Contains(difference, refusal!.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Remedy);
        Assert.Empty(host.Mutations);
        Assert.Equal(before, machine.Snapshot());
    }
}
