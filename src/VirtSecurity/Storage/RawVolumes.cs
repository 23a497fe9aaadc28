using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>
/// Logical volumes that guests use as their disks, as a flow. Zeroed whole, for LVM clears only the first 4 KiB: what the last guest wrote
/// would be the next one's to read. Under libvirt a node needs no rule; for Xen, or where a type is asked for, udev gives it at each activation.
/// </summary>
internal static class RawVolumes
{
    /// <summary>Read, plan, prove, return.</summary>
    public static ChangeFlow<RawVolumeRequest, RawFacts, SecureGuestVolume> Flow { get; } = new(
        request => request.Host,
        request => request.Subject,
        request => [request.Subject],
        RawReader.ReadAsync,
        Plan,
        Difference,
        Result,
        (request, facts, _) => LogicalVolumePlan.Notes(request.Volume, facts.Thin),
        facts => facts.Storage.Unfinished);

    /// <summary>The changes; empty when the host is already so.</summary>
    /// <exception cref="VirtException">What is there contradicts the request; nothing has been changed.</exception>
    internal static ChangeSet Plan(RawVolumeRequest request, RawFacts facts, string run)
    {
        var type = TypeOf(request, facts.Host);
        var (group, name) = (request.Volume.VolumeGroup, request.Volume.Name);
        var volume = Find(request, facts);
        var bytes = LogicalVolumePlan.RequireRoom(request.Volume, facts.Groups.FirstOrDefault(other => other.Name == group), volume is not null, facts.Thin);
        if (volume is not null) RequireOurs(request, facts, volume, bytes);
        var own = new List<Change>();
        if (Rule(request, facts, type) is { } rule) own.Add(rule);
        if (volume is null)
        {
            own.Add(LogicalVolumePlan.Make(request.Volume, bytes, run));
            // A thin pool clears each block before it gives it away; to write zeros would only fill it.
            var isThin = request.Volume.ThinPool is not null;
            if (isThin && !LogicalVolumePlan.Pool(request.Volume, facts.Thin)!.ZeroesNewBlocks) throw new VirtException("ThinPoolNotZeroing", $"{group}/{request.Volume.ThinPool}");
            // The mark comes last: a volume that bears it has been zeroed, and may be a guest's by now.
            own.Add(new(
                isThin ? "lvchange" : "zero",
                [.. isThin ? [] : new[] { Lvm.RequireUnmarked(group, name, run), Wipe.Zero(Lvm.DevicePath(group, name), bytes) }, Lvm.MarkAsRaw(group, name)],
                Lvm.IsMarkedAsRaw(group, name, run),
                []));
        }

        return new ChangeSet(request.Subject, own, [], []);
    }

    /// <summary>The type a rule is to give; null: no rule is wanted.</summary>
    private static string? TypeOf(RawVolumeRequest request, HostFacts host)
    {
        var type = host.ImageType(request.Hypervisor, request.SELinuxType);
        return request.SELinuxType is not null || (request.Hypervisor ?? host.Hypervisor) == Hypervisor.Xen ? type : null;
    }

    private static LogicalVolumeFact? Find(RawVolumeRequest request, RawFacts facts) =>
        facts.Storage.Volumes.FirstOrDefault(volume => volume.VolumeGroup == request.Volume.VolumeGroup && volume.Name == request.Volume.Name);

    private static void RequireOurs(RawVolumeRequest request, RawFacts facts, LogicalVolumeFact volume, long bytes)
    {
        if (!volume.Tags.Contains(Lvm.Tag)) throw new VirtException("NameTaken", request.Subject);
        if (!volume.Tags.Contains(Lvm.RawTag)) throw new VirtException("VolumeDiffers", request.Subject, "use", "a file system, or not zeroed yet", "a guest's own disk (-Raw)");
        LogicalVolumePlan.RequireSame(request.Volume, volume, bytes, facts.Thin);
    }

    /// <summary>The rule of a new volume is there before it, so that its node is never seen with another label.</summary>
    private static Change? Rule(RawVolumeRequest request, RawFacts facts, string? type)
    {
        if (type is null) return null;
        var (group, name) = (request.Volume.VolumeGroup, request.Volume.Name);
        var node = facts.Storage.Udev.Of(group, name, Find(request, facts)?.Device);
        var rule = Udev.RuleFor(group, name, type);
        var isLabelled = node.Mode is null || node.Context?.Type == type || node.Context?.HasCategories == true;
        if (node.Rule == rule && isLabelled) return null;
        if (node.Rule is not null && node.Rule != rule) throw new VirtException("VolumeDiffers", request.Subject, "udev rule", node.Rule.Trim(), rule.Trim());
        if (facts.Storage.Guests.Of(Lvm.DevicePath(group, name), Lvm.MapperPath(group, name)).FirstOrDefault(disk => disk.IsRunning) is { } guest)
            throw new VirtException("DeviceInUse", request.Subject, $"the running guest {guest.Guest} uses it, and a label given now would cut it off");
        return new(
            "udev",
            [Udev.Write(group, name, rule)],
            Udev.Has(group, name, rule),
            node.Rule is null ? [Udev.Remove(group, name, rule, node)] : []);
    }

    private static string? Difference(RawVolumeRequest request, RawFacts facts)
    {
        var type = TypeOf(request, facts.Host);
        if (Find(request, facts) is not { } volume) return $"{request.Subject} is not there";
        if (!volume.Tags.Contains(Lvm.RawTag)) return $"{request.Subject} is not marked as zeroed";
        var result = Result(request, facts);
        if (type is not null && result.SELinuxType != type) return $"{Udev.RulePath(volume.VolumeGroup, volume.Name)} is not as written";
        return result.IsCompliant ? null : $"its node is labelled {result.Context?.ToString() ?? "not at all"}, not {type ?? ImageTypes.FixedDisk}";
    }

    private static SecureGuestVolume Result(RawVolumeRequest request, RawFacts facts)
    {
        var volume = Find(request, facts)!;
        return SecureGuestVolume.From(new(facts.Storage, Lvm.DevicePath(volume.VolumeGroup, volume.Name), volume, facts.Storage.DeviceOf(volume), null));
    }
}
