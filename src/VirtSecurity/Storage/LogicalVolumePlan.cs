using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A logical volume as asked for, be it for a file system or for a guest.</summary>
/// <param name="Host">The host.</param>
/// <param name="VolumeGroup">Its volume group.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Size">Bytes, before rounding up to extents.</param>
/// <param name="ThinPool">The thin pool it takes its blocks from; null: the volume group.</param>
internal sealed record LogicalVolumeRequest(VirtHost Host, string VolumeGroup, string Name, long Size, string? ThinPool)
{
    /// <summary>VG/LV.</summary>
    public string Subject => $"{VolumeGroup}/{Name}";
}

/// <summary>The logical volume itself: room for it, what contradicts it, how it is made.</summary>
internal static class LogicalVolumePlan
{
    private const double Full = 100;

    /// <summary>The bytes it will have: whole extents. There must be room for a new one.</summary>
    /// <exception cref="VirtException">VolumeGroupNotFound, VolumeGroupFull, ThinPoolNotFound, ThinPoolFull.</exception>
    public static long RequireRoom(LogicalVolumeRequest request, VolumeGroupFact? group, bool exists, IReadOnlyList<ThinFact> thin)
    {
        if (group is null) throw new VirtException("VolumeGroupNotFound", request.VolumeGroup, request.Host);
        var bytes = (request.Size + group.ExtentSize - 1) / group.ExtentSize * group.ExtentSize;
        if (exists) return bytes;
        if (request.ThinPool is null) return bytes <= group.Free ? bytes : throw new VirtException("VolumeGroupFull", group.Name, bytes, group.Free);

        var pool = Pool(request, thin) ?? throw new VirtException("ThinPoolNotFound", $"{request.VolumeGroup}/{request.ThinPool}", request.Host);
        // LVM itself refuses from activation/thin_pool_autoextend_threshold on, in its own words.
        var reason = pool switch
        {
            { Health.Length: > 0 } => pool.Health,
            { DataPercent: >= Full } => "all of its data space is used",
            { MetadataPercent: >= Full } => "all of its metadata space is used",
            _ => null,
        };
        return reason is null ? bytes : throw new VirtException("ThinPoolFull", $"{request.VolumeGroup}/{request.ThinPool}", reason);
    }

    /// <summary>An existing volume is of the size and in the pool asked for.</summary>
    /// <exception cref="VirtException">VolumeDiffers.</exception>
    public static void RequireSame(LogicalVolumeRequest request, LogicalVolumeFact volume, long bytes, IReadOnlyList<ThinFact> thin)
    {
        if (volume.Size != bytes) throw new VirtException("VolumeDiffers", request.Subject, "size in bytes", volume.Size, bytes);
        if (request.ThinPool is null) return;
        var actual = thin.FirstOrDefault(other => !other.IsPool && other.VolumeGroup == volume.VolumeGroup && other.Name == volume.Name)?.Pool;
        if (actual != request.ThinPool) throw new VirtException("VolumeDiffers", request.Subject, "thin pool", actual ?? "none", request.ThinPool);
    }

    /// <summary>The change that makes it, and takes it away again only where that run made it.</summary>
    public static Change Make(LogicalVolumeRequest request, long bytes, string run) => new(
        "lvcreate",
        [Lvm.Create(request.VolumeGroup, request.Name, bytes, run, request.ThinPool)],
        Lvm.IsOfRun(request.VolumeGroup, request.Name, run),
        [Lvm.RemoveOfRun(request.VolumeGroup, request.Name, run)]);

    /// <summary>A pool whose volumes may grow larger than it is a risk to all of them: once it is full, their writes fail.</summary>
    public static IEnumerable<Note> Notes(LogicalVolumeRequest request, IReadOnlyList<ThinFact> thin)
    {
        if (request.ThinPool is null || Pool(request, thin) is not { } pool) yield break;
        var promised = thin.Where(volume => volume.VolumeGroup == pool.VolumeGroup && volume.Pool == pool.Name).Sum(volume => volume.Size);
        if (promised > pool.Size) yield return new Note("ThinPoolOvercommitted", request.Host.Name, $"{pool.VolumeGroup}/{pool.Name}", promised, pool.Size);
    }

    /// <summary>The pool asked for; null: there is none of that name.</summary>
    public static ThinFact? Pool(LogicalVolumeRequest request, IReadOnlyList<ThinFact> thin) =>
        thin.FirstOrDefault(pool => pool.IsPool && pool.VolumeGroup == request.VolumeGroup && pool.Name == request.ThinPool);
}
