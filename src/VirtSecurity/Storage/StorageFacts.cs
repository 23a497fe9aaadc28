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
    /// <summary>Adds the questions to a batch.</summary>
    public static Func<PlaceFacts> Ask(FactBatch batch, string mountPoint)
    {
        var path = PathFacts.Ask(batch, mountPoint);
        var state = batch.Ask(Coreutils.DirectoryState(mountPoint), FactUnknown.Unless(Coreutils.ReadDirectoryState));
        return () => new PlaceFacts(path(), state.Value.Empty, state.Value.Immutable, state.Value.HasUnit);
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
        var answers = requests.Select(request =>
        {
            var place = PlaceFacts.Ask(batch, request.MountPoint);
            var target = request.DevicePath is { } device ? batch.Ask(DeviceGuard.Look(device), FactUnknown.Unless(DeviceGuard.Read)) : null;
            var thin = request.ThinPool is null ? null : batch.Ask(Lvm.Thin(), FactUnknown.Unless(Lvm.ReadThin));
            return (Func<StorageFacts>)(() => new StorageFacts(
                storage(facts => facts.RequireReady(ToolsFor(request))), request.IsDevice ? [] : groups.Value, place())
            {
                Target = target?.Value,
                Thin = thin?.Value ?? [],
            });
        }).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }
}
