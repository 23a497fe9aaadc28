using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>
/// A volume for guests' images, as it is on the host: read back, never as asked for. Its property names are parameter
/// names of New-SecureGuestVolume and Set-VirtImageContext.
/// </summary>
public sealed record SecureGuestVolume
{
    /// <summary>The host it is on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>Its volume group.</summary>
    public required string VolumeGroup { get; init; }

    /// <summary>Its name in the volume group.</summary>
    public required string Name { get; init; }

    /// <summary>/dev/VG/LV.</summary>
    public required string DevicePath { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>ext3, ext4 or xfs.</summary>
    public required string FileSystem { get; init; }

    /// <summary>The file system's UUID.</summary>
    public required string? Uuid { get; init; }

    /// <summary>Where it is mounted.</summary>
    public required string MountPoint { get; init; }

    /// <summary>Options of the mount that was read back, and of its fstab line, without what every mount has.</summary>
    public required IReadOnlyList<string> MountOption { get; init; }

    /// <summary>It is mounted now.</summary>
    public required bool IsMounted { get; init; }

    /// <summary>Its line in /etc/fstab; null: it will not be mounted at the next boot.</summary>
    public required string? FstabLine { get; init; }

    /// <summary>It will be mounted at the next boot.</summary>
    public bool IsPersistent => FstabLine is not null;

    /// <summary>The type the rules give it and what is made in it.</summary>
    public required string? SELinuxType { get; init; }

    /// <summary>The rule: its line in file_contexts.local, or in the policy's own file_contexts.</summary>
    public required string? FileContextRule { get; init; }

    /// <summary>The label of its root directory.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>Permission bits of its root directory, octal.</summary>
    public required string? Mode { get; init; }

    /// <summary>Mounted, with a rule for an image type, and labelled by it.</summary>
    public bool IsCompliant => IsMounted && SELinuxType is not null && ImageTypes.All.Contains(SELinuxType) && Context?.Type == SELinuxType;

    /// <summary>VG/LV.</summary>
    public override string ToString() => $"{VolumeGroup}/{Name}";

    /// <summary>The object that the facts show; null: there is no such volume.</summary>
    internal static SecureGuestVolume? From(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        var state = new VolumeState(request, facts);
        if (state.Volume is not { } volume) return null;
        var rule = facts.Host.SELinux.FileContexts.Lookup(request.MountPoint, 'd');
        var fstab = state.FstabOfPoint.FirstOrDefault(entry => state.OwnNames.Contains(entry.Source));
        var self = state.IsMounted ? facts.MountPoint.Self : null;
        return new SecureGuestVolume
        {
            VirtHost = facts.Host.Host,
            VolumeGroup = volume.VolumeGroup,
            Name = volume.Name,
            DevicePath = request.Device,
            Size = volume.Size,
            FileSystem = state.FileSystem ?? "none",
            Uuid = state.Device?.Uuid,
            MountPoint = request.MountPoint,
            MountOption = Options(state, fstab),
            IsMounted = state.IsMounted,
            FstabLine = fstab?.Line,
            SELinuxType = rule?.Context?.Type,
            FileContextRule = rule?.Text,
            Context = self?.Context,
            Mode = self is null ? null : Coreutils.Octal(self.Mode),
        };
    }

    /// <summary>What is not as asked, in words; null: all is. This is the proof of step 6, and of those before it.</summary>
    internal static string? Difference(SecureGuestVolumeRequest request, StorageFacts facts, string type)
    {
        var state = new VolumeState(request, facts);
        if (From(request, facts) is not { } volume) return $"the volume {request.Subject} is not there";
        if (!volume.IsMounted) return $"{request.Device} is not mounted at {request.MountPoint}";
        if (volume.FileSystem != Mkfs.NameOf(request.FileSystem)) return $"the file system is {volume.FileSystem}";
        if (request.Persist != volume.IsPersistent) return request.Persist ? "/etc/fstab has no line for it" : "/etc/fstab has a line for it";
        if (!ImageRule.Gives(facts.Host.SELinux.FileContexts, request.MountPoint, type)) return $"the rules give {request.MountPoint} the type {volume.SELinuxType ?? "none"}, not {type}";
        if (facts.MountPoint.ClosedParents is [var closed, ..]) return $"{closed.Path} cannot be searched by a guest's QEMU (mode {Coreutils.Octal(closed.Mode)})";
        if (state.IsOurs && facts.MountPoint.Self is { } root && !StoreAccess.For(facts.Host, type).IsGuarded(root))
            return $"{request.MountPoint} belongs to the group {root.Group} and has the mode {volume.Mode}";
        return volume.Context?.Type == type ? null : $"{request.MountPoint} is labelled {volume.Context?.ToString() ?? "not at all"}, not {type}";
    }

    private static IReadOnlyList<string> Options(VolumeState state, FstabEntry? fstab)
    {
        var mounted = state.IsMounted ? state.MountedAtPoint!.Options.Where(option => option is not ("rw" or "relatime")) : [];
        var persistent = fstab?.Options.Where(option => !Mount.IsForKernel(option) && !option.StartsWith("x-systemd.", StringComparison.Ordinal)) ?? [];
        return [.. mounted.Union(persistent)];
    }
}
