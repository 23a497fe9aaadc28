using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>
/// A volume for guests' images, as it is on the host: read back, never as asked for. Its property names are parameter
/// names of the cmdlets that take it.
/// </summary>
public sealed record SecureGuestVolume
{
    /// <summary>The host it is on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>Its volume group; null: it is a partition.</summary>
    public required string? VolumeGroup { get; init; }

    /// <summary>Its name in the volume group; null: it is a partition.</summary>
    public required string? Name { get; init; }

    /// <summary>/dev/VG/LV, or the partition's node.</summary>
    public required string DevicePath { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>ext3, ext4 or xfs, or what else is there; null: none is known.</summary>
    public required string? FileSystem { get; init; }

    /// <summary>The file system's UUID.</summary>
    public required string? Uuid { get; init; }

    /// <summary>Bytes that can still be written to it; null: it is not mounted.</summary>
    public required long? FreeSpace { get; init; }

    /// <summary>Where it is mounted, or would be at boot; null: nowhere.</summary>
    public required string? MountPoint { get; init; }

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

    /// <summary>Names of the guests that use it, running or not.</summary>
    public required IReadOnlyList<string> Guest { get; init; }

    /// <summary>The run of this module that made it, as the journal names it; null: it was not made by this module.</summary>
    public required string? Run { get; init; }

    /// <summary>Where mount, fstab, rule, label and mode disagree; empty: nowhere.</summary>
    public required IReadOnlyList<VolumeProblem> Problem { get; init; }

    /// <summary>A guest uses the volume itself as its disk: no file system of the host's, no mount. Context is the label of its node.</summary>
    public bool IsRaw { get; init; }

    /// <summary>The pool it takes its blocks from; null: none.</summary>
    public string? ThinPool { get; init; }

    /// <summary>What a raw volume's node has its label from: libvirt, which gives it for as long as a guest runs, or a rule of udev's; null: it is not raw.</summary>
    public string? LabelledBy { get; init; }

    /// <summary>
    /// Mounted, with a rule for an image type, and labelled by it. Raw: labelled as its udev rule says; without one, a disk's own label
    /// where libvirt gives the guest's, or a running guest's.
    /// </summary>
    public bool IsCompliant => IsRaw
        ? Context is not null && (Context.HasCategories || Context.Type == (SELinuxType ?? ImageTypes.FixedDisk))
        : IsMounted && SELinuxType is not null && ImageTypes.All.Contains(SELinuxType) && Context?.Type == SELinuxType;

    /// <summary>VG/LV, or the partition's node.</summary>
    public override string ToString() => Name is null ? DevicePath : $"{VolumeGroup}/{Name}";

    /// <summary>The object that the facts show.</summary>
    internal static SecureGuestVolume From(VolumeState state)
    {
        var root = state.Root;
        var rule = state.Rule;
        var node = state.IsRaw ? state.NodeFact : null;
        return new SecureGuestVolume
        {
            VirtHost = state.Storage.Host.Host,
            VolumeGroup = state.Volume?.VolumeGroup,
            Name = state.Volume?.Name,
            DevicePath = state.DevicePath,
            Size = state.Volume?.Size ?? state.Device?.Size ?? 0,
            // What a guest has written to its disk is the guest's, even where it looks like a file system.
            FileSystem = state.IsRaw ? null : state.FileSystem,
            Uuid = state.IsRaw ? null : state.Device?.Uuid,
            FreeSpace = state.IsMounted && state.Storage.FreeSpace.TryGetValue(state.MountPoint!, out var free) ? free : null,
            MountPoint = state.MountPoint,
            MountOption = Options(state),
            IsMounted = state.IsMounted,
            FstabLine = state.FstabLine?.Line,
            SELinuxType = state.IsRaw ? Udev.TypeOf(node?.Rule) : rule?.Context?.Type,
            FileContextRule = rule?.Text,
            Context = state.IsRaw ? node?.Context : root?.Context,
            Mode = state.IsRaw ? node?.Mode : root is null ? null : Coreutils.Octal(root.Mode),
            Guest = [.. state.Guests.Select(disk => disk.Guest).Distinct().Order(StringComparer.Ordinal)],
            Run = state.Volume is { } volume ? Lvm.RunOf(volume.Tags) : null,
            Problem = VolumeProblems.Of(state),
            IsRaw = state.IsRaw,
            ThinPool = state.Volume?.Pool,
            LabelledBy = !state.IsRaw ? null : node?.Rule is null ? Messages.Format("LabelledByLibvirt") : Udev.RulePath(state.Volume!.VolumeGroup, state.Volume.Name),
        };
    }

    private static IReadOnlyList<string> Options(VolumeState state)
    {
        var mounted = state.IsMounted ? state.MountedAtPoint!.Options.Where(option => option is not ("rw" or "relatime")) : [];
        var persistent = state.FstabLine?.Options.Where(option => !Mount.IsForKernel(option) && !option.StartsWith("x-systemd.", StringComparison.Ordinal)) ?? [];
        return [.. mounted.Union(persistent)];
    }
}
