using VirtSecurity.Changes;

namespace VirtSecurity.Storage;

/// <summary>Making secure guest volumes, as a flow.</summary>
internal static class SecureGuestVolumes
{
    /// <summary>Read, plan, prove, return.</summary>
    public static ChangeFlow<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume> Flow { get; } = new(
        request => request.Host,
        request => request.Subject,
        request => [request.Subject, request.MountPoint],
        StorageReader.ReadAsync,
        (request, facts, run) => SecureGuestVolumePlan.Make(request, facts, run, Guid.NewGuid()),
        SecureGuestVolumePlan.Difference,
        (request, facts) => SecureGuestVolume.From(SecureGuestVolumePlan.StateOf(request, facts)),
        (request, facts, rulesChanged) =>
        [
            .. facts.Host.NotesOfRules(rulesChanged), .. LogicalVolumePlan.Notes(request.Volume, facts.Thin), .. DevicePlan.Notes(request, facts),
        ],
        facts => facts.Storage.Unfinished)
    {
        Tree = request => request.MountPoint,
    };
}
