using VirtSecurity.Changes;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>From facts to the changes that take away every problem of a volume that can be taken away without touching its data. Pure.</summary>
internal static class RepairPlan
{
    /// <summary>Repairing secure guest volumes, as a flow.</summary>
    public static ChangeFlow<RepairRequest, RepairFacts, SecureGuestVolume> Flow { get; } = new(
        request => request.Host,
        request => request.Subject,
        request => [request.Subject, .. request.MountPoint is { } point ? new[] { point } : []],
        RepairReader.ReadAsync,
        (request, facts, _) => Make(request, facts),
        (_, facts) => VolumeProblems.Of(facts.State) is { Count: > 0 } left ? string.Join("; ", left) : facts.Place is { } place ? StoreChanges.StillClosed(place.Path) : null,
        (_, facts) => SecureGuestVolume.From(facts.State),
        Notes,
        facts => facts.State.Storage.Unfinished)
    {
        Resolve = (request, facts) => request.Of(facts.State),
    };

    /// <summary>The changes; empty when nothing is wrong.</summary>
    /// <exception cref="VirtException">RepairUndecided, MountPointBusy, UnsafeParent, RefusedPath, and those of <see cref="Facts.HostFacts.ImageType"/>.</exception>
    public static ChangeSet Make(RepairRequest request, RepairFacts facts)
    {
        var state = facts.State;
        var problems = VolumeProblems.Of(state).Select(problem => problem.Id).ToHashSet();
        if (problems.Count == 0) return new ChangeSet(request.Subject, [], [], []);
        if (state.IsRaw) return new ChangeSet(request.Subject, [LabelNode(state)], [], []);

        var (point, place) = (state.MountPoint!, facts.Place!);
        RequireDecided(request, state, problems);
        state.RequireNoGuestsDisk(request.Subject);
        Facts.HostPath.RequireMountPoint(point);
        place.Path.RequireSafeParents();
        StoreChanges.RequireFreePlace(state, place);

        var fileSystem = state.FileSystem ?? throw request.Undecided("no file system is known on it; an inactive volume has none: lvchange -ay");
        var type = VolumeProblems.ImageType(state) ?? state.Storage.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var own = new List<Change>();
        if (!state.IsMounted) own.AddRange(StoreChanges.MakeMountPoint(place, state.Storage.Mounts));
        own.AddRange(StoreChanges.OpenParents(place.Path));
        own.AddRange(InFstab(state, place, fileSystem));
        own.AddRange(state.IsMounted ? WhereMounted(state) : AndMount(state, fileSystem));

        return new ChangeSet(request.Subject, own, StoreChanges.Rules(point, type, state.Storage.Host.SELinux.FileContexts), StoreChanges.Labels(state, fileSystem, type));
    }

    private static Change LabelNode(VolumeState state)
    {
        var (actual, right) = VolumeProblems.RawLabel(state);
        return new("chcon", [Udev.Label(state.DevicePath, actual!, right)], Udev.HasLabel(state.DevicePath, right), [Udev.Label(state.DevicePath, right, actual!)]);
    }

    private static void RequireDecided(RepairRequest request, VolumeState state, HashSet<string> problems)
    {
        if (problems.Contains("RootUnreadable")) throw request.Undecided($"the root of what is mounted at {state.MountPoint} cannot be read: see the host's kernel log");
        if (state.FstabElsewhere is { } line && state.FstabLine is null)
            throw request.Undecided($"it is mounted at {state.MountPoint}, and /etc/fstab has it at {line.MountPoint}: correct the one that is wrong");
        if (!state.IsMounted && state.Elsewhere is { } mount)
            throw request.Undecided($"/etc/fstab has it at {state.MountPoint}, and it is mounted at {mount.MountPoint}: correct the one that is wrong");
        if (state.FstabOfPoint.Count > 1)
            throw request.Undecided($"/etc/fstab has {state.FstabOfPoint.Count} lines for {state.MountPoint}: leave one");
        if (problems.Contains("RuleForOtherPath") && !state.IsOurs && VolumeProblems.PathsWithoutPlace(state.Storage) is { } astray
            && StoreInventory.Find(state.Storage).Where(StoreInventory.MayBeMeant).Select(other => other.DevicePath).Distinct().ToArray() is { } candidates && candidates.Length > astray.Count)
        {
            throw request.Undecided($"the rule for {astray[0]} may have been meant for any of {string.Join(", ", candidates)}: name the right one to Set-VirtImageContext");
        }
    }

    private static IEnumerable<Change> InFstab(VolumeState state, PlaceFacts place, string fileSystem)
    {
        if (state.FstabLine is not { } entry)
        {
            yield return StoreChanges.Persist(state, place, state.StableName, fileSystem, SecureGuestVolumeRequest.DefaultMountOptions);
        }
        else if (VolumeProblems.MissingAtBoot(state) is { Count: > 0 } missing)
        {
            var line = FstabOptions.With(entry.Line, missing);
            yield return new(
                "fstab",
                [FstabOptions.ReplaceLine(entry.Line, line)],
                FstabOptions.HasLine(line),
                [FstabOptions.ReplaceLine(line, entry.Line), Systemctl.DaemonReload()])
            { NeedsReload = true };
        }
    }

    private static IEnumerable<Change> WhereMounted(VolumeState state)
    {
        var (device, point, options) = (state.DevicePath, state.MountPoint!, state.MountedAtPoint!.Options);
        if (VolumeProblems.MissingNow(state) is { Count: > 0 } missing)
            yield return new("remount", [Mount.Remount(device, point, options.Concat(missing))], Mount.HasOptions(point, VolumeProblems.LeastOptions), [Mount.Remount(device, point, options)]);
        if (VolumeProblems.IsOpenToOthers(state.Root!)) yield return StoreChanges.SetMode(state.Root!, VolumeProblems.ClosedToOthers(state.Root!));
    }

    /// <summary>With fstab's own options, where it has a line. What its root's mode is, is seen only then; what is right already stays.</summary>
    private static IEnumerable<Change> AndMount(VolumeState state, string fileSystem)
    {
        var options = (state.FstabLine?.Options ?? SecureGuestVolumeRequest.DefaultMountOptions).Where(option => option is not ("dev" or "suid" or "exec")).Union(VolumeProblems.LeastOptions);
        yield return StoreChanges.Mount(state.DevicePath, state.MountPoint!, fileSystem, options);
        yield return new("chmod", [Coreutils.CloseToOthers(state.MountPoint!)], null, []);
    }

    /// <summary>The rule that was made for the wrong path stays: whatever else it may be for is not known here.</summary>
    private static IEnumerable<Note> Notes(RepairRequest request, RepairFacts facts, bool rulesChanged)
    {
        var astray = rulesChanged ? VolumeProblems.PathsWithoutPlace(facts.State.Storage) : [];
        return facts.State.Storage.Host.NotesOfRules(rulesChanged).Concat(astray.Select(path => new Note("RuleLeftAlone", request.Host.Name, path, PathPattern.ForTree(path))));
    }
}
