using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>What a removal refuses, what it leaves, and what the matrix cannot say: somebody else at work at the same time.</summary>
public sealed class RemovalTests
{
    [Theory]
    [InlineData("guest web (defined: /virt/a/web.img)")]
    [InlineData("guest web (running: /dev/mapper/volumegroup-a)")]
    [InlineData("process 42 (sleep)")]
    [InlineData("it is mounted at /elsewhere too")]
    [InlineData("/dev/vda1 is mounted below it, at /virt/a/inside")]
    [InlineData("snap is a snapshot of it")]
    public async Task AVolumeInUseIsRefusedAndItsUserIsNamed(string user)
    {
        var machine = Scenarios.Made("a");
        var volume = machine.Volumes[0];
        switch (user.Split(' ')[0])
        {
            case "guest": machine.DefineGuest("web", user.Split(": ")[1].TrimEnd(')'), user.Contains("running", StringComparison.Ordinal)); break;
            case "process": machine.Processes.Add(($"{ModelMachine.DeviceMapperMajor}:{volume.Minor}", 42, "sleep")); break;
            case "it": machine.MountVolume(volume, "/elsewhere"); break;
            case "/dev/vda1": machine.Mounts.Add(machine.Mounts[0] with { Point = "/virt/a/inside" }); break;
            default: machine.Volumes.Add(new ModelVolume { Group = "volumegroup", Name = "snap", Size = 4 << 20, Tags = [], Minor = 9, Origin = "a" }); break;
        }

        var before = machine.Snapshot();
        foreach (var request in (VolumeRemovalRequest[])[Scenarios.Removal("a"), Scenarios.Removal(null, mountPoint: "/virt/a", keep: true), Scenarios.Removal(null, devicePath: "/dev/mapper/volumegroup-a")])
        {
            using var host = new ModelHost(machine);
            var refusal = Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [request])).Refusal!;
            Assert.Equal("VolumeInUse", refusal.Id);
            Assert.Contains(user, refusal.Message, StringComparison.Ordinal);
            Assert.Empty(host.Mutations);
        }

        Assert.Equal(before, machine.Snapshot());
    }

    [Theory]
    [InlineData("host-probe", 2)] // While the user was asked.
    [InlineData("semanage import", 1)] // While the rules were committed.
    public async Task AGuestThatIsDefinedMeanwhileKeepsItsVolume(string tool, int time)
    {
        var machine = Scenarios.Made("a");
        var before = machine.Snapshot();
        using var host = new ModelHost(machine);
        var seen = 0;
        host.Before = call =>
        {
            if (call.Tool == tool && ++seen == time) machine.DefineGuest("web", "/virt/a/web.img");
            return Task.CompletedTask;
        };
        var failure = Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a")])).Failure!;
        Assert.Equal("VolumeInUse", failure.Id);
        Assert.Contains("guest web (defined", failure.Words, StringComparison.Ordinal);
        Assert.Empty(failure.NotUndone);
        Assert.False(failure.IsFinal);
        machine.Definitions.Clear();
        Assert.Equal(before, machine.Snapshot());
    }

    [Fact]
    public async Task AThinVolumeOrASnapshotIsNotWipedAndOneThatOthersStandOnIsNotRemoved()
    {
        var machine = Scenarios.Made("a");
        machine.Volumes[0].Pool = "pool";
        using var host = new ModelHost(machine);
        Assert.Equal("CannotWipe", Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a", wipe: true)])).Refusal?.Id);

        // A thin volume that has it as its external origin goes with it, LVM says; one in the same pool does not.
        var other = machine.AddVolume("volumegroup", "b", Scenarios.Size, []);
        (other.Origin, other.Pool) = ("a", "other");
        Assert.Contains("b is a snapshot of it", Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a")])).Refusal?.Message, StringComparison.Ordinal);
        other.Pool = "pool";
        Assert.Null(Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a")])).Failure);
    }

    [Fact]
    public async Task AVolumeThatCameUnderTheSameNameMeanwhileIsNotRemoved()
    {
        var machine = Scenarios.Made("a");
        using var host = new ModelHost(machine);
        host.Before = call =>
        {
            if (call.Tool == "lvremove")
            {
                machine.Volumes.Clear();
                machine.AddVolume("volumegroup", "a", Scenarios.Size, []);
            }

            return Task.CompletedTask;
        };
        // It is read back and said: the one that was meant is gone, and one of its name is there.
        var failure = Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a")])).Failure!;
        Assert.Equal("NotAsAsked", failure.Id);
        Assert.True(failure.IsFinal);
        Assert.Empty(failure.ToFinish);
        Assert.Single(machine.Volumes);
    }

    [Fact]
    public async Task WhatWasRemovedIsReadBackAndWhatIsNotOursIsKeptWithAWarning()
    {
        var (removed, _) = await RemoveAsync(Scenarios.Made("a"), Scenarios.Removal(null, mountPoint: "/virt/a"));
        Assert.Equal(["Mount", "FstabLine", "Rule", "Directory", "Volume"], removed.Removed);
        Assert.Equal(("volumegroup", "a", "/dev/volumegroup/a", "/virt/a", false), (removed.VolumeGroup, removed.Name, removed.DevicePath, removed.MountPoint, removed.IsVolumeKept));

        var (kept, machine) = await RemoveAsync(Scenarios.Made("a", tags: []), Scenarios.Removal(null, mountPoint: "/virt/a"));
        Assert.Equal(["Mount", "FstabLine", "Rule", "Directory"], kept.Removed);
        Assert.True(kept.IsVolumeKept);
        Assert.NotNull(Assert.Single(machine.Volumes).FileSystem);
        Assert.Equal(["VolumeKept"], await NotesAsync(Scenarios.Made("a", tags: []), Scenarios.Removal(null, mountPoint: "/virt/a")));
        Assert.Empty(await NotesAsync(Scenarios.Made("a", tags: []), Scenarios.Removal("a")));

        var (leftOver, _) = await RemoveAsync(Scenarios.Removals.Single(one => one.Name == "left over").Machine(), Scenarios.Removal(null, mountPoint: "/virt/a"));
        Assert.Equal(["FstabLine", "Rule", "Directory"], leftOver.Removed);
        Assert.False(leftOver.IsVolumeKept);
    }

    [Fact]
    public async Task OnlyTheRuleOfItsOwnTreeForAnImageTypeGoesHoweverItIsSpelled()
    {
        var machine = Scenarios.Made("my.images");
        machine.LocalRules.Clear();
        machine.LocalRules.Add(("/virt/my.images(/.*)?", "staff_u:object_r:virt_content_t:s0"));
        machine.LocalRules.Add(("/virt(/.*)?", "system_u:object_r:virt_image_t:s0"));
        machine.LocalRules.Add((@"/virt/my\x2eimages/iso(/.*)?", "system_u:object_r:virt_content_t:s0"));
        await RemoveAsync(machine, Scenarios.Removal("my.images"));
        Assert.Equal(["/virt(/.*)?", @"/virt/my\x2eimages/iso(/.*)?"], machine.LocalRules.Select(rule => rule.Pattern));

        machine = Scenarios.Made("a");
        machine.LocalRules[0] = (machine.LocalRules[0].Pattern, "system_u:object_r:public_content_t:s0");
        await RemoveAsync(machine, Scenarios.Removal("a"));
        Assert.Single(machine.LocalRules);
    }

    [Theory]
    [InlineData("/home", "SystemMount")]
    [InlineData("/var/lib", "SystemMount")]
    public async Task WhatIsMountedAtAPlaceOfTheSystemsIsNoGuestVolume(string place, string id)
    {
        var machine = new ModelMachine();
        machine.MountVolume(machine.AddVolume("volumegroup", "a", Scenarios.Size, [], "ext4"), place);
        using var host = new ModelHost(machine);
        Assert.Equal(id, Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("a")])).Refusal?.Id);
    }

    [Fact]
    public async Task WhatIsNotThereIsAnErrorAndAnEmptyDirectoryAloneIsNobodys()
    {
        using var host = new ModelHost(Scenarios.ExistingMountPoint());
        foreach (var request in (VolumeRemovalRequest[])[Scenarios.Removal("nothing"), Scenarios.Removal(null, mountPoint: "/virtstorage"), Scenarios.Removal(null, devicePath: "/dev/volumegroup/nothing")])
            Assert.Equal("VolumeNotFound", Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [request])).Refusal?.Id);
        Assert.Empty(host.Mutations);
    }

    [Theory]
    [InlineData(Scenarios.Size, null)]
    [InlineData(Scenarios.Size - 1, null)] // Rounded up to extents.
    [InlineData(Scenarios.Size - (5L << 20), "SizeTooSmall")]
    [InlineData(1L << 50, "VolumeGroupFull")]
    public async Task GrowingRefusesWhatCannotBeAndHasNothingToDoWhereItIsSo(long size, string? refusal)
    {
        using var host = new ModelHost(Scenarios.Made("a"));
        var made = Assert.Single(await FlowRun.OfAsync(VolumeFlows.Resize, host, [Scenarios.Resize("a", size)]));
        Assert.Equal(refusal, made.Refusal?.Id);
        if (refusal is null) Assert.True(made.Plan!.IsEmpty);
        Assert.Empty(host.Mutations);
    }

    [Fact]
    public async Task AFileSystemThatIsNotMountedOrDoesNotGrowIsRefused()
    {
        var machine = Scenarios.Removals.Single(one => one.Name == "not mounted").Machine();
        machine.MountVolume(machine.AddVolume("volumegroup", "b", Scenarios.Size, [], "btrfs"), "/virt/b");
        using var host = new ModelHost(machine);
        var made = await FlowRun.OfAsync(VolumeFlows.Resize, host, [Scenarios.Resize("a", Scenarios.Size * 2), Scenarios.Resize("b", Scenarios.Size * 2), Scenarios.Resize("c", Scenarios.Size)]);
        Assert.Equal(["VolumeNotMounted", "CannotGrow", "VolumeNotFound"], made.Select(one => one.Refusal?.Id));
    }

    private static async Task<(SecureGuestVolumeRemoval, ModelMachine)> RemoveAsync(ModelMachine machine, VolumeRemovalRequest request)
    {
        using var host = new ModelHost(machine);
        return (Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [request])).Result!, machine);
    }

    private static async Task<IEnumerable<string>> NotesAsync(ModelMachine machine, VolumeRemovalRequest request)
    {
        using var host = new ModelHost(machine);
        await FlowRun.OfAsync(VolumeFlows.Remove, host, [request]);
        var after = (await VolumeFlows.Remove.Read(host, [request with { Identity = VolumeIdentity.Validated(host.Name, "volumegroup", "a", null, "/virt/a") }], CancellationToken.None))[0]();
        return VolumeFlows.Remove.Notes(request, after, false).Select(note => note.Id);
    }
}
