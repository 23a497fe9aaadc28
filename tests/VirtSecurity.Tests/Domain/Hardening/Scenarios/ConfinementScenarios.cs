using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Services;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class ConfinementScenarios
{
    private const string Qemu = "/etc/libvirt/qemu.conf";
    private const string Program = "/usr/bin/qemu-system-x86_64";
    private const string Scope = "/machine.slice/machine-qemu-1-web.scope";
    private const string Pci = "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/></source></hostdev>";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("QMU-01", "libvirt takes the host's", host => Conf(host, Recorded("qemu.conf")).Enforcing()),
        Pass("QMU-01", "/sys/module/apparmor/parameters/enabled: Y", host => Conf(host, "").File("/sys/module/apparmor/parameters/enabled", "Y\n")),
        Fail("QMU-01", "neither SELinux nor AppArmor", host => Conf(host, Recorded("qemu.conf")).File("/sys/module/apparmor/parameters/enabled", "N\n")),
        Pass("QMU-01", "SELINUX=enforcing", host => Conf(host.Offline().Inode("/usr/sbin/libvirtd").Inode("/usr/bin/qemu-system-x86_64"), "").Enforcing()),
        Unknown("QMU-01", "seen on a host that runs only", host => Conf(host.Offline().Inode("/usr/sbin/libvirtd").Inode("/usr/bin/qemu-system-x86_64"), "").File("/etc/selinux/config", "SELINUX=disabled\n")),
        Pass("QMU-01", "selinux, dac", host => Conf(host, "security_driver = [ \"selinux\", \"dac\" ]\n")),
        Fail("QMU-01", "security_driver = none", host => Conf(host, "security_driver = \"none\"\n")),
        Fail("QMU-01", "security_driver = []", host => Conf(host, "security_driver = []\n")),
        Fail("QMU-01", "dac", host => Conf(host, "security_driver = \"dac\"\n")),
        Unknown("QMU-01", "was not read", host => host.Inode(Qemu, reason: "Permission denied")),
        NotApplicable("QMU-01", "no libvirt", _ => { }),
        NotApplicable("QMU-01", "runs Xen", host => Conf(host.Xen(), "security_driver = \"none\"\n")),

        Pass("QMU-02", "1, as libvirt has it", host => Conf(host, Recorded("qemu.conf"))),
        Fail("QMU-02", "security_default_confined = 0", host => Conf(host, "security_default_confined = 0\n")),
        NotApplicable("QMU-02", "no libvirt", _ => { }),

        Pass("QMU-03", "security_require_confined = 1", host => Conf(host, "security_require_confined = 1\n")),
        Fail("QMU-03", "is not set", host => Conf(host, Recorded("qemu.conf"))),
        NotApplicable("QMU-03", "no libvirt", _ => { }),

        Pass("QMU-04", "libvirt-qemu by itself", host => Conf(host, Recorded("qemu.conf")).Processes((7, Program, 64055, Scope))),
        Fail("QMU-04", "user = root", host => Conf(host, "user = \"root\"\n").Hangs("processes")),
        Fail("QMU-04", "root by itself", host => Conf(host, "#user = \"root\"\n#group = \"root\"\n").Processes((7, "/sbin/init", 0, "/"))),
        Fail("QMU-04", "user 0, group 0", host => Conf(host, "user = \"qemu\"\ngroup = \"qemu\"\n").Processes((7, Program, 0, Scope))),
        Unknown("QMU-04", "does not say", host => Conf(host, "").Processes((7, "/sbin/init", 0, "/"))),
        NotApplicable("QMU-04", "no libvirt", _ => { }),

        Pass("QMU-05", "1 running, each filtered", host => Conf(host, Recorded("qemu.conf")).Processes((7, Program, 64055, Scope))),
        Fail("QMU-05", "seccomp_sandbox = 0", host => Conf(host, "seccomp_sandbox = 0\n").Processes((1, "/sbin/init", 0, "/"))),
        Fail("QMU-05", "Seccomp: 0", host => Conf(host, "").Processes(0, (7, Program, 64055, Scope))),
        Unknown("QMU-05", "no answer within", host => Conf(host, "").Hangs("processes")),

        Pass("QMU-06", "mount, as libvirt has it", host => Conf(host, Recorded("qemu.conf"))),
        Fail("QMU-06", "namespaces = []", host => Conf(host, "namespaces = []\n")),
        NotApplicable("QMU-06", "no libvirt", _ => { }),

        Pass("QMU-07", "devices controller is there", host => Conf(host, Recorded("qemu.conf")).Inode("/sys/fs/cgroup/devices", 'd')),
        Fail("QMU-07", "cgroup_device_acl has /dev/nbd0", host => Conf(host, "cgroup_device_acl = [ \"/dev/nbd0\" ]\n").Inode("/sys/fs/cgroup/cgroup.controllers")),
        Fail("QMU-07", "cgroup_device_acl has /dev/sda", host => Conf(host, "cgroup_device_acl = [\n  \"/dev/null\", # always\n  \"/dev/sda\"\n]\n").Inode("/sys/fs/cgroup/devices", 'd')),
        Fail("QMU-07", "cgroup_controllers = [cpu, memory]", host => Conf(host, "cgroup_controllers = [ \"cpu\", \"memory\" ]\n").Inode("/sys/fs/cgroup/cgroup.controllers")),
        NotApplicable("QMU-07", "version 2", host => Conf(host, "").Inode("/sys/fs/cgroup/cgroup.controllers")),

        Pass("QMU-08", "none", host => Guest(host, "<seclabel type='dynamic' model='selinux' relabel='yes'/><seclabel type='none' model='dac'/>", "")),
        Fail("QMU-08", "the guest: <seclabel type='none'/>", host => Guest(host, "<seclabel type='none'/>", "")),
        Fail("QMU-08", "a console: <seclabel relabel='no'/>", host => Guest(host, "", "<console type='file'><source path='/x'><seclabel model='selinux' relabel='no'/></source></console>")),
        Fail("QMU-08", "a disk: <seclabel relabel='no'/>", host => Guest(host, "", "<disk><source file='/x'><seclabel model='selinux' relabel='no'/></source></disk>")),
        Pass("QMU-08", "only as planned", host => Guest(host.WithPlan(Needing(GuestNeed.OwnLabel)), "<seclabel type='static' model='selinux' relabel='no'/>", "")),
        Unknown("QMU-08", "has no domain", host => host.File("/etc/libvirt/qemu/web.xml", "<network/>")),
        NotApplicable("QMU-08", "no guest is defined", _ => { }),

        Pass("QMU-09", "none", host => Guest(host, "", "")),
        Fail("QMU-09", "2 of QEMU's own arguments", host => Guest(host, "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-s'/><qemu:env name='A' value='b'/></qemu:commandline>", "")),
        Pass("QMU-09", "only as planned", host => Guest(host.WithPlan(Needing(GuestNeed.QemuArguments)), "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-s'/></q:commandline>", "")),
        NotApplicable("QMU-09", "no guest is defined", _ => { }),

        Pass("QMU-10", "no device", host => Guest(Conf(host, Recorded("qemu.conf")), "", "")),
        Fail("QMU-10", "relaxed_acs_check = 1", host => Conf(host, "relaxed_acs_check = 1\n")),
        Warn("QMU-10", "web: usb", host => Guest(Conf(host.WithPlan(Needing(GuestNeed.PciPassthrough)), ""), "", Pci + "<hostdev mode='subsystem' type='usb'><source/></hostdev>")),
        Warn("QMU-10", "no plan says", host => Guest(Conf(host, ""), "", Pci)),
        Fail("QMU-10", "web: PCI 0000:06:12:5", host => Guest(Conf(host.WithPlan(new()), ""), "", Pci)),
        Pass("QMU-10", "as planned", host => Guest(Conf(host.WithPlan(Needing(GuestNeed.PciPassthrough)), ""), "", Pci)),
        NotApplicable("QMU-10", "no libvirt", _ => { }),

        Pass("QMU-11", "they do not", host => Guest(Conf(host, Recorded("qemu.conf")), "<memory unit='KiB' dumpCore='off'>1</memory>", "")),
        Fail("QMU-11", "dump_guest_core = 1", host => Conf(host, "dump_guest_core = 1\n")),
        Fail("QMU-11", "dumpCore='on'", host => Guest(Conf(host, ""), "<memory dumpCore='on'>1</memory>", "")),
        NotApplicable("QMU-11", "no libvirt", _ => { }),

        Pass("QMU-12", "1, as libvirt has it", host => Conf(host, Recorded("qemu.conf"))),
        Fail("QMU-12", "remember_owner = 0", host => Conf(host, "remember_owner = 0\n")),
        Fail("QMU-12", "dynamic_ownership = 0", host => Conf(host, "dynamic_ownership = 0\n")),
        NotApplicable("QMU-12", "no libvirt", _ => { }),
    ];

    private static DeploymentPlan Needing(GuestNeed need) => new() { Guests = [new("web") { Needs = [need] }] };

    private static ScenarioHost Conf(ScenarioHost host, string text) => host.File(Qemu, text);

    private static ScenarioHost Guest(ScenarioHost host, string elements, string devices) => host.File("/etc/libvirt/qemu/web.xml", $"<domain><name>web</name>{elements}<devices>{devices}</devices></domain>");
}
