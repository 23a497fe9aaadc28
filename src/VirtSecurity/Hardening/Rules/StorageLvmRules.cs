using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Volume groups and thin pools hold what they promise, and hand on nobody's data.</summary>
internal static class StorageLvmRules
{
    /// <summary>Percent of a pool: from there on somebody has to look after it, where LVM does not do it by itself from a threshold of the administrator's.</summary>
    private const double Full = 80;

    private static FactQuestion Groups { get; } = FactQuestion.Run("volume-groups", Lvm.Health());
    private static FactQuestion Volumes { get; } = FactQuestion.Run("logical-volumes", Lvm.Volumes());
    private static FactQuestion Thin { get; } = FactQuestion.Run("thin-volumes", Lvm.Thin());

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("STO-11", "Volume groups are whole, and thin pools have space left")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Low, Needs = [Groups, Thin, StorageDeviceRules.Config],
            Source = "lvmreport(7), lvmthin(7)",
            Why = "A thin pool that runs full stops all guests on it at once, with damage to their file systems.",
            Expected = $"no volume group exported or with a missing disk; each thin pool healthy, and its data and metadata below thin_pool_autoextend_threshold, or {Full} % where that is 100 and nothing extends it",
            Judge = AreWhole,
            Remedy = "Bring the missing disk back, or vgreduce --removemissing VG; vgimport VG; extend the pool: lvextend -L +SIZE VG/POOL, lvextend --poolmetadatasize +SIZE VG/POOL. A pool that is at its threshold was not extended: see vgs for free space, and lvs -o seg_monitor.",
        },
        new("STO-12", "New volumes hand on no old data")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = [.. GuestImages.Needs, Volumes, Thin, StorageDeviceRules.Config],
            Source = "lvcreate(8), lvmthin(7)",
            Why = "What one guest wrote is still in the extents that the next guest's volume is made of: LVM itself clears the first 4 KiB.",
            Expected = "thin pools zero the blocks they hand out, by default too; a guest's other volumes are marked as zeroed (New-SecureGuestVolume -Raw)",
            Judge = AreZeroed,
            Remedy = "lvchange -Zy VG/POOL; thin_pool_zero = 1 in lvm.conf. Make guests' volumes by New-SecureGuestVolume -Raw, which zeroes them; what a guest has by now stays as it is.",
        },
    ];

    private static Verdict AreWhole(Judged host)
    {
        if (host.Facts.TextOrMissing(Groups) is null) return Verdict.NotApplicable("the host has no LVM");
        var found = new Findings();
        foreach (var group in host.Facts.Read(Groups, FactUnknown.Unless(Lvm.ReadHealth)))
            found.Add(!group.IsExported && group.MissingVolumes == 0, $"vgs: {group.Name}{(group.IsExported ? " is exported" : "")}{(group.MissingVolumes > 0 ? $" lacks {group.MissingVolumes} of its disks" : "")}");
        var pools = (found.Known(() => host.Facts.Read(Thin, FactUnknown.Unless(Lvm.ReadThin))) ?? []).Where(volume => volume.IsPool).ToArray();
        if (pools.Length > 0 && found.Known(() => host.Facts.Read(StorageDeviceRules.Config, FactUnknown.Unless(LvmConfig.Read))) is { } config)
        {
            var most = config.ExtendsThinPoolsFrom < 100 ? config.ExtendsThinPoolsFrom : Full;
            foreach (var pool in pools)
            {
                var evidence = FormattableString.Invariant($"lvs: {pool.VolumeGroup}/{pool.Name}: data {pool.DataPercent} %, metadata {pool.MetadataPercent} % of at most {most} %{(pool.Health.Length > 0 ? ", " + pool.Health : "")}");
                if (pool.IsMeasured || pool.Health.Length > 0) found.Add(pool.DataPercent < most && pool.MetadataPercent < most && pool.Health.Length == 0, evidence);
                else found.Unknown($"lvs: {pool.VolumeGroup}/{pool.Name} is not active: how full it is is not told");
            }
        }

        return found.Settle("they are", "the host has no volume group");
    }

    private static Verdict AreZeroed(Judged host)
    {
        if (host.Facts.TextOrMissing(Volumes) is null) return Verdict.NotApplicable("the host has no LVM");
        var (volumes, thin) = (host.Facts.Read(Volumes, FactUnknown.Unless(Lvm.ReadVolumes)), host.Facts.Read(Thin, FactUnknown.Unless(Lvm.ReadThin)));
        var images = GuestImages.Of(host);
        var found = images.Begin();
        var pools = thin.Where(volume => volume.IsPool).ToArray();
        foreach (var pool in pools) found.Add(pool.ZeroesNewBlocks, $"lvs: {pool.VolumeGroup}/{pool.Name} {(pool.ZeroesNewBlocks ? "zeroes" : "does not zero")} new blocks");
        if (volumes.Count > 0 && found.Known(() => host.Facts.Read(StorageDeviceRules.Config, FactUnknown.Unless(LvmConfig.Read))) is { } config) found.Add(config.ZeroesThinBlocks, $"lvmconfig: thin_pool_zero={(config.ZeroesThinBlocks ? 1 : 0)}");
        foreach (var image in images.All.Where(image => image.IsDisk && image.IsDevice))
        {
            var volume = volumes.FirstOrDefault(volume => (image.Look?.Inode is { FileType: 'b' } inode && volume.Device == inode.Device)
                || new[] { Lvm.DevicePath(volume.VolumeGroup, volume.Name), Lvm.MapperPath(volume.VolumeGroup, volume.Name) }.Contains(image.Image.Use.Path));
            // In a pool every block is the pool's to zero; a snapshot has its origin's data, and is meant to.
            if (volume is null || volume.Origin is not null || pools.Any(pool => pool.VolumeGroup == volume.VolumeGroup && pool.Name == volume.Pool)) continue;
            if (volume.Tags.Contains(Lvm.RawTag)) found.Right($"{image}: marked as zeroed");
            else found.Weak($"{image}: nothing says that it was zeroed when it was made");
        }

        return found.Settle("none does", "the host has no logical volume");
    }
}
