using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>The facts that are about one volume, picked out of the host's.</summary>
internal sealed class VolumeState
{
    public VolumeState(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        Group = facts.Groups.FirstOrDefault(group => group.Name == request.VolumeGroup);
        Volume = facts.Volumes.FirstOrDefault(volume => volume.VolumeGroup == request.VolumeGroup && volume.Name == request.Name);
        Device = Volume?.Device is { } number ? facts.Devices.FirstOrDefault(device => device.Device == number) : null;
        MountedAtPoint = facts.Mounts.LastOrDefault(mount => mount.MountPoint == request.MountPoint);
        IsMounted = Volume?.Device is { } own && MountedAtPoint?.Device == own;
        Elsewhere = Volume?.Device is { } here ? facts.Mounts.FirstOrDefault(mount => mount.Device == here && mount.MountPoint != request.MountPoint) : null;
        OwnNames = [request.Device, MapperName(request), .. Device?.Uuid is { } uuid ? new[] { $"UUID={uuid}" } : []];
        FstabOfPoint = [.. facts.Fstab.Where(entry => entry.MountPoint == request.MountPoint)];
        FstabElsewhere = facts.Fstab.FirstOrDefault(entry => OwnNames.Contains(entry.Source) && entry.MountPoint != request.MountPoint);
    }

    public VolumeGroupFact? Group { get; }
    public LogicalVolumeFact? Volume { get; }
    public BlockDeviceFact? Device { get; }

    /// <summary>What is mounted at the mount point, be it this volume or not.</summary>
    public MountFact? MountedAtPoint { get; }

    /// <summary>This volume is mounted at the mount point.</summary>
    public bool IsMounted { get; }

    /// <summary>This volume is mounted at another place.</summary>
    public MountFact? Elsewhere { get; }

    /// <summary>What fstab may call this volume.</summary>
    public IReadOnlyList<string> OwnNames { get; }

    public IReadOnlyList<FstabEntry> FstabOfPoint { get; }
    public FstabEntry? FstabElsewhere { get; }

    /// <summary>The file system on it; null: none, or the volume is inactive.</summary>
    public string? FileSystem => IsMounted ? MountedAtPoint!.FileSystem : Device?.FileSystem;

    public bool IsOurs => Volume?.Tags.Contains(Lvm.Tag) == true;

    /// <summary>device-mapper doubles a hyphen inside a name and joins with one, lvm(8).</summary>
    private static string MapperName(SecureGuestVolumeRequest request) =>
        $"/dev/mapper/{request.VolumeGroup.Replace("-", "--", StringComparison.Ordinal)}-{request.Name.Replace("-", "--", StringComparison.Ordinal)}";
}
