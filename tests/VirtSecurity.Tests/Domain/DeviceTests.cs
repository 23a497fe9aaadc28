using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>The guard before a device that exists: what it refuses, what -Force may overwrite, and what is left when mkfs is cut off.</summary>
public sealed class DeviceTests
{
    [Theory]
    [InlineData("content", "crypto_LUKS", "DeviceNotEmpty")]
    [InlineData("content", "bytes other than zero in its last MiB", "DeviceNotEmpty")]
    [InlineData("unreadable", "its first MiB: dd: error reading '/dev/vdc1': Input/output error", "DeviceUnreadable")]
    [InlineData("use", "it is mounted at /data", "DeviceInUse")]
    [InlineData("use", "dm-3 is made of it (volumegroup-a)", "DeviceInUse")]
    [InlineData("use", "process 17 (dd) has it open", "DeviceInUse")]
    public async Task WhatIsNotProvablyEmptyIsRefusedAndForceOverridesContentOnly(string finding, string words, string id)
    {
        var machine = Scenarios.WithPartitions(1);
        var device = machine.Partitions[0];
        var yieldsToForce = finding == "content";
        (yieldsToForce ? device.Contents : finding == "use" ? device.Uses : device.Unreadable).Add(words);
        await RefusedAsync(machine, Scenarios.Device("/dev/vdc1", "/virtstorage"), id, words);
        if (!yieldsToForce)
        {
            await RefusedAsync(machine, Scenarios.Device("/dev/vdc1", "/virtstorage", force: true), id, words);
            return;
        }

        using var host = new ModelHost(machine);
        var made = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Device("/dev/vdc1", "/virtstorage", force: true)]));
        Assert.Null(made.Failure);
        Assert.Contains(words, Assert.Single(made.Plan!.Losses), StringComparison.Ordinal);
        Assert.True(made.Result!.IsCompliant);
        Assert.Empty(machine.Partitions[0].Contents);
    }

    [Theory]
    [InlineData("/dev/vdc1", true, "the running guest g uses it")]
    [InlineData("/dev/vdc1", false, "the guest g is defined with it")]
    [InlineData("/dev/disk/by-id/virtio-lab-part1", false, "the guest g is defined with it")]
    [InlineData("/dev/vdc", false, "the guest g is defined with it")]
    public async Task ADeviceOfAGuestIsInUseByWhateverNameAndWhetherItRunsOrNot(string named, bool isRunning, string words)
    {
        var machine = Scenarios.WithPartitions(1);
        machine.DefineGuest("g", named, isRunning);
        await RefusedAsync(machine, Scenarios.Device("/dev/vdc1", "/virtstorage", force: true), "DeviceInUse", words);
    }

    [Theory]
    [InlineData("/dev/nosuch", "DeviceNotFound", "/dev/nosuch")]
    [InlineData("/dev/file", "DeviceNotUsable", "regular file")]
    [InlineData("/dev/directory", "DeviceNotUsable", "directory")]
    public async Task WhatIsNoBlockDeviceIsRefused(string device, string id, string words)
    {
        var machine = Scenarios.WithPartitions(1);
        machine.AddFile("/dev/file", '-', "600", ModelMachine.Unlabelled);
        machine.AddFile("/dev/directory", 'd', "755", ModelMachine.Unlabelled);
        await RefusedAsync(machine, Scenarios.Device(device, "/virtstorage"), id, words);
    }

    [Theory]
    [InlineData("/root/image.img")]
    [InlineData("/srv/link")]
    [InlineData("/dev")]
    [InlineData("/devious/vdc1")]
    public void APathThatDoesNotLieBelowDevIsRefusedWithoutAskingTheHost(string path) =>
        Assert.Equal("DeviceNotUsable", Assert.Throws<VirtException>(() => Scenarios.Device(path, "/virtstorage")).Id);

    [Theory]
    [InlineData("/dev/../etc/passwd")]
    [InlineData("vdc1")]
    [InlineData("")]
    public void APathThatIsNotCanonicalIsRefused(string path) =>
        Assert.Equal("InvalidPath", Assert.Throws<VirtException>(() => Scenarios.Device(path, "/virtstorage")).Id);

    [Fact]
    public async Task ADeviceThatIsMountedThereIsAsAskedAndContradictionsAreNamed()
    {
        using var host = new ModelHost(Scenarios.WithPartitions(2));
        var made = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Device("/dev/disk/by-id/virtio-lab-part1", "/virtstorage")]));
        Assert.Equal("/dev/vdc1", made.Result?.DevicePath);
        Assert.Null(made.Result?.VolumeGroup);
        Assert.StartsWith($"PARTUUID={ModelMachine.PartUuid(host.Machine.Partitions[0])} /virtstorage ext4 ", made.Result?.FstabLine, StringComparison.Ordinal);

        using var again = new ModelHost(host.Machine);
        foreach (var name in (string[])["/dev/vdc1", "/dev/disk/by-id/virtio-lab-part1"])
        {
            var same = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, again, [Scenarios.Device(name, "/virtstorage", size: 4L << 30)]));
            Assert.True(same.Plan?.IsEmpty, same.Refusal?.Message);
        }

        await RefusedAsync(host.Machine, Scenarios.Device("/dev/vdc1", "/virtstorage", Tools.GuestFileSystem.Xfs), "VolumeDiffers", "file system is ext4, asked for is xfs");
        await RefusedAsync(host.Machine, Scenarios.Device("/dev/vdc1", "/virtstorage", size: 5L << 30), "VolumeDiffers", "size in bytes is 4294967296, asked for is 5368709120");
        await RefusedAsync(host.Machine, Scenarios.Device("/dev/vdc1", "/elsewhere", force: true), "DeviceInUse", "mounted at /virtstorage");
        await RefusedAsync(host.Machine, Scenarios.Device("/dev/vdc2", "/virtstorage"), "MountPointBusy", "/dev/vdc1 is mounted there");

        // Unmounted by hand it is mounted again, for fstab says that it belongs there; nothing is made on it.
        host.Machine.Mounts.RemoveAll(mount => mount.Point == "/virtstorage");
        var uuid = host.Machine.Partitions[0].FileSystem!.Uuid;
        var back = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, again, [Scenarios.Device("/dev/vdc1", "/virtstorage")]));
        Assert.True(back.Result?.IsMounted, back.Refusal?.Message);
        Assert.Equal(uuid, host.Machine.Partitions[0].FileSystem!.Uuid);
    }

    [Fact]
    public async Task AFileSystemThatIsCutOffInTheMakingIsTakenBackByItsMark()
    {
        var machine = Scenarios.WithPartitions(1);
        machine.TearsFileSystems = true;
        var before = machine.Snapshot();
        using var host = new ModelHost(machine);
        var made = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Device("/dev/vdc1", "/virtstorage")]));
        Assert.Equal("mkfs", made.Failure?.Step);
        Assert.Contains("mkfs", made.Failure!.Undone);
        Assert.Empty(made.Failure.NotUndone);
        Assert.Empty(made.Failure.Lost);
        Assert.Equal(before, machine.Snapshot());
    }

    [Fact]
    public async Task WhatCameBetweenTheLookAndTheLockIsNotOverwritten()
    {
        foreach (var force in (bool[])[false, true])
        {
            var machine = Scenarios.WithPartitions(1);
            using var host = new ModelHost(machine)
            {
                Before = call =>
                {
                    if (call.Tool == "device-mkfs") machine.Partitions[0].Contents.Add("LVM2_member");
                    return Task.CompletedTask;
                },
            };
            var made = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Device("/dev/vdc1", "/virtstorage", force: force)]));
            Assert.Equal("DeviceNotEmpty", made.Failure?.Id);
            Assert.Equal(["LVM2_member"], machine.Partitions[0].Contents);
            Assert.Null(machine.Partitions[0].FileSystem);
            Assert.Empty(made.Failure!.NotUndone);
        }
    }

    /// <summary>Whatever fails after it: what was on the device is said to be lost, and only where it is.</summary>
    [Fact]
    public async Task WhatIsLostForEverIsSaid()
    {
        var places = (await Rehearsal.OfAsync(SecureGuestVolumes.Flow, WithData, [Scenarios.Device("/dev/vdc1", "/virtstorage", force: true)])).Places;
        Assert.True(places.ToList().FindIndex(place => place.Step == "mkfs") > places.ToList().FindIndex(place => place.Step == "fstab"));
        for (var at = 0; at < places.Count - 1; at++)
        {
            using var host = new ModelHost(WithData()) { Fault = (FaultKind.FailsDoingNothing, at) };
            var made = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Device("/dev/vdc1", "/virtstorage", force: true)]));
            var isGone = host.Machine.Partitions[0].Contents.Count == 0;
            Assert.Equal(isGone || places[at].Call.Tool == "device-mkfs", made.Failure?.Lost.Count == 1);
            Assert.Empty(made.Failure!.NotUndone);
            if (isGone) Assert.Contains("swap", made.Failure.Lost[0], StringComparison.Ordinal);
            else Assert.Equal(WithData().Snapshot(), host.Machine.Snapshot());
        }

        static ModelMachine WithData()
        {
            var machine = Scenarios.WithPartitions(1);
            machine.Partitions[0].Contents.Add("swap");
            return machine;
        }
    }

    [Theory]
    [InlineData(70, "ToolFailed", true)]
    [InlineData(65, "DeviceNotEmpty", false)]
    [InlineData(73, "DeviceInUse", false)]
    [InlineData(74, "DeviceUnreadable", false)]
    [InlineData(75, "LockTimedOut", false)]
    public void TheGuardsExitCodesSayWhetherAnythingWasWritten(int code, string id, bool isWritten)
    {
        var result = new ToolResult(ToolCall.Script(Tools.DeviceGuard.MakeName, ""), ToolOutcome.Exited, code, [], []);
        var failure = Tools.ToolFailure.Of(result);
        Assert.Equal(id, failure.Id);
        Assert.Equal(isWritten, !Tools.DeviceGuard.IsRefusal(failure.Id));
    }

    private static async Task RefusedAsync(ModelMachine machine, SecureGuestVolumeRequest request, string id, string words)
    {
        using var host = new ModelHost(machine);
        var before = machine.Snapshot();
        var refusal = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [request])).Refusal;
        Assert.Equal(id, refusal?.Id);
        Assert.Contains(words, refusal!.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Remedy);
        Assert.Empty(host.Mutations);
        Assert.Equal(before, machine.Snapshot());
    }
}
