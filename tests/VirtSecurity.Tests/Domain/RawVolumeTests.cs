using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>Thin volumes, and volumes that guests use as their disks.</summary>
public sealed class RawVolumeTests
{
    [Fact]
    public async Task OnKvmARawVolumeIsZeroedAndNeedsNoRule()
    {
        using var host = new ModelHost(new ModelMachine());
        var volume = Assert.Single(await FlowRun.OfAsync(RawVolumes.Flow, host, [Scenarios.RawVolume("a")])).Result!;
        Assert.True(volume.IsRaw);
        Assert.True(volume.IsCompliant);
        Assert.Null(volume.MountPoint);
        Assert.Null(volume.FileSystem);
        Assert.Null(volume.SELinuxType);
        Assert.Equal("fixed_disk_device_t", volume.Context?.Type);
        Assert.Contains("libvirt", volume.LabelledBy, StringComparison.Ordinal);
        Assert.Empty(volume.Problem);
        Assert.True(host.Machine.Volumes[0].IsZeroed);
        Assert.Empty(host.Machine.UdevRules);
        Assert.True((await PlanAsync(host.Machine, Scenarios.RawVolume("a"))).Plan?.IsEmpty);
    }

    [Theory]
    [InlineData(true, null, "xen_image_t")]
    [InlineData(false, "virt_image_t", "virt_image_t")]
    public async Task WhereATypeIsWantedUdevGivesItFromTheFirst(bool isXen, string? asked, string type)
    {
        using var host = new ModelHost(new ModelMachine { IsXen = isXen });
        var volume = Assert.Single(await FlowRun.OfAsync(RawVolumes.Flow, host, [Scenarios.RawVolume("a-b", type: asked)])).Result!;
        Assert.Equal(type, volume.SELinuxType);
        Assert.Equal(type, volume.Context?.Type);
        Assert.True(volume.IsCompliant);
        var (path, rule) = Assert.Single(host.Machine.UdevRules);
        Assert.Equal("/etc/udev/rules.d/85-virtsecurity-volumegroup-a--b.rules", path);
        Assert.Equal(path, volume.LabelledBy);
        Assert.Contains($"ENV{{DM_VG_NAME}}==\"volumegroup\", ENV{{DM_LV_NAME}}==\"a-b\", MODE=\"0600\", SECLABEL{{selinux}}=\"system_u:object_r:{type}:s0\"", rule, StringComparison.Ordinal);
        Assert.True((await PlanAsync(host.Machine, Scenarios.RawVolume("a-b", type: asked))).Plan?.IsEmpty);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("virt_image_t")]
    public async Task ItIsListedAsWhatItIsAndALabelThatIsNotItsOwnIsPutRight(string? type)
    {
        using var host = new ModelHost(new ModelMachine());
        await FlowRun.OfAsync(RawVolumes.Flow, host, [Scenarios.RawVolume("a", type: type)]);
        var before = host.Machine.Snapshot();
        var listed = Assert.Single(await StoreInventory.ReadAsync(host, CancellationToken.None));
        Assert.Equal((true, true, type, type ?? "fixed_disk_device_t", type is null ? "0660" : "0600"), (listed.IsRaw, listed.IsCompliant, listed.SELinuxType, listed.Context?.Type, listed.Mode));
        Assert.Equal(type is null ? "libvirt" : "/etc/udev/rules.d/85-virtsecurity-volumegroup-a.rules", listed.LabelledBy?.Split(',')[0]);
        Assert.Empty(listed.Problem);

        host.Machine.Volumes[0].NodeLabel = "system_u:object_r:tmp_t:s0";
        listed = Assert.Single(await StoreInventory.ReadAsync(host, CancellationToken.None));
        Assert.False(listed.IsCompliant);
        Assert.Equal("WrongLabel", Assert.Single(listed.Problem).Id);
        var request = RepairRequest.Validated(host.Name, "volumegroup", "a", null, null, null, null);
        var repaired = Assert.Single(await FlowRun.OfAsync(RepairPlan.Flow, host, [request]));
        Assert.True(repaired.Result?.IsCompliant);
        Assert.Equal(before, host.Machine.Snapshot());

        // A guest that is started between the question and the answer keeps its own.
        host.Machine.Volumes[0].NodeLabel = "system_u:object_r:tmp_t:s0";
        host.Before = call =>
        {
            if (call.Tool == "label-node") host.Machine.Volumes[0].NodeLabel = "system_u:object_r:svirt_image_t:s0:c1,c2";
            return Task.CompletedTask;
        };
        Assert.Contains("svirt_image_t", Assert.Single(await FlowRun.OfAsync(RepairPlan.Flow, host, [request])).Failure?.Words, StringComparison.Ordinal);
        Assert.Equal("system_u:object_r:svirt_image_t:s0:c1,c2", host.Machine.Volumes[0].NodeLabel);

        // A running guest's label is libvirt's business.
        host.Machine.Volumes[0].NodeLabel = "system_u:object_r:svirt_image_t:s0:c1,c2";
        Assert.Empty(Assert.Single(await StoreInventory.ReadAsync(host, CancellationToken.None)).Problem);
    }

    [Fact]
    public void ARuleForANodeIsNotWrittenButExplained()
    {
        var refusal = Assert.Throws<VirtException>(() => Scenarios.Image("/dev/volumegroup/a"));
        Assert.Equal("NotAnImagePlace", refusal.Id);
        Assert.Contains("would be ignored", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("fixed_disk_device_t is right at rest", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItGoesWithItsUdevRuleAndKeptItIsLikeAnyOther()
    {
        using var host = new ModelHost(new ModelMachine());
        var before = host.Machine.Snapshot();
        await FlowRun.OfAsync(RawVolumes.Flow, host, [Scenarios.RawVolume("a", type: "virt_image_t")]);
        var kept = Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a", keep: true)])).Result!;
        Assert.Equal(["UdevRule"], kept.Removed);
        Assert.True(kept.IsVolumeKept);
        Assert.Equal("system_u:object_r:fixed_disk_device_t:s0", host.Machine.Volumes[0].NodeLabel);
        Assert.Empty(host.Machine.UdevRules);

        // Made anew, for a host whose volume was then removed by hand: the rule that is left goes by the volume's name.
        Assert.Null(Assert.Single(await FlowRun.OfAsync(RawVolumes.Flow, host, [Scenarios.RawVolume("a", type: "virt_image_t")])).Failure);
        host.Machine.Volumes.Clear();
        var left = Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a")])).Result!;
        Assert.Equal(["UdevRule"], left.Removed);
        Assert.Equal(before, host.Machine.Snapshot());
    }

    [Fact]
    public async Task AThinVolumeNeedsNoZerosIfItsPoolClearsBlocks()
    {
        using var host = new ModelHost(Scenarios.WithThinPool());
        var made = Assert.Single(await FlowRun.OfAsync(RawVolumes.Flow, host, [Scenarios.RawVolume("a", pool: "pool")]));
        Assert.DoesNotContain(made.Plan!.Own, change => change.Step == "zero");
        Assert.Equal("pool", made.Result?.ThinPool);

        var machine = new ModelMachine();
        machine.ThinPools.Add(new("volumegroup", "pool", 8L << 30, Zeroes: false));
        await RefusedAsync(machine, Scenarios.RawVolume("a", pool: "pool"), "ThinPoolNotZeroing", "volumegroup/pool");
    }

    [Fact]
    public async Task WhatIsThereAndIsNotThatVolumeIsAContradiction()
    {
        var machine = new ModelMachine();
        machine.AddVolume("volumegroup", "foreign", Scenarios.Size, [], "ext4");
        machine.AddVolume("volumegroup", "store", Scenarios.Size, ["virtsecurity"], "ext4");
        await RefusedAsync(machine, Scenarios.RawVolume("foreign"), "NameTaken", "volumegroup/foreign");
        // A run that was cut off before all of it was zeroed leaves a volume without the mark.
        await RefusedAsync(machine, Scenarios.RawVolume("store"), "VolumeDiffers", "not zeroed yet");
        await RefusedAsync(Scenarios.ExistingRaw(), Scenarios.RawVolume("a", size: 1 << 30), "VolumeDiffers", "size in bytes");
        await RefusedAsync(Scenarios.ExistingRaw(), Scenarios.RawVolume("a", pool: "pool"), "VolumeDiffers", "thin pool is none, asked for is pool");

        var running = Scenarios.ExistingRaw();
        running.DefineGuest("g", "/dev/volumegroup/a", running: true);
        await RefusedAsync(running, Scenarios.RawVolume("a", type: "virt_image_t"), "DeviceInUse", "the running guest g");

        // And what a guest has as its disk is never mounted on the host, though it holds a file system.
        var raw = Scenarios.ExistingRaw();
        using var host = new ModelHost(raw);
        Assert.Equal("VolumeDiffers", Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Refusal?.Id);
    }

    [Theory]
    [InlineData("none", "ThinPoolNotFound", "volumegroup/none")]
    [InlineData("full", "ThinPoolFull", "data space")]
    [InlineData("crowded", "ThinPoolFull", "metadata space")]
    [InlineData("broken", "ThinPoolFull", "needs_check")]
    public async Task AThinPoolThatCannotTakeAVolumeIsRefused(string pool, string id, string words)
    {
        var machine = new ModelMachine();
        machine.ThinPools.Add(new("volumegroup", "full", 8L << 30, Data: 100));
        machine.ThinPools.Add(new("volumegroup", "crowded", 8L << 30, Metadata: 100));
        machine.ThinPools.Add(new("volumegroup", "broken", 8L << 30, Health: "needs_check"));
        await RefusedAsync(machine, Scenarios.RawVolume("a", pool: pool), id, words);
        using var host = new ModelHost(machine);
        Assert.Equal(id, Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage", thinPool: pool)])).Refusal?.Id);
    }

    [Fact]
    public async Task AThinVolumeIsInItsPoolAndAPoolThatMayBurstIsAWarning()
    {
        using var host = new ModelHost(Scenarios.WithThinPool());
        var request = Scenarios.Volume("a", "/virtstorage", thinPool: "pool");
        var volume = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [request])).Result;
        Assert.True(volume?.IsCompliant);
        Assert.Equal("pool", host.Machine.Volumes[0].Pool);
        Assert.DoesNotContain(await NotesAsync(host, request), note => note == "ThinPoolOvercommitted");

        var more = Scenarios.Volume("b", "/virt/b", thinPool: "pool");
        Assert.Null(Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [more])).Failure);
        Assert.Contains(await NotesAsync(host, more), note => note == "ThinPoolOvercommitted");

        // A volume that is there and is not thin, or in another pool.
        host.Machine.ThinPools.Add(new("volumegroup", "other", 8L << 30));
        Assert.Contains("thin pool is pool, asked for is other", Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage", thinPool: "other")])).Refusal?.Message, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<string>> NotesAsync(ModelHost host, SecureGuestVolumeRequest request)
    {
        var facts = await SecureGuestVolumes.Flow.Read(host, [request], CancellationToken.None);
        return [.. SecureGuestVolumes.Flow.Notes(request, facts[0](), false).Select(note => note.Id)];
    }

    private static async Task<Made<SecureGuestVolume>> PlanAsync(ModelMachine machine, RawVolumeRequest request)
    {
        using var host = new ModelHost(machine);
        return Assert.Single(await FlowRun.OfAsync(RawVolumes.Flow, host, [request]));
    }

    private static async Task RefusedAsync(ModelMachine machine, RawVolumeRequest request, string id, string words)
    {
        using var host = new ModelHost(machine);
        var before = machine.Snapshot();
        VirtException? refusal = Assert.Single(await FlowRun.OfAsync(RawVolumes.Flow, host, [request])).Refusal;
        Assert.Equal(id, refusal?.Id);
        Assert.Contains(words, refusal!.Message, StringComparison.Ordinal);
        Assert.Empty(host.Mutations);
        Assert.Equal(before, machine.Snapshot());
    }
}
