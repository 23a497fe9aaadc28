using VirtSecurity.Changes;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>From facts and a request to the changes that make the host as asked: procedure 11.1, steps 1 to 6, and the mount that survives a reboot.</summary>
internal static class SecureGuestVolumePlan
{
    /// <summary>The changes; empty when the host is already so.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="facts">What is there.</param>
    /// <param name="run">The run that will make them.</param>
    /// <param name="uuid">The identity of a file system to be made.</param>
    /// <exception cref="VirtException">What is there contradicts the request; nothing has been changed.</exception>
    public static ChangeSet Make(SecureGuestVolumeRequest request, StorageFacts facts, string run, Guid uuid)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var state = StateOf(request, facts);
        Change[] volume = request.IsDevice ? [] : [.. Volume(request, facts, state, run)];
        if (request.IsDevice)
        {
            DevicePlan.RequireDevice(request, facts.Target!);
            if (!state.IsMounted) DevicePlan.RequireUnused(request, facts);
        }

        state.RequireNoGuestsDisk(request.Subject);
        facts.Place.Path.RequireSafeParents();
        RequireNoContradiction(request, facts, state);
        var isMade = HasFileSystem(request, state);
        if (request.IsDevice && !isMade) DevicePlan.RequireEmpty(request, facts.Target!);

        var fileSystem = Mkfs.NameOf(request.FileSystem);
        var own = volume.ToList();
        if (!isMade && !request.IsDevice) own.Add(new("mkfs", [Mkfs.Make(request.FileSystem, request.Device, uuid)], Mkfs.IsMade(request.Device, uuid), []));
        if (!state.IsMounted) own.AddRange(StoreChanges.MakeMountPoint(facts.Place, facts.Storage.Mounts));
        own.AddRange(StoreChanges.OpenParents(facts.Place.Path));
        if (request.Persist && state.FstabOfPoint.Count == 0) own.Add(StoreChanges.Persist(state, facts.Place, SourceOf(request, facts), fileSystem, request.MountOptions));
        // What may be lost on a device is lost as late as possible: after all that can fail before.
        if (!isMade && request.IsDevice) own.Add(DevicePlan.MakeFileSystem(request, facts.Target!, uuid));
        if (!state.IsMounted) own.Add(StoreChanges.Mount(state.DevicePath, request.MountPoint, fileSystem, request.MountOptions));
        var access = StoreAccess.For(facts.Host, type);
        if (!state.IsMounted) own.Add(access.Set(request.MountPoint));
        else if (IsJudged(request, state) && state.Root is { } root && !access.IsGuarded(root)) own.AddRange(access.Restore(root, Mount.IsAt(state.DevicePath, request.MountPoint)));

        return new ChangeSet(request.Subject, own, StoreChanges.Rules(request.MountPoint, type, facts.Host.SELinux.FileContexts), StoreChanges.Labels(state, fileSystem, type));
    }

    /// <summary>The facts that are about the volume asked for.</summary>
    public static VolumeState StateOf(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        if (facts.Target is { } target)
        {
            var device = facts.Storage.Devices.FirstOrDefault(device => device.Device == target.Device);
            var logical = target.Device is null ? null : facts.Storage.Volumes.FirstOrDefault(volume => volume.Device == target.Device);
            return new(facts.Storage, logical is null ? target.Node ?? target.Path : Lvm.DevicePath(logical.VolumeGroup, logical.Name), logical, device, request.MountPoint);
        }

        var volume = facts.Storage.Volumes.FirstOrDefault(volume => volume.VolumeGroup == request.VolumeGroup && volume.Name == request.Name);
        return new(facts.Storage, request.Device, volume, facts.Storage.DeviceOf(volume), request.MountPoint);
    }

    /// <summary>What is not as asked, in words; null: all is. This is the proof of step 6, and of those before it.</summary>
    public static string? Difference(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var state = StateOf(request, facts);
        var contexts = facts.Host.SELinux.FileContexts;
        if (request.IsDevice ? state.Device is null : state.Volume is null) return $"{request.Subject} is not there";
        if (!state.IsMounted) return $"{request.Device} is not mounted at {request.MountPoint}";
        if (state.FileSystem != Mkfs.NameOf(request.FileSystem)) return $"the file system is {state.FileSystem}";
        if (request.Persist != state.FstabLine is not null) return request.Persist ? "/etc/fstab has no line for it" : "/etc/fstab has a line for it";
        if (!ImageRule.Gives(contexts, request.MountPoint, type)) return $"the rules give {request.MountPoint} the type {state.Rule?.Context?.Type ?? "none"}, not {type}";
        if (StoreChanges.StillClosed(facts.Place.Path) is { } closed) return closed;
        if (IsJudged(request, state) && state.Root is { } root && !StoreAccess.For(facts.Host, type).IsGuarded(root))
            return $"{request.MountPoint} belongs to the group {root.Group} and has the mode {Coreutils.Octal(root.Mode)}";
        return state.Root?.Context?.Type == type ? null : $"{request.MountPoint} is labelled {state.Root?.Context?.ToString() ?? "not at all"}, not {type}";
    }

    private static IReadOnlyList<Change> Volume(SecureGuestVolumeRequest request, StorageFacts facts, VolumeState state, string run)
    {
        var group = facts.Groups.FirstOrDefault(group => group.Name == request.VolumeGroup);
        var bytes = LogicalVolumePlan.RequireRoom(request.Volume, group, state.Volume is not null, facts.Thin);
        if (state.Volume is not { } volume) return [LogicalVolumePlan.Make(request.Volume, bytes, run)];

        // A volume that is neither ours nor mounted where it is asked for may hold anything, a guest's disk first of all.
        if (!state.IsOurs && !state.IsMounted) throw new VirtException("NameTaken", request.Subject);
        if (volume.Tags.Contains(Lvm.RawTag)) throw new VirtException("VolumeDiffers", request.Subject, "use", "a guest's own disk (-Raw)", "a file system");
        LogicalVolumePlan.RequireSame(request.Volume, volume, bytes, facts.Thin);
        return [];
    }

    /// <summary>
    /// It is there with its file system: a logical volume that exists; a device that is mounted here, or that fstab has for this mount point
    /// with the file system asked for on it.
    /// </summary>
    private static bool HasFileSystem(SecureGuestVolumeRequest request, VolumeState state) => request.IsDevice
        ? state.IsMounted || (state.FstabLine is not null && state.FileSystem == Mkfs.NameOf(request.FileSystem))
        : state.Volume is not null;

    /// <summary>Who may pass through its root is ours to say: of a volume we made, and of a device that was named to be a store.</summary>
    private static bool IsJudged(SecureGuestVolumeRequest request, VolumeState state) => request.IsDevice || state.IsOurs;

    private static string SourceOf(SecureGuestVolumeRequest request, StorageFacts facts) =>
        facts.Target is { } target ? DevicePlan.StableName(target, facts.Storage.Volumes) : request.Device;

    private static void RequireNoContradiction(SecureGuestVolumeRequest request, StorageFacts facts, VolumeState state)
    {
        void Differs(string what, object? there, object? asked) => throw new VirtException("VolumeDiffers", request.Subject, what, there, asked);

        if (HasFileSystem(request, state))
        {
            var asked = Mkfs.NameOf(request.FileSystem);
            if (state.FileSystem != asked) Differs("file system", state.FileSystem ?? "none", asked);
            if (state.Elsewhere is { } elsewhere && !state.IsMounted) Differs("mount point", elsewhere.MountPoint, request.MountPoint);
        }

        if ((request.IsDevice || state.Volume is not null) && state.FstabElsewhere is { } line) Differs("mount point in /etc/fstab", line.MountPoint, request.MountPoint);
        if (state.IsMounted)
        {
            var missing = request.MountOptions.Where(option => option is "nodev" or "nosuid" or "noexec" or "ro" && !state.MountedAtPoint!.Options.Contains(option));
            if (missing.Any()) Differs("mount options", string.Join(',', state.MountedAtPoint!.Options), string.Join(',', request.MountOptions));
        }

        StoreChanges.RequireFreePlace(state, facts.Place);
        foreach (var entry in state.FstabOfPoint)
        {
            if (!request.Persist) Differs("persistence", "a line in /etc/fstab", "none");
            var weaker = request.MountOptions.Except(entry.Options);
            if (weaker.Any()) Differs("options in /etc/fstab", string.Join(',', entry.Options), string.Join(',', request.MountOptions));
        }
    }
}
