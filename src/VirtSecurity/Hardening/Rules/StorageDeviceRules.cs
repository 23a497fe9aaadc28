using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Devices that guests have as disks.</summary>
internal static class StorageDeviceRules
{
    /// <summary>LVM's settings.</summary>
    public static FactQuestion Config { get; } = FactQuestion.Run("lvm-config", LvmConfig.Look());

    private static FactQuestion Devices { get; } = FactQuestion.Run("block-devices", BlockDevices.Look());
    private static FactQuestion Swaps { get; } = FactQuestion.Files("swaps", "/proc/swaps");
    private static FactQuestion DevicesFile { get; } = FactQuestion.Files("lvm-devices", LvmConfig.DevicesDirectory + "*.devices");

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("STO-02", "Guests have partitions or volumes, not whole disks")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.High, Needs = [.. GuestImages.Needs, Devices],
            Source = "RHEL 5 Virtualization Guide 19.1",
            Why = "A guest that has a whole disk writes its partition table and boot sector, which the host reads and may boot from.",
            Expected = "no disk of a guest's is a whole disk of the host's, but for guests whose needs in the plan have WholeDisk",
            Judge = NoneIsAWholeDisk,
            Remedy = "Give the guest a logical volume (New-SecureGuestVolume -Raw) or a partition, or write WholeDisk among its needs in the plan.",
        },
        new("STO-07", "LVM does not look into guests' disks")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = [.. GuestImages.Needs, Devices, Config, DevicesFile],
            Source = "lvm.conf(5); RHEL 8 Configuring and managing logical volumes",
            Why = "A guest that makes physical volumes on its disk has the host activate them, under whatever name it gives them, the host's own too.",
            Expected = "scan_lvs is 0, and no other device that a guest writes to, loop devices of its files too, is one that LVM may look at: by a devices file that leaves it out, or a filter that rejects all its names",
            Judge = LvmLeavesThemAlone,
            Remedy = "Set scan_lvs = 0 in lvm.conf; name the host's own devices in a devices file (lvmdevices --adddev DEVICE, use_devicesfile = 1), or accept them by their names in global_filter and reject all else: [ \"a|^/dev/disk/by-id/HOSTS-OWN|\", \"r|.*|\" ].",
        },
        new("STO-08", "The host has no guest's disk mounted or mapped")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Critical, Needs = [.. GuestImages.Needs, Questions.Mounts, Devices, Swaps],
            Source = "libvirt knowledge base, secure usage; guestfs-security(1)",
            Why = "A file system that a guest wrote is hostile input to the host's kernel, which runs it with all rights; and two that write to one ruin it.",
            Expected = "no mount, swap, holder, loop or network block device on a disk of a guest's (under Xen an image file has a loop device while its guest runs)",
            Judge = NoneIsUsedByTheHost,
            Remedy = "Unmount it, and take away what maps it (kpartx -d, losetup -d, qemu-nbd -d, vgchange -an). To look inside use guestfish, with its own small machine.",
        },
    ];

    /// <summary>A device of a guest's in the kernel's list; null: it is not there.</summary>
    private static BlockDevice? DeviceOf(FoundImage image, IReadOnlyList<BlockDevice> devices) =>
        image.Look?.Inode is { FileType: 'b' } inode ? devices.FirstOrDefault(device => device.Number == inode.Device) : null;

    private static IReadOnlyList<BlockDevice> Read(Judged host) => host.Facts.Read(Devices, FactUnknown.Unless(BlockDevices.Read));

    private static Verdict NoneIsAWholeDisk(Judged host)
    {
        var (images, devices) = (GuestImages.Of(host), Read(host));
        var found = images.BeginLooked();
        foreach (var image in images.All.Where(image => image.IsDisk && image.IsDevice))
        {
            if (DeviceOf(image, devices) is not { } device) found.Unknown($"{image}: there is no such device now");
            else if (!device.IsWholeDisk) found.Right($"{image}: {(device.Disk is null ? device.MapperUuid ?? device.Name : $"a partition of {device.Disk}")}");
            else found.Add(GuestImages.Needed(host.Plan, image.Image.Guest, GuestNeed.WholeDisk), $"{image}: {device.Path} is a whole disk");
        }

        // By its address the guest has the controller itself, and the host no device of it.
        foreach (var (path, domain) in found.Known(() => GuestFiles.Domains(host.Facts)) ?? [])
        {
            foreach (var disk in domain.NvmeDisks) found.Add(GuestImages.Needed(host.Plan, domain.Name, GuestNeed.WholeDisk), $"{path}: guest {domain.Name}: the NVMe disk at {disk} is a whole disk");
        }

        return found.Settle("none is, or as planned", "no guest has a device");
    }

    private static Verdict LvmLeavesThemAlone(Judged host)
    {
        if (host.Facts.TextOrMissing(Config) is null) return Verdict.NotApplicable("the host has no LVM");
        var config = host.Facts.Read(Config, FactUnknown.Unless(LvmConfig.Read));
        var (images, devices) = (GuestImages.Of(host), Read(host));
        var found = images.BeginLooked();
        // A devices file that is named and not there does not count, lvmdevices(8).
        var list = config.DevicesFile is null ? null : host.Facts.File(DevicesFile, LvmConfig.DevicesDirectory + config.DevicesFile);
        var scan = $"lvmconfig: scan_lvs={(config.ScansVolumes ? 1 : 0)}";
        if (list is not null) found.Right($"{list.Path}: it names what LVM may look at");
        else if (!config.ScansVolumes) found.Right(scan);
        else if (!config.HasFilter) found.Wrong(scan);
        else found.Weak($"{scan}: a filter has to reject each guest's volume");
        foreach (var image in images.All.Where(image => image.IsDisk && !image.Image.Use.IsReadOnly))
        {
            // A file is seen by LVM as the loop device that shows it, as under Xen while its guest runs.
            var seen = image.IsDevice ? DeviceOf(image, devices) is { } own ? [own] : [] : Showing(image, devices);
            if (image.IsDevice && seen.Length == 0) found.Unknown($"{image}: there is no such device now");
            foreach (var device in seen)
            {
                var isVolume = device.MapperUuid?.StartsWith("LVM-", StringComparison.Ordinal) == true;
                string[] names = [.. device.Names.Concat(image.IsDevice ? [image.Image.Use.Path, image.Path] : []).Distinct()];
                var what = image.IsDevice ? $"{image}" : $"{image}, shown as {device.Path}";
                if (list is not null) found.Add(!Names(list, device, names), $"{what}: {list.Path}");
                else if (isVolume && !config.ScansVolumes) found.Right($"{what}: {scan}");
                else found.Add(config.Rejects(names), $"{what}: {(config.Rejects(names) ? "rejected by a filter" : "LVM may look at it")}");
            }
        }

        return found.Settle("it does not", "");
    }

    /// <summary>The devices that show a file.</summary>
    private static BlockDevice[] Showing(FoundImage image, IReadOnlyList<BlockDevice> devices) =>
        [.. devices.Where(device => device.Files.Any(file => file == image.Path || file == $"{image.Path} (deleted)"))];

    /// <summary>Whether a devices file names a device, lvmdevices(8): by IDNAME, which for what has no identity of its own is the node's, or by the node it had last, DEVNAME.</summary>
    private static bool Names(HostFile list, BlockDevice device, string[] names)
    {
        var words = list.Lines.Where(line => !line.TrimStart().StartsWith('#')).SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToHashSet();
        return names.Any(name => words.Contains("DEVNAME=" + name) || words.Contains("IDNAME=" + name)) || (device.MapperUuid is { } uuid && words.Contains("IDNAME=" + uuid));
    }

    private static Verdict NoneIsUsedByTheHost(Judged host)
    {
        var (images, devices) = (GuestImages.Of(host), Read(host));
        var found = images.BeginLooked();
        var swaps = (host.Facts.File(Swaps, "/proc/swaps") ?? throw new FormatException("there is no /proc/swaps")).Lines.Select(line => Mount.Unescape(line.Split(' ', '\t')[0])).ToHashSet();
        var isXen = host.Facts.Hypervisor == Hypervisor.Xen;
        var running = isXen && host.Facts.TextOrMissing(GuestFiles.RunningDomains) is { } domains ? XlList.Parse(domains) : [];
        foreach (var image in images.All.Where(image => image.IsDisk && !image.IsContent && image.Look is { State: PathState.Found }))
        {
            // The device itself, or what shows the file as one; and what is made of these.
            var own = DeviceOf(image, devices);
            var shown = own is not null ? [] : Showing(image, devices);
            if (own is null && image.IsDevice)
            {
                found.Unknown($"{image}: the kernel lists no such device");
                continue;
            }

            var isRunning = images.All.Any(same => same.Path == image.Path && (same.Image.IsRunning || running.Contains(same.Image.Guest)));
            var uses = new List<string>();
            foreach (var start in own is not null ? [own] : shown)
            {
                var all = BlockDevices.WithAllAbove(devices, start);
                // Where blkback takes a file by a loop device, that is the guest's own use of it, while it runs.
                if (start != own && !(isXen && isRunning && start.Name.StartsWith("loop", StringComparison.Ordinal))) uses.Add($"shown as {start.Path}");
                uses.AddRange(all.Where(device => device != start && device.Disk is null).Select(device => $"mapped by {device.Path}"));
                uses.AddRange(images.Mounts.Where(mount => all.Any(device => device.Number == mount.Device || device.Names.Contains(mount.Source))).Select(mount => $"mounted at {mount.MountPoint}"));
                uses.AddRange(all.Where(device => device.Names.Any(swaps.Contains)).Select(device => $"swap on {device.Path}"));
            }

            found.Add(uses.Count == 0, uses.Count == 0 ? image.ToString() : $"{image}: {string.Join(", ", uses.Distinct())}");
        }

        return found.Settle("none is", "no guest has a disk on this host");
    }
}
