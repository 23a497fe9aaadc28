using System.Collections;
using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>The same command again finds everything done, and returns the same object.</summary>
public sealed class IdempotenceTests
{
    public static TheoryData<string> VolumeScenarios => [.. Scenarios.Volumes.Select(scenario => scenario.Name)];

    public static TheoryData<string> RepairScenarios => [.. Scenarios.Repairs.Select(scenario => scenario.Name)];

    public static TheoryData<string> ImageScenarios => [.. Scenarios.Images.Select(scenario => scenario.Name)];

    [Theory]
    [MemberData(nameof(VolumeScenarios))]
    public async Task AVolumeIsMadeOnce(string name)
    {
        var scenario = Scenarios.Volumes.Single(one => one.Name == name);
        using var host = new ModelHost(scenario.Machine());
        var first = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, scenario.Requests);
        var (calls, snapshot) = (host.Mutations.Count, host.Machine.Snapshot());
        var second = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, scenario.Requests);
        Assert.Equal(calls, host.Mutations.Count);
        Assert.Equal(snapshot, host.Machine.Snapshot());
        Assert.All(second, one => Assert.True(one.Plan!.IsEmpty));
        Assert.Equal(first.Select(one => Properties(one.Result!)), second.Select(one => Properties(one.Result!)));
        Assert.All(first, one => Assert.True(one.Result!.IsCompliant));
    }

    [Theory]
    [MemberData(nameof(ImageScenarios))]
    public async Task AnImageStoreIsLabelledOnce(string name)
    {
        var scenario = Scenarios.Images.Single(one => one.Name == name);
        using var host = new ModelHost(scenario.Machine());
        var first = await FlowRun.OfAsync(VirtImageContexts.Flow, host, scenario.Requests);
        var calls = host.Mutations.Count;
        var second = await FlowRun.OfAsync(VirtImageContexts.Flow, host, scenario.Requests);
        Assert.Equal(calls, host.Mutations.Count);
        Assert.Equal(first.Select(one => Properties(one.Result!)), second.Select(one => Properties(one.Result!)));
        Assert.All(first, one => Assert.True(one.Result!.IsCompliant));
    }

    [Theory]
    [MemberData(nameof(RepairScenarios))]
    public async Task AVolumeIsRepairedOnceAndItsDataStays(string name)
    {
        var scenario = Scenarios.Repairs.Single(one => one.Name == name);
        using var host = new ModelHost(scenario.Machine());
        var first = await FlowRun.OfAsync(RepairPlan.Flow, host, scenario.Requests);
        Assert.All(first, one => Assert.Null(one.Refusal));
        Assert.All(first, one => Assert.False(one.Plan!.IsEmpty));
        Assert.All(first, one => Assert.True(one.Result!.IsCompliant));
        Assert.All(first, one => Assert.Empty(one.Result!.Problem));
        var (calls, snapshot) = (host.Mutations.Count, host.Machine.Snapshot());
        var second = await FlowRun.OfAsync(RepairPlan.Flow, host, scenario.Requests);
        Assert.Equal((calls, snapshot), (host.Mutations.Count, host.Machine.Snapshot()));
        Assert.Equal(first.Select(one => Properties(one.Result!)), second.Select(one => Properties(one.Result!)));
        Assert.DoesNotContain(host.Mutations, mutation => mutation.Call.Tool is "lvcreate" or "lvremove" or "mke2fs" or "mkfs.xfs");
    }

    [Fact]
    public async Task WhatIsReturnedIsWhatIsOnTheHost()
    {
        using var host = new ModelHost(new ModelMachine());
        var volume = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage", size: (5L << 30) - 1)])).Result!;
        Assert.Equal((5L << 30, "ext4", "/virtstorage", "0710"), (volume.Size, volume.FileSystem, volume.MountPoint, volume.Mode));
        Assert.Equal(host.Machine.Volumes[0].FileSystem!.Uuid, volume.Uuid);
        Assert.Equal(["nodev", "noexec", "nofail", "nosuid"], volume.MountOption.Order());
        Assert.Equal("virt_image_t", volume.Context!.Type);
        Assert.True(volume is { IsMounted: true, IsPersistent: true, IsCompliant: true, SELinuxType: "virt_image_t" });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1 - (4 << 20))]
    public async Task ASizeThatRoundsUpToTheSameExtentsIsTheSame(long less)
    {
        using var host = new ModelHost(new ModelMachine());
        await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")]);
        var again = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage", size: Scenarios.Size + less)]));
        Assert.True(again.Plan?.IsEmpty);
    }

    [Fact]
    public async Task OptionsInAnotherOrderAreTheSame()
    {
        using var host = new ModelHost(new ModelMachine());
        await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")]);
        var again = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage", options: ["noexec", "nofail", "nodev", "nosuid"])]));
        Assert.True(again.Plan?.IsEmpty);
    }

    [Fact]
    public async Task AVolumeOfOursThatIsNotMountedIsMountedAgainAndNotMadeAgain()
    {
        using var host = new ModelHost(new ModelMachine());
        var first = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Result!;
        host.Machine.Mounts.RemoveAt(1);
        var calls = host.Mutations.Count;
        var second = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Result!;
        Assert.Equal(Properties(first), Properties(second));
        Assert.DoesNotContain(host.Mutations.Skip(calls), mutation => mutation.Call.Tool is "lvcreate" or "mke2fs" or Fstab.AppendName or Semanage.ImportName);
    }

    [Fact]
    public async Task AStoreOfOursThatOthersMayListIsGuardedAgain()
    {
        using var host = new ModelHost(new ModelMachine());
        await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")]);
        host.Machine.Look("/virtstorage")!.Mode = "755";
        var calls = host.Mutations.Count;
        var again = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")]));
        Assert.Equal("0710", again.Result!.Mode);
        Assert.Equal(["journal", "chmod", "journal"], host.Mutations.Skip(calls).Select(mutation => mutation.Call.Tool));
    }

    [Theory]
    [InlineData("libvirt-qemu", null, "0710", "libvirt-qemu")]
    [InlineData("libvirt-qemu", "xen_image_t", "0700", "root")]
    [InlineData(null, null, "0711", "root")]
    public async Task TheRootOfAStoreLetsThroughWhoHasToPass(string? qemuGroup, string? type, string mode, string group)
    {
        using var host = new ModelHost(new ModelMachine { QemuGroup = qemuGroup, IsXen = type == "xen_image_t" });
        var volume = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Result!;
        Assert.Equal((mode, group), (volume.Mode, host.Machine.Look("/virtstorage")!.Group));
    }

    /// <summary>A record compares its lists by reference; here they are compared by what is in them.</summary>
    private static string Properties(object value) => string.Join('\n', value.GetType().GetProperties().Select(property => $"{property.Name} = {Text(property.GetValue(value))}"));

    private static string Text(object? value) => value is IEnumerable items and not string ? string.Join(", ", items.Cast<object>()) : $"{value}";
}
