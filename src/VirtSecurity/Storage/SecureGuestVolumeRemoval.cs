using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Storage;

/// <summary>What was removed of a volume: what was there before and is gone now, read back.</summary>
public sealed record SecureGuestVolumeRemoval
{
    /// <summary>The host it was on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>Its volume group; null: it is a partition, or nobody knows any more.</summary>
    public required string? VolumeGroup { get; init; }

    /// <summary>Its name in the volume group; null: it is a partition, or nobody knows any more.</summary>
    public required string? Name { get; init; }

    /// <summary>/dev/VG/LV, or the partition's node; null: nobody knows any more.</summary>
    public required string? DevicePath { get; init; }

    /// <summary>Where it was mounted; null: nowhere.</summary>
    public required string? MountPoint { get; init; }

    /// <summary>The volume or partition itself is still there, with what it holds.</summary>
    public required bool IsVolumeKept { get; init; }

    /// <summary>Of Mount, FstabLine, Rule, Directory, UdevRule, Volume those that were there and are gone.</summary>
    public required IReadOnlyList<string> Removed { get; init; }

    /// <summary>VG/LV, the partition's node, or the mount point.</summary>
    public override string ToString() => Name is not null ? $"{VolumeGroup}/{Name}" : DevicePath ?? MountPoint ?? "";

    /// <summary>What the facts before and after show.</summary>
    internal static SecureGuestVolumeRemoval From(VolumeFacts before, VolumeFacts after) => new()
    {
        VirtHost = before.Storage.Host.Host,
        VolumeGroup = before.State.Volume?.VolumeGroup,
        Name = before.State.Volume?.Name,
        DevicePath = before.State.DevicePath.StartsWith("/dev/", StringComparison.Ordinal) ? before.State.DevicePath : null,
        MountPoint = before.State.MountPoint,
        IsVolumeKept = after.State.Volume is not null || after.State.Device is not null,
        Removed = [.. VolumeParts.Of(before).Except(VolumeParts.Of(after))],
    };
}

/// <summary>The parts of a volume that are on a host.</summary>
internal static class VolumeParts
{
    public const string Mount = "Mount";
    public const string FstabLine = "FstabLine";
    public const string Rule = "Rule";
    public const string Directory = "Directory";
    public const string UdevRule = "UdevRule";
    public const string Volume = "Volume";

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Of(VolumeFacts facts)
    {
        if (facts.State.IsMounted) yield return Mount;
        if (Lines(facts).Count > 0) yield return FstabLine;
        if (RuleOf(facts) is not null) yield return Rule;
        if (facts.Directory is not null) yield return Directory;
        if (UdevRuleOf(facts.State) is not null) yield return UdevRule;
        if (facts.State.Volume is not null) yield return Volume;
    }

    /// <summary>fstab's lines that name the volume, and, where the volume is gone, those for its mount point whose device is gone too.</summary>
    public static IReadOnlyList<Tools.FstabEntry> Lines(VolumeFacts facts)
    {
        var state = facts.State;
        var isGone = state.Volume is null && state.Device is null;
        return [.. facts.Storage.Fstab.Where(entry => state.IsOwnName(entry.Source) || (isGone && entry.MountPoint == state.MountPoint && IsGone(facts.Storage, entry.Source)))];
    }

    /// <summary>
    /// The administrator's rule for exactly the mount point's tree that gives an image type, in our spelling or as typed by hand. What could break
    /// semanage's lines, which split at blanks and quotes and (policycoreutils 3.5) read -d anywhere as a deletion, is left.
    /// </summary>
    public static FileContextRule? RuleOf(VolumeFacts facts)
    {
        if (facts.State.MountPoint is not { } place) return null;
        // A directory in which something lies, and on which nothing of the volume is or was to be mounted, has its rule for itself.
        if (!facts.State.IsMounted && Lines(facts).Count == 0 && facts is { Directory: not null, DirectoryIsEmpty: false }) return null;
        // And where fstab has another volume, it is that one's.
        if (facts.Storage.Fstab.Except(Lines(facts)).Any(entry => entry.MountPoint == place)) return null;
        var contexts = facts.Storage.Host.SELinux.FileContexts;
        var path = contexts.Resolve(place);
        return ((string[])[PathPattern.ForTree(path), path + PathPattern.TreeSuffix])
            .Select(contexts.Local)
            .FirstOrDefault(rule => rule?.Context is { } context && ImageTypes.All.Contains(context.Type) && IsSafe(rule.Pattern));
    }

    /// <summary>The rule of ours that gives the volume's node its label, be the volume gone; null: there is none.</summary>
    public static string? UdevRuleOf(VolumeState state) => NameOf(state) is var (group, name) ? state.Storage.Udev.Of(group, name, null).Rule : null;

    /// <summary>Volume group and name, be the volume gone; null: nobody knows them.</summary>
    public static (string VolumeGroup, string Name)? NameOf(VolumeState state) =>
        state.Volume is { } volume ? (volume.VolumeGroup, volume.Name)
        : state.DevicePath.Split('/') is ["", "dev", var group, var name] && state.DevicePath == Tools.Lvm.DevicePath(group, name) ? (group, name)
        : null;

    private static bool IsSafe(string pattern) =>
        !pattern.Contains("-d", StringComparison.Ordinal) && !pattern.Any(c => c is '\'' or '"' || char.IsWhiteSpace(c) || char.IsControl(c));

    private static bool IsGone(HostStorage storage, string source)
    {
        var links = storage.Guests.Links;
        var node = links.Resolve(VolumeState.NodeName(source));
        return node.StartsWith("/dev/", StringComparison.Ordinal)
            && !storage.Devices.Any(device => links.Resolve(device.Path) == node)
            && !storage.Volumes.Any(volume => source == Tools.Lvm.DevicePath(volume.VolumeGroup, volume.Name) || source == Tools.Lvm.MapperPath(volume.VolumeGroup, volume.Name));
    }
}
