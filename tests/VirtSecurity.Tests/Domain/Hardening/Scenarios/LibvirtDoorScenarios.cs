using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Services;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class LibvirtDoorScenarios
{
    private const string Conf = "/etc/libvirt/libvirtd.conf";
    private const string Proxy = "/etc/libvirt/virtproxyd.conf";
    private const string Polkit = "/usr/share/polkit-1/actions/org.libvirt.unix.policy";
    private const string Key = "/etc/pki/libvirt/private/serverkey.pem";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("SVC-04", "it does not", host => One(host, Recorded("libvirtd.conf"))),
        Fail("SVC-04", "libvirtd-tcp.socket: active (listening)", host => host.File(Conf, "").Units("libvirtd.service running enabled", "libvirtd-tcp.socket listening disabled").Sockets()),
        Fail("SVC-04", "virtproxyd-tcp.socket: inactive (dead), enabled", host => host.File(Proxy, "").Units("virtproxyd.service running enabled", "virtproxyd-tcp.socket dead enabled").Sockets()),
        Fail("SVC-04", "LIBVIRTD_ARGS=\"--listen\"", host => One(host, "listen_tcp = 1\n").File("/etc/sysconfig/libvirtd", "# args\nLIBVIRTD_ARGS=\"--listen\"\n")),
        Fail("SVC-04", "libvirtd_opts=\"-l\"", host => One(host, "listen_tcp = 1\n").File("/etc/default/libvirtd", "libvirtd_opts=\"-l\"\n")),
        Fail("SVC-04", "tcp *:16600 (libvirtd)", host => host.File(Conf, "tcp_port = \"16600\"\n").Units("libvirtd.service running enabled").Sockets("tcp 0.0.0.0:16600 libvirtd")),
        Warn("SVC-04", "listen_tcp = 1", host => One(host, "listen_tcp = 1\n")),
        Unknown("SVC-04", "line 2 is not understood", host => One(host, "listen_tls = 0\nlisten_tcp = yes, please\n")),
        NotApplicable("SVC-04", "no libvirt", _ => { }),

        Pass("SVC-05", "sasl, 112 bits", host => One(host, Recorded("libvirtd.conf"))),
        Fail("SVC-05", "auth_tcp = none", host => host.File(Conf, "auth_tcp = \"none\"\n").Units("libvirtd.service running enabled", "libvirtd-tcp.socket listening enabled").Sockets()),
        Warn("SVC-05", "as soon as it listens", host => One(host, "tcp_min_ssf = 56\n")),
        Fail("SVC-05", "tcp_min_ssf = 0", host => host.File(Proxy, "tcp_min_ssf = 0\n").Units("virtproxyd.socket listening enabled", "virtproxyd-tcp.socket listening enabled").Sockets()),
        // Where both kinds of daemon are on, each has a door.
        Fail("SVC-05", "virtproxyd.conf: auth_tcp = none", host => host.File(Conf, "").File(Proxy, "auth_tcp = \"none\"\n").Units("libvirtd.service running enabled", "virtproxyd-tcp.socket listening enabled").Sockets()),
        Unknown("SVC-05", "is no number", host => One(host, "tcp_min_ssf = \"many\"\n")),
        NotApplicable("SVC-05", "no libvirt", _ => { }),

        Pass("SVC-06", "polkit or sasl asks", host => One(host, "auth_unix_rw = \"polkit\"\n")),
        Pass("SVC-06", "polkit by itself", host => One(host, Recorded("libvirtd.conf")).Inode(Polkit)),
        Fail("SVC-06", "anybody may connect", host => One(host, "auth_unix_rw = \"none\"\n").Inode(Polkit).Inode("/run/libvirt/libvirt-sock", 's', 0x1B6)),
        Fail("SVC-06", "virtqemud.socket: SocketMode=0666", host => host.File("/etc/libvirt/virtqemud.conf", "auth_unix_rw = \"none\"\n").Inode(Polkit).Units("virtqemud.socket listening enabled 0666")),
        Fail("SVC-06", "auth_unix_rw is not set", host => One(host, "").Inode("/run/libvirt/libvirt-sock", 's', 0x1FF)),
        Pass("SVC-06", "not open to all", host => One(host, "auth_unix_rw = \"none\"\n").Inode("/run/libvirt/libvirt-sock", 's', 0x1B0)),
        Unknown("SVC-06", "nobody asks who connects", host => host.Offline().File(Conf, "auth_unix_rw = \"none\"\n").Inode("/etc/systemd/system/multi-user.target.wants/libvirtd.service")),
        NotApplicable("SVC-06", "no libvirt", _ => { }),

        Pass("SVC-07", "verified and listed", host => Tls(host, "tls_allowed_dn_list = [\"CN=kvm2,*\", \"CN=admin,*\"]\n").Inode(Key, mode: 0x180)),
        Fail("SVC-07", "tls_allowed_dn_list is not set", host => Tls(host, "").Inode(Key, mode: 0x180)),
        Fail("SVC-07", "tls_no_verify_certificate = 1", host => Tls(host, "tls_no_verify_certificate = 1\nauth_tls = \"sasl\"\n").Inode(Key, mode: 0x180)),
        Fail("SVC-07", "serverkey.pem: 0:0 0644", host => One(host, "").Inode(Key)),
        Unknown("SVC-07", "/etc/ssl/host.key: whose it is", host => Tls(host, "auth_tls = \"sasl\"\nkey_file = \"/etc/ssl/host.key\"\n")),
        NotApplicable("SVC-07", "does not listen for TLS", host => One(host, "")),

        Pass("SVC-08", "no member", host => People(One(host, ""), "libvirt:x:110:\n")),
        Pass("SVC-08", "only planned administrators", host => People(One(host.WithPlan(new() { Administrators = ["ada"] }), ""), "libvirt:x:110:ada\n")),
        Fail("SVC-08", "bob may do everything", host => People(One(host.WithPlan(new() { Administrators = ["ada"] }), ""), "libvirt:x:110:ada,bob\n")),
        // It is the first group of somebody, or another group that the socket is given to: by its setting, or as it is.
        Fail("SVC-08", "eve may do everything", host => People(One(host, ""), "libvirt:x:500:\n")),
        Fail("SVC-08", "/etc/group: virt: ada", host => People(One(host, "unix_sock_group = \"virt\"\n"), "virt:x:7:ada\n")),
        Fail("SVC-08", "/etc/group: virt: ada", host => People(One(host, "").Inode("/run/libvirt/libvirt-sock", 's', 0x1B0, group: 7), "virt:x:7:ada\n")),
        Pass("SVC-08", "asked for each thing", host => People(One(host, "access_drivers = [ \"polkit\" ] # all of them\n"), "libvirt:x:110:ada\n")),
        Fail("SVC-08", "ada, bob may do everything", host => People(One(host, ""), "libvirt:x:110:ada,bob\n")),
        Unknown("SVC-08", "no /etc/group", host => One(host, "")),
        NotApplicable("SVC-08", "no libvirt", _ => { }),
    ];

    private static ScenarioHost One(ScenarioHost host, string conf) => host.File(Conf, conf).Units("libvirtd.service running enabled", "libvirtd.socket listening enabled").Sockets("tcp 0.0.0.0:22 sshd");

    private static ScenarioHost People(ScenarioHost host, string groups) => host.File("/etc/group", "root:x:0:\n" + groups).File("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\neve:x:1001:500::/home/eve:/bin/sh\n");

    private static ScenarioHost Tls(ScenarioHost host, string conf) => host.File(Conf, conf).Units("libvirtd.service running enabled", "libvirtd-tls.socket listening enabled").Sockets("tcp 0.0.0.0:16514 libvirtd");
}
