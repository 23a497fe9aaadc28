using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class KernelScenarios
{
    private const string Holes = "/sys/devices/system/cpu/vulnerabilities/";
    private const string Nested = "/sys/module/kvm_intel/parameters/nested";
    private const string PciGuest = "<domain><name>web</name><devices><hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/></source></hostdev></devices></domain>";
    private const string XlPci = "name='web'\npci = [ '06:12.5' ]\n";

    // xl(1) shows such lines; which there are and how they are written is Xen's tools/xl/xl_info.c.
    private const string Info = """
        host                   : xen1
        release                : 6.1.0-27-amd64
        threads_per_core       : {0}
        virt_caps              : pv hvm{1}
        xen_major              : 4
        xen_minor              : 17
        xen_extra              : .7
        xen_commandline        : placeholder {2}

        """;

    // The form of print_details in Xen's arch/x86/spec_ctrl.c.
    private const string Speculation = """
        (XEN) Xen version 4.17.3 (Debian 4.17.3+10-g091466ba55-1~deb12u1)
        (XEN) Speculative mitigation facilities:
        (XEN)   Hardware hints:
        (XEN)   Xen settings: {0}
        (XEN)   XPTI (64-bit PV only): Dom0 enabled, DomU enabled (with PCID)

        """;

    // The form of Xen's common/version.c as Debian builds it, with the version of 4.17.7+13-g2445b30a44-0+deb12u1 that is in its binary.
    private const string XensBanner = "(XEN) Xen version 4.17.7 (Debian 4.17.7+13-g2445b30a44-0+deb12u1) (pkg-xen-devel@lists.alioth.debian.org) (x86_64-linux-gnu-gcc (Debian 12.2.0-14+deb12u1) 12.2.0) debug=n\n(XEN) Bootloader: GRUB 2.06\n";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("KRN-01", "none open", host => host.File(Holes + "meltdown", "Mitigation: PTI\n").File(Holes + "mds", "Not affected\n")),
        Fail("KRN-01", "meltdown: Vulnerable", host => host.File(Holes + "meltdown", "Vulnerable\n").File(Holes + "mds", "Not affected\n")),
        Fail("KRN-01", "KVM: Vulnerable", host => host.File(Holes + "itlb_multihit", "KVM: Vulnerable\n")),
        Warn("KRN-01", "SMT vulnerable", host => host.File(Holes + "mds", "Mitigation: Clear CPU buffers; SMT vulnerable\n")),
        Fail("KRN-01", "BHI: Vulnerable", host => host.File(Holes + "spectre_v2", "Mitigation: Retpolines; IBPB: conditional; BHI: Vulnerable\n")),
        Warn("KRN-01", "KVM: SW loop", host => host.File(Holes + "spectre_v2", "Mitigation: Retpolines; IBPB: conditional; BHI: Vulnerable, KVM: SW loop\n")),
        Fail("KRN-01", "VMX: vulnerable", host => host.File(Holes + "l1tf", "Mitigation: PTE Inversion; VMX: vulnerable, SMT vulnerable\n")),
        Pass("KRN-01", "none open", host => host.File(Holes + "itlb_multihit", "KVM: Mitigation: VMX disabled\n").File(Holes + "mds", "Mitigation: Clear CPU buffers; SMT Host state unknown\n")),
        Unknown("KRN-01", "Unknown: Dependent on hypervisor status", host => host.File(Holes + "srbds", "Unknown: Dependent on hypervisor status\n")),
        Unknown("KRN-01", "says nothing", _ => { }),
        Pass("KRN-01", "the kernel and Xen", host => host.Xen().File(Holes + "meltdown", "Unknown (XEN PV detected, hypervisor mitigation required)\n").Says("xl-dmesg", Speculation.Replace("{0}", "BTI-Thunk RETPOLINE, SPEC_CTRL: IBRS+ STIBP+ SSBD-, Other: IBPB-ctxt VERW", StringComparison.Ordinal))),
        Fail("KRN-01", "Xen mitigates nothing", host => host.Xen().File(Holes + "mds", "Not affected\n").Says("xl-dmesg", Speculation.Replace("{0}", "BTI-Thunk N/A, SPEC_CTRL: No, Other:", StringComparison.Ordinal))),
        // spec-ctrl=no: plain jumps, and no bit is set.
        Fail("KRN-01", "Xen mitigates nothing", host => host.Xen().File(Holes + "mds", "Not affected\n").Says("xl-dmesg", Speculation.Replace("{0}", "BTI-Thunk JMP, SPEC_CTRL: IBRS- STIBP- SSBD-, Other: BRANCH_HARDEN", StringComparison.Ordinal))),
        Pass("KRN-01", "the kernel and Xen", host => host.Xen().File(Holes + "mds", "Not affected\n").Says("xl-dmesg", Speculation.Replace("{0}", "BTI-Thunk JMP, SPEC_CTRL: IBRS+ STIBP+ SSBD-, Other: IBPB", StringComparison.Ordinal))),
        Warn("KRN-01", "SMT vulnerable", host => host.Xen().File(Holes + "mds", "Mitigation: Clear CPU buffers; SMT vulnerable\n").Says("xl-dmesg", Speculation.Replace("{0}", "BTI-Thunk RETPOLINE, SPEC_CTRL: No, Other: VERW", StringComparison.Ordinal))),
        Unknown("KRN-01", "not in xl dmesg any more", host => host.Xen().File(Holes + "mds", "Not affected\n").Says("xl-dmesg", "(XEN) something else\n")),

        Pass("KRN-02", "off", host => host.File(Nested, "N\n")),
        Pass("KRN-02", "planned for lab", host => host.File(Nested, "Y\n").WithPlan(Needs("lab", GuestNeed.Nested))),
        Fail("KRN-02", "nested: Y", host => host.File(Nested, "Y\n").WithPlan(Needs("lab", GuestNeed.Migration))),
        Fail("KRN-02", "nested: 1", host => host.File("/sys/module/kvm_amd/parameters/nested", "1\n")),
        Unknown("KRN-02", "not understood", host => host.File(Nested, "maybe\n")),
        NotApplicable("KRN-02", "no module", _ => { }),

        Pass("KRN-03", "off", host => host.File("/sys/kernel/mm/ksm/run", "0\n")),
        Fail("KRN-03", "on", host => host.File("/sys/kernel/mm/ksm/run", "1\n")),
        Unknown("KRN-03", "says '7'", host => host.File("/sys/kernel/mm/ksm/run", "7\n")),
        NotApplicable("KRN-03", "no KSM", _ => { }),

        Pass("KRN-04", "dmar0 is there", host => host.Lacks("xl-list").File("/etc/libvirt/qemu/web.xml", PciGuest).Inode("/sys/class/iommu/dmar0", 'd')),
        Fail("KRN-04", "web.xml: 0000:06:12:5", host => host.Lacks("xl-list").File("/etc/libvirt/qemu/web.xml", PciGuest)),
        Fail("KRN-04", "-Plan: web", host => host.Lacks("xl-list").WithPlan(Needs("web", GuestNeed.PciPassthrough))),
        Pass("KRN-04", "hvm_directio", host => host.Xen().Says("xl-list", "Name ID\n").Says("xl-info", XenInfo("1", " hvm_directio", "")).File("/etc/xen/web.cfg", XlPci)),
        Fail("KRN-04", "Xen has none", host => host.Xen().Says("xl-list", "Name ID\n").Says("xl-info", XenInfo("1", "", "")).File("/etc/xen/web.cfg", XlPci)),
        NotApplicable("KRN-04", "no device is passed through", host => host.Lacks("xl-list")),

        Pass("KRN-05", "0:104 0660", host => host.Inode("/dev/kvm", 'c', 0x1B0, group: 104).File("/etc/group", "kvm:x:104:libvirt-qemu\nusers:x:100:\n")),
        Pass("KRN-05", "for root alone", host => host.Inode("/dev/kvm", 'c', 0x180, group: 100)),
        Warn("KRN-05", "for the group users", host => host.Inode("/dev/kvm", 'c', 0x1B0, group: 100).File("/etc/group", "kvm:x:104:libvirt-qemu\nusers:x:100:\n")),
        Warn("KRN-05", "does not name", host => host.Inode("/dev/kvm", 'c', 0x1B0, group: 999).File("/etc/group", "kvm:x:104:\n")),
        Unknown("KRN-05", "no /etc/group", host => host.Inode("/dev/kvm", 'c', 0x1B0, group: 104)),
        Warn("KRN-05", "0666", host => host.Inode("/dev/kvm", 'c', 0x1B6, group: 104)),
        Fail("KRN-05", "user 1000", host => host.Inode("/dev/kvm", 'c', 0x1B0, owner: 1000)),
        NotApplicable("KRN-05", "there is no /dev/kvm", _ => { }),

        Pass("KRN-06", "Enforcing", host => host.Xen().Says("xl-getenforce", "Enforcing\n")),
        Fail("KRN-06", "permissive", host => host.Xen().Says("xl-getenforce", "Permissive\n")),
        Fail("KRN-06", "Xen runs without it", host => host.Xen().Says("xl-getenforce", "Flask XSM Disabled\n", 255)),
        Pass("KRN-06", "enforcing", host => host.Xen().Says("xl-getenforce", "Enforcing\n", 0, "libxl: a warning")),
        Unknown("KRN-06", "Failed to get", host => host.Xen().Says("xl-getenforce", "", 255, "Failed to get enforcing mode")),
        NotApplicable("KRN-06", "runs Kvm", _ => { }),

        Pass("KRN-07", "threads_per_core 1", host => host.Xen().Says("xl-info", XenInfo("1", "", "dom0_mem=2048M"))),
        Pass("KRN-07", "smt=off", host => host.Xen().Says("xl-info", XenInfo("2", "", "smt=off"))),
        Warn("KRN-07", "nobody decided", host => host.Xen().Says("xl-info", XenInfo("2", "", "dom0_mem=2048M"))),
        Fail("KRN-07", "xpti is off", host => host.Xen().Says("xl-info", XenInfo("1", "", "no-xpti"))),
        Fail("KRN-07", "spec-ctrl is off for xen", host => host.Xen().Says("xl-info", XenInfo("1", "", "spec-ctrl=no-xen"))),
        Fail("KRN-07", "spec-ctrl is off for hvm", host => host.Xen().Says("xl-info", XenInfo("1", "", "spec-ctrl=ibrs,hvm=0"))),
        Fail("KRN-07", "spec-ctrl is off", host => host.Xen().Says("xl-info", XenInfo("1", "", "spec-ctrl=no spec-ctrl=gds-mit"))),
        Fail("KRN-07", "xpti is off for domu", host => host.Xen().Says("xl-info", XenInfo("1", "", "xpti=dom0=1,domu=0"))),
        Warn("KRN-07", "xpti leaves out dom0", host => host.Xen().Says("xl-info", XenInfo("1", "", "xpti=dom0=off"))),
        Warn("KRN-07", "spec-ctrl leaves out l1d-flush", host => host.Xen().Says("xl-info", XenInfo("1", "", "spec-ctrl=no-l1d-flush"))),
        Pass("KRN-07", "grub.cfg:1: smt=0", host => OfflineXen(host, "multiboot2 /boot/xen-4.17-amd64.gz placeholder smt=0\nmodule2 /boot/vmlinuz placeholder root=/dev/vda\n")),
        Fail("KRN-07", "grub.cfg:1: spec-ctrl is off", host => OfflineXen(host, "multiboot2 /boot/xen-4.17-amd64.gz placeholder spec-ctrl=off\nmodule2 /boot/vmlinuz placeholder root=/dev/vda\n")),
        Unknown("KRN-07", "how many threads", host => OfflineXen(host, "multiboot2 /boot/xen-4.17-amd64.gz placeholder\nmodule2 /boot/vmlinuz placeholder root=/dev/vda\n")),
        Unknown("KRN-07", "does not name", host => host.Xen().Says("xl-info", "")),
        NotApplicable("KRN-07", "runs Kvm", _ => { }),

        Pass("KRN-08", "dom0_mem=2048M,max:2048M", host => host.Xen().Says("xl-info", XenInfo("1", "", "dom0_mem=2048M,max:2048M"))),
        Fail("KRN-08", "dom0_mem is not set", host => host.Xen().Says("xl-info", XenInfo("1", "", "console=com1"))),
        Fail("KRN-08", "autoballoon", host => host.Xen().Says("xl-info", XenInfo("1", "", "dom0_mem=2048M")).File("/etc/xen/xl.conf", "#autoballoon=\"auto\"\nautoballoon=\"on\"\n")),
        Fail("KRN-08", "dom0_mem is not set", host => host.Xen().Says("xl-info", XenInfo("1", "", "dom0_mem=min:512M"))),
        // GRUB's entry for a rescue has not all that is set for the others.
        Pass("KRN-08", "grub.cfg:1: dom0_mem=1G", host => OfflineXen(host, "multiboot2 /boot/xen-4.17-amd64.gz placeholder dom0_mem=1G ${xen_rm_opts}\nmodule2 /boot/vmlinuz placeholder root=/dev/vda\nmodule2 --nounzip /boot/initrd.img\n"
            + "multiboot2 /boot/xen-4.17-amd64.gz placeholder ${xen_rm_opts}\nmodule2 /boot/vmlinuz placeholder root=/dev/vda single\nmodule2 --nounzip /boot/initrd.img\n")),
        Fail("KRN-08", "grub.cfg:1: dom0_mem=(not set)", host => OfflineXen(host, "multiboot2 /boot/xen-4.17-amd64.gz placeholder\nmodule2 /boot/vmlinuz placeholder root=/dev/vda\n")),
        Unknown("KRN-08", "no boot entry of Xen", host => host.Offline().Inode("/boot/xen-4.17-amd64.gz")),
        NotApplicable("KRN-08", "runs Kvm", _ => { }),

        Pass("KRN-09", "uname -rv: 6.1.0-27-amd64", host => Kernel(host, "6.1.0-27-amd64", "6.1.115-1").Inode("/boot/vmlinuz-6.1.0-27-amd64").Inode("/boot/vmlinuz-6.1.0-9-amd64")),
        Pass("KRN-09", "the newest", host => host.Says("running-kernel", "release 5.14.0-427.el9.x86_64\nversion #1 SMP PREEMPT_DYNAMIC Wed May 1 19:11:28 UTC 2024\n").Inode("/boot/vmlinuz-5.14.0-427.el9.x86_64").Inode("/boot/vmlinuz-0-rescue-0123")),
        Fail("KRN-09", "6.1.0-27-amd64 is installed", host => Kernel(host, "6.1.0-9-amd64", "6.1.27-1").Inode("/boot/vmlinuz-6.1.0-27-amd64").Inode("/boot/vmlinuz-6.1.0-9-amd64")),
        Fail("KRN-09", "updated to 6.1.119-1", host => Kernel(host, "6.1.0-27-amd64", "6.1.119-1").Inode("/boot/vmlinuz-6.1.0-27-amd64")),
        // A flavour is no newer than another; a backport has its number behind its release.
        Pass("KRN-09", "the newest", host => Kernel(host, "6.1.0-27-amd64", "6.1.115-1").Inode("/boot/vmlinuz-6.1.0-27-amd64").Inode("/boot/vmlinuz-6.1.0-27-cloud-amd64").Inode("/boot/vmlinuz-6.1.0-27-rt-amd64")),
        Fail("KRN-09", "6.1.0-0.deb11.21-amd64 is installed", host => host.Says("running-kernel", "release 6.1.0-0.deb11.17-amd64\nversion #1 SMP\n").Inode("/boot/vmlinuz-6.1.0-0.deb11.21-amd64").Inode("/boot/vmlinuz-6.1.0-0.deb11.17-amd64")),
        Fail("KRN-09", "5.14.0-503.11.1.el9_5.x86_64 is installed", host => host.Says("running-kernel", "release 5.14.0-427.13.1.el9_4.x86_64\nversion #1 SMP\n").Inode("/boot/vmlinuz-5.14.0-427.13.1.el9_4.x86_64").Inode("/boot/vmlinuz-5.14.0-503.11.1.el9_5.x86_64")),
        Unknown("KRN-09", "has its version in its name", host => host.Says("running-kernel", "release 6.9.1-arch1-1\nversion #1 SMP\n").Inode("/boot/vmlinuz-linux")),
        Pass("KRN-09", "Xen 4.17.7, of package version 4.17.7+13", host => Xen(host, "4.17.7+13-g2445b30a44-0+deb12u1", XensBanner)),
        Fail("KRN-09", "its package was updated to 4.17.8", host => Xen(host, "4.17.8+1-gaaaaaaaaaa-0+deb12u1", XensBanner)),
        Fail("KRN-09", "/boot/xen-4.20-amd64.gz is installed", host => Xen(host.Inode("/boot/xen-4.20-amd64.gz"), "4.17.7+13-g2445b30a44-0+deb12u1", XensBanner)),
        Unknown("KRN-09", "not in xl dmesg any more", host => Xen(host, "4.17.7+13-g2445b30a44-0+deb12u1", "(XEN) something later\n")),
        Unknown("KRN-09", "no installed Xen was found", host => Kernel(host.Xen(), "6.1.0-27-amd64", "6.1.115-1").Inode("/boot/vmlinuz-6.1.0-27-amd64").Says("xl-info", XenInfo("1", "", "")).Says("xl-dmesg", XensBanner)),
        Unknown("KRN-09", "no installed kernel", host => Kernel(host, "6.1.0-27-amd64", "6.1.115-1")),
        Unknown("KRN-09", "it does not run", host => host.Offline().Inode("/boot/vmlinuz-6.1.0-27-amd64")),

        Pass("KRN-10", "all set", host => Sysctl(host, "1", "2", "1", "1")),
        Fail("KRN-10", "kptr_restrict: 0", host => Sysctl(host, "1", "0", "1", "1")),
        Fail("KRN-10", "ptrace_scope: the kernel has none", host => host.File("/proc/sys/kernel/dmesg_restrict", "1\n").File("/proc/sys/kernel/kptr_restrict", "1\n").File("/proc/sys/kernel/kexec_load_disabled", "1\n")),
        Pass("KRN-10", "kexec_load_disabled: the kernel has none", host => host.File("/proc/sys/kernel/dmesg_restrict", "1\n").File("/proc/sys/kernel/kptr_restrict", "1\n").File("/proc/sys/kernel/yama/ptrace_scope", "1\n")),
        Unknown("KRN-10", "could be read", _ => { }),
        Unknown("KRN-10", "not understood", host => Sysctl(host, "x", "1", "1", "1")),

        Pass("KRN-11", "restricted", host => XenGuest(host, "name='win'\ntype='hvm'\ndm_restrict=1\n", 65537)),
        Fail("KRN-11", "neither dm_restrict", host => XenGuest(host, "name='win'\nbuilder='hvm'\ndm_restrict=0\n", 65537)),
        Fail("KRN-11", "runs as root", host => XenGuest(host, "name='win'\ntype='hvm'\ndevice_model_stubdomain_override=1\n", 0)),
        Fail("KRN-11", "neither dm_restrict", host => XenGuest(host, "name='win'\ntype='hvm'\ndevice_model_user='root'\n", 65537)),
        Fail("KRN-11", "(xen-qemu-system): runs as root", host => DebiansXen(host, "name='web'\n", "/user.slice/user-0.slice/session-1.scope")),
        NotApplicable("KRN-11", "no guest has a device model", host => DebiansXen(host, "name='web'\n", "/system.slice/xen.service")),
        Fail("KRN-11", "neither dm_restrict", host => OfflineXen(host, "").File("/etc/xen/win.cfg", "name='win'\ntype='hvm'\n")),
        Pass("KRN-11", "restricted", host => OfflineXen(host, "").File("/etc/xen/win.cfg", "name='win'\ntype='hvm'\ndm_restrict=1\n")),
        Unknown("KRN-11", "web.cfg: ", host => DebiansXen(host, "name='web'\ndef kind(): return 'hvm'\ntype = kind\n", "/system.slice/xen.service")),
        Unknown("KRN-11", "no answer within", host => host.Xen().Hangs("processes").Says("xl-list", "Name ID\n")),
        NotApplicable("KRN-11", "no guest has a device model", host => SELinuxScenarios.Processes(host.Xen(), (1, "/sbin/init", "system_u:system_r:init_t:s0", "")).Says("xl-list", "Name ID\n")),

        Pass("KRN-12", "none permissive", host => Passing(host, XlPci, " hvm_directio", "")),
        Fail("KRN-12", "permissive=1", host => Passing(host, "name='web'\npci = [ '06:12.5,permissive=1' ]\n", " hvm_directio", "")),
        Fail("KRN-12", "pci_permissive", host => Passing(host, XlPci + "pci_permissive=1\n", " hvm_directio", "")),
        Fail("KRN-12", "iommu=no", host => Passing(host, XlPci, " hvm_directio", "iommu=no")),
        Fail("KRN-12", "no IOMMU", host => Passing(host, XlPci, "", "")),
        Fail("KRN-12", "permissive", host => Passing(host, "name='web'\npci = [ '06:12.5,seize=1,permissive' ]\n", " hvm_directio", "")),
        Pass("KRN-12", "none permissive", host => Passing(host, "name='web'\npci = [ '06:12.5,permissive=0' ]\n", " hvm_directio", "").File("/sys/module/xen_pciback/parameters/permissive", "N\n")),
        Fail("KRN-12", "/sys/module/xen_pciback/parameters/permissive: Y", host => Passing(host, XlPci, " hvm_directio", "").File("/sys/module/xen_pciback/parameters/permissive", "Y\n")),
        Fail("KRN-12", "permissive=1", host => OfflineXen(host, "").File("/etc/xen/web.cfg", "name='web'\npci = [ '06:12.5,permissive=1' ]\n")),
        Unknown("KRN-12", "does not run", host => OfflineXen(host, "").File("/etc/xen/web.cfg", XlPci)),
        NotApplicable("KRN-12", "no device is passed through", host => Passing(host, "name='web'\ndisk=[]\n", "", "")),
    ];

    private static DeploymentPlan Needs(string guest, GuestNeed need) => new() { Guests = [new(guest) { Needs = [need] }] };

    private static string XenInfo(string threads, string capabilities, string line) =>
        Info.Replace("{0}", threads, StringComparison.Ordinal).Replace("{1}", capabilities, StringComparison.Ordinal).Replace("{2}", line, StringComparison.Ordinal);

    private static ScenarioHost Kernel(ScenarioHost host, string release, string package) =>
        host.Says("running-kernel", $"release {release}\nversion #1 SMP PREEMPT_DYNAMIC Debian {(release.Contains("-27-", StringComparison.Ordinal) ? "6.1.115-1" : "6.1.27-1")} (2024-11-01)\npackage {package}\n");

    private static ScenarioHost Xen(ScenarioHost host, string package, string messages) => host.Xen().Inode("/boot/vmlinuz-6.1.0-27-amd64").Inode("/boot/xen-4.17-amd64.gz").Says("xl-info", XenInfo("1", "", "")).Says("xl-dmesg", messages)
        .Says("running-kernel", $"release 6.1.0-27-amd64\nversion #1 SMP PREEMPT_DYNAMIC Debian 6.1.115-1 (2024-11-01)\npackage 6.1.115-1\nhypervisor {package}\n");

    private static ScenarioHost OfflineXen(ScenarioHost host, string grub) => host.Xen().Offline().Inode("/boot/xen-4.17-amd64.gz").File("/boot/grub/grub.cfg", grub);

    /// <summary>A dom0 of Debian 12, on which QEMU runs as Debian names it for Xen, in some control group.</summary>
    private static ScenarioHost DebiansXen(ScenarioHost host, string config, string group) => host.Xen().File("/etc/xen/web.cfg", config).Says("xl-list", "Name ID\n").Says(
        "processes", $"8/exe:/usr/libexec/xen-qemu-system-i386\0\08/status:Name:\txen-qemu-system\n8/status:Uid:\t0\t0\t0\t0\n8/cgroup:0::{group}\n");

    private static ScenarioHost Sysctl(ScenarioHost host, string dmesg, string kptr, string ptrace, string kexec) => host.File("/proc/sys/kernel/dmesg_restrict", dmesg + "\n").File("/proc/sys/kernel/kptr_restrict", kptr + "\n")
        .File("/proc/sys/kernel/yama/ptrace_scope", ptrace + "\n").File("/proc/sys/kernel/kexec_load_disabled", kexec + "\n");

    private static ScenarioHost XenGuest(ScenarioHost host, string config, int user) => host.Xen().File("/etc/xen/win.cfg", config).Says("xl-list", "Name ID\n").Says(
        "processes", $"9/exe:/usr/lib/xen-4.17/bin/qemu-system-i386\08/exe:/usr/bin/qemu-system-i386\0\09/status:Name:\tqemu-system-i38\n9/status:Uid:\t{user}\t{user}\t{user}\t{user}\n"
            + "8/status:Name:\tqemu-system-i38\n8/status:Uid:\t0\t0\t0\t0\n8/cgroup:0::/system.slice/xen-qemu-dom0-disk-backend.service\n");

    private static ScenarioHost Passing(ScenarioHost host, string config, string capabilities, string line) => host.Xen().File("/etc/xen/web.cfg", config).Says("xl-list", "Name ID\n").Says("xl-info", XenInfo("1", capabilities, line));
}
