using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>Past runs on hosts where others have been at work since.</summary>
public sealed class PastRunTests
{
    [Fact]
    public async Task WhatOthersHaveTakenAwayIsLeftAloneAndSaid()
    {
        var machine = new ModelMachine();
        var before = machine.Snapshot();
        using var host = await MadeAsync(machine);
        machine.Mounts.RemoveAt(1);
        machine.Volumes.Clear();

        Assert.Empty(await UndoAsync(host));

        var run = VirtChange.From(host.Name, await RunAsync(host));
        Assert.Equal(VirtChangeState.Undone, run.State);
        Assert.Equal(["mount (volumegroup/a)", "lvcreate (volumegroup/a)"], run.NotInPlace);
        Assert.Equal(before, machine.Snapshot());
    }

    [Fact]
    public async Task ARuleThatOthersHaveChangedIsTheirsNow()
    {
        using var host = await MadeAsync(new ModelMachine());
        host.Machine.LocalRules[0] = (host.Machine.LocalRules[0].Pattern, "system_u:object_r:public_content_t:s0");
        Assert.Empty(await UndoAsync(host));
        Assert.Contains("public_content_t", Assert.Single(host.Machine.LocalRules).Context, StringComparison.Ordinal);
        Assert.Contains("semanage import (volumegroup/a)", VirtChange.From(host.Name, await RunAsync(host)).NotInPlace);
    }

    [Fact]
    public async Task ALabelGoesBackOnlyWhereItIsTheOneTheRunSet()
    {
        const string guests = "system_u:object_r:virt_image_t:s0:c1,c2";
        using var host = new ModelHost(Scenarios.ImageDirectory());
        Assert.Null(Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/images")])).Failure);
        host.Machine.Look("/images/one.img")!.Label = guests;
        host.Machine.Look("/images/two.img")!.Label = "system_u:object_r:virt_content_t:s0";
        Assert.Empty(await UndoAsync(host));
        Assert.Equal(guests, host.Machine.Look("/images/one.img")!.Label);
        Assert.Equal("system_u:object_r:virt_content_t:s0", host.Machine.Look("/images/two.img")!.Label);
        Assert.Equal("unconfined_u:object_r:default_t:s0", host.Machine.Look("/images")!.Label);
    }

    /// <summary>Much may have happened since: what would go for good is asked for once more, also of a run that was finished long ago.</summary>
    [Fact]
    public async Task WhatHasBecomeAGuestsOrHasASnapshotSinceIsNotTakenAway()
    {
        using var host = await MadeAsync(new ModelMachine());
        var run = await RunAsync(host);
        Assert.True(PastRunUseReader.UndoDestroys(run));
        Assert.Null(await PastRunUseReader.ReadAsync(host, run, CancellationToken.None));

        host.Machine.DefineGuest("web", "/virtstorage/web.img");
        Assert.Contains("guest web (defined", await UsedAsync(), StringComparison.Ordinal);
        host.Machine.Definitions.Clear();
        host.Machine.DefineGuest("raw", "/dev/mapper/volumegroup-a");
        Assert.Contains("guest raw (defined", await UsedAsync(), StringComparison.Ordinal);
        host.Machine.Definitions.Clear();
        host.Machine.AddVolume("volumegroup", "backup", 1L << 30, []).Origin = "a";
        Assert.Contains("backup is a snapshot of it", await UsedAsync(), StringComparison.Ordinal);

        async Task<string> UsedAsync()
        {
            var refusal = await PastRunUseReader.ReadAsync(host, run, CancellationToken.None);
            Assert.Equal("VolumeInUse", refusal?.Id);
            return refusal!.Message;
        }
    }

    [Fact]
    public async Task ARemovalThatWasCutOffAsksAgainBeforeItIsFinishedAndALabelsRunNever()
    {
        var machine = Scenarios.Made("a");
        using (var dying = new ModelHost(machine) { Death = (Death.ClientAfterTheCall, 1) }) Assert.True(await FlowRun.DiesAsync(VolumeFlows.Remove, dying, [Scenarios.Removal("a")]));
        using var host = new ModelHost(machine);
        var run = await RunAsync(host);
        Assert.True(PastRunUseReader.ResumeDestroys(run));
        Assert.False(PastRunUseReader.UndoDestroys(run));
        machine.DefineGuest("web", "/virt/a/web.img");
        Assert.Equal("VolumeInUse", (await PastRunUseReader.ReadAsync(host, run, CancellationToken.None))?.Id);

        using var labels = new ModelHost(Scenarios.ImageDirectory());
        await FlowRun.OfAsync(VirtImageContexts.Flow, labels, [Scenarios.Image("/images")]);
        Assert.False(PastRunUseReader.UndoDestroys(await RunAsync(labels)));
    }

    [Fact]
    public async Task WhatWasOverwrittenIsSaidToBeLostWhenTheRestIsTakenBack()
    {
        var machine = Scenarios.WithPartitions(1);
        machine.Partitions[0].Contents.Add("ext4 labelled old");
        using var host = new ModelHost(machine);
        Assert.Null(Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Device("/dev/vdc1", "/virtstorage", force: true)])).Failure);
        Assert.Empty(await UndoAsync(host));
        var run = VirtChange.From(host.Name, await RunAsync(host));
        Assert.Equal(VirtChangeState.PartlyUndone, run.State);
        Assert.Contains("ext4 labelled old", Assert.Single(run.NotUndone), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARemovalByDeviceMeetsAnUnfinishedRunThatKnowsTheVolumeByItsName()
    {
        var machine = Scenarios.Made("a");
        using (var dying = new ModelHost(machine) { Death = (Death.ClientAfterTheCall, 1) }) Assert.True(await FlowRun.DiesAsync(VolumeFlows.Remove, dying, [Scenarios.Removal("a", keep: true)]));
        using var host = new ModelHost(machine);
        Assert.Equal("UnfinishedRun", Assert.Single(await FlowRun.OfAsync(VolumeFlows.Remove, host, [Scenarios.Removal(null, devicePath: "/dev/mapper/volumegroup-a")])).Refusal?.Id);
    }

    [Fact]
    public async Task AVolumeThatHoldsSomethingElseByNowIsNotFormatted()
    {
        var machine = new ModelMachine();
        using (var dying = new ModelHost(machine) { Death = (Death.ClientAfterTheCall, 1) }) Assert.True(await FlowRun.DiesAsync(SecureGuestVolumes.Flow, dying, [Scenarios.Volume("a", "/virtstorage")]));
        machine.Volumes[0].FileSystem = new ModelFileSystem("ext4", "somebody's", ModelMachine.DeviceMapperMajor, 0);
        var snapshot = machine.Snapshot();

        using var host = new ModelHost(machine);
        var failure = Assert.Single(await ResumeAsync(host)).Failure;
        Assert.Equal(("FactUnknown", "mkfs"), (failure.Id, failure.Step));
        Assert.Contains("somebody's", failure.Words, StringComparison.Ordinal);
        Assert.Equal(snapshot, machine.Snapshot());
        Assert.True((await RunAsync(host)).IsUnfinished);
    }

    [Fact]
    public async Task AStepThatClaimsToBeDoneIsNoticedWhenAllIsReadBack()
    {
        var machine = new ModelMachine();
        using (var dying = new ModelHost(machine) { Death = (Death.ClientAfterTheCall, 0) }) await FlowRun.DiesAsync(SecureGuestVolumes.Flow, dying, [Scenarios.Volume("a", "/virtstorage")]);
        // The journal, lvcreate, mke2fs, mkdir, chattr, fstab, mount.
        using (var host = new ModelHost(machine) { Fault = (FaultKind.ClaimsHavingDone, 6) }) Assert.Equal("mount", Assert.Single(await ResumeAsync(host)).Failure.Step);
        using var again = new ModelHost(machine);
        Assert.Empty(await ResumeAsync(again));
        Assert.Equal(VirtChangeState.Done, VirtChange.From(again.Name, await RunAsync(again)).State);
    }

    [Fact]
    public async Task TenUnfinishedRunsOfOtherObjectsAreNobodysConcern()
    {
        var machine = new ModelMachine();
        for (var i = 0; i < 10; i++)
        {
            using var dying = new ModelHost(machine) { Death = (Death.ClientAfterTheCall, i) };
            await FlowRun.DiesAsync(SecureGuestVolumes.Flow, dying, [Scenarios.Volume($"v{i}", $"/virt/{i}", size: 1L << 30)]);
        }

        using var host = new ModelHost(machine);
        Assert.Null(Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("own", "/virt/own", size: 1L << 30)])).Failure);
        Assert.Equal(10, (await JournalReader.ReadAsync(host, JournalFiles.Unfinished(), CancellationToken.None)).Count);
        foreach (var (name, mountPoint) in (IEnumerable<(string, string)>)[("v3", "/elsewhere"), ("other", "/virt/3"), ("other", "/virt/3/below")])
        {
            var refusal = Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume(name, mountPoint, size: 1L << 30)])).Refusal;
            Assert.Equal("UnfinishedRun", refusal?.Id);
        }

        Assert.Equal("UnfinishedRun", Assert.Single(await FlowRun.OfAsync(VirtImageContexts.Flow, host, [Scenarios.Image("/virt/9")])).Refusal?.Id);
    }

    [Fact]
    public async Task WhatIsReadFromTheJournalIsWhatWasWrittenIntoIt()
    {
        foreach (var scenario in Scenarios.Volumes.Concat(Scenarios.Devices))
        {
            using var host = new ModelHost(scenario.Machine());
            var facts = await StorageReader.ReadAsync(host, scenario.Requests, CancellationToken.None);
            var sets = scenario.Requests.Select((request, i) => SecureGuestVolumes.Flow.Changes(request, facts[i](), "20261122T101500Z-0a1b2c3d")).ToArray();
            var written = new Journal("20261122T101500Z-0a1b2c3d", "Test").Doing(sets);
            var read = JournalText.Lines(written).Select(line => line.Set!).ToArray();
            Assert.Equal(sets.Select(Text), read.Select(Text));
        }

        static string Text(ChangeSet set) => string.Join('\n', set.Own.Select(change =>
            $"{change.Step} {change.HiddenBy} do {Calls(change.Do)} check {(change.Check is null ? "" : Calls([change.Check]))} undo {Calls(change.Undo)} loss {change.Loss}"))
            + $"\n{set.Subject} {string.Join(',', set.Keys)} {string.Join(',', set.Rules)} {string.Join(',', set.Labels)}";
        static string Calls(IReadOnlyList<ToolCall> calls) => string.Join(" and ", calls.Select(call =>
            $"{string.Join('\0', call.Argv)} < {Convert.ToBase64String(call.Stdin ?? [])} {call.Mutating} {call.TimeLimit} {call.Stop} {call.Display}"));
    }

    private static async Task<ModelHost> MadeAsync(ModelMachine machine)
    {
        var host = new ModelHost(machine);
        Assert.Null(Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/virtstorage")])).Failure);
        return host;
    }

    private static async Task<JournalRun> RunAsync(ModelHost host) => Assert.Single(await JournalReader.ReadAsync(host, JournalFiles.All(), CancellationToken.None));

    private static async Task<IReadOnlyList<PastFailure>> UndoAsync(ModelHost host)
    {
        var run = await RunAsync(host);
        return await new PastRun(host, new Journal(run.Run, "Test"), run).UndoAsync();
    }

    private static async Task<IReadOnlyList<PastFailure>> ResumeAsync(ModelHost host)
    {
        var run = await RunAsync(host);
        return await new PastRun(host, new Journal(run.Run, "Test"), run).ResumeAsync(CancellationToken.None);
    }
}
