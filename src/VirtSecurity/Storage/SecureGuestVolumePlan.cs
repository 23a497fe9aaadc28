using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>From facts and a request to the changes that make the host as asked: procedure 11.1, steps 1 to 6, and the mount that survives a reboot.</summary>
internal static class SecureGuestVolumePlan
{
    /// <summary>Seconds systemd waits for the volume at boot before it goes on without.</summary>
    private const int DeviceTimeout = 30;

    /// <summary>The services that start guests. An ordering before a unit that does not exist is none.</summary>
    private static readonly string[] GuestServices = ["libvirtd.service", "virtqemud.service", "virtxend.service", "libvirt-guests.service", "xendomains.service"];

    /// <summary>The changes; empty when the host is already so.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="facts">What is there.</param>
    /// <param name="run">The run that will make them.</param>
    /// <param name="uuid">The identity of a file system to be made.</param>
    /// <exception cref="VirtException">What is there contradicts the request; nothing has been changed.</exception>
    public static ChangeSet Make(SecureGuestVolumeRequest request, StorageFacts facts, string run, Guid uuid)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var state = new VolumeState(request, facts);
        var bytes = RequireRoom(request, state);
        facts.MountPoint.RequireSafeParents();
        RequireNoContradiction(request, facts, state, bytes);

        var own = new List<Change>();
        if (state.Volume is null) own.AddRange(MakeVolume(request, bytes, run, uuid));
        if (!state.IsMounted) own.AddRange(MakeMountPoint(request.MountPoint, facts));
        own.AddRange(OpenParents(facts.MountPoint));
        if (request.Persist && state.FstabOfPoint.Count == 0) own.Add(Persist(request, facts));
        if (!state.IsMounted) own.Add(MountVolume(request));
        var access = StoreAccess.For(facts.Host, type);
        if (!state.IsMounted) own.Add(access.Set(request.MountPoint));
        else if (state.IsOurs && facts.MountPoint.Self is { } root && !access.IsGuarded(root)) own.AddRange(access.Restore(root));

        return new ChangeSet(request.Subject, own, Rules(request.MountPoint, type, facts.Host.SELinux.FileContexts), Labels(request, facts, state, type));
    }

    /// <summary>The options a mount of this request gets in fstab: those asked for, and what lets a host boot without it and guests wait for it.</summary>
    public static IReadOnlyList<string> FstabOptions(SecureGuestVolumeRequest request)
    {
        var options = request.MountOptions.ToList();
        if (!options.Exists(option => option.StartsWith("x-systemd.device-timeout=", StringComparison.Ordinal)))
            options.Add($"x-systemd.device-timeout={DeviceTimeout}");
        // nofail alone takes the mount out of local-fs.target's ordering, systemd.mount(5): an autostarted guest would race it.
        if (!options.Exists(option => option.StartsWith("x-systemd.before=", StringComparison.Ordinal)))
            options.AddRange(GuestServices.Select(service => $"x-systemd.before={service}"));
        return options;
    }

    private static long RequireRoom(SecureGuestVolumeRequest request, VolumeState state)
    {
        if (state.Group is not { } group)
            throw new VirtException("VolumeGroupNotFound", request.VolumeGroup, request.Host);
        var bytes = (request.Size + group.ExtentSize - 1) / group.ExtentSize * group.ExtentSize;
        if (state.Volume is null && bytes > group.Free)
            throw new VirtException("VolumeGroupFull", group.Name, bytes, group.Free);
        return bytes;
    }

    private static void RequireNoContradiction(SecureGuestVolumeRequest request, StorageFacts facts, VolumeState state, long bytes)
    {
        void Differs(string what, object? there, object? asked) => throw new VirtException("VolumeDiffers", request.Subject, what, there, asked);

        if (state.Volume is { } volume)
        {
            // A volume that is neither ours nor mounted where it is asked for may hold anything, a guest's disk first of all.
            if (!state.IsOurs && !state.IsMounted) throw new VirtException("NameTaken", request.Subject);
            if (volume.Size != bytes) Differs("size in bytes", volume.Size, bytes);
            var asked = Mkfs.NameOf(request.FileSystem);
            if (state.FileSystem != asked) Differs("file system", state.FileSystem ?? "none", asked);
            if (state.Elsewhere is { } elsewhere && !state.IsMounted) Differs("mount point", elsewhere.MountPoint, request.MountPoint);
            if (state.FstabElsewhere is { } line) Differs("mount point in /etc/fstab", line.MountPoint, request.MountPoint);
        }

        if (state.IsMounted)
        {
            var missing = request.MountOptions.Where(option => option is "nodev" or "nosuid" or "noexec" or "ro" && !state.MountedAtPoint!.Options.Contains(option));
            if (missing.Any()) Differs("mount options", string.Join(',', state.MountedAtPoint!.Options), string.Join(',', request.MountOptions));
        }
        else if (state.MountedAtPoint is { } other)
        {
            throw new VirtException("MountPointBusy", request.MountPoint, $"{other.Source} is mounted there");
        }
        else if (facts.MountPoint.Self is { } self)
        {
            if (!self.IsDirectory) throw new VirtException("MountPointBusy", request.MountPoint, "it is not a directory");
            if (self.Owner != 0) throw new VirtException("MountPointBusy", request.MountPoint, $"it belongs to user {self.Owner}, not to root");
            if (!facts.MountPointIsEmpty) throw new VirtException("MountPointBusy", request.MountPoint, "it is not empty, and the mount would hide what is in it");
        }

        foreach (var entry in state.FstabOfPoint)
        {
            if (!state.OwnNames.Contains(entry.Source)) throw new VirtException("MountPointBusy", request.MountPoint, $"/etc/fstab has {entry.Source} for it");
            if (!request.Persist) Differs("persistence", "a line in /etc/fstab", "none");
            var weaker = request.MountOptions.Except(entry.Options);
            if (weaker.Any()) Differs("options in /etc/fstab", string.Join(',', entry.Options), string.Join(',', request.MountOptions));
        }
    }

    private static IEnumerable<Change> MakeVolume(SecureGuestVolumeRequest request, long bytes, string run, Guid uuid)
    {
        yield return new(
            "lvcreate",
            [Lvm.Create(request.VolumeGroup, request.Name, bytes, run)],
            Lvm.IsOfRun(request.VolumeGroup, request.Name, run),
            [Lvm.RemoveOfRun(request.VolumeGroup, request.Name, run)]);
        yield return new("mkfs", [Mkfs.Make(request.FileSystem, request.Device, uuid)], null, []);
    }

    /// <summary>
    /// The directory under a mount: mode 0000 and immutable, so that nothing is written to the root file system when the mount is
    /// missing. Its own type is left: it is no image.
    /// </summary>
    private static IEnumerable<Change> MakeMountPoint(string path, StorageFacts facts)
    {
        foreach (var parent in facts.MountPoint.MissingParents)
            yield return new("mkdir", [Coreutils.MakeParent(parent)], Coreutils.IsEmptyDirectory(parent), [Coreutils.RemoveUnusedParent(parent)]);

        if (facts.MountPoint.Self is not { } self)
        {
            yield return new("mkdir", [Coreutils.MakeDirectory(path, "0000")], Coreutils.IsDirectory(path, "0000"), [Coreutils.RemoveDirectory(path)]);
        }
        else if (self.Mode != UnixFileMode.None && !facts.MountPointIsImmutable)
        {
            yield return new("chmod", [Coreutils.SetMode(path, UnixFileMode.None)], Coreutils.IsDirectory(path, "0000"), [Coreutils.SetMode(path, self.Mode)]);
        }

        if (!facts.MountPointIsImmutable && Chattr.IsSupportedOn(FileSystemOf(path, facts)))
            yield return new("chattr", [Chattr.Protect(path)], Chattr.IsProtected(path), [Chattr.Release(path)]);
    }

    private static IEnumerable<Change> OpenParents(PathFacts path) => path.ClosedParents.Select(parent =>
    {
        var open = parent.Mode | UnixFileMode.OtherExecute;
        return new Change("chmod", [Coreutils.SetMode(parent.Path, open)], Coreutils.IsDirectory(parent.Path, Coreutils.Octal(open)), [Coreutils.SetMode(parent.Path, parent.Mode)]);
    });

    private static Change Persist(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        var line = Fstab.Line(request.Device, request.MountPoint, Mkfs.NameOf(request.FileSystem), FstabOptions(request));
        return new(
            "fstab",
            [Fstab.AppendLine(line), Systemctl.DaemonReload()],
            Fstab.HasLine(line),
            [Fstab.RemoveLine(line, facts.FstabLacksFinalNewline), Systemctl.DaemonReload()]);
    }

    private static Change MountVolume(SecureGuestVolumeRequest request) => new(
        "mount",
        [Mount.At(request.Device, request.MountPoint, request.FileSystem, request.MountOptions)],
        Mount.IsAt(request.Device, request.MountPoint),
        [Mount.Off(request.MountPoint)]);

    /// <summary>No rule where the policy already gives the directory and what is in it the type.</summary>
    private static IReadOnlyList<RuleEdit> Rules(string path, string type, FileContexts contexts)
    {
        if (ImageRule.Gives(contexts, path, type)) return [];
        var pattern = PathPattern.ForTree(contexts.Resolve(path));
        return [new RuleEdit(pattern, type, contexts.Local(pattern)?.Context)];
    }

    /// <summary>A file system just made holds its root and, if of the ext family, lost+found; a mounted one is judged by its root.</summary>
    private static IReadOnlyList<Relabel> Labels(SecureGuestVolumeRequest request, StorageFacts facts, VolumeState state, string type)
    {
        if (state.IsMounted)
        {
            return facts.MountPoint.Self?.Context is { } actual && actual.Type == type ? [] : [new(request.MountPoint, facts.MountPoint.Self?.Context)];
        }

        return request.FileSystem == GuestFileSystem.Xfs ? [new(request.MountPoint, null)] : [new(request.MountPoint, null), new($"{request.MountPoint}/lost+found", null)];
    }

    private static string? FileSystemOf(string path, StorageFacts facts) =>
        facts.Mounts.Where(mount => HostPath.IsAtOrBelow(path, mount.MountPoint)).OrderBy(mount => mount.MountPoint.Length).LastOrDefault()?.FileSystem;
}
