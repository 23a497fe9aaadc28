using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A volume to be removed.</summary>
/// <param name="Identity">Which one.</param>
/// <param name="IsNamed">Volume group and name were typed: then a logical volume goes that this module did not make.</param>
/// <param name="Keep">The logical volume stays, with what it holds.</param>
/// <param name="Wipe">It is overwritten before it goes.</param>
internal sealed record VolumeRemovalRequest(VolumeIdentity Identity, bool IsNamed, bool Keep, bool Wipe);

/// <summary>From facts to the changes that remove a volume and all that belongs to it. Pure.</summary>
internal static class VolumeRemovalPlan
{
    /// <summary>The tools that it needs.</summary>
    public static IEnumerable<string> ToolsFor(VolumeRemovalRequest request) =>
        ["lvs", "vgs", "lvremove", "mount", "umount", "findmnt", "lsblk", "semanage", "chcon", "chattr", "lsattr", "flock", "cmp", "udevadm"];

    /// <summary>The changes: mount, fstab lines, directory, rule, and last, as it cannot be undone, the volume.</summary>
    /// <exception cref="VirtException">VolumeNotFound, VolumeInUse, CannotWipe, SystemMount.</exception>
    public static ChangeSet Make(VolumeRemovalRequest request, VolumeFacts facts)
    {
        if (!IsThere(facts)) throw new VirtException("VolumeNotFound", request.Identity.Subject, request.Identity.Host);
        if (Guard(facts) is { } refusal) throw refusal;
        // Of a subvolume, or of a directory bound there, not all could be put back.
        if (facts.State is { IsMounted: true, MountedAtPoint: { Root: not "/" } part }) throw new VirtException("VolumeDiffers", request.Identity.Subject, "the part of it that is mounted", part.Root, "/");
        // Zeros take blocks like any data: a pool, or a snapshot's own space, would fill up under other guests.
        if (request.Wipe && RemovesVolume(request, facts) && (facts.State.Volume!.Pool ?? facts.State.Volume.Origin) is { } space) throw new VirtException("CannotWipe", request.Identity.Subject, space);

        var own = new List<Change>();
        var state = facts.State;
        if (state.IsMounted) own.Add(Unmount(state));
        if (VolumeParts.Lines(facts) is { Count: > 0 } lines) own.Add(Forget(facts, lines));
        if (RemovesDirectory(facts)) own.AddRange(RemoveDirectory(facts));
        if (VolumeParts.UdevRuleOf(state) is { } label) own.Add(ForgetLabel(state, label));
        var rules = VolumeParts.RuleOf(facts) is { } rule ? new[] { new RuleEdit(rule.Pattern, null, rule.Context) } : [];
        return new ChangeSet(request.Identity.Subject, own, rules, []) { Last = RemovesVolume(request, facts) ? [.. RemoveVolume(request, state)] : [] };
    }

    /// <summary>Why it may not go on; null: it may.</summary>
    public static VirtException? Guard(VolumeFacts facts) => VolumeUse.Refusal(facts);

    /// <summary>What is left of all that was to go, in words; null: nothing.</summary>
    public static string? Difference(VolumeRemovalRequest request, VolumeFacts facts)
    {
        var left = VolumeParts.Of(facts).Where(part => part switch
        {
            VolumeParts.Volume => RemovesVolume(request, facts),
            VolumeParts.Directory => RemovesDirectory(facts),
            _ => true,
        }).ToArray();
        return left.Length == 0 ? null : $"still there: {string.Join(", ", left)}";
    }

    /// <summary>What stays although it might be expected to go.</summary>
    public static IEnumerable<Note> Notes(VolumeRemovalRequest request, VolumeFacts facts)
    {
        if (facts.State.Volume is not null && !request.Keep && !RemovesVolume(request, facts)) yield return new Note("VolumeKept", request.Identity.Host.Name, facts.State.DevicePath);
        if (facts.Directory is not null && HostPath.IsImageTree(facts.State.MountPoint!)) yield return new Note("DirectoryKept", request.Identity.Host.Name, facts.State.MountPoint);
    }

    /// <summary>An empty directory alone is nobody's; one that is closed and locked as we leave them is a volume's.</summary>
    private static bool IsThere(VolumeFacts facts) =>
        facts.State.Device is not null || VolumeParts.Of(facts).Any(part => part != VolumeParts.Directory) || (facts.DirectoryIsImmutable && facts.DirectoryIsEmpty && facts.Directory?.Mode == UnixFileMode.None);

    private static bool RemovesVolume(VolumeRemovalRequest request, VolumeFacts facts) =>
        !request.Keep && facts.State.Volume is not null && (request.IsNamed || facts.State.IsOurs);

    private static bool RemovesDirectory(VolumeFacts facts) =>
        facts is { Directory: { IsDirectory: true, Owner: 0 }, DirectoryIsEmpty: true } && !HostPath.IsImageTree(facts.State.MountPoint!)
        && !facts.Storage.Fstab.Except(VolumeParts.Lines(facts)).Any(entry => entry.MountPoint == facts.State.MountPoint);

    private static Change Unmount(VolumeState state) => new(
        "umount", [Mount.Off(state.MountPoint!)], Change.Gone(Mount.IsAt(state.DevicePath, state.MountPoint!)), [Mount.Back(state.MountedAtPoint!, state.DevicePath)]);

    private static Change Forget(VolumeFacts facts, IReadOnlyList<FstabEntry> lines)
    {
        var numbers = lines.Select(line => line.Number).ToArray();
        return new(
            "fstab",
            [FstabLines.TakeLines(facts.FstabFile, numbers)],
            FstabLines.AreGone(facts.FstabFile, numbers),
            [FstabLines.PutLines(facts.FstabFile, numbers), Systemctl.DaemonReload()])
        { NeedsReload = true };
    }

    /// <summary>A node that stays gets what any volume's has.</summary>
    private static Change ForgetLabel(VolumeState state, string rule)
    {
        var (group, name) = VolumeParts.NameOf(state)!.Value;
        return new(
            "udev",
            [Udev.Remove(group, name, rule, state.NodeFact?.Mode is null ? new(null, null, null) : Udev.Plain)],
            Change.Gone(Udev.Has(group, name, rule)),
            [Udev.Write(group, name, rule)]);
    }

    private static IEnumerable<Change> RemoveDirectory(VolumeFacts facts)
    {
        var directory = facts.Directory!;
        if (facts.DirectoryIsImmutable) yield return new("chattr", [Chattr.Release(directory.Path)], Chattr.IsReleased(directory.Path), [Chattr.ProtectBeneath(directory.Path)]);
        yield return new(
            "rmdir",
            [Coreutils.RemoveDirectory(directory.Path)],
            Change.Gone(Coreutils.Exists(directory.Path)),
            [Coreutils.MakeAgain(directory)]);
    }

    private static IEnumerable<Change> RemoveVolume(VolumeRemovalRequest request, VolumeState state)
    {
        var volume = state.Volume!;
        if (request.Wipe) yield return new("wipe", [Lvm.RequireIdle(volume.VolumeGroup, volume.Name, volume.Uuid), Wipe.Zero(state.DevicePath, volume.Size)], null, []);
        yield return new("lvremove", [Lvm.RemoveThat(volume.VolumeGroup, volume.Name, volume.Uuid)], Change.Gone(Lvm.HasUuid(volume.Uuid)), []);
    }
}
