using VirtSecurity.Changes;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A volume to be made larger.</summary>
/// <param name="Identity">Which one.</param>
/// <param name="Size">Bytes it is to have, before rounding up to extents.</param>
internal sealed record VolumeResizeRequest(VolumeIdentity Identity, long Size);

/// <summary>From facts to the changes that grow a volume and its file system while it is mounted. Pure.</summary>
internal static class VolumeResizePlan
{
    /// <summary>The tools that it needs whatever the file system is.</summary>
    public static IEnumerable<string> ToolsFor(VolumeResizeRequest request) => ["lvs", "vgs", "lvextend", "lvreduce", "findmnt", "lsblk"];

    /// <summary>The changes; empty when volume and file system are so already. A file system that has grown stays so: that comes last.</summary>
    /// <exception cref="VirtException">VolumeNotFound, NotALogicalVolume, VolumeNotMounted, CannotGrow, SizeTooSmall, VolumeGroupFull, ToolNotFound.</exception>
    public static ChangeSet Make(VolumeResizeRequest request, VolumeFacts facts)
    {
        var state = facts.State;
        var subject = request.Identity.Subject;
        if (state.Volume is not { } volume)
            throw state.Device is null ? new VirtException("VolumeNotFound", subject, request.Identity.Host) : new VirtException("NotALogicalVolume", subject);
        if (!state.IsMounted) throw new VirtException("VolumeNotMounted", subject);
        if (facts.FileSystemSize is not { } size) throw new VirtException("CannotGrow", subject, state.FileSystem);
        facts.Storage.Host.RequireReady(FileSystemSize.ToolsFor(state.FileSystem!));

        var group = facts.Groups.First(group => group.Name == volume.VolumeGroup);
        var bytes = Rounded(request.Size, group);
        if (bytes < volume.Size) throw new VirtException("SizeTooSmall", subject, volume.Size, bytes);
        // A thin volume takes nothing from the group until it is written to.
        if (volume.Pool is null && bytes - volume.Size > group.Free) throw new VirtException("VolumeGroupFull", group.Name, bytes - volume.Size, group.Free);

        var after = size.Filling(bytes);
        return new ChangeSet(subject, bytes == volume.Size ? [] : [Extend(state, volume, bytes)], [], [])
        {
            Last = size.Size >= after ? [] : [Grow(state, size.Size, after)],
        };
    }

    /// <summary>What is not as asked, in words; null: all is.</summary>
    public static string? Difference(VolumeResizeRequest request, VolumeFacts facts)
    {
        if (facts.State.Volume is not { } volume) return "the volume is not there";
        var bytes = Rounded(request.Size, facts.Groups.First(group => group.Name == volume.VolumeGroup));
        if (volume.Size < bytes) return $"the volume has {volume.Size} bytes, not {bytes}";
        if (facts.FileSystemSize is not { } size) return "the file system's size could not be read";
        return size.Size < size.Filling(bytes) ? $"the file system has {size.Size} bytes of {bytes}" : null;
    }

    private static long Rounded(long bytes, VolumeGroupFact group) => (bytes + group.ExtentSize - 1) / group.ExtentSize * group.ExtentSize;

    private static Change Extend(VolumeState state, LogicalVolumeFact volume, long bytes) => new(
        "lvextend",
        [Lvm.RequireThat(volume.VolumeGroup, volume.Name, volume.Uuid), Lvm.Extend(volume.VolumeGroup, volume.Name, bytes)],
        Lvm.HasSize(volume.Uuid, bytes),
        [FileSystemSize.ReduceVolume(state.FileSystem!, state.DevicePath, state.MountPoint!, $"{volume.VolumeGroup}/{volume.Name}", volume.Uuid, volume.Size)]);

    private static Change Grow(VolumeState state, long before, long after) => new(
        state.FileSystem == "xfs" ? "xfs_growfs" : "resize2fs",
        [Lvm.RequireThat(state.Volume!.VolumeGroup, state.Volume.Name, state.Volume.Uuid), FileSystemSize.Grow(state.FileSystem!, state.DevicePath, state.MountPoint!)],
        FileSystemSize.HasGrown(state.FileSystem!, state.DevicePath, state.MountPoint!, before, after),
        []);
}
