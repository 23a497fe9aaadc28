using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>What the matrix cannot say: other people and other objects of the run, at work at the same time.</summary>
public sealed class UndoTests
{
    [Fact]
    public async Task AParentThatAnotherVolumeIsAboutToUseIsNotTakenFromUnderIt()
    {
        // b has made /srv/new, and waits before its own directory until a, which found it there, is undone.
        using var host = new ModelHost(new ModelMachine()) { FailOn = call => call.Argv is ["mkdir", "-m", _, "--", "/srv/new/a"] };
        var undone = new TaskCompletionSource();
        host.Before = call =>
        {
            if (call.Tool == "lvremove") undone.SetResult();
            return call.Argv is ["mkdir", "-m", _, "--", "/srv/new/b"] ? undone.Task : Task.CompletedTask;
        };
        var made = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("b", "/srv/new/b"), Scenarios.Volume("a", "/srv/new/a")]);
        Assert.Null(made[0].Failure);
        Assert.Equal("mkdir", made[1].Failure?.Step);
        Assert.Empty(made[1].Failure!.NotUndone);
    }

    [Fact]
    public async Task AParentStaysOpenForTheVolumesThatAreMade()
    {
        using var host = new ModelHost(Scenarios.ClosedParent()) { FailOn = call => call.Argv is ["mount", .., "/srv/closed/b"] };
        var made = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/srv/closed/a"), Scenarios.Volume("b", "/srv/closed/b")]);
        Assert.Null(made[0].Failure);
        Assert.Equal("mount", made[1].Failure?.Step);
        Assert.Equal("701", host.Machine.Look("/srv/closed")!.Mode);
    }

    [Fact]
    public async Task AnImageWhoseGuestHasStartedSinceKeepsItsGuestsLabel()
    {
        const string guests = "system_u:object_r:svirt_image_t:s0:c1,c2";
        using var host = new ModelHost(Scenarios.ImageDirectory()) { FailOn = call => call.Tool == "restorecon-list", FailHavingDone = true };
        host.Before = call =>
        {
            if (call.Argv is ["xargs", "-0r", .., @"%C\0%n\0", "--"]) host.Machine.Look("/images/one.img")!.Label = guests;
            return Task.CompletedTask;
        };
        var failure = Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images")])).Failure!;
        Assert.Equal(guests, host.Machine.Look("/images/one.img")!.Label);
        Assert.Equal("system_u:object_r:user_home_t:s0", host.Machine.Look("/images/two.img")!.Label);
        Assert.Equal(["restorecon", "semanage import"], failure.Undone.Order());
        Assert.Empty(failure.NotUndone);
    }

    [Fact]
    public async Task ARuleThatAnotherOneHidesIsLeftAsItWas()
    {
        // The rule is right and stands already, but the other has no meta characters and so comes after it.
        var machine = Scenarios.ExistingMountPoint();
        machine.LocalRules.Add(("/virtstorage(/.*)?", "system_u:object_r:virt_image_t:s0"));
        machine.LocalRules.Add(("/virtstorage", "system_u:object_r:public_content_t:s0"));
        var before = machine.Snapshot();
        using var host = new ModelHost(machine);
        var failure = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Failure!;
        Assert.Equal("NotAsAsked", failure.Id);
        Assert.Contains("public_content_t", failure.Words, StringComparison.Ordinal);
        Assert.Empty(failure.NotUndone);
        Assert.Equal(before, machine.Snapshot());
    }

    [Fact]
    public async Task OfThreeVolumesOnlyTheOneThatIsNotAsAskedIsUndone()
    {
        var machine = new ModelMachine();
        using var host = new ModelHost(machine);
        host.Before = call =>
        {
            // Somebody takes the label away again between the relabel and the reading back.
            if (call.Tool == "host-probe" && machine.Volumes.Find(volume => volume.Name == "b") is { } b) b.FileSystem!.Inodes[""].Label = ModelMachine.Unlabelled;
            return Task.CompletedTask;
        };
        var made = await FlowRun.OfAsync(
            SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virt/a"), Scenarios.Volume("b", "/virt/b"), Scenarios.Volume("c", "/virt/c")]);
        Assert.Equal([null, "NotAsAsked", null], made.Select(one => one.Failure?.Id));
        Assert.Equal(["a", "c"], machine.Volumes.Select(volume => volume.Name));
        Assert.Equal(["/virt/a(/.*)?", "/virt/c(/.*)?"], machine.LocalRules.Select(rule => rule.Pattern));
    }

    [Theory]
    [InlineData("mkfs", "lvcreate")]
    [InlineData("mount", "fstab chattr mkdir lvcreate")]
    [InlineData("chmod", "mount fstab chattr mkdir lvcreate")]
    [InlineData("semanage import", "mount fstab chattr mkdir lvcreate")]
    [InlineData("restorecon", "semanage_import mount fstab chattr mkdir lvcreate")]
    public async Task WhatWasUndoneIsNamedNewestFirst(string step, string undone)
    {
        var rehearsal = await Rehearsal.OfAsync(SecureGuestVolumes.Flow, () => new ModelMachine(), [Scenarios.Volume("a", "/virtstorage")]);
        var at = rehearsal.Places.Index().First(place => place.Item.Step == step).Index;
        using var host = new ModelHost(new ModelMachine()) { Fault = (FaultKind.FailsDoingNothing, at) };
        var failure = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Failure!;
        Assert.Equal((step, ModelHost.Words), (failure.Step, failure.Words));
        Assert.Equal(undone.Split(' ').Select(name => name.Replace('_', ' ')), failure.Undone);
    }

    [Fact]
    public async Task AJournalThatCannotBeEndedIsAWarningAndNoFailure()
    {
        var rehearsal = await Rehearsal.OfAsync(SecureGuestVolumes.Flow, () => new ModelMachine(), [Scenarios.Volume("a", "/virtstorage")]);
        using var host = new ModelHost(new ModelMachine()) { Fault = (FaultKind.DiskFull, rehearsal.Places.Count - 1) };
        Assert.NotNull(Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Result);
        Assert.Equal(["JournalNotEnded"], host.Warnings);
    }

    [Fact]
    public async Task AStopBeforeAnythingHappensIsAFailureThatMadeNothing()
    {
        var machine = new ModelMachine();
        var before = machine.Snapshot();
        using var host = new ModelHost(machine) { Fault = (FaultKind.StoppedDoingNothing, 0) };
        var made = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virt/a"), Scenarios.Volume("b", "/virt/b")]);
        Assert.All(made, one => Assert.Equal("Stopped", one.Failure?.Id));
        Assert.All(made, one => Assert.Empty(one.Failure!.Undone));
        Assert.Equal(before, machine.Snapshot());
    }
}
