using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>Every change of every scenario meets every kind of failure, and the host is as it was.</summary>
public sealed class UndoMatrixTests
{
    public static TheoryData<string, FaultKind> VolumeMatrix => Matrix(Scenarios.Volumes.Select(scenario => scenario.Name));

    public static TheoryData<string, FaultKind> ImageMatrix => Matrix(Scenarios.Images.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(VolumeMatrix))]
    public async Task AVolumeThatFailsLeavesTheHostAsItWas(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>.MatrixAsync(
            SecureGuestVolumes.Flow, Scenarios.Volumes.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> DeviceMatrix => Matrix(Scenarios.Devices.Select(scenario => scenario.Name));

    public static TheoryData<string, FaultKind> RawMatrix => Matrix(Scenarios.Raw.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(DeviceMatrix))]
    public async Task ADeviceThatFailsIsAsEmptyAsItWas(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>.MatrixAsync(
            SecureGuestVolumes.Flow, Scenarios.Devices.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    [Theory]
    [MemberData(nameof(RawMatrix))]
    public async Task ARawVolumeThatFailsLeavesNeitherVolumeNorRule(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<RawVolumeRequest, RawFacts, SecureGuestVolume>.MatrixAsync(
            RawVolumes.Flow, Scenarios.Raw.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    [Theory]
    [MemberData(nameof(ImageMatrix))]
    public async Task AnImageStoreThatFailsGetsItsLabelsBack(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<VirtImageContextRequest, ImageFacts, VirtImageContext>.MatrixAsync(
            VirtImageContexts.Flow, Scenarios.Images.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> RuleMatrix => Matrix(Scenarios.RuleRemovals.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(RuleMatrix))]
    public async Task ARuleThatIsNotRemovedStandsWithTheLabelsItGave(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<ContextRemovalRequest, ImageFacts, VirtImageContext>.MatrixAsync(
            ContextRemovals.Flow, Scenarios.RuleRemovals.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> MoveMatrix => Matrix(Scenarios.Moves.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(MoveMatrix))]
    public async Task AnImageThatIsNotMovedIsWhereItWasAndItsGuestsNameIt(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<ImageMoveRequest, ImageMoveFacts, VirtImageMove>.MatrixAsync(
            ImageMoves.Flow, Scenarios.Moves.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> MoveUndoMatrix => Matrix(Scenarios.Moves.Where(scenario => scenario.Requests.Count == 1).Select(scenario => scenario.Name), WhileUndoing);

    [Theory]
    [MemberData(nameof(MoveUndoMatrix))]
    public async Task AnUndoneMoveThatFailsIsNamedWithTheCommandLinesThatWouldDoIt(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<ImageMoveRequest, ImageMoveFacts, VirtImageMove>.UndoMatrixAsync(
            ImageMoves.Flow, Scenarios.Moves.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> RemovalMatrix => Matrix(Scenarios.Removals.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(RemovalMatrix))]
    public async Task ARemovalThatFailsLeavesAllOrSaysWhatIsLeft(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<VolumeRemovalRequest, VolumeFacts, SecureGuestVolumeRemoval>.MatrixAsync(
            VolumeFlows.Remove, Scenarios.Removals.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> ResizeMatrix => Matrix(Scenarios.Resizes.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(ResizeMatrix))]
    public async Task AVolumeThatIsNotGrownIsAsItWasOrSaysWhatIsLeft(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<VolumeResizeRequest, VolumeFacts, SecureGuestVolume>.MatrixAsync(
            VolumeFlows.Resize, Scenarios.Resizes.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> RemovalUndoMatrix => Matrix(
        Scenarios.Removals.Where(scenario => scenario.Requests.Count == 1).Select(scenario => scenario.Name),
        [FaultKind.FailsDoingNothing, FaultKind.FailsHavingDone, FaultKind.Missing, FaultKind.TimesOutHavingDone, FaultKind.LostDoingNothing, FaultKind.LostHavingDone,
            FaultKind.UnreachableDoingNothing, FaultKind.UnreachableHavingDone, FaultKind.DiskFull]);

    [Theory]
    [MemberData(nameof(RemovalUndoMatrix))]
    public async Task AnUndoneRemovalThatFailsIsNamedWithTheCommandLinesThatWouldDoIt(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<VolumeRemovalRequest, VolumeFacts, SecureGuestVolumeRemoval>.UndoMatrixAsync(
            VolumeFlows.Remove, Scenarios.Removals.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> RepairMatrix => Matrix(Scenarios.Repairs.Select(scenario => scenario.Name));

    [Theory]
    [MemberData(nameof(RepairMatrix))]
    public async Task ARepairThatFailsLeavesTheHostAsItWas(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<RepairRequest, RepairFacts, SecureGuestVolume>.MatrixAsync(
            RepairPlan.Flow, Scenarios.Repairs.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    private static readonly FaultKind[] WhileUndoing =
        [FaultKind.FailsDoingNothing, FaultKind.FailsHavingDone, FaultKind.Missing, FaultKind.TimesOutHavingDone, FaultKind.LostDoingNothing, FaultKind.LostHavingDone,
            FaultKind.UnreachableDoingNothing, FaultKind.UnreachableHavingDone, FaultKind.DiskFull];

    public static TheoryData<string, FaultKind> UndoMatrix => Matrix(Scenarios.Volumes.Select(scenario => scenario.Name), WhileUndoing);

    public static TheoryData<string, FaultKind> RepairUndoMatrix => Matrix(Scenarios.Repairs.Select(scenario => scenario.Name), WhileUndoing);

    [Theory]
    [MemberData(nameof(RepairUndoMatrix))]
    public async Task AnUndoneRepairThatFailsIsNamedWithTheCommandLinesThatWouldDoIt(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<RepairRequest, RepairFacts, SecureGuestVolume>.UndoMatrixAsync(
            RepairPlan.Flow, Scenarios.Repairs.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    [Theory]
    [MemberData(nameof(UndoMatrix))]
    public async Task AnUndoThatFailsIsNamedWithTheCommandLinesThatWouldDoIt(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>.UndoMatrixAsync(
            SecureGuestVolumes.Flow, Scenarios.Volumes.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    private static TheoryData<string, FaultKind> Matrix(IEnumerable<string> scenarios, IReadOnlyList<FaultKind>? kinds = null)
    {
        var data = new TheoryData<string, FaultKind>();
        foreach (var scenario in scenarios)
        {
            foreach (var kind in kinds ?? Enum.GetValues<FaultKind>()) data.Add(scenario, kind);
        }

        return data;
    }
}
