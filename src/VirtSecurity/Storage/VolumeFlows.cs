using VirtSecurity.Changes;

namespace VirtSecurity.Storage;

/// <summary>What can be done with a volume that is there, as flows.</summary>
internal static class VolumeFlows
{
    /// <summary>Removing it.</summary>
    public static ChangeFlow<VolumeRemovalRequest, VolumeFacts, SecureGuestVolumeRemoval> Remove { get; } = new(
        request => request.Identity.Host,
        request => request.Identity.Subject,
        request => request.Identity.Keys,
        (host, requests, stop) => VolumeReader.WithDirectoryAsync(host, requests, request => request.Identity, VolumeRemovalPlan.ToolsFor, stop),
        (request, facts, _) => VolumeRemovalPlan.Make(request, facts),
        VolumeRemovalPlan.Difference,
        (_, facts) => SecureGuestVolumeRemoval.From(facts, facts),
        (request, facts, rulesChanged) => VolumeRemovalPlan.Notes(request, facts).Concat(facts.Storage.Host.NotesOfRules(rulesChanged)),
        facts => facts.Storage.Unfinished)
    {
        Guard = (_, facts) => VolumeRemovalPlan.Guard(facts),
        Resolve = (request, facts) => request with { Identity = request.Identity.Of(facts.State) },
        ResultOfChange = (_, before, after) => SecureGuestVolumeRemoval.From(before, after),
        Question = "ProceedToRemove",
    };

    /// <summary>Making it larger.</summary>
    public static ChangeFlow<VolumeResizeRequest, VolumeFacts, SecureGuestVolume> Resize { get; } = new(
        request => request.Identity.Host,
        request => request.Identity.Subject,
        request => request.Identity.Keys,
        (host, requests, stop) => VolumeReader.WithFileSystemSizeAsync(host, requests, request => request.Identity, VolumeResizePlan.ToolsFor, stop),
        (request, facts, _) => VolumeResizePlan.Make(request, facts),
        VolumeResizePlan.Difference,
        (_, facts) => SecureGuestVolume.From(facts.State),
        (_, _, _) => [],
        facts => facts.Storage.Unfinished)
    {
        Resolve = (request, facts) => request with { Identity = request.Identity.Of(facts.State) },
        Question = "ProceedToResize",
    };
}
