using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Services;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class FirewallScenarios
{
    private const string V4 = "/proc/sys/net/ipv4/ip_forward";
    private const string V6 = "/proc/sys/net/ipv6/conf/all/forwarding";
    private const string NoV6 = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
    private const string Bridge = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    private const string Network = "/etc/libvirt/qemu/networks/default.xml";
    private const string Address = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n2: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever\n";
    private const string Legacy = "@ip legacy\n";

    private static readonly DeploymentPlan Plan = new()
    {
        Sockets = [new(22, "tcp"), new(16514, "tcp") { From = ["192.0.2.0/24"] }],
        Networks = [new("mgmt", NetworkRole.Management) { Interfaces = ["eth0"] }, new("guests", NetworkRole.Guest) { Interfaces = ["br1"] }],
    };

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("FWL-01", "on, now and at boot", host => Nft(host, "nft-deny.json").Units("nftables.service exited enabled oneshot")),
        Pass("FWL-01", "firewalld", host => Nft(host, "nft-of-firewalld.json").Units("firewalld.service running enabled dbus")),
        Fail("FWL-01", "no rule for what comes in", host => Nft(host, "nft-debian-default.json").Units("nftables.service exited enabled oneshot")),
        Fail("FWL-01", "but libvirt's own", host => Iptables(host, Legacy + "*filter\n:INPUT ACCEPT [0:0]\n:LIBVIRT_INP - [0:0]\n-A INPUT -j LIBVIRT_INP\n-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 53 -j ACCEPT\nCOMMIT\n").Units("nftables.service exited enabled oneshot")),
        Pass("FWL-01", "ufw.service: active (exited), enabled", host => Ufw(host).Units("ufw.service exited enabled oneshot")),
        Fail("FWL-01", "nothing makes them again", host => Nft(host, "nft-deny.json").Units("sshd.service running enabled")),
        Fail("FWL-01", "does not run", host => Nft(host, "nft-deny.json").Units("firewalld.service dead enabled dbus")),
        Fail("FWL-01", "no firewall is started", host => host.Offline().Inode("/etc/systemd/system/multi-user.target.wants/sshd.service")),
        Unknown("FWL-01", "no nft is there", host => host.Lacks("nft-ruleset").Says("iptables-rules", "@end\n").Units("nftables.service exited enabled oneshot")),

        Pass("FWL-02", "denied (inet filter input: policy drop)", host => Nft(host, "nft-deny.json")),
        Pass("FWL-02", "by any interface: denied (inet firewalld filter_IN_public: reject)", host => Nft(host, "nft-of-firewalld.json")),
        Pass("FWL-02", "by virbr0: denied (inet firewalld filter_IN_libvirt_post: reject)", host => Nft(host, "nft-of-firewalld.json")),
        Pass("FWL-02", "-A INPUT -j REJECT", host => Iptables(host, $"@ip nft\n{Recorded("iptables-nft-save.txt")}", "nft-of-iptables.json")),
        Pass("FWL-02", "ip filter (legacy) INPUT: -A INPUT -j REJECT", host => Iptables(host, Legacy + Recorded("iptables-legacy-save.txt"))),
        Pass("FWL-02", "denied (ip filter INPUT: policy drop)", host => Ufw(host)),
        // nft 1.0.6 breaks off at a table that sleeps, and says that all is well.
        Unknown("FWL-02", "not understood", host => host.Says("nft-ruleset", "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\", \"release_name\": \"Lester Gooch #5\", \"json_schema_version\": 1}}, {\"table\": {\"family\": \"inet\", \"name\": \"sleeping\", \"handle\": 1, \"flags\": ").Says("iptables-rules", "@end\n")),
        Unknown("FWL-02", "Operation not permitted", host => host.Says("nft-ruleset", "", 1, "Operation not permitted (you must be root)\n").Says("iptables-rules", "@end\n")),
        Unknown("FWL-02", "its end is missing", host => host.Says("nft-ruleset", Recorded("nft-deny.json")).Says("iptables-rules", "@ip legacy\n*filter\n")),
        Unknown("FWL-02", "no iptables-save is there", host => host.Says("nft-ruleset", Recorded("nft-deny.json")).Lacks("iptables-rules")),
        // What is denied on one of the host's addresses only is not denied.
        Fail("FWL-02", "policy accept", host => Iptables(host, Legacy + "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -d 192.0.2.7/32 -j DROP\nCOMMIT\n")),
        // One chain that denies is enough, whatever is accepted beside it and before it; and nothing is denied by a chain of another hook.
        Pass("FWL-02", "denied (inet filter input: policy drop)", host => Iptables(host, Legacy + "*mangle\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n", "nft-deny.json")),
        Fail("FWL-02", "policy accept", host => Iptables(host, Legacy + "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n")),
        Fail("FWL-02", "policy accept", host => Nft(host, "nft-debian-default.json")),
        Fail("FWL-02", "no chain filters input", host => Iptables(host, "")),
        Fail("FWL-02", "by eth1: accepted", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -j ACCEPT\nCOMMIT\n")),
        Fail("FWL-02", "port 61027", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 1028:65535 -j ACCEPT\nCOMMIT\n")),
        Pass("FWL-02", "denied", host => Iptables(host, Legacy + "*filter\n:INPUT ACCEPT [0:0]\n:LIMIT - [0:0]\n-A INPUT ! -i lo -j LIMIT\n-A LIMIT -m limit --limit 3/min -j LOG\n-A LIMIT -j DROP\nCOMMIT\n")),
        Unknown("FWL-02", "cannot be told", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set friends src -j ACCEPT\nCOMMIT\n")),
        Unknown("FWL-02", "in a circle", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A A -j A\nCOMMIT\n")),
        Unknown("FWL-02", "not understood", host => host.Says("nft-ruleset", "{").Says("iptables-rules", "@end\n")),

        Pass("FWL-03", "ip6, tcp to port 1027", host => V6On(Nft(host, "nft-deny.json"))),
        Pass("FWL-03", "denied (ip6 filter INPUT: policy drop)", host => V6On(Ufw(host))),
        Fail("FWL-03", "no chain filters input of ip6", host => Iptables(host, Legacy + Recorded("iptables-legacy-save.txt")).File(NoV6, "1\n").File("/proc/net/if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n20010db8000000000000000000000001 02 40 00 80     eth0\n")),
        Fail("FWL-03", "no chain filters input of ip6", host => V6On(Iptables(host, Legacy + Recorded("iptables-legacy-save.txt")))),
        NotApplicable("FWL-03", "does not speak IPv6", host => Nft(host, "nft-deny.json").File(NoV6, "1\n")),

        Pass("FWL-04", "tcp 22 (ssh, sshd): accepted by inet filter input: tcp dport 22", host => Nft(host, "nft-deny.json").Sockets("tcp 0.0.0.0:22 sshd", "tcp 0.0.0.0:16514 libvirtd")),
        Pass("FWL-04", "only what is planned", host => Nft(host.WithPlan(Plan with { Sockets = [.. Plan.Sockets, new(49152, "tcp") { LastPort = 49215, From = ["192.0.2.0/24"] }] }), "nft-deny.json").Sockets("tcp 0.0.0.0:22 sshd")),
        Unknown("FWL-04", "rules name 300 networks", host => Iptables(host.WithPlan(Plan), Legacy + "*filter\n:INPUT DROP [0:0]\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"-A INPUT -s 10.0.{i / 256}.{i % 256}/32 -p tcp -m tcp --dport 16514 -j ACCEPT\n")) + "COMMIT\n").Sockets()),
        Pass("FWL-04", "nothing is open", host => Iptables(host.WithPlan(Plan), Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 127.0.0.0/8 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -j DROP\nCOMMIT\n").Sockets()),
        // A rule lets in from a network what nobody planned, or from another than is planned.
        Fail("FWL-04", "tcp 49152-49215 (migration, nothing listens now): accepted from 192.0.2.0/24", host => Nft(host.WithPlan(Plan), "nft-deny.json").Sockets("tcp 0.0.0.0:22 sshd")),
        Fail("FWL-04", "accepted from 10.0.0.0/8 by ip filter (legacy) INPUT: -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 16514 -j ACCEPT; planned for 192.0.2.0/24 only", host => Iptables(host.WithPlan(Plan), Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.0/25 -p tcp -m tcp --dport 16514 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 16514 -j ACCEPT\nCOMMIT\n").Sockets()),
        Fail("FWL-04", "tcp 16509 (libvirt, plain TCP, libvirtd): accepted", host => Nft(host, "nft-debian-default.json").Sockets("tcp 0.0.0.0:16509 libvirtd")),
        Pass("FWL-04", "tcp 22 (ssh, sshd)", host => Ufw(host).Sockets("tcp 0.0.0.0:22 sshd", "tcp 0.0.0.0:16514 libvirtd")),
        Warn("FWL-04", "udp 68 (dhclient): accepted", host => Ufw(host).Sockets("udp 0.0.0.0:68 dhclient")),
        Warn("FWL-04", "tcp 2222 (sshd): accepted", host => Ufw(host).Sockets("tcp 0.0.0.0:2222 sshd")),
        Fail("FWL-04", "tcp 5903 (displays, nothing listens now): accepted", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 5903 -j ACCEPT\nCOMMIT\n").Sockets()),
        Fail("FWL-04", "tcp 49160-49170 (migration", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 49160:49170 -j ACCEPT\nCOMMIT\n").Sockets()),
        Pass("FWL-04", "49152-49215 (migration, nothing listens now): accepted", host => Iptables(host.WithPlan(new() { Sockets = [new(49152, "tcp") { LastPort = 49215 }] }), Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 49152:49215 -j ACCEPT\nCOMMIT\n").Sockets()),
        Fail("FWL-04", "planned for 192.0.2.0/24 only", host => Iptables(host.WithPlan(Plan), Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 22,16514 -j ACCEPT\nCOMMIT\n").Sockets("tcp 0.0.0.0:16514 libvirtd")),
        Warn("FWL-04", "no plan says", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 3260 -j ACCEPT\nCOMMIT\n").Sockets("tcp 0.0.0.0:3260 tgtd")),
        Unknown("FWL-04", "no answer within", host => Nft(host, "nft-deny.json").Hangs("listening-sockets")),

        Pass("FWL-05", "listed addresses only", host => Nft(host, "nft-deny.json")),
        Pass("FWL-05", "-s 192.0.2.0/24", host => Iptables(host, $"@ip nft\n{Recorded("iptables-nft-save.txt")}", "nft-of-iptables.json")),
        Fail("FWL-05", "tcp 5900-5910 (displays)", host => Iptables(host, Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 5900:5910 -j ACCEPT\nCOMMIT\n")),
        Fail("FWL-05", "tcp 50000 (migration)", host => Iptables(host.File("/etc/libvirt/qemu.conf", "migration_port_min = 50000\nmigration_port_max = 50010\n"), Legacy + "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 50000 -j ACCEPT\nCOMMIT\n")),
        Pass("FWL-05", "tcp 5900-6899 (displays): ip filter (legacy) INPUT: policy accept", host => Iptables(host, Legacy + "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 192.0.2.0/24 -j DROP\nCOMMIT\n")),
        Pass("FWL-05", "-s 192.0.2.0/24 -p tcp -m tcp --dport 16514", host => Ufw(host)),
        NotApplicable("FWL-05", "open to anybody", host => Nft(host, "nft-of-firewalld.json")),

        Pass("FWL-06", "inet filter forward: reject", host => Nft(host, "nft-deny.json").File(V4, "1\n").File(V6, "0\n")),
        Pass("FWL-06", "denied (ip filter FORWARD: policy drop)", host => Ufw(host).File(V4, "1\n")),
        // What xl adds for each card of a guest is about frames that a bridge passes on.
        Pass("FWL-06", "FORWARD: policy drop", host => Iptables(host.Xen(), Legacy + "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m physdev --physdev-out vif1.0 --physdev-is-bridged -j ACCEPT\n-A FORWARD -m physdev --physdev-in vif1.0 --physdev-is-bridged -j ACCEPT\nCOMMIT\n").File(V4, "1\n")),
        Pass("FWL-06", "denied", host => Nft(host, "nft-of-firewalld.json").File(V4, "1\n").File(V6, "1\n")),
        Fail("FWL-06", "policy accept", host => Nft(host, "nft-debian-default.json").File(V4, "1\n")),
        NotApplicable("FWL-06", "passes nothing on", host => Nft(host, "nft-debian-default.json").File(V4, "0\n").File(V6, "0\n")),

        Pass("FWL-07", "it routes nothing", host => host.File(V4, "0\n").File(V6, "0\n")),
        Pass("FWL-07", "it routes, for nat", host => host.WithPlan(new() { Networks = [new("nat", NetworkRole.Guest) { IsRouted = true }] }).File(V4, "1\n")),
        Fail("FWL-07", "ip_forward: 1", host => host.WithPlan(Plan).File(V4, "1\n")),
        Fail("FWL-07", "and is not", host => host.WithPlan(new() { Networks = [new("nat", NetworkRole.Guest) { IsRouted = true }] }).File(V4, "0\n")),
        Fail("FWL-07", "nothing needs it", host => host.File(V4, "1\n").File(Network, "<network><name>default</name></network>")),
        Warn("FWL-07", "default.xml: forward mode nat", host => host.File(V4, "1\n").File(Network, "<network><name>default</name><forward/></network>")),
        Unknown("FWL-07", "it does not run", host => host.Offline()),

        Pass("FWL-08", "each is filtered", host => Card(host, "<filterref filter='clean-traffic'/>")),
        Pass("FWL-08", "each is filtered", host => Card(host, "<filterref filter='ours'/>").File("/etc/libvirt/nwfilter/ours.xml", "<filter name='ours'><filterref filter='no-mac-spoofing'/></filter>")),
        Fail("FWL-08", "bridge br0: no filter", host => Card(host, "")),
        Fail("FWL-08", "bridge br0: ours", host => Card(host, "<filterref filter='ours'/>").File("/etc/libvirt/nwfilter/ours.xml", "<filter name='ours'><filterref filter='ours'/></filter>")),
        Fail("FWL-08", "network lan: no filter", host => host.File("/etc/libvirt/qemu/web.xml", "<domain><name>web</name><devices><interface type='network'><source network='lan'/></interface></devices></domain>").File(Network, "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>")),
        Fail("FWL-08", "network lan: no filter", host => host.File("/run/libvirt/qemu/web.xml", "<domstatus><domain><name>web</name><devices><interface type='network'><source network='lan' portid='1' bridge='br0'/></interface></devices></domain></domstatus>").File(Network, "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>")),
        Pass("FWL-08", "mac_filter = 1", host => Card(host, "").File("/etc/libvirt/qemu.conf", "mac_filter = 1\n")),
        NotApplicable("FWL-08", "no guest has a card", _ => { }),

        Pass("FWL-09", "apart", host => Links(host.WithPlan(Plan), "eth0", "eth1", "br1", "br1/brif/eth1", "br1/brif/vnet0")),
        Fail("FWL-09", "eth0: in mgmt (Management) and guests (Guest)", host => Links(host.WithPlan(Plan), "eth0", "br1", "br1/brif/eth0")),
        Fail("FWL-09", "/sys/class/net/br1: not there", host => Links(host.WithPlan(Plan), "eth0")),
        Fail("FWL-09", "br1: has 198.51.100.1/24", host => Links(host.WithPlan(Plan), "eth0", "br1").Says("addresses", Address + "3: br1    inet 198.51.100.1/24 scope global br1\\       valid_lft forever preferred_lft forever\n")),
        Fail("FWL-09", "br1: in san (Storage) and guests (Guest)", host => Links(host.WithPlan(new() { Networks = [new("san", NetworkRole.Storage) { Interfaces = ["br1"] }, new("guests", NetworkRole.Guest) { Interfaces = ["br1"], IsRouted = true }] }), "br1")),
        NotApplicable("FWL-09", "names no networks", host => Links(host.WithPlan(new()), "eth0")),

        Pass("FWL-10", "they do not", host => host.File(Bridge, "0\n")),
        Fail("FWL-10", "bridge-nf-call-iptables: 1", host => host.File(Bridge, "1\n").File("/proc/sys/net/bridge/bridge-nf-call-arptables", "0\n")),
        NotApplicable("FWL-10", "br_netfilter is not loaded", _ => { }),
    ];

    private static ScenarioHost Nft(ScenarioHost host, string recorded) => host.Says("nft-ruleset", Recorded(recorded)).Says("iptables-rules", "@end\n");

    private static ScenarioHost Iptables(ScenarioHost host, string text, string? nft = null) =>
        host.Says("nft-ruleset", nft is null ? "{\"nftables\": []}\n" : Recorded(nft)).Says("iptables-rules", text + "@end\n");

    private static ScenarioHost Ufw(ScenarioHost host) => Iptables(host, $"@ip nft\n{Recorded("iptables-nft-save-of-ufw.txt")}@ip6 nft\n{Recorded("ip6tables-nft-save-of-ufw.txt")}", "nft-of-ufw.json");

    private static ScenarioHost V6On(ScenarioHost host) => host.File(NoV6, "0\n").File("/proc/net/if_inet6", "fe80000000000000 02 40 20 80 eth0\n");

    private static ScenarioHost Card(ScenarioHost host, string inside) => host.File("/etc/libvirt/qemu/web.xml", $"<domain><name>web</name><devices><interface type='bridge'><source bridge='br0'/>{inside}</interface></devices></domain>");

    private static ScenarioHost Links(ScenarioHost host, params string[] links)
    {
        foreach (var link in links) host.Inode("/sys/class/net/" + link, 'd');
        return host.Says("addresses", Address);
    }
}
