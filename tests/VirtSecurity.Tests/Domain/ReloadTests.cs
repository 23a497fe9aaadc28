using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>systemd reads fstab again when a run has changed it: once, whatever the number of volumes, and earlier only where it has to be.</summary>
public sealed class ReloadTests
{
    [Fact]
    public async Task OfThreeVolumesOneReloadTellsSystemd()
    {
        using var host = new ModelHost(new ModelMachine());
        var made = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/a"), Scenarios.Volume("b", "/b"), Scenarios.Volume("c", "/c")]);
        Assert.All(made, one => Assert.True(one.Result!.IsCompliant));
        Assert.Single(host.Mutations, mutation => Systemctl.IsReload(mutation.Call));
        Assert.True(Place(host, "systemctl") > Place(host, "mount"));
    }

    [Fact]
    public async Task ItIsDoneBesideThePolicyCommit()
    {
        // The import waits for the reload to begin: one after the other, neither would end.
        var begun = new TaskCompletionSource();
        using var host = new ModelHost(new ModelMachine())
        {
            Before = call =>
            {
                if (Systemctl.IsReload(call)) begun.TrySetResult();
                return call.Tool == Semanage.ImportName ? begun.Task.WaitAsync(TimeSpan.FromMinutes(1)) : Task.CompletedTask;
            },
        };
        Assert.True(Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/a")])).Result!.IsCompliant);
    }

    [Fact]
    public async Task AnImportThatFailsIsUndoneWhenTheReloadBesideItHasEnded()
    {
        var before = new ModelMachine().Snapshot();
        using var host = new ModelHost(new ModelMachine())
        {
            FailOn = call => call.Tool == Semanage.ImportName,
            Before = call => Systemctl.IsReload(call) ? Task.Delay(100) : Task.CompletedTask,
        };
        Assert.Equal("semanage import", Assert.Single(await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/a")])).Failure?.Step);
        var undoing = host.Mutations.FindIndex(mutation => mutation.IsJournal && JournalText.Lines(mutation.Call).Any(line => line.Event == "undo"));
        Assert.InRange(Place(host, "systemctl"), 0, undoing - 1);
        Assert.Equal(before, host.Machine.Snapshot());
    }

    [Fact]
    public async Task AUnitOfALineThatIsGoneIsForgottenBeforeTheMount()
    {
        using var host = new ModelHost(new ModelMachine { StaleUnits = ["/a"] });
        var made = await FlowRun.OfAsync(SecureGuestVolumes.Flow, host, [Scenarios.Volume("a", "/a")]);
        Assert.True(Assert.Single(made).Result!.IsCompliant);
        Assert.Single(host.Mutations, mutation => Systemctl.IsReload(mutation.Call));
        Assert.True(Place(host, "systemctl") < Place(host, "mount"));
    }

    // Recorded from systemd-escape --path --suffix=mount, systemd 252.
    [Theory]
    [InlineData("/", "-.mount")]
    [InlineData("/virtstorage", "virtstorage.mount")]
    [InlineData("/srv/a-b", @"srv-a\x2db.mount")]
    [InlineData("/var/.hidden/x", "var-.hidden-x.mount")]
    [InlineData("/.dot/.x", @"\x2edot-.x.mount")]
    [InlineData("/srv/ü:_ z", @"srv-\xc3\xbc:_\x20z.mount")]
    [InlineData("/srv/a.b/c", "srv-a.b-c.mount")]
    public void UnitsAreNamedAsSystemdNamesThem(string mountPoint, string unit) => Assert.Equal(unit, Systemctl.MountUnitOf(mountPoint));

    private static int Place(ModelHost host, string tool) => host.Mutations.Select(mutation => mutation.Call.Tool).ToList().IndexOf(tool);
}
