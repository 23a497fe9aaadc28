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
            Category = ServiceRules.Category, Severity = HardeningSeverity.Medium, Needs = [.. LibvirtNeeds, Questions.Groups, Questions.Accounts, ConnectionSockets],
            Source = "RHEL 7 Virtualization Security Guide 2.2; libvirt, access control",
            Why = "Without access_drivers a user who may connect may do everything, define a guest with the host's disk in it too.",
            Expected = "access_drivers has polkit, or nobody but root and the plan's Administrators is in the group that connects (libvirt, or unix_sock_group)",
            Judge = AccessIsFine,
            Remedy = "Set access_drivers = [ \"polkit\" ] and write polkit rules for what each user needs, or take the users out of the group (gpasswd -d USER libvirt); who is an administrator of the host anyhow, name in the plan's Administrators.",
        },
    ];

    private static Verdict? Without(Judged host) => HasLibvirt(host.Facts) ? null : Verdict.NotApplicable("the host has no libvirt");

    private static Verdict NoPlainTcp(Judged host)
    {
        if (Without(host) is { } none) return none;
        var confs = NetworkConfs(host.Facts);
        string[] open = [.. confs.SelectMany(conf => NetworkListeners(host.Facts, conf, "tcp")).Distinct()];
        if (open.Length > 0) return Verdict.Fail(Verdict.Count(open), open);
        // The daemons that are many are started by their sockets, and know no such setting.
        return confs.FirstOrDefault(conf => conf.Name == "libvirtd" && conf.Number("listen_tcp") is > 0) is { } waiting
            ? Verdict.Warn("it is switched on, and only waits for a libvirtd that is told to listen", waiting.Line("listen_tcp"))
            : Verdict.Pass("it does not", ["no libvirtd-tcp.socket and no virtproxyd-tcp.socket is on", .. confs.Select(conf => conf.Line("listen_tcp")), host.Facts.IsOffline ? "the host does not run" : "/proc/net: nothing on its port"]);
    }

    private static Verdict TcpAuthenticates(Judged host)
    {
        if (Without(host) is { } none) return none;
        var confs = NetworkConfs(host.Facts);
        var wrong = confs.SelectMany(conf => new[] { (Conf: conf, Setting: "auth_tcp", IsWrong: conf.Value("auth_tcp") == "none"), (Conf: conf, Setting: "tcp_min_ssf", IsWrong: conf.Number("tcp_min_ssf") is < LeastStrength) }).Where(one => one.IsWrong).ToArray();
        string[] lines = [.. wrong.Select(one => one.Conf.Line(one.Setting))];
        if (lines.Length == 0) return Verdict.Pass(string.Join("; ", confs.Select(conf => $"{conf.Value("auth_tcp") ?? "sasl"}, {conf.Number("tcp_min_ssf") ?? LeastStrength} bits").Distinct()), confs.SelectMany(conf => new[] { conf.Line("auth_tcp"), conf.Line("tcp_min_ssf") }));
        return wrong.Any(one => NetworkListeners(host.Facts, one.Conf, "tcp").Count > 0) ? Verdict.Fail(Verdict.Count(lines), lines) : Verdict.Warn($"as soon as it listens: {Verdict.Count(lines)}", lines);
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
            var daemon = conf.Name;
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
        var confs = NetworkConfs(host.Facts).Select(conf => (Conf: conf, Listens: NetworkListeners(host.Facts, conf, "tls"), KeyPath: conf.Value("key_file") ?? KeyPath)).ToArray();
        var keys = host.Facts.Files(Keys).Where(key => confs.Any(one => one.KeyPath == key.Path)).ToArray();
        var wrong = keys.Where(key => key.Owner != 0 || (key.Mode & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0).Select(key => $"{key.Path}: {key.Permissions}").ToList();
        var listening = confs.Where(one => one.Listens.Count > 0).ToArray();
        foreach (var (conf, _, _) in listening)
        {
            if (conf.Number("tls_no_verify_certificate") is > 0) wrong.Add(conf.Line("tls_no_verify_certificate"));
            if (conf.List("tls_allowed_dn_list") is not { Count: > 0 } && conf.Value("auth_tls") != "sasl") wrong.Add($"{conf.Line("tls_allowed_dn_list")}, {conf.Line("auth_tls")}");
        }

        if (wrong.Count > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        if (listening.Length == 0) return Verdict.NotApplicable("libvirt does not listen for TLS");
        return listening.FirstOrDefault(one => keys.All(key => key.Path != one.KeyPath)) is (_, var listens, { } unseen)
            ? Verdict.Unknown($"{unseen}: whose it is was not found", listens)
            : Verdict.Pass("clients are verified and listed", [.. listening.SelectMany(one => one.Listens.Append(one.Conf.Line("tls_allowed_dn_list")).Append(one.Conf.Line("auth_tls"))), .. keys.Select(key => $"{key.Path}: {key.Permissions}")]);
    }

    private static Verdict AccessIsFine(Judged host)
    {
        if (Without(host) is { } none) return none;
        var confs = DaemonConfs(host.Facts).Where(conf => conf.Name != "virtproxyd").ToArray();
        HostFile FileOf(FactQuestion question) => host.Facts.Files(question) is [var found, ..] ? found : throw new FormatException($"there is no {question.Words}");
        // Who may connect without a password: the group that polkit's rule of the distribution names, and that to which the socket is given.
        var owners = host.Facts.IsOffline ? [] : host.Facts.Files(ConnectionSockets).Where(file => file.Group != 0 && file.Mode.HasFlag(UnixFileMode.GroupWrite)).Select(file => file.Group).ToArray();
        string[] names = ["libvirt", "libvirtd", .. confs.Select(conf => conf.Value("unix_sock_group")).OfType<string>().Where(name => name != "root")];
        var groups = Passwd.Groups(FileOf(Questions.Groups).Text).Where(group => names.Contains(group.Name) || (group.Id is { } id && owners.Contains(id))).ToArray();
        var accounts = Passwd.Accounts(FileOf(Questions.Accounts).Text);
        var members = groups.SelectMany(group => group.Members.Concat(accounts.Where(account => !account.IsNis && account.Group == group.Id).Select(account => account.Name)).Select(member => (Group: group.Name, Member: member))).Where(one => one.Member != "root").Distinct().ToArray();
        var others = members.Where(one => host.Plan?.Administrators.Contains(one.Member) != true).ToArray();
        string[] seen = groups.Length == 0 ? [$"/etc/group: no group {names[0]}"] : [.. groups.Select(group => $"/etc/group: {group.Name}: {string.Join(", ", members.Where(one => one.Group == group.Name).Select(one => one.Member).DefaultIfEmpty("no member"))}")];
        if (others.Length == 0) return Verdict.Pass(members.Length == 0 ? "nobody but root is let in without a password" : "only planned administrators are let in without a password", seen);
        var wrong = confs.Where(conf => conf.List("access_drivers")?.Contains("polkit") != true).Select(conf => conf.Line("access_drivers")).ToArray();
        return confs.Length == 0 ? Verdict.NotApplicable("no daemon of libvirt's is on, and none has a file")
            : wrong.Length > 0 ? Verdict.Fail($"{string.Join(", ", others.Select(one => one.Member).Distinct())} may do everything: {Verdict.Count(wrong)}", [.. seen, .. wrong])
            : Verdict.Pass("polkit is asked for each thing", [.. seen, .. confs.Select(conf => conf.Line("access_drivers"))]);
    }
}
