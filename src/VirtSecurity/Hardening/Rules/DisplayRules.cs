using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Services about what QEMU itself listens with: displays, and guests on the move.</summary>
internal static class DisplayRules
{
    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SVC-13", "Displays of guests are the host's own, or encrypted and closed")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = [Questions.LibvirtFiles, HardeningFacts.Hypervisors, .. GuestFiles.Needs, Sockets],
            Source = "libvirt, qemu.conf: vnc_listen, vnc_tls, vnc_sasl, spice_*",
            Why = "A display is the guest's keyboard and screen: who reaches it sits in front of the guest, and VNC's own password is read on the way.",
            Expected = "VNC and SPICE listen on loopback addresses, or with TLS and a password, SASL or clients' certificates; SPICE takes nobody without TLS",
            Judge = DisplaysAreClosed,
            Remedy = "Take <listen> out of the guests' definitions and vnc_listen and spice_listen out of qemu.conf, and come by ssh (virt-viewer -c qemu+ssh://...); or set vnc_tls = 1 with vnc_sasl = 1 or vnc_tls_x509_verify = 1, and for SPICE spice_tls = 1 with defaultMode='secure' in <graphics>.",
        },
        new("SVC-14", "Guests move under encryption, to an address that is meant for it")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [Questions.LibvirtFiles, HardeningFacts.Hypervisors], NeedsPlan = true,
            Source = "libvirt, qemu.conf: migrate_tls_force, migration_address; secure usage of QEMU",
            Why = "A guest on the move is its whole memory, keys and passwords in it, in the clear to whoever is between.",
            Expected = "where the plan has a guest that needs Migration: migrate_tls_force = 1, and migration_address is one address",
            Judge = MigrationIsEncrypted,
            Remedy = "Set migrate_tls_force = 1, with certificates in /etc/pki/qemu, and migration_address to the host's address in the storage network.",
        },
    ];

    private static Verdict DisplaysAreClosed(Judged host)
    {
        if (!HasLibvirt(host.Facts)) return Verdict.NotApplicable("the host has no libvirt");
        var conf = Conf(host.Facts, "qemu");
        bool IsOn(string name) => conf.Number(name) is > 0;
        bool IsAsked(string kind) => conf.Value($"{kind}_password") is { Length: > 0 } || IsOn($"{kind}_sasl") || (kind == "vnc" && IsOn("vnc_tls_x509_verify"));
        var (wrong, right, ports) = (new List<string>(), new List<string>(), new HashSet<int>());
        foreach (var (path, domain) in GuestFiles.Domains(host.Facts))
        {
            foreach (var display in domain.Displays)
            {
                ports.UnionWith(display.Ports);
                foreach (var address in display.Listen.DefaultIfEmpty(conf.Value($"{display.Kind}_listen") ?? "127.0.0.1"))
                {
                    // SPICE with TLS listens on a port without it besides, unless it is told not to.
                    var hasTls = IsOn($"{display.Kind}_tls") && (display.Kind == "vnc" || display.IsEncryptedOnly);
                    var isAsked = display.HasPassword || IsAsked(display.Kind);
                    var line = $"{path}: {display.Kind} of {domain.Name} on {address}, {(hasTls ? "TLS" : "no TLS")}, {(isAsked ? "clients are asked" : "nobody is asked")}";
                    (NetAddress.IsLoopback(address) || (hasTls && isAsked) ? right : wrong).Add(line);
                }
            }
        }

        // The next guest is defined without an address: it has this one.
        wrong.AddRange(new[] { "vnc", "spice" }.Where(kind => conf.Value($"{kind}_listen") is { } listen && !NetAddress.IsLoopback(listen) && !(IsOn($"{kind}_tls") && IsAsked(kind))).Select(kind => conf.Line($"{kind}_listen")));
        // A QEMU that somebody started by hand has no definition.
        wrong.AddRange(DisplaySockets(host.Facts).Where(socket => !ports.Contains(socket.Port)).Select(socket => $"{Words(socket)}: in no guest's definition"));
        return Verdict.Unless(wrong, right.Count > 0 ? "closed" : "no guest has a display that a network reaches", [.. right, conf.Line("vnc_listen"), conf.Line("spice_listen")]);
    }

    private static Verdict MigrationIsEncrypted(Judged host)
    {
        var planned = host.Plan!.Guests.Where(guest => guest.Needs.Contains(GuestNeed.Migration)).Select(guest => guest.Name).ToArray();
        var conf = Conf(host.Facts, "qemu");
        if (planned.Length == 0) return Verdict.NotApplicable("the plan has no guest that is to be moved");
        if (!HasLibvirt(host.Facts)) return Verdict.NotApplicable("the host has no libvirt");
        var wrong = new List<string>();
        if (conf.Number("migrate_tls_force") is not > 0) wrong.Add(conf.Line("migrate_tls_force"));
        if (conf.Value("migration_address") is null or "" or "0.0.0.0" or "::" or "[::]") wrong.Add($"{conf.Line("migration_address")}: any address");
        return Verdict.Unless(wrong, $"encrypted, for {string.Join(", ", planned)}", conf.Line("migrate_tls_force"), conf.Line("migration_address"));
    }
}
