using System.Diagnostics;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>Which volumes are listed, and what of them does not agree.</summary>
public sealed class InventoryTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> Broken => new()
    {
        { "the rule is for another path", "NotInFstab RuleForOtherPath WrongLabel WeakMode" },
        { "a partition mounted by hand", "NotInFstab WrongLabel WeakOptions WeakMode" },
        { "unmounted", "NotMounted" },
        { "unmounted, weak in fstab", "NotMounted WeakOptions" },
        { "unmounted and not in fstab, named with its place", "NotMounted NotInFstab" },
        { "not in fstab", "NotInFstab" },
        { "weak options in fstab and at the mount", "WeakOptions" },
        { "weak options in fstab's unfinished last line", "WeakOptions" },
        { "the wrong label", "WrongLabel" },
        { "no rule", "NoRule" },
        { "an open root", "WeakMode" },
        { "everything", "NotInFstab NoRule WrongLabel WeakOptions WeakMode" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task WhatDoesNotAgreeIsNamed(string scenario, string problems)
    {
        var volume = Assert.Single(await ListAsync(Scenarios.Repairs.Single(one => one.Name == scenario).Machine()));
        Assert.Equal(problems, string.Join(' ', volume.Problem.Select(problem => problem.Id)));
        Assert.All(volume.Problem, problem => Assert.Equal(problem.Message, problem.ToString()));
    }

    [Fact]
    public async Task APartitionHasNoVolumeGroupAndFstabCallsItByItsOwnId()
    {
        var scenario = Scenarios.Repairs.Single(one => one.Name == "a partition mounted by hand");
        using var host = new ModelHost(scenario.Machine());
        var before = Assert.Single(await ListAsync(host.Machine));
        Assert.Equal((null, null, "/dev/vdc1", "/dev/vdc1", null), (before.VolumeGroup, before.Name, before.DevicePath, before.ToString(), before.Run));
        Assert.Equal(4096L * ModelMachine.FreeBlocks, before.FreeSpace);
        var after = Assert.Single(await FlowRun.OfAsync(RepairPlan.Flow, host, scenario.Requests)).Result!;
        Assert.StartsWith("PARTUUID=fc96cdf3-1eb4-e543-b2c1-ec253ce56be1 /virtstorage ext4 nodev,nosuid,noexec,nofail,", after.FstabLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsNoStoreIsNotListedUnlessARuleHasGoneAstray()
    {
        var machine = new ModelMachine();
        foreach (var point in (string[])["/data", "/home", "/boot", "/mnt", "/var/log"])
        {
            if (machine.Look(point) is null) machine.AddFile(point, 'd', "755", "system_u:object_r:default_t:s0");
            machine.MountVolume(machine.AddVolume("volumegroup", point.Replace("/", "", StringComparison.Ordinal), 1L << 30, [], "ext4"), point);
        }

        machine.AddVolume("volumegroup", "swap", 1L << 30, [], "swap");
        Assert.Empty(await ListAsync(machine));
        machine.LocalRules.Add(("/virtualization(/.*)?", "system_u:object_r:virt_image_t:s0"));
        Assert.Equal("/data", Assert.Single(await ListAsync(machine)).MountPoint);
        machine.AddFile("/virtualization", 'd', "755", "system_u:object_r:default_t:s0");
        Assert.Empty(await ListAsync(machine));
    }

    /// <summary>Labelling the wrong one would open it to guests.</summary>
    [Fact]
    public async Task OfTwoThatARuleMayHaveBeenMeantForNeitherIsChosen()
    {
        var machine = Scenarios.RuleAstray();
        machine.AddFile("/data", 'd', "755", "system_u:object_r:default_t:s0");
        machine.MountVolume(machine.AddVolume("volumegroup", "data", 1L << 30, [], "ext4"), "/data");
        Assert.Equal(2, (await ListAsync(machine)).Count);
        using var host = new ModelHost(machine);
        var made = await FlowRun.OfAsync(RepairPlan.Flow, host, [Scenarios.Repair("a"), Scenarios.Repair("data")]);
        Assert.Equal(["RepairUndecided", "RepairUndecided"], made.Select(one => one.Refusal?.Id));
        Assert.Empty(host.Mutations);
    }

    [Fact]
    public async Task WhatCannotBeDecidedIsAnErrorThatSaysWhatToDo()
    {
        static ModelMachine Elsewhere()
        {
            var machine = Scenarios.Broken(machine => machine.Mounts.RemoveAt(1));
            machine.AddFile("/other", 'd', "755", "system_u:object_r:default_t:s0");
            machine.MountVolume(machine.Volumes[0], "/other");
            return machine;
        }

        Assert.Contains("name its -MountPoint", (await RefusalAsync(Scenarios.Repairs.Single(one => one.Name.StartsWith("unmounted and not in fstab", StringComparison.Ordinal)).Machine(), Scenarios.Repair("a"))).Message, StringComparison.Ordinal);
        Assert.Contains("name one -MountPoint", (await RefusalAsync(Elsewhere(), Scenarios.Repair("a"))).Message, StringComparison.Ordinal);
        Assert.Contains("/etc/fstab has it at /virtstorage", (await RefusalAsync(Elsewhere(), Scenarios.Repair("a", mountPoint: "/other"))).Message, StringComparison.Ordinal);
        Assert.Contains("it is mounted at /other", (await RefusalAsync(Elsewhere(), Scenarios.Repair("a", mountPoint: "/virtstorage"))).Message, StringComparison.Ordinal);
        Assert.Contains("2 lines", (await RefusalAsync(Scenarios.Broken(machine => { machine.AddToFstab("/dev/volumegroup/a /virtstorage ext4 defaults 0 0"); machine.Mounts.RemoveAt(1); }), Scenarios.Repair("a"))).Message, StringComparison.Ordinal);
        Assert.Equal("MountPointBusy", (await RefusalAsync(Scenarios.Broken(machine => { machine.Mounts.RemoveAt(1); machine.Look("/virtstorage")!.Immutable = false; machine.AddFile("/virtstorage/x", '-', "600", "a:b:c_t:s0"); }), Scenarios.Repair("a"))).Id);
        Assert.Equal("VolumeNotFound", (await RefusalAsync(new ModelMachine(), Scenarios.Repair("nosuch"))).Id);
    }

    /// <summary>A snapshot has the file system's UUID too: a line by UUID names neither, and neither is mounted or loses the line by it.</summary>
    [Fact]
    public async Task AUuidThatTwoVolumesHaveNamesNeither()
    {
        var machine = Scenarios.Broken(machine => machine.Mounts.RemoveAt(1));
        var store = machine.Volumes[0];
        machine.Fstab = [];
        machine.AddToFstab($"UUID={store.FileSystem!.Uuid} /virtstorage ext4 nodev,nosuid,noexec 0 0");
        var line = machine.Fstab;
        var backup = machine.AddVolume("volumegroup", "backup", store.Size, []);
        (backup.Origin, backup.Pool, store.Pool) = ("a", "pool", "pool");
        backup.FileSystem = new ModelFileSystem("ext4", store.FileSystem.Uuid, ModelMachine.DeviceMapperMajor, backup.Minor);

        Assert.Equal("RepairUndecided", (await RefusalAsync(machine, Scenarios.Repair("a"))).Id);
        Assert.Equal("MountPointBusy", (await RefusalAsync(machine, Scenarios.Repair("a", mountPoint: "/virtstorage"))).Id);
        using var host = new ModelHost(machine);
        Assert.Null(Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal("backup")])).Failure);
        Assert.Equal(line, machine.Fstab);
        Assert.NotEmpty(machine.LocalRules);
    }

    [Fact]
    public async Task AMountWhoseRootCannotBeReadIsListedAndLeftToTheAdministrator()
    {
        var machine = Scenarios.Broken(_ => { });
        machine.AddVolume("volumegroup", "b", 1L << 30, ["virtsecurity"], "ext4");
        machine.IsUnreadable = path => path == "/virtstorage";
        var volumes = await ListAsync(machine);
        Assert.Equal(["a", "b"], volumes.Select(volume => volume.Name));
        Assert.Equal("RootUnreadable", Assert.Single(volumes[0].Problem).Id);
        Assert.Equal("RepairUndecided", (await RefusalAsync(machine, Scenarios.Repair("a"))).Id);
    }

    [Fact]
    public async Task GuestsAreNamedAndAGuestsOwnDiskHasNoProblem()
    {
        var machine = Scenarios.Broken(_ => { });
        machine.DefineGuest("web", "/virtstorage/web.img", running: true);
        machine.DefineGuest("mail", "/virtstorage/mail.img");
        machine.DefineGuest("raw", "/dev/mapper/volumegroup-raw");
        machine.AddVolume("volumegroup", "raw", 1L << 30, ["virtsecurity"], "ext4");
        var volumes = await ListAsync(machine);
        Assert.Equal(["a: mail web", "raw: raw"], volumes.Select(volume => $"{volume.Name}: {string.Join(' ', volume.Guest)}"));
        Assert.All(volumes, volume => Assert.Empty(volume.Problem));

        machine.Definitions["/etc/libvirt/qemu/torn.xml"] = "<domain><na";
        Assert.Equal("FactUnknown", (await Assert.ThrowsAsync<VirtException>(() => ListAsync(machine))).Id);
    }

    /// <summary>One call a question, not one a volume; and what is read is sorted out in no time.</summary>
    [Fact]
    public async Task FiveHundredVolumesAreAsManyQuestionsAsOne()
    {
        var machine = new ModelMachine();
        machine.Groups["volumegroup"] = new("volumegroup", 4 << 20, 1_000_000);
        foreach (var i in Enumerable.Range(0, 500))
        {
            machine.AddFile($"/v{i}", 'd', "0", "system_u:object_r:default_t:s0");
            machine.MountVolume(machine.AddVolume("volumegroup", $"v{i}", 1L << 20, ["virtsecurity"], "ext4"), $"/v{i}");
            machine.AddToFstab($"/dev/volumegroup/v{i} /v{i} ext4 nodev,nosuid,noexec 0 0");
            machine.DefineGuest($"g{i}", $"/v{i}/g.img");
            machine.LocalRules.Add(($"/v{i}(/.*)?", "system_u:object_r:virt_image_t:s0"));
        }

        var calls = 0;
        using var host = new ModelHost(machine) { Before = _ => { calls++; return Task.CompletedTask; } };
        var watch = Stopwatch.StartNew();
        var volumes = await StoreInventory.ReadAsync(host, CancellationToken.None);
        output.WriteLine($"{volumes.Count} volumes, {calls} calls, {watch.ElapsedMilliseconds} ms");
        Assert.Equal(500, volumes.Count);
        Assert.All(volumes, volume => Assert.Single(volume.Guest));
        Assert.InRange(calls, 1, 13);
    }

    private static async Task<IReadOnlyList<SecureGuestVolume>> ListAsync(ModelMachine machine)
    {
        using var host = new ModelHost(machine);
        return await StoreInventory.ReadAsync(host, CancellationToken.None);
    }

    private static async Task<VirtException> RefusalAsync(ModelMachine machine, RepairRequest request)
    {
        using var host = new ModelHost(machine);
        try
        {
            var refusal = Assert.Single(await FlowRun.OfAsync(RepairPlan.Flow, host, [request])).Refusal;
            Assert.NotNull(refusal);
            Assert.Empty(host.Mutations);
            return refusal;
        }
        catch (VirtException problem)
        {
            return problem;
        }
    }
}
