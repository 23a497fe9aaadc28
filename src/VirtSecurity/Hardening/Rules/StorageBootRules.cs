using VirtSecurity.Facts;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>What is mounted at the next boot: before guests start, and without stopping the host.</summary>
internal static class StorageBootRules
{
    private static FactQuestion Verified { get; } = FactQuestion.Run("fstab-verified", FstabVerify.Look());

    /// <summary>Units that administrators write instead of lines in fstab, and what they add to those that start guests.</summary>
    private static FactQuestion Units { get; } = FactQuestion.Files(
        "mount-units", [.. new[] { "/etc/systemd/system/*.mount" }.Concat(StoreChanges.GuestServices.SelectMany(service => new[] { $"/etc/systemd/system/{service}", $"/etc/systemd/system/{service}.d/*.conf" }))]) with
    { Reduce = Tools.Fstab.UnitSecrets };

    /// <summary>The links by which such a unit is started at boot, and which of the services there are; under Debian xendomains is a script of init's.</summary>
    private static FactQuestion Links { get; } = FactQuestion.Look(
        "mount-unit-links", [.. new[] { "/etc/systemd/system/*.wants/*.mount", "/etc/systemd/system/*.requires/*.mount", "/etc/init.d/xendomains" }.Concat(StoreChanges.GuestServices.SelectMany(service => new[] { $"/usr/lib/systemd/system/{service}", $"/lib/systemd/system/{service}", $"/etc/systemd/system/{service}" }))]);

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("STO-05", "File systems for images come back at boot, and fstab can be read")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = [Questions.Fstab, Verified, Units, Links, .. GuestImages.NeedsMounts],
            Source = "RHEL 5 Virtualization Guide: its storage procedure leaves fstab out; findmnt(8)",
            Why = "After a boot without the mount, guests do not find their images, or make new ones on the root file system.",
            Expected = "each has a line in /etc/fstab or an enabled mount unit, and findmnt --verify finds no error in fstab",
            Judge = ComeBack,
            Remedy = "Mend /etc/fstab until findmnt --verify is content; Repair-SecureGuestVolume adds the line that is missing. A mount unit: systemctl enable UNIT.",
        },
        new("STO-13", "Guests wait for their file systems, and the host does not")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = [Questions.Fstab, Units, Links, .. GuestImages.NeedsMounts],
            Source = "systemd.mount(5)",
            Why = "Without nofail a missing disk leaves the host in emergency mode; with nofail alone guests that start at boot race the mount and lose.",
            Expected = "nofail and x-systemd.before= of the service that starts guests in fstab; or an ordering of that service (RequiresMountsFor=, After=)",
            Judge = GuestsWait,
            Remedy = $"Add to its line in /etc/fstab: nofail,{string.Join(',', StoreChanges.GuestServices.Select(service => "x-systemd.before=" + service))}; then systemctl daemon-reload.",
        },
    ];

    /// <summary>The lines of fstab.</summary>
    public static IReadOnlyList<FstabEntry> Fstab(Judged host) => host.Facts.File(Questions.Fstab, Tools.Fstab.Path) is { } file ? Tools.Fstab.ReadEntries(file.Text) : [];

    private static Verdict ComeBack(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        var (fstab, links) = (Fstab(host), host.Facts.Files(Links).Select(file => file.Path).ToArray());
        var mounts = images.ImageMounts(host.Plan);
        foreach (var mount in mounts)
        {
            var name = Systemctl.MountUnitOf(mount.MountPoint);
            if (fstab.FirstOrDefault(entry => entry.MountPoint == mount.MountPoint) is { } line)
            {
                // What is mounted when it is first used needs no start at boot.
                var isLeftOut = line.Options.Contains("noauto") && !line.Options.Contains("x-systemd.automount");
                found.Add(!isLeftOut, $"{mount.MountPoint}: {Tools.Fstab.Path}:{line.Number}{(isLeftOut ? ", noauto" : "")}");
            }
            else if (UnitOf(host, name) is { } unit)
            {
                var isStarted = links.Any(link => link.EndsWith("/" + name, StringComparison.Ordinal)) || Awaiting(host, mount.MountPoint, name, requires: true).Any();
                found.Add(isStarted, $"{mount.MountPoint}: {unit.Path}{(isStarted ? "" : ", which nothing starts at boot")}");
            }
            else if (mount.FileSystem == "zfs") found.Unknown($"{mount.MountPoint}: {mount.Source} is mounted by ZFS's own settings, which are not read");
            else found.Wrong($"{mount.MountPoint}: neither in {Tools.Fstab.Path} nor a mount unit");
        }

        if (found.Known(() => host.Facts.Read(Verified, FstabVerify.Read)) is not { } errors) return found.Settle("", "");
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
        var (fstab, starters) = (Fstab(host), Starters(host));
        foreach (var mount in images.ImageMounts(host.Plan))
        {
            var name = Systemctl.MountUnitOf(mount.MountPoint);
            var isAwaited = Awaiting(host, mount.MountPoint, name, requires: false).Any(starters.Contains);
            if (fstab.FirstOrDefault(entry => entry.MountPoint == mount.MountPoint) is { } line)
            {
                // Without nofail and noauto a mount is part of local-fs.target or remote-fs.target, and so before all services.
                var isOrdered = isAwaited || line.Options.Any(option => starters.Any(service => option == "x-systemd.before=" + service)) || !line.Options.Any(option => option is "nofail" or "noauto");
                var missing = string.Join(" and ", new[] { line.Options.Contains("nofail") ? "" : "nofail", isOrdered ? "" : $"an ordering before {string.Join(" or ", starters)}" }.Where(part => part.Length > 0));
                found.Add(missing.Length == 0, $"{Tools.Fstab.Path}:{line.Number}: {mount.MountPoint}{(missing.Length > 0 ? $" has not {missing}" : "")}");
            }
            else if (UnitOf(host, name) is { } unit)
            {
                var isLater = unit.Lines.Any(text => Values(text, "DefaultDependencies") is ["no"] || Values(text, "Options").SelectMany(options => options.Split(',')).Contains("nofail"));
                var isOrdered = isAwaited || !isLater || unit.Lines.Any(text => Values(text, "Before").Any(starters.Contains));
                var isRequired = unit.Lines.Any(text => Values(text, "RequiredBy").Any(target => target is "local-fs.target" or "remote-fs.target"));
                found.Add(isOrdered && !isRequired, $"{unit.Path}{(isOrdered ? "" : $": no ordering before {string.Join(" or ", starters)}")}{(isRequired ? ": the host does not start without it" : "")}");
            }
            else if (mount.FileSystem == "zfs") found.Unknown($"{mount.MountPoint}: {mount.Source} is mounted by ZFS's own settings, which are not read");
            else found.Wrong($"{mount.MountPoint}: neither in {Tools.Fstab.Path} nor a mount unit");
        }

        return found.Settle("they do", "no file system is mounted for images");
    }

    private static HostFile? UnitOf(Judged host, string name) => host.Facts.Files(Units).FirstOrDefault(file => Path.GetFileName(file.Path) == name);

    /// <summary>The services that start guests under the host's hypervisor, as far as the host has them; libvirt-guests comes after those that do.</summary>
    private static string[] Starters(Judged host)
    {
        string[] those = host.Facts.Hypervisor switch
        {
            Hypervisor.Kvm => ["libvirtd.service", "virtqemud.service"],
            Hypervisor.Xen => ["xendomains.service", "libvirtd.service", "virtxend.service"],
            _ => [.. StoreChanges.GuestServices],
        };
        var there = host.Facts.Files(Links).Select(file => Path.GetFileName(file.Path)).Select(name => name == "xendomains" ? "xendomains.service" : name).ToHashSet();
        return those.Any(there.Contains) ? [.. those.Where(there.Contains)] : those;
    }

    /// <summary>The services to which the administrator has added that they need a mount, or come after it.</summary>
    private static IEnumerable<string> Awaiting(Judged host, string mountPoint, string unit, bool requires) => host.Facts.Files(Units)
        .Where(file => !file.Path.EndsWith(".mount", StringComparison.Ordinal))
        .Where(file => file.Lines.Any(line => Values(line, "RequiresMountsFor").Any(path => HostPath.IsAtOrBelow(path, mountPoint)) || (!requires && Values(line, "After").Contains(unit))))
        .SelectMany(file => StoreChanges.GuestServices.Where(service => file.Path.Contains($"/{service}", StringComparison.Ordinal)));

    private static string[] Values(string line, string setting) => line.Trim() is var text && text.StartsWith(setting + "=", StringComparison.Ordinal) ? text[(setting.Length + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
}
