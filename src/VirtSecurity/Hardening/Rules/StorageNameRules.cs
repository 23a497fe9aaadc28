using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>By which names the host finds its own file systems at boot.</summary>
internal static class StorageNameRules
{
    private static FactQuestion Initrd { get; } = FactQuestion.Files("initrd-settings", [.. InitrdSettings.Paths]) with { Reduce = InitrdSettings.Reduce };

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("STO-01", "The host finds its file systems by names that guests cannot forge")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.High, Needs = [Questions.Fstab, Questions.KernelCommandLine, Questions.BootEntries, Initrd, .. GuestImages.Needs],
            Source = "RHEL 5 Virtualization Guide 19.1; RHEL 6 Virtualization Host Configuration Guide 2.1.1",
            Why = "A guest that writes to a disk the host sees gives its file system the host's label or UUID, and at the next boot the host mounts the guest's.",
            Expected = "no LABEL= in /etc/fstab, on the kernel line, nor in what the initial RAM disk is made from; no UUID= either where a guest writes to a disk that the host sees as a device (under Xen raw image files too)",
            Judge = NamesAreTheHosts,
            Remedy = "Write /dev/VG/LV for a logical volume, PARTUUID= or /dev/disk/by-id/... for a partition, in /etc/fstab, GRUB's settings and those of the initial RAM disk; then update-grub and update-initramfs -u (or grub2-mkconfig, dracut -f).",
        },
    ];

    private static Verdict NamesAreTheHosts(Judged host)
    {
        var found = new Findings();
        var names = StorageBootRules.Fstab(host).Select(entry => (Where: $"{Fstab.Path}:{entry.Number}", Name: entry.Source))
            .Concat(BootConfig.Entries(host.Facts.Files(Questions.BootEntries)).Where(entry => !entry.IsHypervisor).SelectMany(entry => BootConfig.Devices(entry.Arguments).Select(name => ($"{entry.Path}:{entry.Line}", name))))
            .Concat(InitrdSettings.Read(host.Facts.Files(Initrd)).Select(name => ($"{name.Path}:{name.Line}", name.Name))).ToList();
        if (!host.Facts.IsOffline) names.AddRange(BootConfig.Devices(BootConfig.Arguments((host.Facts.File(Questions.KernelCommandLine, "/proc/cmdline") ?? throw new FormatException("there is no /proc/cmdline")).Text.Trim())).Select(name => ("/proc/cmdline", name)));
        if (names.Count == 0) return Verdict.Unknown("neither fstab nor a kernel line names a file system");

        string? writer = null;
        foreach (var (where, name) in names)
        {
            var isLabel = name.StartsWith("LABEL=", StringComparison.OrdinalIgnoreCase) || name.StartsWith("/dev/disk/by-label/", StringComparison.Ordinal);
            var isUuid = name.StartsWith("UUID=", StringComparison.OrdinalIgnoreCase) || name.StartsWith("/dev/disk/by-uuid/", StringComparison.Ordinal);
            if (isLabel) found.Wrong($"{where}: {name}");
            else if (!isUuid) found.Right($"{where}: {name}");
            else if ((writer ??= Writer(host, found)).Length > 0) found.Wrong($"{where}: {name}, and {writer}");
            else found.Right($"{where}: {name}, and no guest writes to what the host sees as a device");
        }

        return found.Settle("none can be forged", "");
    }

    /// <summary>A guest that writes to what the host sees as a device; empty: none is known. What keeps guests' images from being known is a finding then.</summary>
    private static string Writer(Judged host, Findings found)
    {
        var images = GuestImages.Of(host);
        var isXen = host.Facts.Hypervisor == Hypervisor.Xen;
        foreach (var image in images.All.Where(image => image.IsDisk && !image.Image.Use.IsReadOnly))
        {
            if (image.IsDevice) return $"{image} is a device that it writes to";
            if (isXen && image.Image.Use.Format is null or "raw") return $"{image} is a loop device of the host's while its guest runs";
        }

        images.BeginLooked(found);
        return "";
    }
}
