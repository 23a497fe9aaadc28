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
        request => request.MountPoint,
        StorageReader.ReadAsync,
        (request, facts, run) => SecureGuestVolumePlan.Make(request, facts, run, Guid.NewGuid()),
        (request, facts) => SecureGuestVolume.Difference(request, facts, facts.Host.ImageType(request.Hypervisor, request.SELinuxType)),
        (request, facts) => SecureGuestVolume.From(request, facts)!,
        (_, facts, rulesChanged) => facts.Host.NotesOfRules(rulesChanged));
}
