using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>The changes that make a file system on a device an image store: mount point, fstab, mount, rule, label. Pure.</summary>
internal static class StoreChanges
{
    /// <summary>The step that hides the directory under it.</summary>
    private const string MountStep = "mount";

    /// <summary>Seconds systemd waits for the volume at boot before it goes on without.</summary>
    private const int DeviceTimeout = 30;

    /// <summary>The services that start guests. An ordering before a unit that does not exist is none.</summary>
    public static IReadOnlyList<string> GuestServices { get; } = ["libvirtd.service", "virtqemud.service", "virtxend.service", "libvirt-guests.service", "xendomains.service"];

    /// <summary>The mount point is free for this volume: nothing else is mounted there or would be at boot, and nothing would be hidden.</summary>
    /// <exception cref="VirtException">MountPointBusy.</exception>
    public static void RequireFreePlace(VolumeState state, PlaceFacts place)
    {
        void Busy(string reason) => throw new VirtException("MountPointBusy", state.MountPoint, reason);

        if (!state.IsMounted && state.MountedAtPoint is { } other) Busy($"{other.Source} is mounted there");
        if (!state.IsMounted && place.Path.Self is { } self)
        {
            if (!self.IsDirectory) Busy("it is not a directory");
            if (self.Owner != 0) Busy($"it belongs to user {self.Owner}, not to root");
            if (!place.IsEmpty) Busy("it is not empty, and the mount would hide what is in it");
        }

        if (state.FstabOfPoint.FirstOrDefault(entry => !state.IsOwnName(entry.Source)) is { } foreign) Busy($"/etc/fstab has {foreign.Source} for it");
    }

    /// <summary>
    /// The directory under a mount: mode 0000 and immutable, so that nothing is written to the root file system when the mount is
    /// missing. Its own type is left: it is no image.
    /// </summary>
    public static IEnumerable<Change> MakeMountPoint(PlaceFacts place, IReadOnlyList<MountFact> mounts)
    {
        var path = place.Path.Path;
        foreach (var parent in place.Path.MissingParents)
            yield return new("mkdir", [Coreutils.MakeParent(parent)], Coreutils.IsEmptyDirectory(parent), [Coreutils.RemoveUnusedParent(parent)]) { HiddenBy = "mkdir" };

        if (place.Path.Self is not { } self)
        {
            yield return new("mkdir", [Coreutils.MakeDirectory(path, "0000")], Coreutils.IsDirectory(path, "0000"), [Coreutils.RemoveDirectory(path)]) { HiddenBy = MountStep };
        }
        else if (self.Mode != UnixFileMode.None && !place.IsImmutable)
        {
            yield return new("chmod", [Coreutils.SetMode(path, UnixFileMode.None)], Coreutils.IsDirectory(path, "0000"), [Coreutils.SetMode(path, self.Mode)]) { HiddenBy = MountStep };
        }

        if (!place.IsImmutable && Chattr.IsSupportedOn(FileSystemOf(path, mounts)))
            yield return new("chattr", [Chattr.Protect(path)], Chattr.IsProtected(path), [Chattr.Release(path)]) { HiddenBy = MountStep };
    }

    /// <summary>Directories above that nobody but root may search are opened for that: QEMU must pass.</summary>
    public static IEnumerable<Change> OpenParents(PathFacts path) =>
        path.ClosedParents.Select(parent => SetMode(parent, parent.Mode | UnixFileMode.OtherExecute));

    /// <summary>The directory above that QEMU cannot pass, in words; null: there is none.</summary>
    public static string? StillClosed(PathFacts path) =>
        path.ClosedParents is [var closed, ..] ? $"{closed.Path} cannot be searched by a guest's QEMU (mode {Coreutils.Octal(closed.Mode)})" : null;

    /// <summary>Gives a directory other permission bits.</summary>
    public static Change SetMode(PathFact directory, UnixFileMode mode) => new(
        "chmod", [Coreutils.SetMode(directory.Path, mode)], Coreutils.IsDirectory(directory.Path, Coreutils.Octal(mode)), [Coreutils.SetMode(directory.Path, directory.Mode)]);

    /// <summary>Its line at the end of fstab.</summary>
    /// <param name="state">The volume at its mount point.</param>
    /// <param name="place">The mount point.</param>
    /// <param name="source">What fstab is to call it.</param>
    /// <param name="fileSystem">The kernel's name.</param>
    /// <param name="options">Those asked for; what lets a host boot without it and guests wait for it is added.</param>
    public static Change Persist(VolumeState state, PlaceFacts place, string source, string fileSystem, IReadOnlyList<string> options)
    {
        var line = Fstab.Line(source, state.MountPoint!, fileSystem, FstabOptions(options));
        // A unit is of a line that is there no more. Where its device is gone too, systemd would unmount at once what is mounted there.
        var isStale = place.HasUnit;
        return new(
            "fstab",
            [Fstab.AppendLine(line), .. isStale ? new[] { Systemctl.DaemonReload() } : []],
            Fstab.HasLine(line),
            [Fstab.RemoveLine(line, state.Storage.FstabLacksFinalNewline), Systemctl.DaemonReload()])
        { NeedsReload = !isStale };
    }

    /// <summary>The mount.</summary>
    public static Change Mount(string device, string mountPoint, string fileSystem, IEnumerable<string> options) => new(
        MountStep,
        [Tools.Mount.At(device, mountPoint, fileSystem, options)],
        Tools.Mount.IsAt(device, mountPoint),
        [Tools.Mount.Off(mountPoint)]);

    /// <summary>No rule where the policy already gives the directory and what is in it the type.</summary>
    public static IReadOnlyList<RuleEdit> Rules(string path, string type, FileContexts contexts)
    {
        if (ImageRule.Gives(contexts, path, type)) return [];
        var pattern = PathPattern.ForTree(contexts.Resolve(path));
        return [new RuleEdit(pattern, type, contexts.Local(pattern)?.Context)];
    }

    /// <summary>A file system not mounted yet is labelled at its root and, if of the ext family, lost+found; a mounted one is judged by its root.</summary>
    public static IReadOnlyList<Relabel> Labels(VolumeState state, string fileSystem, string type)
    {
        var point = state.MountPoint!;
        if (state.IsMounted) return state.Root?.Context is { } actual && actual.Type == type ? [] : [new(point, state.Root?.Context, type)];
        return fileSystem.StartsWith("ext", StringComparison.Ordinal) ? [new(point, null, type), new($"{point}/lost+found", null, type)] : [new(point, null, type)];
    }

    /// <summary>The options a mount gets in fstab: those asked for, and what lets a host boot without it and guests wait for it.</summary>
    internal static IReadOnlyList<string> FstabOptions(IReadOnlyList<string> asked)
    {
        var options = asked.ToList();
        if (!options.Exists(option => option.StartsWith("x-systemd.device-timeout=", StringComparison.Ordinal)))
            options.Add($"x-systemd.device-timeout={DeviceTimeout}");
        // nofail alone takes the mount out of local-fs.target's ordering, systemd.mount(5): an autostarted guest would race it.
        if (!options.Exists(option => option.StartsWith("x-systemd.before=", StringComparison.Ordinal)))
            options.AddRange(GuestServices.Select(service => $"x-systemd.before={service}"));
        return options;
    }

    private static string? FileSystemOf(string path, IReadOnlyList<MountFact> mounts) =>
        mounts.Where(mount => HostPath.IsAtOrBelow(path, mount.MountPoint)).OrderBy(mount => mount.MountPoint.Length).LastOrDefault()?.FileSystem;
}
