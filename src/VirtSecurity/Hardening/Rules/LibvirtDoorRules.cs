using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Services about who may connect to libvirt, which is who may do anything to the host.</summary>
internal static class LibvirtDoorRules
{
    private const long LeastStrength = 112;
    private const string KeyPath = "/etc/pki/libvirt/private/serverkey.pem";

    private static FactQuestion ConnectionSockets { get; } = FactQuestion.Look("libvirt-sockets", "/run/libvirt/*-sock");
    private static FactQuestion Keys { get; } = FactQuestion.Look("libvirt-keys", KeyPath, "/etc/pki/libvirt/private/*.pem", "/etc/pki/libvirt/*.pem");
    private static FactQuestion PolkitAction { get; } = FactQuestion.Look("libvirt-polkit", "/usr/share/polkit-1/actions/org.libvirt.unix.policy");
    private static FactQuestion Groups { get; } = FactQuestion.Files("group", "/etc/group") with { Reduce = Passwd.Secrets };

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SVC-04", "libvirt does not listen for plain TCP")
        {
            Category = ServiceRules.Category, Severity = HardeningSeverity.Critical, Needs = [.. LibvirtNeeds, Sockets],
            Source = "libvirt, libvirtd.conf: listen_tcp",
            Why = "Whoever is let in there is root on the host, and what is said, passwords and guests' memory on the move, is in the clear.",
            Expected = "no libvirtd-tcp.socket or virtproxyd-tcp.socket, no listen_tcp with --listen, nothing on port 16509",
            Judge = NoPlainTcp,
            Remedy = "Switch it off (systemctl disable --now libvirtd-tcp.socket virtproxyd-tcp.socket; listen_tcp = 0) and connect by ssh or TLS.",
            Repair = host => [.. UnitsOf(host.Facts).Where(unit => unit.Name is "libvirtd-tcp.socket" or "virtproxyd-tcp.socket" && unit.IsOn).Select(ServiceRules.SwitchOff)],
        },
        new("SVC-05", "libvirt's TCP asks who it is, under encryption")
        {
            Category = ServiceRules.Category, Severity = HardeningSeverity.High, Needs = [.. LibvirtNeeds, Sockets],
            Source = "libvirt, libvirtd.conf: auth_tcp, tcp_min_ssf",
            Why = "With auth_tcp none anybody who reaches the port is root; below 112 bits it can be read on the way.",
            Expected = "auth_tcp is not none, and tcp_min_ssf at least 112",
            Judge = TcpAuthenticates,
            Remedy = "Set auth_tcp = \"sasl\" and tcp_min_ssf = 112, or take both lines out: they are the defaults.",
        },
        new("SVC-06", "Not everybody on the host may connect to libvirt")
        {
            Category = ServiceRules.Category, Severity = HardeningSeverity.High, Needs = [.. LibvirtNeeds, ConnectionSockets, PolkitAction],
            Source = "libvirt, libvirtd.conf: auth_unix_rw, unix_sock_rw_perms",
            Why = "libvirt's socket is open to all because polkit asks behind it; with auth_unix_rw none nobody asks, and any account of the host is root.",
            Expected = "auth_unix_rw is polkit or sasl, or the socket is not writable by others",
            Judge = SocketsAreGuarded,
            Remedy = "Set auth_unix_rw = \"polkit\" in libvirtd.conf and in each virt*d.conf, or SocketMode=0600 in a drop-in of its socket unit (systemctl edit libvirtd.socket).",
        },
        new("SVC-07", "libvirt's TLS knows its clients")
        {
            Category = ServiceRules.Category, Severity = HardeningSeverity.High, Needs = [.. LibvirtNeeds, Sockets, Keys],
            Source = "libvirt, libvirtd.conf: tls_no_verify_certificate, tls_allowed_dn_list; RHEL 7 Virtualization Security Guide",
            Why = "Any certificate of the same authority opens the host unless names are listed; whoever reads the key is the host.",
            Expected = "certificates are verified, clients listed (tls_allowed_dn_list) or asked by SASL, and the key is root's alone",
            Judge = TlsKnowsClients,
            Remedy = $"Take tls_no_verify_certificate out, list the clients in tls_allowed_dn_list (or auth_tls = \"sasl\"), and: chown root:root {KeyPath}; chmod 0600 {KeyPath}.",
        },
        new("SVC-08", "What users may do through libvirt is asked one by one")
        {
            Category = ServiceRules.Category, Severity = HardeningSeverity.Medium, Needs = [.. LibvirtNeeds, Groups],
            Source = "RHEL 7 Virtualization Security Guide 2.2; libvirt, access control",
            Why = "Without access_drivers a user who may connect may do everything, define a guest with the host's disk in it too.",
            Expected = "access_drivers has polkit, or nobody but root connects (the group libvirt has no member)",
            Judge = AccessIsFine,
            Remedy = "Set access_drivers = [ \"polkit\" ] and write polkit rules for what each user needs, or take the users out of the group libvirt.",
        },
    ];

    private static Verdict? Without(Judged host) => HasLibvirt(host.Facts) ? null : Verdict.NotApplicable("the host has no libvirt");

    private static Verdict NoPlainTcp(Judged host)
    {
        if (Without(host) is { } none) return none;
        var open = NetworkListeners(host.Facts, "tcp");
        if (open.Count > 0) return Verdict.Fail(Verdict.Count(open), open);
        var conf = NetworkConf(host.Facts);
        return conf.Number("listen_tcp") is > 0
            ? Verdict.Warn("it is switched on, and only waits for a libvirtd that is told to listen", conf.Line("listen_tcp"))
            : Verdict.Pass("it does not", "systemctl: no libvirtd-tcp.socket or virtproxyd-tcp.socket is on", conf.Line("listen_tcp"), host.Facts.IsOffline ? "the host does not run" : "/proc/net: nothing on its port");
    }

    private static Verdict TcpAuthenticates(Judged host)
    {
        if (Without(host) is { } none) return none;
        var conf = NetworkConf(host.Facts);
        string[] evidence = [conf.Line("auth_tcp"), conf.Line("tcp_min_ssf")];
        var wrong = new List<string>();
        if (conf.Value("auth_tcp") == "none") wrong.Add(conf.Line("auth_tcp"));
        if (conf.Number("tcp_min_ssf") is < LeastStrength) wrong.Add(conf.Line("tcp_min_ssf"));
        if (wrong.Count == 0) return Verdict.Pass($"{conf.Value("auth_tcp") ?? "sasl"}, {conf.Number("tcp_min_ssf") ?? LeastStrength} bits", evidence);
        return NetworkListeners(host.Facts, "tcp").Count > 0 ? Verdict.Fail(Verdict.Count(wrong), wrong) : Verdict.Warn($"as soon as it listens: {Verdict.Count(wrong)}", wrong);
    }

    private static Verdict SocketsAreGuarded(Judged host)
    {
        if (Without(host) is { } none) return none;
        var confs = DaemonConfs(host.Facts);
        // Where libvirt was built without polkit, nobody asks unless it is told to.
        var byItself = host.Facts.Files(PolkitAction).Count > 0 ? "polkit" : "none";
        var open = confs.Where(conf => (conf.Value("auth_unix_rw") ?? byItself) == "none").ToArray();
        var evidence = confs.Select(conf => $"{conf.Line("auth_unix_rw")}{(conf.Value("auth_unix_rw") is null ? $" ({byItself} by itself)" : "")}").ToArray();
        if (confs.Count == 0) return Verdict.NotApplicable("no daemon of libvirt's is on, and none has a file");
        if (open.Length == 0) return Verdict.Pass("polkit or sasl asks", evidence);
        if (host.Facts.IsOffline) return Verdict.Unknown("nobody asks who connects, and who may reach the socket is seen on a host that runs only", evidence);
        var wrong = new List<string>();
        var closed = new List<string>();
        foreach (var conf in open)
        {
            var daemon = Path.GetFileNameWithoutExtension(conf.Path);
            var socket = daemon == "libvirtd" ? "libvirt-sock" : $"{daemon}-sock";
            var files = host.Facts.Files(ConnectionSockets).Where(file => Path.GetFileName(file.Path) == socket).Select(file => (IsOpen: file.Mode.HasFlag(UnixFileMode.OtherWrite), Line: $"{file.Path}: {file.Permissions}"));
            var units = UnitsOf(host.Facts).Where(unit => unit.Name == $"{daemon}.socket" && unit.IsOn && unit.SocketMode.Length > 0).Select(unit => (IsOpen: unit.SocketMode[^1] is '2' or '3' or '6' or '7', Line: $"{unit.Name}: SocketMode={unit.SocketMode}"));
            var seen = files.Concat(units).ToArray();
            if (seen.Length == 0) seen = [(conf.Value("unix_sock_rw_perms")?[^1] is '2' or '3' or '6' or '7', conf.Line("unix_sock_rw_perms"))];
            var opened = seen.Where(one => one.IsOpen).ToArray();
            if (opened.Length > 0) wrong.AddRange([conf.Line("auth_unix_rw"), .. opened.Select(one => one.Line)]);
            else closed.AddRange(seen.Select(one => one.Line));
        }

        return wrong.Count > 0 ? Verdict.Fail($"anybody may connect: {Verdict.Count(wrong)}", wrong) : Verdict.Pass("nobody asks, but the socket is not open to all", [.. evidence, .. closed]);
    }

    private static Verdict TlsKnowsClients(Judged host)
    {
        if (Without(host) is { } none) return none;
        var conf = NetworkConf(host.Facts);
        var listens = NetworkListeners(host.Facts, "tls");
        var path = conf.Value("key_file") ?? KeyPath;
        var key = host.Facts.File(Keys, path);
        var wrong = new List<string>();
        if (key is not null && (key.Owner != 0 || (key.Mode & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)) wrong.Add($"{key.Path}: {key.Permissions}");
        if (listens.Count == 0) return wrong.Count > 0 ? Verdict.Fail(Verdict.Count(wrong), wrong) : Verdict.NotApplicable("libvirt does not listen for TLS");
        if (conf.Number("tls_no_verify_certificate") is > 0) wrong.Add(conf.Line("tls_no_verify_certificate"));
        if (conf.List("tls_allowed_dn_list") is not { Count: > 0 } && conf.Value("auth_tls") != "sasl") wrong.Add($"{conf.Line("tls_allowed_dn_list")}, {conf.Line("auth_tls")}");
        if (wrong.Count > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        return key is null
            ? Verdict.Unknown($"{path}: whose it is was not found", listens)
            : Verdict.Pass("clients are verified and listed", [.. listens, conf.Line("tls_allowed_dn_list"), conf.Line("auth_tls"), $"{key.Path}: {key.Permissions}"]);
    }

    private static Verdict AccessIsFine(Judged host)
    {
        if (Without(host) is { } none) return none;
        var confs = DaemonConfs(host.Facts).Where(conf => !conf.Path.EndsWith("/virtproxyd.conf", StringComparison.Ordinal)).ToArray();
        var file = host.Facts.Files(Groups) is [var found, ..] ? found : throw new FormatException("there is no /etc/group");
        var members = Passwd.Groups(file.Text).Where(group => group.Name is "libvirt" or "libvirtd").SelectMany(group => group.Members).Where(member => member != "root").Distinct().ToArray();
        if (members.Length == 0) return Verdict.Pass("nobody but root is let in without a password", "/etc/group: libvirt has no member");
        var wrong = confs.Where(conf => conf.List("access_drivers")?.Contains("polkit") != true).Select(conf => conf.Line("access_drivers")).ToArray();
        return confs.Length == 0 ? Verdict.NotApplicable("no daemon of libvirt's is on, and none has a file")
            : wrong.Length > 0 ? Verdict.Fail($"{string.Join(", ", members)} may do everything: {Verdict.Count(wrong)}", [$"/etc/group: libvirt: {string.Join(", ", members)}", .. wrong])
            : Verdict.Pass("polkit is asked for each thing", [$"/etc/group: libvirt: {string.Join(", ", members)}", .. confs.Select(conf => conf.Line("access_drivers"))]);
    }
}
