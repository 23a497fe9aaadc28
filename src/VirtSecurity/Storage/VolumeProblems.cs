using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>Where the facts about one volume disagree. Pure.</summary>
internal static class VolumeProblems
{
    /// <summary>What a mount and its fstab line have at least.</summary>
    public static IReadOnlyList<string> LeastOptions { get; } = ["nodev", "nosuid", "noexec"];

    private const UnixFileMode ForOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>All of them; none: everything agrees.</summary>
    public static IReadOnlyList<VolumeProblem> Of(VolumeState state) => [.. Find(state).Select(found => new VolumeProblem(found.Id, Messages.Format(found.Id, found.Arguments)))];

    /// <summary>The options that a mount of it lacks now.</summary>
    public static IReadOnlyList<string> MissingNow(VolumeState state) => state.IsMounted ? [.. LeastOptions.Except(state.MountedAtPoint!.Options)] : [];

    /// <summary>The options that its fstab line lacks.</summary>
    public static IReadOnlyList<string> MissingAtBoot(VolumeState state) => state.FstabLine is { } line ? [.. LeastOptions.Except(line.Options)] : [];

    /// <summary>Whether others than owner and group may list or write its root.</summary>
    public static bool IsOpenToOthers(PathFact root) => (root.Mode & ForOthers) != 0;

    /// <summary>The mode that closes it to them, and takes nothing else away.</summary>
    public static UnixFileMode ClosedToOthers(PathFact root) => root.Mode & ~ForOthers;

    /// <summary>The label that a guest's own disk has, null while it has no node, and the one it should have at rest: its udev rule's, or a disk's.</summary>
    public static (SecurityContext? Actual, SecurityContext Right) RawLabel(VolumeState state) =>
        (state.NodeFact?.Context, Udev.Plain.Context! with { Type = Udev.TypeOf(state.NodeFact?.Rule) ?? ImageTypes.FixedDisk });

    /// <summary>The type of the rule that covers the mount point and what is in it, if it is an image type; null: there is none.</summary>
    public static string? ImageType(VolumeState state) =>
        state.MountPoint is { } point && state.Rule?.Context?.Type is { } type && ImageTypes.All.Contains(type) && ImageRule.Gives(state.Storage.Host.SELinux.FileContexts, point, type) ? type : null;

    /// <summary>The administrator's rules for image types whose path does not exist.</summary>
    public static IReadOnlyList<string> PathsWithoutPlace(HostStorage storage) =>
        [.. ImageRule.LocalPaths(storage.Host.SELinux.FileContexts).Where(path => !storage.Inodes.ContainsKey(path))];

    private static IEnumerable<(string Id, object?[] Arguments)> Find(VolumeState state)
    {
        // What a guest has as its disk is no store: what is in it is the guest's, and only its node's label is ours to judge.
        if (state.IsRaw)
        {
            if (RawLabel(state) is ({ } actual, var right) && !actual.HasCategories && actual.Type != right.Type) yield return ("WrongLabel", [state.DevicePath, actual.ToString(), right.Type]);
            yield break;
        }

        if (!state.IsMounted) yield return ("NotMounted", [state.DevicePath]);
        if (state.FstabLine is null) yield return ("NotInFstab", [state.DevicePath]);
        if (state.MountPoint is not { } point) yield break;

        var type = ImageType(state);
        if (type is null) yield return PathsWithoutPlace(state.Storage) is [var other, ..] ? ("RuleForOtherPath", [other, point]) : ("NoRule", [point]);
        if (state.IsMounted)
        {
            if (state.Root is not { } root)
            {
                yield return ("RootUnreadable", [point]);
                yield break;
            }

            var isRight = type is null ? ImageTypes.All.Contains(root.Context?.Type) : root.Context?.Type == type;
            if (!isRight) yield return ("WrongLabel", [point, root.Context?.ToString() ?? "-", type ?? Messages.Format("AnImageType")]);
            if (MissingNow(state) is { Count: > 0 } now) yield return ("WeakOptions", [point, string.Join(',', now)]);
            else if (MissingAtBoot(state) is { Count: > 0 } later) yield return ("WeakOptions", [Fstab.Path, string.Join(',', later)]);
            if (IsOpenToOthers(root)) yield return ("WeakMode", [point, Coreutils.Octal(root.Mode)]);
        }
        else if (MissingAtBoot(state) is { Count: > 0 } missing)
        {
            yield return ("WeakOptions", [Fstab.Path, string.Join(',', missing)]);
        }
    }
}
