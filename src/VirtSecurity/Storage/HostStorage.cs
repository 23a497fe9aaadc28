using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A host's storage, whole: volumes, devices, mounts, fstab, and who uses them.</summary>
/// <param name="Host">The host.</param>
/// <param name="Volumes">All logical volumes.</param>
/// <param name="Devices">All block devices.</param>
/// <param name="Mounts">What is mounted.</param>
/// <param name="Fstab">What is to be mounted at boot.</param>
/// <param name="FstabLacksFinalNewline">Its last line lacks its newline.</param>
/// <param name="Inodes">By path: the roots of mounted block devices, and those paths of local image rules that exist.</param>
/// <param name="FreeSpace">By mount point, in bytes.</param>
/// <param name="Guests">What guests use.</param>
/// <param name="Udev">The nodes of block devices, and our rules for them.</param>
internal sealed record HostStorage(
    HostFacts Host,
    IReadOnlyList<LogicalVolumeFact> Volumes,
    IReadOnlyList<BlockDeviceFact> Devices,
    IReadOnlyList<MountFact> Mounts,
    IReadOnlyList<FstabEntry> Fstab,
    bool FstabLacksFinalNewline,
    IReadOnlyDictionary<string, PathFact> Inodes,
    IReadOnlyDictionary<string, long> FreeSpace,
    GuestUse Guests,
    UdevFact Udev)
{
    /// <summary>Runs that somebody has yet to finish or undo.</summary>
    public IReadOnlyList<JournalRun> Unfinished { get; init; } = [];

    /// <summary>The device that a logical volume is now; null: it is inactive.</summary>
    public BlockDeviceFact? DeviceOf(LogicalVolumeFact? volume) =>
        volume?.Device is { } number ? Devices.FirstOrDefault(device => device.Device == number) : null;

    /// <summary>Adds the questions to a batch. The answer is told what the host must be for the rest to be worth reading.</summary>
    public static Func<Action<HostFacts>, HostStorage> Ask(FactBatch batch, VirtHost host)
    {
        var common = HostFacts.Ask(batch, host);
        var volumes = batch.Ask(Lvm.Volumes(), FactUnknown.Unless(Lvm.ReadVolumes));
        var devices = batch.Ask(Lsblk.All(), FactUnknown.Unless(Lsblk.ReadAll));
        var mounts = batch.Ask(Mount.Table(), FactUnknown.Unless(Mount.ReadTable));
        var fstab = batch.Ask(Tools.Fstab.Read(), FactUnknown.Unless(result => (Entries: Tools.Fstab.ReadEntries(result), Lacks: Tools.Fstab.LacksFinalNewline(result))));
        var inodes = batch.Ask(StorePaths.Inodes(), FactUnknown.Unless(Coreutils.ReadStat));
        var free = batch.Ask(StorePaths.FreeSpace(), FactUnknown.Unless(StorePaths.ReadFreeSpace));
        var guests = GuestUse.Ask(batch);
        var udev = batch.Ask(Tools.Udev.Look(), FactUnknown.Unless(Tools.Udev.ReadLook));
        var unfinished = batch.Ask(JournalFiles.Unfinished(), FactUnknown.Unless(JournalFiles.Read));
        return require =>
        {
            // Root first: without it every other answer would be a riddle.
            var facts = common();
            require(facts);
            return new HostStorage(
                facts,
                facts.Probe.FoundTools.Contains("lvs") ? volumes.Value : [],   // a host without LVM has no logical volumes
                devices.Value, mounts.Value, fstab.Value.Entries, fstab.Value.Lacks,
                inodes.Value.DistinctBy(inode => inode.Path).ToDictionary(inode => inode.Path), free.Value, guests(), udev.Value)
            {
                Unfinished = unfinished.Value,
            };
        };
    }
}
