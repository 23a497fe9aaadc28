using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Services;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class ServiceScenarios
{
    private const string Xend = "/etc/xen/xend-config.sxp";
    private const string Target = "/etc/systemd/system/default.target";
    private const string Sshd = "/etc/ssh/sshd_config";
    private const string Qemu = "/etc/libvirt/qemu.conf";

    private static readonly DeploymentPlan Plan = new() { Services = [new("sshd.service"), new("libvirtd.service"), new("virt*d.socket"), new("agent-ro.socket")], Sockets = [new(22, "tcp"), new(16514, "tcp") { Address = "192.0.2.1" }, new(49152, "tcp") { LastPort = 49215 }] };

    private static readonly DeploymentPlan Moving = new() { Guests = [new("web") { Needs = [GuestNeed.Migration] }] };

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("SVC-01", "all planned", host => host.WithPlan(Plan).Units("sshd.service running enabled", "libvirtd.service running enabled", "virtlogd.socket listening enabled", "user@0.service running static", "networking.service exited enabled").Processes((1, "/usr/lib/systemd/systemd", 0, "/init.scope"), (9, "/usr/sbin/sshd", 0, "/system.slice/sshd.service"))),
        Fail("SVC-01", "cupsd.service: active (running)", host => host.WithPlan(Plan).Units("sshd.service running enabled", "cupsd.service running disabled").Processes((1, "/sbin/init", 0, "/init.scope"))),
        Fail("SVC-01", "belongs to no unit; /opt/agent", host => host.WithPlan(Plan).Units("sshd.service running enabled").Processes((1, "/sbin/init", 0, "/init.scope"), (80, "/opt/agent", 0, "/"))),
        Warn("SVC-01", "at the next boot: smbd.service: inactive (dead), enabled", host => host.WithPlan(Plan).Units("sshd.service running enabled", "smbd.service dead enabled", "e2scrub_reap.service dead enabled oneshot").Processes((1, "/sbin/init", 0, "/init.scope"))),
        Fail("SVC-01", "smbd.service", host => host.Offline().WithPlan(Plan).Inode("/etc/systemd/system/multi-user.target.wants/smbd.service")),
        Pass("SVC-01", "nothing unplanned", host => host.Offline().WithPlan(Plan).Inode("/etc/systemd/system/multi-user.target.wants/sshd.service")),
        Unknown("SVC-01", "neither systemd", host => host.Offline().WithPlan(Plan)),
        // What a planned socket starts is planned with it.
        Pass("SVC-01", "all planned", host => host.WithPlan(Plan).Units("virtqemud.service running static", "agentd.service running static notify agent-ro.socket", "agent-ro.socket listening enabled").Processes((1, "/sbin/init", 0, "/init.scope"))),
        Fail("SVC-01", "agentd.service: active", host => host.WithPlan(Plan).Units("agentd.service running static notify agentd.timer").Processes((1, "/sbin/init", 0, "/init.scope"))),
        // What works for a moment just now is no verdict on the host.
        Warn("SVC-01", "apt-daily.service: activating (start)", host => host.WithPlan(Plan).Units("sshd.service running enabled", "apt-daily.service start static oneshot").Processes((1, "/sbin/init", 0, "/init.scope"))),
        Pass("SVC-01", "nothing unplanned", host => host.Offline().WithPlan(Plan).Inode("/etc/systemd/system/multi-user.target.wants/sshd.service").Inode("/etc/systemd/system/multi-user.target.wants/smbd.service").Inode("/etc/systemd/system/smbd.service", 'c')),
        Unknown("SVC-01", "what runs now is not told", host => host.WithPlan(Plan).Lacks("unit-states").Inode("/etc/rc3.d/S20sshd").Inode("/etc/rc6.d/S90reboot")),
        Unknown("SVC-01", "no unit that is loaded", host => host.WithPlan(Plan).Says("unit-states", "\n@files\nsshd.service enabled enabled\n@end\n").Processes((1, "/sbin/init", 0, "/init.scope"))),
        // Without a plan there is nothing to compare with; what belongs to no unit nobody has planned.
        NotApplicable("SVC-01", "none was given", host => host.Units("sshd.service running enabled").Processes((1, "/sbin/init", 0, "/init.scope"), (9, "/usr/sbin/sshd", 0, "/user.slice/user-0.slice/session-1.scope"))),
        Fail("SVC-01", "belongs to no unit; /tmp/x", host => host.Units("sshd.service running enabled").Processes((1, "/sbin/init", 0, "/init.scope"), (80, "/tmp/x", 0, "/"))),

        Pass("SVC-02", "none is at work", host => host.Units("sshd.service running enabled", "cups.service dead disabled")),
        Fail("SVC-02", "avahi-daemon.socket: active (listening)", host => host.Units("avahi-daemon.socket listening disabled")),
        Fail("SVC-02", "rpcbind.service: inactive (dead), enabled", host => host.Units("rpcbind.service dead enabled")),
        Pass("SVC-02", "unless planned", host => host.WithPlan(new() { Services = [new("rpcbind*")] }).Units("rpcbind.service running enabled", "rpcbind.socket listening enabled")),
        Fail("SVC-02", "telnet.service", host => host.Lacks("unit-states").Inode("/etc/rc3.d/S50telnet").Inode("/etc/rc3.d/S20sshd")),
        Pass("SVC-02", "as far as a boot goes", host => host.Offline().Inode("/etc/systemd/system/multi-user.target.wants/cups.service").Inode("/etc/systemd/system/cups.service", 'l').Inode("/etc/rc0.d/S10nfs").Inode("/etc/systemd/system/multi-user.target.wants/ssh.service")),
        Unknown("SVC-02", "what runs now is not told without systemd", host => host.Lacks("unit-states").Inode("/etc/rc3.d/S20sshd")),
        Unknown("SVC-02", "no answer within", host => host.Hangs("unit-states")),
        Unknown("SVC-02", "its end is missing", host => host.Says("unit-states", "Id=sshd.service\n")),

        Pass("SVC-03", "nothing but ssh", host => host.Sockets("tcp 0.0.0.0:22 sshd", "tcp 127.0.0.1:5900 qemu-system-x86", "tcp ::1:6010 sshd")),
        Warn("SVC-03", "tcp *:3260 (tgtd)", host => host.Sockets("tcp 0.0.0.0:22 sshd", "tcp 0.0.0.0:3260 tgtd")),
        Pass("SVC-03", "3 listen to a network", host => host.WithPlan(Plan).Sockets("tcp :::22 sshd", "tcp 192.0.2.1:16514 libvirtd", "tcp 0.0.0.0:49160 qemu-system-x86")),
        Pass("SVC-03", "all planned", host => host.WithPlan(Plan).Sockets("tcp ::ffff:192.0.2.1:16514 java")),
        Fail("SVC-03", "planned on 192.0.2.1 only", host => host.WithPlan(Plan).Sockets("tcp 0.0.0.0:16514 libvirtd")),
        Fail("SVC-03", "udp *:111 (rpcbind): not planned", host => host.WithPlan(Plan).Sockets("udp 0.0.0.0:111 rpcbind", "udp 0.0.0.0:40000 resolver")),
        Unknown("SVC-03", "first line is missing", host => host.Says("listening-sockets", "")),

        Pass("SVC-09", "none", host => host.File("/etc/libvirt/libvirtd.conf", "").Units("virtqemud.service running enabled")),
        Fail("SVC-09", "virtxend.socket", host => host.File("/etc/libvirt/libvirtd.conf", "").Units("virtqemud.service running enabled", "virtxend.socket listening enabled")),
        Fail("SVC-09", "virtlxcd-ro.socket", host => host.Xen().File("/etc/libvirt/libvirtd.conf", "").Units("virtxend.service running enabled", "virtlxcd-ro.socket listening enabled")),
        NotApplicable("SVC-09", "no libvirt", host => host.Units("sshd.service running enabled")),

        Pass("SVC-10", "none", host => host.File(Target, "[Unit]\nDescription=Multi-User System\n").File("/usr/lib/systemd/system/default.target", "Wants=display-manager.service\n")),
        Fail("SVC-10", "goes on to a desktop", host => host.File(Target, "[Unit]\nWants=display-manager.service\n").Inode("/etc/systemd/system/display-manager.service")),
        Warn("SVC-10", "none is installed", host => host.Offline().File("/usr/lib/systemd/system/default.target", "[Unit]\nWants=display-manager.service\n")),
        Fail("SVC-10", "goes on to a desktop", host => host.File("/etc/inittab", "# runlevels\nid:5:initdefault:\n")),
        Unknown("SVC-10", "neither a default target", _ => { }),

        Pass("SVC-16", "chrony.service keeps it", host => host.Units("chrony.service running enabled")),
        Pass("SVC-16", "a boot starts chrony.service", host => host.Offline().Inode("/etc/systemd/system/multi-user.target.wants/chrony.service")),
        Unknown("SVC-16", "whether it runs is not told", host => host.Lacks("unit-states").Inode("/etc/rc3.d/S58ntpd")),
        Fail("SVC-16", "nothing keeps it", host => host.Units("sshd.service running enabled", "systemd-timesyncd.service dead disabled")),
        Fail("SVC-16", "does not run", host => host.Units("ntpd.service dead enabled")),
        Unknown("SVC-16", "no answer within", host => host.Hangs("unit-states")),

        Pass("SVC-17", "libvirtd alone", host => host.Units("libvirtd.service running enabled", "libvirtd.socket listening enabled", "virtlogd.socket listening enabled")),
        Fail("SVC-17", "both kinds", host => host.Units("libvirtd.socket listening enabled", "virtqemud.socket listening enabled")),
        NotApplicable("SVC-17", "no daemon", host => host.Units("sshd.service running enabled")),

        Pass("SVC-11", "it takes none", host => host.Xen().File(Xend, "# -*- sh -*-\n#(xend-relocation-server yes)\n(xend-relocation-server no)\n")),
        Pass("SVC-11", "from listed hosts", host => host.Xen().File(Xend, "(xend-relocation-server yes)\n(xend-relocation-address 192.0.2.1)\n(xend-relocation-hosts-allow '^localhost$ ^xen2$')\n")),
        Fail("SVC-11", "(xend-relocation-address '')", host => host.Xen().File(Xend, "(xend-http-server no) (xend-relocation-server\n  Yes)\n(xend-relocation-address '')\n(xend-relocation-hosts-allow '^a$')\n")),
        Fail("SVC-11", "(xend-relocation-server no) (xend-relocation-server yes)", host => host.Xen().File(Xend, "(xend-relocation-server no)\n(xend-relocation-server yes)\n")),
        Unknown("SVC-11", "not closed", host => host.Xen().File(Xend, "(xend-relocation-server yes\n")),
        Fail("SVC-11", "(xend-relocation-hosts-allow '')", host => host.Xen().File(Xend, "(xend-relocation-server yes)\n(xend-relocation-address 192.0.2.1)\n(xend-relocation-hosts-allow '')\n")),
        NotApplicable("SVC-11", "no xend", host => host.Xen()),

        Pass("SVC-12", "no server", host => host.Xen().File(Xend, "(xend-http-server no)\n(vnc-listen '127.0.0.1')\n(vncpasswd set)\n")),
        Fail("SVC-12", "xend-http-server yes", host => host.Xen().File(Xend, "(xend-http-server yes)\n(vncpasswd set)\n")),
        Fail("SVC-12", "vncpasswd ''", host => host.Xen().File(Xend, "(vnc-listen '127.0.0.1') (vncpasswd '')\n")),
        Fail("SVC-12", "(vnc-listen 0.0.0.0)", host => host.Xen().File(Xend, "(vnc-listen '0.0.0.0')\n(vncpasswd )\n")),
        NotApplicable("SVC-12", "no xend", host => host.Xen()),

        Pass("SVC-13", "closed", host => Guest(host, "<graphics type='vnc'><listen type='address' address='127.0.0.1'/></graphics>")),
        Fail("SVC-13", "vnc of web on 0.0.0.0, no TLS, nobody is asked", host => Guest(host, "<graphics type='vnc' listen='0.0.0.0'/>")),
        Fail("SVC-13", "spice of web on ::, no TLS, clients are asked", host => Guest(host, "<graphics type='spice' passwd='set'><listen type='address' address='::'/></graphics>")),
        Pass("SVC-13", "TLS, clients are asked", host => Guest(host.File(Qemu, "vnc_listen = \"0.0.0.0\"\nvnc_tls = 1\nvnc_sasl = 1\n"), "<graphics type='vnc'/>")),
        Fail("SVC-13", "spice of web on 0.0.0.0, no TLS, clients are asked", host => Guest(host.File(Qemu, "spice_tls = 1\nspice_sasl = 1\n"), "<graphics type='spice' autoport='yes' listen='0.0.0.0'/>")),
        Pass("SVC-13", "spice of web on 0.0.0.0, TLS, clients are asked", host => Guest(host.File(Qemu, "spice_tls = 1\nspice_sasl = 1\n"), "<graphics type='spice' autoport='yes' listen='0.0.0.0' defaultMode='secure'/><graphics type='spice' tlsPort='5902' autoport='no' listen='0.0.0.0'/>").Sockets("tcp 0.0.0.0:5902 qemu-system-x86")),
        // One that is closed is no excuse for another.
        Fail("SVC-13", "tcp *:5901 (qemu-system-x86): in no guest's definition", host => Guest(host, "<graphics type='vnc' port='5900' listen='127.0.0.1'/>").Sockets("tcp 127.0.0.1:5900 qemu-system-x86", "tcp 0.0.0.0:5901 qemu-system-x86")),
        Fail("SVC-13", "vnc_listen = 0.0.0.0", host => host.File(Qemu, "vnc_listen = \"0.0.0.0\"\n").Sockets()),
        Pass("SVC-13", "no guest has a display", host => Guest(host, "<graphics type='vnc'><listen type='socket' socket='/run/x'/></graphics>")),
        Fail("SVC-13", "in no guest's definition", host => host.File(Qemu, "").Sockets("tcp 0.0.0.0:5901 qemu-system-x86")),
        NotApplicable("SVC-13", "no libvirt", _ => { }),

        Pass("SVC-14", "encrypted, for web", host => host.WithPlan(Moving).File(Qemu, "migrate_tls_force = 1\nmigration_address = \"192.0.2.1\"\n")),
        Fail("SVC-14", "migrate_tls_force is not set", host => host.WithPlan(Moving).File(Qemu, Recorded("qemu.conf"))),
        NotApplicable("SVC-14", "to be moved", host => host.WithPlan(Plan).File(Qemu, "")),

        Pass("SVC-15", "limited", host => host.Says("sshd-test", $"allowgroups admins\n{Recorded("sshd-T.txt")}").File(Sshd, "AllowGroups admins\n")),
        Fail("SVC-15", "sshd -T: neither AllowUsers", host => host.Says("sshd-test", Recorded("sshd-T.txt")).File(Sshd, "")),
        Fail("SVC-15", "sshd -T: permitrootlogin yes", host => host.Says("sshd-test", Recorded("sshd-T.txt").Replace("permitrootlogin without-password", "permitrootlogin yes", StringComparison.Ordinal)).File(Sshd, "")),
        Fail("SVC-15", "permitrootlogin yes", host => host.Says("sshd-test", "").File(Sshd, "PermitRootLogin yes # for now\nAllowUsers ada\n")),
        Fail("SVC-15", "permitrootlogin yes", host => host.Offline().File(Sshd, "PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nAllowUsers ada\nMatch Address 192.0.2.0/24\n\tPasswordAuthentication \"yes\"\n")),
        Pass("SVC-15", "limited", host => host.Says("sshd-test", $"allowgroups admins\n{Recorded("sshd-T.txt")}").File(Sshd, "Include /etc/ssh/sshd_config.d/*.conf\nAllowGroups admins\n").File("/etc/ssh/sshd_config.d/50-redhat.conf", "Include /etc/crypto-policies/back-ends/opensshserver.config\n").File("/etc/crypto-policies/back-ends/opensshserver.config", "Ciphers aes256-gcm@openssh.com\n")),
        Fail("SVC-15", "Match Address 192.0.2.0/24: permitrootlogin yes", host => host.Says("sshd-test", $"allowgroups admins\n{Recorded("sshd-T.txt")}").File(Sshd, "Match Address 192.0.2.0/24\n  PermitRootLogin yes\n")),
        Pass("SVC-15", "sshd_config: permitrootlogin no", host => host.Offline().File(Sshd, "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n").File("/etc/ssh/sshd_config.d/10.conf", "PermitRootLogin no\nAllowUsers ada\n")),
        Fail("SVC-15", "permitrootlogin yes", host => host.Says("sshd-test", "").File(Sshd, "PermitRootLogin=yes\nAllowUsers ada\n")),
        Unknown("SVC-15", "whether root may log in", host => host.Says("sshd-test", "").File(Sshd, "# PermitRootLogin no\nAllowUsers ada\n")),
        Pass("SVC-15", "permitrootlogin is not set", host => host.Offline().File(Sshd, "PasswordAuthentication no\nKbdInteractiveAuthentication no\nAllowUsers ada\n")),
        Unknown("SVC-15", "which was not asked for", host => host.Offline().File(Sshd, "Include /srv/sshd/*\n")),
        NotApplicable("SVC-15", "no ssh server", host => host.Lacks("sshd-test")),

        Pass("SVC-18", "vnc on 127.0.0.1", host => host.Xen().File("/etc/xen/web.cfg", "name = 'web'\ntype = 'hvm'\nvnc = 1\n").Sockets("tcp 127.0.0.1:5900 qemu-system-i386")),
        Pass("SVC-18", "with a password", host => host.Xen().File("/etc/xen/web.cfg", "name = 'web'\nvfb = [ 'vnc=1,vnclisten=0.0.0.0:1,vncpasswd=set' ]\n").Sockets("tcp 0.0.0.0:5901 qemu-system-i386")),
        Fail("SVC-18", "vnc on 0.0.0.0, without a password", host => host.Xen().File("/etc/xen/web.cfg", "name = 'web'\ntype = 'hvm'\nvnclisten = '0.0.0.0'\n").Sockets()),
        Fail("SVC-18", "spice on 0.0.0.0", host => host.Xen().File("/etc/xen/web.cfg", "name = 'web'\ntype = 'hvm'\nvnc=0\nspice = 1\n").Sockets()),
        Fail("SVC-18", "/etc/libvirt/libxl/db.xml: vnc on 192.0.2.1, without a password", host => host.Xen().File("/etc/libvirt/libxl/db.xml", "<domain><name>db</name><devices><graphics type='vnc' listen='192.0.2.1'/></devices></domain>").Sockets()),
        Fail("SVC-18", "tcp *:5902 (qemu-system-i386): not all of these", host => host.Xen().File("/etc/xen/web.cfg", "name = 'web'\ntype = 'hvm'\nvnclisten = '0.0.0.0'\nvncpasswd = \"set\"\n").Sockets("tcp 0.0.0.0:5901 qemu-system-i386", "tcp 0.0.0.0:5902 qemu-system-i386")),
        Fail("SVC-18", "not all of these are in a guest's file", host => host.Xen().Sockets("tcp 0.0.0.0:5901 qemu-system-i386")),
        NotApplicable("SVC-18", "no guest has a display", host => host.Xen().File("/etc/xen/web.cfg", "name = 'web'\nkernel = '/boot/k'\n").Sockets()),
    ];

    private static ScenarioHost Guest(ScenarioHost host, string devices) => host.Sockets().File("/etc/libvirt/qemu/web.xml", $"<domain><name>web</name><devices>{devices}</devices></domain>").File("/etc/libvirt/libvirtd.conf", "");
}
