using VirtSecurity.Facts;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>What is mounted at the next boot: by names that no guest can forge, before guests start, and without stopping the host.</summary>
internal static class StorageBootRules
{
    private static FactQuestion Verified { get; } = FactQuestion.Run("fstab-verified", FstabVerify.Look());

    /// <summary>Units that administrators write instead of lines in fstab, and what they add to those that start guests.</summary>
    private static FactQuestion Units { get; } = FactQuestion.Files(
        "mount-units", [.. new[] { "/etc/systemd/system/*.mount" }.Concat(StoreChanges.GuestServices.SelectMany(service => new[] { $"/etc/systemd/system/{service}", $"/etc/systemd/system/{service}.d/*.conf" }))]);

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("STO-01", "The host finds its file systems by names that guests cannot forge")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.High, Needs = [Questions.Fstab, Questions.KernelCommandLine, Questions.BootEntries, .. GuestImages.Needs],
            Source = "RHEL 5 Virtualization Guide 19.1; RHEL 6 Virtualization Host Configuration Guide 2.1.1",
            Why = "A guest that writes to a disk the host sees gives its file system the host's label or UUID, and at the next boot the host mounts the guest's.",
            Expected = "no LABEL= in /etc/fstab nor on the kernel line; no UUID= either where a guest writes to a device of the host's",
            Judge = NamesAreTheHosts,
            Remedy = "Write /dev/VG/LV for a logical volume, PARTUUID= or /dev/disk/by-id/... for a partition, in /etc/fstab and in GRUB's settings.",
        },
        new("STO-05", "File systems for images come back at boot, and fstab can be read")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = [Questions.Fstab, Verified, Units, .. GuestImages.NeedsMounts],
            Source = "RHEL 5 Virtualization Guide: its storage procedure leaves fstab out; findmnt(8)",
            Why = "After a boot without the mount, guests do not find their images, or make new ones on the root file system.",
            Expected = "each has a line in /etc/fstab or a mount unit, and findmnt --verify finds no error in fstab",
            Judge = ComeBack,
            Remedy = "Mend /etc/fstab until findmnt --verify is content; Repair-SecureGuestVolume adds the line that is missing.",
        },
        new("STO-13", "Guests wait for their file systems, and the host does not")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = [Questions.Fstab, Units, .. GuestImages.NeedsMounts],
            Source = "systemd.mount(5)",
            Why = "Without nofail a missing disk leaves the host in emergency mode; with nofail alone guests that start at boot race the mount and lose.",
            Expected = "nofail and x-systemd.before= of the services that start guests in fstab; or an ordering of those services (RequiresMountsFor=, After=)",
            Judge = GuestsWait,
            Remedy = $"Add to its line in /etc/fstab: nofail,{string.Join(',', StoreChanges.GuestServices.Select(service => "x-systemd.before=" + service))}; then systemctl daemon-reload.",
        },
    ];

    private static IReadOnlyList<FstabEntry> Fstab(Judged host) => host.Facts.File(Questions.Fstab, Tools.Fstab.Path) is { } file ? Tools.Fstab.ReadEntries(file.Text) : [];

    private static Verdict NamesAreTheHosts(Judged host)
    {
        var found = new Findings();
        var names = Fstab(host).Select(entry => (Where: $"{Tools.Fstab.Path}:{entry.Number}", Name: entry.Source))
            .Concat(BootConfig.Entries(host.Facts.Files(Questions.BootEntries)).Where(entry => !entry.IsHypervisor).SelectMany(entry => Names(entry.Arguments).Select(name => ($"{entry.Path}:{entry.Line}", name)))).ToList();
        if (!host.Facts.IsOffline) names.AddRange(Names(BootConfig.Arguments((host.Facts.File(Questions.KernelCommandLine, "/proc/cmdline") ?? throw new FormatException("there is no /proc/cmdline")).Text.Trim())).Select(name => ("/proc/cmdline", name)));
        if (names.Count == 0) return Verdict.Unknown("neither fstab nor a kernel line names a file system");

        string? writer = null;
        foreach (var (where, name) in names)
        {
            var isLabel = name.StartsWith("LABEL=", StringComparison.OrdinalIgnoreCase) || name.StartsWith("/dev/disk/by-label/", StringComparison.Ordinal);
            var isUuid = name.StartsWith("UUID=", StringComparison.OrdinalIgnoreCase) || name.StartsWith("/dev/disk/by-uuid/", StringComparison.Ordinal);
            if (isLabel) found.Wrong($"{where}: {name}");
            else if (!isUuid) found.Right($"{where}: {name}");
            else if (Writer() is { Length: > 0 } guest) found.Wrong($"{where}: {name}, and {guest}");
            else found.Right($"{where}: {name}, and no guest writes to a device");
        }

        return found.Settle("none can be forged", "");

        // Who of the guests writes to a device is asked only where it matters.
        string Writer()
        {
            if (writer is not null) return writer;
            var images = GuestImages.Of(host);
            if (images.All.FirstOrDefault(image => image.IsDisk && image.IsDevice && !image.Image.Use.IsReadOnly) is { } device) return writer = $"{device} is a device that it writes to";
            foreach (var problem in images.Definitions.Problems) found.Unknown(problem.Message);
            return writer = "";
        }
    }

    /// <summary>What a kernel line names to be mounted or resumed from.</summary>
    private static IEnumerable<string> Names(IReadOnlyList<string> arguments) =>
        new[] { "root", "resume" }.Select(name => BootConfig.ValueOf(arguments, name)).OfType<string>().Where(name => name.Length > 0);

    private static Verdict ComeBack(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        var (fstab, units) = (Fstab(host), host.Facts.Files(Units));
        var mounts = images.ImageMounts(host.Plan);
        foreach (var mount in mounts)
        {
            var line = fstab.FirstOrDefault(entry => entry.MountPoint == mount.MountPoint);
            var unit = units.FirstOrDefault(file => Path.GetFileName(file.Path) == Systemctl.MountUnitOf(mount.MountPoint));
            if (line is not null) found.Add(!line.Options.Contains("noauto"), $"{mount.MountPoint}: {Tools.Fstab.Path}:{line.Number}{(line.Options.Contains("noauto") ? ", noauto" : "")}");
            else found.Add(unit is not null, unit is null ? $"{mount.MountPoint}: neither in {Tools.Fstab.Path} nor a mount unit" : $"{mount.MountPoint}: {unit.Path}");
        }

        var errors = host.Facts.Read(Verified, FstabVerify.Read);
        foreach (var error in errors)
        {
            var words = $"{Tools.Fstab.Path}: {(error.MountPoint is null ? "" : error.MountPoint + ": ")}{error.Words}";
            // What is not about images, and can be read, is an old sin of the host's.
            if (error.MountPoint is null || mounts.Any(mount => mount.MountPoint == error.MountPoint)) found.Wrong(words);
            else found.Weak(words);
        }

        if (errors.Count == 0) found.Right("findmnt --verify: no error");
        return found.Settle("each comes back", "");
    }

    private static Verdict GuestsWait(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        var (fstab, units) = (Fstab(host), host.Facts.Files(Units));
        foreach (var mount in images.ImageMounts(host.Plan))
        {
            var unit = Systemctl.MountUnitOf(mount.MountPoint);
            var isAwaited = units.Any(file => !file.Path.EndsWith(".mount", StringComparison.Ordinal) && file.Lines.Any(line => Names(line, "RequiresMountsFor").Any(path => HostPath.IsAtOrBelow(path, mount.MountPoint)) || Names(line, "After").Contains(unit)));
            if (fstab.FirstOrDefault(entry => entry.MountPoint == mount.MountPoint) is { } line)
            {
                var isBefore = line.Options.Any(option => StoreChanges.GuestServices.Any(service => option == "x-systemd.before=" + service));
                var missing = string.Join(" and ", new[] { line.Options.Contains("nofail") ? "" : "nofail", isBefore || isAwaited ? "" : "an ordering before guests" }.Where(part => part.Length > 0));
                found.Add(missing.Length == 0, $"{Tools.Fstab.Path}:{line.Number}: {mount.MountPoint}{(missing.Length > 0 ? $" has not {missing}" : "")}");
            }
            else if (units.FirstOrDefault(file => Path.GetFileName(file.Path) == unit) is { } file)
            {
                var isBefore = file.Lines.Any(text => Names(text, "Before").Any(StoreChanges.GuestServices.Contains));
                found.Add(isBefore || isAwaited, $"{file.Path}{(isBefore || isAwaited ? "" : ": no ordering before guests")}");
            }
            else
            {
                found.Wrong($"{mount.MountPoint}: neither in {Tools.Fstab.Path} nor a mount unit");
            }
        }

        return found.Settle("they do", "no file system is mounted for images");

        static string[] Names(string line, string setting) => line.Trim() is var text && text.StartsWith(setting + "=", StringComparison.Ordinal) ? text[(setting.Length + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
    }
}
