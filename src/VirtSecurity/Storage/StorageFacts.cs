using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>What is on a host, as far as one volume asked for is concerned.</summary>
internal sealed record StorageFacts(HostStorage Storage, IReadOnlyList<VolumeGroupFact> Groups, PlaceFacts Place)
{
    /// <summary>The host.</summary>
    public HostFacts Host => Storage.Host;

    /// <summary>The device asked for; null: a logical volume is.</summary>
    public DeviceFact? Target { get; init; }

    /// <summary>Thin pools and volumes; none where no pool is asked for.</summary>
    public IReadOnlyList<ThinFact> Thin { get; init; } = [];
}

/// <summary>A mount point: its inodes, what the directory there is, and whether systemd has a unit that it made of a line in fstab for it.</summary>
internal sealed record PlaceFacts(PathFacts Path, bool IsEmpty, bool IsImmutable, bool HasUnit)
{
    /// <summary>Adds the questions for any number of mount points to a batch, as two; the answer is by mount point.</summary>
    public static Func<string, PlaceFacts> Ask(FactBatch batch, IReadOnlyCollection<string> mountPoints)
    {
        var paths = PathFacts.Ask(batch, mountPoints);
        var states = batch.Ask(Coreutils.DirectoryStates(mountPoints), FactUnknown.Unless(Coreutils.ReadDirectoryStates));
        return mountPoint =>
        {
            var (isEmpty, isImmutable, hasUnit) = states.Value(mountPoint);
            return new PlaceFacts(paths(mountPoint), isEmpty, isImmutable, hasUnit);
        };
    }
}

/// <summary>Reads the facts of many volumes of a host in one round trip.</summary>
internal static class StorageReader
{
    /// <summary>The tools that making a volume needs there.</summary>
    public static IEnumerable<string> ToolsFor(SecureGuestVolumeRequest request) =>
    [
        .. request.IsDevice ? DeviceGuard.Tools : ["lvs", "vgs", "lvcreate", "lvremove"], request.FileSystem == GuestFileSystem.Xfs ? "mkfs.xfs" : "mke2fs",
        "mount", "umount", "findmnt", "lsblk", "semanage", "restorecon", "flock",
    ];

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static async Task<IReadOnlyList<Func<StorageFacts>>> ReadAsync(
        IHost host, IReadOnlyList<SecureGuestVolumeRequest> requests, CancellationToken stop)
    {
        var batch = new FactBatch();
        var groups = batch.Ask(Lvm.Groups(), FactUnknown.Unless(Lvm.ReadGroups));
        var storage = HostStorage.Ask(batch, host.Name);
        var places = PlaceFacts.Ask(batch, [.. requests.Select(request => request.MountPoint).Distinct()]);
        var answers = requests.Select(request =>
        {
            var target = request.DevicePath is { } device ? batch.Ask(DeviceGuard.Look(device), FactUnknown.Unless(DeviceGuard.Read)) : null;
            var thin = request.ThinPool is null ? null : batch.Ask(Lvm.Thin(), FactUnknown.Unless(Lvm.ReadThin));
            return (Func<StorageFacts>)(() => new StorageFacts(
                storage(facts => facts.RequireReady(ToolsFor(request))), request.IsDevice ? [] : groups.Value, places(request.MountPoint))
            {
                Target = target?.Value,
                Thin = thin?.Value ?? [],
            });
        }).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }
}
