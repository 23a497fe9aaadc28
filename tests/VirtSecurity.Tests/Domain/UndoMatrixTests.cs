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

    [Theory]
    [MemberData(nameof(ImageMatrix))]
    public async Task AnImageStoreThatFailsGetsItsLabelsBack(string scenario, FaultKind kind)
    {
        var violations = await FaultTrial<VirtImageContextRequest, ImageFacts, VirtImageContext>.MatrixAsync(
            VirtImageContexts.Flow, Scenarios.Images.Single(one => one.Name == scenario), kind);
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    public static TheoryData<string, FaultKind> UndoMatrix => Matrix(
        Scenarios.Volumes.Select(scenario => scenario.Name),
        [FaultKind.FailsDoingNothing, FaultKind.FailsHavingDone, FaultKind.Missing, FaultKind.TimesOutHavingDone, FaultKind.LostDoingNothing, FaultKind.LostHavingDone,
            FaultKind.UnreachableDoingNothing, FaultKind.UnreachableHavingDone, FaultKind.DiskFull]);

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
