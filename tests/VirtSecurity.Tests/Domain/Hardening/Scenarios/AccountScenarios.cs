using VirtSecurity.Planning;
using VirtSecurity.Tests.Engine;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class AccountScenarios
{
    private const string System = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nlibvirt-qemu:x:64055:104:Libvirt Qemu,,,:/var/lib/libvirt:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
    private const string Anna = "anna:x:1000:1000:Anna,,,:/home/anna:/bin/bash\n";
    private const string Groups = "root:x:0:\nsudo:x:27:\nkvm:x:104:\nlibvirt:x:105:\n";
    private const string Polkit = "/usr/share/polkit-1/rules.d/60-libvirt.rules";

    // Debian 12's libvirt-daemon-system 9.0.0-4 has a rule of this form.
    private const string DebiansRule = """
        // Allow any user in the 'libvirt' group to connect to system libvirtd
        // without entering a password.

        polkit.addRule(function(action, subject) {
            if (action.id == "org.libvirt.unix.manage" &&
                subject.isInGroup("libvirt")) {
                return polkit.Result.YES;
            }
        });

        """;

    private static readonly string DebiansSudoers = global::System.IO.File.ReadAllText(Path.Combine(EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "accounts", "sudoers-debian12.txt"));

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("ACC-01", "no other account", host => Users(host)),
        Pass("ACC-01", "no other account", host => Users(host, Anna).WithPlan(new() { Users = ["anna"] })),
        Pass("ACC-01", "no other account", host => Users(host, Anna).WithPlan(new() { Administrators = ["anna"] })),
        Pass("ACC-01", "no other account", host => Users(host, Anna).File("/etc/login.defs", "# UID_MIN 10\nUID_MIN\t\t\t 2000\n")),
        Pass("ACC-01", "no other account", host => Users(host, "bob:x:1001:1001::/home/bob:/sbin/nologin\n").Offline()),
        Fail("ACC-01", "anna (1000) has /bin/bash", host => Users(host, Anna)),
        Fail("ACC-01", "bob (1001) has /bin/sh", host => Users(host, "bob:x:1001:1001::/home/bob:\n")),
        Fail("ACC-01", "anna (1000)", host => Users(host, Anna).File("/etc/nsswitch.conf", "passwd: files ldap\n")),
        Unknown("ACC-01", "come from sss, ldap", host => Users(host).File("/etc/nsswitch.conf", "passwd:  files systemd sss [NOTFOUND=return] ldap # old\n").Inode("/etc/sssd/conf.d/ad.conf")),
        // Fedora names sss and systemd wherever; they know nobody until they are told.
        Pass("ACC-01", "no other account", host => Users(host).File("/etc/nsswitch.conf", "passwd:     files sss systemd\ngroup:      files [SUCCESS=merge] sss [SUCCESS=merge] systemd\n")),
        Unknown("ACC-01", "come from systemd", host => Users(host).File("/etc/nsswitch.conf", "passwd: files systemd\n").Inode("/var/lib/systemd/home/anna.identity")),
        Unknown("ACC-01", "NIS may add some", host => Users(host, "+::::::\n")),
        Pass("ACC-01", "no other account", host => Users(host, "git:x:1002:1002::/srv/git:/usr/bin/git-shell\n")),
        Unknown("ACC-01", "no /etc/passwd", _ => { }),
        Unknown("ACC-01", "is no account", host => Users(host, "half a line\n")),

        Pass("ACC-02", "only root", host => Users(host, Anna)),
        Fail("ACC-02", "toor has the number 0", host => Users(host, "toor:x:0:0::/root:/bin/sh\n")),
        Fail("ACC-02", "toor has the number 0", host => Users(host, "toor:x:00:0::/root:/bin/sh\n")),
        Fail("ACC-02", "no account named root", host => host.File("/etc/passwd", Anna)),
        Unknown("ACC-02", "the number of odd", host => Users(host, "odd:x:+0:0::/root:/bin/sh\n")),
        Unknown("ACC-02", "no /etc/passwd", _ => { }),

        Pass("ACC-03", "none", host => Users(host, Anna).File("/etc/group", Groups + "anna:x:1000:\n")),
        Pass("ACC-03", "none", host => Users(host, Anna).File("/etc/group", "libvirt:x:105:anna,root\nkvm:x:104:libvirt-qemu\n").WithPlan(new() { Administrators = ["anna"] })),
        Fail("ACC-03", "anna is in libvirt", host => Users(host, Anna).File("/etc/group", "libvirt:x:105:root,anna\nkvm:x:104:\n")),
        Fail("ACC-03", "anna is in disk", host => Users(host, Anna).File("/etc/group", "disk:x:1000:\nkvm:x:104:\n")),
        Fail("ACC-03", "carla is in kvm", host => Users(host).File("/etc/group", "kvm:x:104:carla\n")),
        Warn("ACC-03", "the service account nagios is in libvirt", host => Users(host, "nagios:x:110:110::/var/lib/nagios:/bin/sh\n").File("/etc/group", "libvirt:x:105:nagios\n")),
        Fail("ACC-03", "anna is in libvirt", host => Users(host, Anna + "nagios:x:110:110::/var/lib/nagios:/bin/sh\n").File("/etc/group", "libvirt:x:105:nagios,anna\n")),
        // Whoever calls himself so and logs in is a person.
        Fail("ACC-03", "qemu is in kvm", host => Users(host, "qemu:x:1007:1007::/home/qemu:/bin/bash\n").File("/etc/group", "kvm:x:104:qemu\n")),
        Pass("ACC-03", "none", host => Users(host, "qemu:x:107:107::/:/sbin/nologin\n").File("/etc/group", "kvm:x:36:qemu\nqemu:x:107:\n")),
        Unknown("ACC-03", "come from ldap", host => Users(host).File("/etc/group", Groups).File("/etc/nsswitch.conf", "group: files ldap\n")),
        Unknown("ACC-03", "no /etc/group", host => Users(host)),

        Pass("ACC-04", "yes to libvirt", host => host.File(Polkit, DebiansRule)),
        Pass("ACC-04", "yes to named users", host => host.File(Polkit, DebiansRule.Replace("isInGroup(\"libvirt\")", "user == \"anna\"", StringComparison.Ordinal))),
        Pass("ACC-04", "no rule says yes", host => host.File("/etc/polkit-1/rules.d/49-net.rules", "polkit.addRule(function(action) { if (action.id.indexOf('org.freedesktop.NetworkManager.') == 0) { return polkit.Result.YES; } });\n")),
        Pass("ACC-04", "no rule says yes", host => host.File(Polkit, "// polkit.addRule(function(action, subject) { return polkit.Result.YES; });\n/* addRule Result.YES */\n")),
        Fail("ACC-04", "yes to anybody", host => host.File("/etc/polkit-1/rules.d/1.rules", "polkit.addRule(function(action, subject) { if (action.id == 'org.libvirt.unix.manage') return polkit.Result.YES; });\n")),
        Fail("ACC-04", "yes to anybody", host => host.File("/etc/polkit-1/rules.d/1.rules", "polkit.addRule(function(action) { if (action.id.indexOf(\"org.libvirt\") === 0) { return \"yes\"; } });\n")),
        Fail("ACC-04", "yes to anybody", host => host.File("/etc/polkit-1/rules.d/1.rules", "polkit.addRule(function() { return polkit.Result.YES; });\n")),
        Fail("ACC-04", "yes to anybody", host => host.File("/etc/polkit-1/localauthority/50-local.d/virt.pkla", "[virt]\nIdentity=unix-user:*\nAction=org.libvirt.*\nResultAny=yes\n")),
        Fail("ACC-04", "yes to anybody", host => host.File("/usr/share/polkit-1/actions/org.libvirt.unix.policy", "<action id=\"org.libvirt.unix.manage\"><defaults><allow_any>auth_admin_keep</allow_any><allow_active>yes</allow_active></defaults></action>")),
        Pass("ACC-04", "no rule says yes", host => host.File("/usr/share/polkit-1/actions/org.libvirt.unix.policy", "<action id=\"org.libvirt.unix.monitor\"><defaults><allow_any>yes</allow_any></defaults></action><action id=\"org.libvirt.unix.manage\"><defaults><allow_any>auth_admin_keep</allow_any></defaults></action>")),
        Warn("ACC-04", "the group users", host => host.File(Polkit, DebiansRule.Replace("\"libvirt\")", "\"users\")", StringComparison.Ordinal))),
        Unknown("ACC-04", "cannot be told", host => host.File(Polkit, DebiansRule.Replace("subject.isInGroup", "!subject.isInGroup", StringComparison.Ordinal))),
        NotApplicable("ACC-04", "polkit has no rules", _ => { }),

        Pass("ACC-05", "no empty password", host => Users(host).File("/etc/group", Groups).File("/etc/shadow", "root:set\nanna:locked\n")),
        Fail("ACC-05", "the password of anna is empty", host => Users(host).File("/etc/group", Groups).File("/etc/shadow", "root:set\nanna:empty\n")),
        Fail("ACC-05", "/etc/passwd: the password of bob", host => Users(host, "bob::1001:1001::/home/bob:/bin/sh\n").File("/etc/group", Groups).File("/etc/shadow", "root:set\n")),
        Fail("ACC-05", "/etc/passwd: +@admins", host => Users(host, "+@admins::::::\n").File("/etc/group", Groups).File("/etc/shadow", "root:set\n")),
        Fail("ACC-05", "/etc/group: +:::", host => Users(host).File("/etc/group", Groups + "+:::\n").File("/etc/shadow", "root:set\n")),
        Unknown("ACC-05", "no /etc/shadow", host => Users(host).File("/etc/group", Groups)),
        Unknown("ACC-05", "not understood", host => Users(host).File("/etc/group", Groups).File("/etc/shadow", "root\n")),

        Pass("ACC-06", "%sudo may do all, with a password", host => Sudo(host, "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")),
        Pass("ACC-06", "by name and password", host => Sudo(host, "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL) ALL\nbackup ALL=(root) NOPASSWD: /usr/sbin/lvs, \\\n  /usr/sbin/vgs\n", "sudo:x:27:anna\n").WithPlan(new() { Administrators = ["anna"] })),
        Fail("ACC-06", "/etc/sudoers:2: anna may do all without a password", host => Sudo(host, "# who\nanna ALL=(ALL) NOPASSWD: ALL\n")),
        Fail("ACC-06", "/etc/sudoers.d/90-cloud:1: debian may do all without", host => Sudo(host, "root ALL=(ALL) ALL\n#includedir /etc/sudoers.d\n").File("/etc/sudoers.d/90-cloud", "debian ALL=(ALL) NOPASSWD:ALL\n").File("/etc/sudoers.d/README", "# nothing\n")),
        Fail("ACC-06", "anna may do all without", host => Sudo(host, "User_Alias ADMINS = anna, bob\nCmnd_Alias ANY = ALL\nADMINS ALL = NOPASSWD: ANY\n")),
        Fail("ACC-06", "!authenticate", host => Sudo(host, "Defaults !authenticate\nroot ALL=(ALL) ALL\n")),
        Fail("ACC-06", "bob may do all, and is no planned administrator", host => Sudo(host, "%sudo ALL=(ALL) ALL\n", "sudo:x:27:anna,bob\n").WithPlan(new() { Administrators = ["anna"] })),
        Fail("ACC-06", "there is no sudo", host => host.File("/etc/shadow", "root:set\n").File("/etc/group", Groups)),
        Warn("ACC-06", "root has a password", host => Sudo(host, "root ALL=(ALL) ALL\n", root: "set")),
        NotApplicable("ACC-06", "nobody becomes root by one", host => host.File("/etc/shadow", "root:locked\n").File("/etc/group", Groups)),
        Pass("ACC-06", "%sudo may do all, with a password", host => Sudo(host, DebiansSudoers).File("/etc/sudoers.d/README", "# nothing\n")),
        Pass("ACC-06", "by name and password", host => Sudo(host, "%dba ALL=(oracle) NOPASSWD: ALL\nanna ALL=(ALL) NOPASSWD: /usr/sbin/lvs, PASSWD: ALL\nroot ALL=(ALL) NOPASSWD: ALL\n")),
        Pass("ACC-06", "by name and password", host => Sudo(host, "root ALL=(ALL) ALL\n").File("/etc/sudoers.d/unread", "anna ALL=(ALL) NOPASSWD: ALL\n")),
        Fail("ACC-06", "/etc/sudoers:1: anna may do all without", host => Sudo(host, "anna ALL=(ALL) NOPASSWD: /usr/sbin/lvs, (root) ALL\n")),
        Fail("ACC-06", "/etc/sudoers:1: anna may do all without", host => Sudo(host, "anna web = /usr/sbin/lvs : db = (oracle, root) NOPASSWD: SETENV: ALL\n")),
        Fail("ACC-06", "/etc/sudoers:2: dan may do all without", host => Sudo(host, "User_Alias MORE = dan : ADMINS = bob, MORE\nADMINS, !bob ALL = NOPASSWD: ALL\n")),
        Fail("ACC-06", "everybody may do all", host => Sudo(host, "ALL ALL=(ALL) ALL\n")),
        Fail("ACC-06", "targetpw", host => Sudo(host, "Defaults env_reset, targetpw\nroot ALL=(ALL) ALL\n")),
        Fail("ACC-06", "exempt_group=staff", host => Sudo(host, "Defaults exempt_group=staff\nroot ALL=(ALL) ALL\n")),
        Fail("ACC-06", "bob may do all, and is no planned", host => Sudo(host, "#1001 ALL=(ALL) ALL\n").WithPlan(new() { Administrators = ["anna"] })),
        Fail("ACC-06", "bob may do all, and is no planned", host => Sudo(host.File("/etc/passwd", "bob:x:1001:27::/home/bob:/bin/sh\n"), "%#27 ALL=(ALL) ALL\n", "sudo:x:27:\n").WithPlan(new())),
        Pass("ACC-06", "%wheel may do all, with a password", host => Sudo(host, "%wheel ALL=(ALL) ALL\n").WithPlan(new())),
        Unknown("ACC-06", "the host's own files do not tell", host => Sudo(host, "+operators ALL=(ALL) ALL\n").WithPlan(new())),
        Unknown("ACC-06", "who else that is", host => Sudo(host, "%sudo ALL=(ALL) ALL\n", "sudo:x:27:anna\n").File("/etc/nsswitch.conf", "group: files sss\n").Inode("/etc/sssd/sssd.conf").WithPlan(new() { Administrators = ["anna"] })),
        Unknown("ACC-06", "rules of sudo also come from sss", host => Sudo(host, "root ALL=(ALL) ALL\n").File("/etc/nsswitch.conf", "sudoers: files sss\n").Inode("/etc/sssd/sssd.conf")),
        Unknown("ACC-06", "includes /etc/more", host => Sudo(host, "root ALL=(ALL) ALL\n@include /etc/more\n")),
        Unknown("ACC-06", "is not understood", host => Sudo(host, "no grant at all\n")),

        Pass("ACC-07", "planned administrators", host => host.Says("sessions", "anna     pts/0        2026-11-26 08:00 (10.0.2.2)\n").WithPlan(new() { Administrators = ["anna"] })),
        Pass("ACC-07", "nobody is logged in", host => host.Says("sessions", "").Inode("/run/utmp").WithPlan(new())),
        Unknown("ACC-07", "there is no /run/utmp", host => host.Says("sessions", "").WithPlan(new())),
        Warn("ACC-07", "bob", host => host.Says("sessions", "bob      tty1         2026-11-26 08:00\n").WithPlan(new() { Administrators = ["anna"] })),
        NotApplicable("ACC-07", "none was given", host => host.Says("sessions", "")),
        Unknown("ACC-07", "no answer within", host => host.Hangs("sessions").WithPlan(new())),
    ];

    private static ScenarioHost Users(ScenarioHost host, string more = "") => host.File("/etc/passwd", System + more);

    private static ScenarioHost Sudo(ScenarioHost host, string sudoers, string groups = Groups, string root = "locked") => host.File("/etc/sudoers", sudoers, 0x120).File("/etc/group", groups).File("/etc/shadow", $"root:{root}\n")
        .File("/etc/passwd", System + "bob:x:1001:1001::/home/bob:/bin/sh\n");
}
