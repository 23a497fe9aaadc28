using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>Who uses a volume: guests that run or are only defined, processes, other mounts, and volumes made of it.</summary>
internal static class VolumeUse
{
    /// <summary>The refusal that names them; null: nobody does.</summary>
    public static VirtException? Refusal(VolumeFacts facts)
    {
        var users = Of(facts).ToArray();
        return users.Length == 0 ? null : new VirtException("VolumeInUse", Subject(facts), facts.Storage.Host.Host, string.Join("; ", users));
    }

    /// <summary>Guests, in words; null: there are none.</summary>
    public static string? Words(IReadOnlyList<GuestDisk> disks) => disks.Count == 0 ? null : string.Join("; ", disks
        .GroupBy(disk => disk.Guest).OrderBy(guest => guest.Key, StringComparer.Ordinal)
        .Select(guest => $"guest {guest.Key} ({(guest.Any(disk => disk.IsRunning) ? "running" : "defined")}: {guest.First().Source})"));

    private static string Subject(VolumeFacts facts) =>
        facts.State.Volume is { } volume ? $"{volume.VolumeGroup}/{volume.Name}" : facts.State.DevicePath;

    private static IEnumerable<string> Of(VolumeFacts facts)
    {
        var state = facts.State;
        if (Words([.. state.Guests]) is { } guests) yield return guests;
        foreach (var user in facts.Users.Where(user => user.Device == state.Device?.Device).OrderBy(user => user.ProcessId)) yield return $"process {user.ProcessId} ({user.Name})";

        var ownMounts = facts.Storage.Mounts.Where(mount => state.Device is not null && mount.Device == state.Device.Device).ToList();
        if (state.IsMounted) ownMounts.Remove(state.MountedAtPoint!);
        foreach (var mount in ownMounts) yield return $"it is mounted at {mount.MountPoint} too";
        if (state.IsMounted)
        {
            foreach (var below in facts.Storage.Mounts.Where(mount => mount.MountPoint.StartsWith(state.MountPoint + "/", StringComparison.Ordinal)))
                yield return $"{below.Source} is mounted below it, at {below.MountPoint}";
        }

        if (state.Volume is not { } volume) yield break;
        if (state.FileSystem == "LVM2_member") yield return "it is a physical volume of LVM";
        foreach (var dependent in Dependents(facts.Storage, volume)) yield return dependent;
    }

    /// <summary>Other volumes that would go with it, in words.</summary>
    public static IEnumerable<string> Dependents(HostStorage storage, LogicalVolumeFact volume)
    {
        foreach (var other in storage.Volumes.Where(other => other.VolumeGroup == volume.VolumeGroup))
        {
            // lvremove takes snapshots along that keep their changes themselves, and thin volumes of which it is the external origin; snapshots
            // in the same thin pool stand on their own.
            if (other.Origin == volume.Name && (other.Pool is null || other.Pool != volume.Pool)) yield return $"{other.Name} is a snapshot of it";
            if (other.Pool == volume.Name) yield return $"{other.Name} takes its space from it";
        }
    }
}
