using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>Which mount a file lies on.</summary>
internal sealed class MountPlaces(IReadOnlyList<MountFact> mounts)
{
    private readonly Dictionary<ulong, MountFact?> known = [];

    /// <summary>What is mounted.</summary>
    public IReadOnlyList<MountFact> Mounts => mounts;

    /// <summary>
    /// The mount of a file: by the number of its file system; by its path where the kernel's table has another number, as for btrfs, whose subvolumes
    /// have numbers of their own. Null: none is known.
    /// </summary>
    public MountFact? Of(string path, ulong device)
    {
        if (known.TryGetValue(device, out var mount)) return mount;
        var number = DeviceNumber.FromPacked(device);
        mount = mounts.LastOrDefault(mount => mount.Device == number)
            ?? mounts.Where(mount => HostPath.IsAtOrBelow(path, mount.MountPoint)).Aggregate((MountFact?)null, (best, next) => best is null || next.MountPoint.Length >= best.MountPoint.Length ? next : best);
        return known[device] = mount;
    }
}
