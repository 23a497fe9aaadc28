using VirtSecurity.Images;
using VirtSecurity.Storage;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>A run cut off at every instant of every scenario is finished or undone from its journal, and so is a remedy that was cut off.</summary>
public sealed class KilledMatrixTests
{
    public static TheoryData<string, Death, Remedy> Volumes => Matrix(Scenarios.Volumes.Select(scenario => scenario.Name), Enum.GetValues<Death>());

    public static TheoryData<string, Death, Remedy> Images => Matrix(Scenarios.Images.Select(scenario => scenario.Name), Enum.GetValues<Death>());

    public static TheoryData<string, Death, Remedy> Twice => Matrix(
        ["one volume", "missing below closed", "fstab without its final newline", "a local rule of another type", "three volumes of all kinds"], [Death.ClientAfterTheCall, Death.PowerBeforeTheCall]);

    public static TheoryData<string, Death, Remedy> ImagesTwice => Matrix(["a directory of images", "two directories"], [Death.ClientAfterTheCall]);

    [Theory]
    [MemberData(nameof(Volumes))]
    public async Task AVolumeWhoseRunIsCutOffIsFinishedOrUndone(string scenario, Death death, Remedy remedy) =>
        None(await new KilledTrial<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>(SecureGuestVolumes.Flow, Scenarios.Volumes.Single(one => one.Name == scenario)).MatrixAsync(death, remedy, null));

    [Theory]
    [MemberData(nameof(Images))]
    public async Task AnImageStoreWhoseRunIsCutOffIsFinishedOrUndone(string scenario, Death death, Remedy remedy) =>
        None(await new KilledTrial<VirtImageContextRequest, ImageFacts, VirtImageContext>(VirtImageContexts.Flow, Scenarios.Images.Single(one => one.Name == scenario)).MatrixAsync(death, remedy, null));

    [Theory]
    [MemberData(nameof(Twice))]
    public async Task ARemedyThatIsCutOffCanBeAskedForAgain(string scenario, Death second, Remedy remedy) =>
        None(await new KilledTrial<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>(SecureGuestVolumes.Flow, Scenarios.Volumes.Single(one => one.Name == scenario)).MatrixAsync(Death.ClientAfterTheCall, remedy, second));

    [Theory]
    [MemberData(nameof(ImagesTwice))]
    public async Task ARemedyForImagesThatIsCutOffCanBeAskedForAgain(string scenario, Death second, Remedy remedy) =>
        None(await new KilledTrial<VirtImageContextRequest, ImageFacts, VirtImageContext>(VirtImageContexts.Flow, Scenarios.Images.Single(one => one.Name == scenario)).MatrixAsync(Death.ClientAfterTheCall, remedy, second));

    public static TheoryData<string, Death, Remedy> RuleRemovals => Matrix(Scenarios.RuleRemovals.Select(scenario => scenario.Name), Enum.GetValues<Death>());

    [Theory]
    [MemberData(nameof(RuleRemovals))]
    public async Task ARemovalOfARuleThatIsCutOffIsFinishedOrUndone(string scenario, Death death, Remedy remedy) =>
        None(await new KilledTrial<ContextRemovalRequest, ImageFacts, VirtImageContext>(ContextRemovals.Flow, Scenarios.RuleRemovals.Single(one => one.Name == scenario)).MatrixAsync(death, remedy, null));

    public static TheoryData<string, Death, Remedy> Moves => Matrix(Scenarios.Moves.Select(scenario => scenario.Name), Enum.GetValues<Death>());

    [Theory]
    [MemberData(nameof(Moves))]
    public async Task AMoveThatIsCutOffIsFinishedOrUndone(string scenario, Death death, Remedy remedy) =>
        None(await new KilledTrial<ImageMoveRequest, ImageMoveFacts, VirtImageMove>(ImageMoves.Flow, Scenarios.Moves.Single(one => one.Name == scenario)).MatrixAsync(death, remedy, null));

    public static TheoryData<string, Death, Remedy> Removals => Matrix(Scenarios.Removals.Select(scenario => scenario.Name), Enum.GetValues<Death>());

    public static TheoryData<string, Death, Remedy> Resizes => Matrix(Scenarios.Resizes.Select(scenario => scenario.Name), Enum.GetValues<Death>());

    /// <summary>Once what cannot be undone has begun, it is finished.</summary>
    [Theory]
    [MemberData(nameof(Removals))]
    public async Task ARemovalThatIsCutOffIsFinishedOrUndone(string scenario, Death death, Remedy remedy) =>
        None(await new KilledTrial<VolumeRemovalRequest, VolumeFacts, SecureGuestVolumeRemoval>(VolumeFlows.Remove, Scenarios.Removals.Single(one => one.Name == scenario)).MatrixAsync(death, remedy, null));

    [Theory]
    [MemberData(nameof(Resizes))]
    public async Task AGrowthThatIsCutOffIsFinishedOrUndone(string scenario, Death death, Remedy remedy) =>
        None(await new KilledTrial<VolumeResizeRequest, VolumeFacts, SecureGuestVolume>(VolumeFlows.Resize, Scenarios.Resizes.Single(one => one.Name == scenario)).MatrixAsync(death, remedy, null));

    private static void None(IReadOnlyList<string> violations) => Assert.True(violations.Count == 0, string.Join("\n", violations));

    private static TheoryData<string, Death, Remedy> Matrix(IEnumerable<string> scenarios, IReadOnlyList<Death> deaths)
    {
        var data = new TheoryData<string, Death, Remedy>();
        foreach (var scenario in scenarios)
        {
            foreach (var death in deaths)
            {
                foreach (var remedy in Enum.GetValues<Remedy>()) data.Add(scenario, death, remedy);
            }
        }

        return data;
    }
}
