using System.Buffers.Binary;
using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class SELinuxScenarios
{
    private const string GrubFile = "/boot/grub/grub.cfg";

    // Comments name the settings too, as distributions' do.
    private const string CommentedConfig = """
        # SELINUX= can take one of these three values:
        # enforcing - SELinux security policy is enforced.
        # permissive - SELinux prints warnings instead of enforcing.
        SELINUX=enforcing
        # SELINUXTYPE= can take one of these two values:
        SELINUXTYPE=default

        # SETLOCALDEFS= Check local definition changes
        SETLOCALDEFS=0

        """;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("SEL-01", "enforce: 1", host => host.Enforcing()),
        Fail("SEL-01", "permissive", host => host.File("/sys/fs/selinux/enforce", "0")),
        Fail("SEL-01", "not there", _ => { }),
        Unknown("SEL-01", "says 'x'", host => host.File("/sys/fs/selinux/enforce", "x")),
        Unknown("SEL-01", "it does not run", host => host.Offline()),

        Pass("SEL-02", "enforcing now and at boot", host => host.Enforcing()),
        Pass("SEL-02", "enforcing at boot", host => host.Offline().Enforcing()),
        Fail("SEL-02", "permissive at the next boot", host => host.File("/etc/selinux/config", "SELINUX=permissive\n").Enforcing()),
        Fail("SEL-02", "but not now", host => host.File("/sys/fs/selinux/enforce", "0").Enforcing()),
        Fail("SEL-02", "names no mode", host => host.File("/etc/selinux/config", "# SELINUX=enforcing\nSELINUX=on\n").Enforcing()),
        // selinux_config.c: the first line that names a mode counts, from the line's beginning, whatever follows the mode.
        Fail("SEL-02", "permissive at the next boot", host => host.File("/etc/selinux/config", "SELINUX=permissive\nSELINUX=enforcing\nSELINUXTYPE=default\n").Enforcing()),
        Pass("SEL-02", "enforcing now and at boot", host => host.File("/etc/selinux/config", CommentedConfig).Enforcing()),
        Pass("SEL-02", "enforcing now and at boot", host => host.File("/etc/selinux/config", "SELINUX= Enforcing # as it should be\n").Enforcing()),
        Fail("SEL-02", "names no mode", host => host.File("/etc/selinux/config", " SELINUX=enforcing\nSELINUX = enforcing\n").Enforcing()),
        NotApplicable("SEL-02", "SELinux is off", _ => { }),
        NotApplicable("SEL-02", "SELinux is off", host => host.Offline().File("/etc/selinux/config", "SELINUX=disabled\n")),
        Unknown("SEL-02", "was not read", host => host.Inode("/etc/selinux/config", reason: "Permission denied").Enforcing()),

        Pass("SEL-03", "nothing switches", host => Booted(host, "security=selinux selinux=1", "linux /vmlinuz root=/dev/vda ro security=selinux selinux=1")),
        Fail("SEL-03", "/proc/cmdline: enforcing=0", host => Booted(host, "enforcing=0", "linux /vmlinuz ro")),
        Fail("SEL-03", GrubFile + ":1: selinux=0", host => Booted(host, "ro", "linux /vmlinuz selinux=0")),
        Fail("SEL-03", "/etc/default/grub:2: selinux=0", host => Booted(host, "ro", "linux /vmlinuz").File("/etc/default/grub", "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet selinux=0\"\n")),
        Fail("SEL-03", "rocky.conf:2: enforcing=0", host => Booted(host, "ro", "").File("/boot/loader/entries/rocky.conf", "title Rocky\noptions root=/dev/sda enforcing=0\n")),
        Pass("SEL-03", "nothing switches", host => Booted(host, "ro", "multiboot2 /xen.gz selinux=0\nmodule2 /vmlinuz ro").Xen()),
        Fail("SEL-03", "security=apparmor", host => Booted(host, "security=selinux selinux=1", "linux /vmlinuz root=/dev/vda ro security=apparmor")),
        Fail("SEL-03", "lsm=lockdown,yama,apparmor", host => Booted(host, "ro", "linux /vmlinuz root=/dev/vda security=selinux lsm=lockdown,yama,apparmor")),
        Pass("SEL-03", "nothing switches", host => Booted(host, "ro", "linux /vmlinuz root=/dev/vda security=apparmor lsm=lockdown,selinux")),
        Fail("SEL-03", "/etc/default/grub:1: selinux=0", host => Booted(host, "ro", "linux /vmlinuz").File("/etc/default/grub", "export GRUB_CMDLINE_LINUX='selinux=0'   # for a time\n")),
        Pass("SEL-03", "nothing switches", host => Booted(host, "ro", "linux /vmlinuz").File("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet\" # not selinux=0 any more\n")),
        // Without a word Debian's kernel starts AppArmor; a memory test is no Linux.
        Warn("SEL-03", GrubFile + ":2: does not name SELinux", host => Booted(host, "security=selinux selinux=1", "linux /vmlinuz-2 root=/dev/vda security=selinux selinux=1\nlinux /vmlinuz-1 root=/dev/vda ro\nlinux /boot/memtest86+x64.bin")),
        Unknown("SEL-03", "there is no /proc/cmdline", host => host.Enforcing().File(GrubFile, "linux /vmlinuz ro\n")),
        Unknown("SEL-03", "next boot", host => Booted(host, "ro", "")),
        NotApplicable("SEL-03", "SELinux is off", _ => { }),

        Pass("SEL-04", "default is there", host => host.Enforcing().Inode("/etc/selinux/default/policy/policy.33")),
        Pass("SEL-04", "default is there", host => host.Offline().Enforcing().Inode("/etc/selinux/default/policy/policy.33")),
        Fail("SEL-04", "no policy default", host => host.Enforcing().Inode("/etc/selinux/targeted/policy/policy.33")),
        Fail("SEL-04", "no policy \"default\"", host => host.File("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=\"default\"\n").Enforcing().Inode("/etc/selinux/default/policy/policy.33")),
        Pass("SEL-04", "default is there", host => host.File("/etc/selinux/config", "SELINUXTYPE=mls\n  selinuxtype= default \n").Enforcing().Inode("/etc/selinux/default/policy/policy.33")),
        Fail("SEL-04", "no SELINUXTYPE", host => host.File("/etc/selinux/config", "SELINUX=enforcing\n").Enforcing()),
        Fail("SEL-04", "no levels", host => host.File("/sys/fs/selinux/mls", "0").Enforcing().Inode("/etc/selinux/default/policy/policy.33")),
        NotApplicable("SEL-04", "SELinux is off", _ => { }),

        Pass("SEL-05", "levels are on", host => host.Enforcing()),
        Fail("SEL-05", "no categories", host => host.File("/sys/fs/selinux/mls", "0").Enforcing()),
        NotApplicable("SEL-05", "runs Xen", host => host.Enforcing().Xen()),

        Pass("SEL-06", "none", host => host.Enforcing().Says("permissive-types", "policy " + Policy(0))),
        Fail("SEL-06", "virtqemud_t", host => host.Enforcing().Says("permissive-types", "local virtqemud_t\npolicy " + Policy(1))),
        Warn("SEL-06", "2 that the policy", host => host.Enforcing().Says("permissive-types", "local sshd_t\npolicy " + Policy(3))),
        Warn("SEL-06", "not of virtualization: sshd_t", host => host.Enforcing().Says("permissive-types", "local sshd_t\npolicy " + Policy(1))),
        Unknown("SEL-06", "could not be read", host => host.Enforcing().Says("permissive-types", "")),
        Unknown("SEL-06", "does not begin", host => host.Enforcing().Says("permissive-types", "policy " + Convert.ToBase64String(new byte[64]))),
        NotApplicable("SEL-06", "SELinux is off", _ => { }),

        Pass("SEL-07", "none", host => Processes(host, (1, "/usr/lib/systemd/systemd", "system_u:system_r:init_t:s0", ""))),
        Fail("SEL-07", "unconfined_service_t /usr/local/bin/agent", host => Processes(host, (70, "/usr/local/bin/agent", "system_u:system_r:unconfined_service_t:s0", ""))),
        Warn("SEL-07", "only oxenstored", host => Processes(host.Xen(), (5, "/usr/lib/xen-4.17/bin/oxenstored", "system_u:system_r:initrc_t:s0", ""))),
        Fail("SEL-07", "2 agent", host => Processes(host.Xen(), (5, "/usr/lib/xen-4.17/bin/oxenstored", "system_u:system_r:initrc_t:s0", ""), (6, "/usr/local/bin/2 agent", "system_u:system_r:initrc_t:s0", ""))),
        Unknown("SEL-07", "no process shows a label", host => host.Enforcing().Says("processes", "1/exe:/sbin/init\0\01/status:Name:\tinit\n")),
        Unknown("SEL-07", "no answer within", host => host.Enforcing().Hangs("processes")),

        Pass("SEL-08", "virtd_t", host => Processes(host, (5, "/usr/sbin/libvirtd", "system_u:system_r:virtd_t:s0-s0:c0.c1023", ""), (6, "/usr/sbin/virtlogd", "system_u:system_r:virtlogd_t:s0", ""))),
        Fail("SEL-08", "unconfined_t", host => Processes(host, (5, "/usr/sbin/libvirtd (deleted)", "unconfined_u:unconfined_r:unconfined_t:s0", ""))),
        Warn("SEL-08", "oxenstored", host => Processes(host.Xen(), (5, "/usr/lib/xen-4.17/bin/oxenstored", "system_u:system_r:initrc_t:s0", ""), (6, "/usr/lib/xen-4.17/bin/xenconsoled", "system_u:system_r:xenconsoled_t:s0", ""))),
        Fail("SEL-08", "xenconsoled", host => Processes(host.Xen(), (5, "/usr/lib/xen-4.17/bin/oxenstored", "system_u:system_r:initrc_t:s0", ""), (6, "/usr/lib/xen-4.17/bin/xenconsoled", "system_u:system_r:initrc_t:s0", ""))),
        Warn("SEL-08", "oxenstored", host => Processes(host.Xen(), (5, "/usr/lib/xen-4.17/bin/oxenstored (deleted)", "system_u:system_r:initrc_t:s0", ""))),
        Fail("SEL-08", "(xend): initrc_t", host => Script(host.Xen(), "/usr/bin/python2.7", "xend", "system_u:system_r:initrc_t:s0")),
        Pass("SEL-08", "(xend): xend_t", host => Script(host.Xen(), "/usr/bin/python2.7", "xend", "system_u:system_r:xend_t:s0")),
        NotApplicable("SEL-08", "none of them runs", host => Processes(host, (1, "/sbin/init", "system_u:system_r:init_t:s0", ""))),

        Pass("SEL-09", "2 running", host => Processes(host, Qemu(7, "svirt_t:s0:c1,c2", "a"), Qemu(8, "svirt_tcg_t:s0:c1,c3", "b"))),
        Fail("SEL-09", "is shared by", host => Processes(host, Qemu(7, "svirt_t:s0:c1,c2", "a"), Qemu(8, "svirt_t:s0:c1,c2", "b"))),
        Fail("SEL-09", "has no categories", host => Processes(host, Qemu(7, "svirt_t:s0", "a"))),
        // Whoever has all categories, or a third one, reads what others have.
        Fail("SEL-09", "other than a pair of categories", host => Processes(host, Qemu(7, "svirt_t:s0-s0:c0.c1023", "a"))),
        Fail("SEL-09", "other than a pair of categories", host => Processes(host, Qemu(7, "svirt_t:s0:c1,c2,c3", "a"))),
        Fail("SEL-09", "virtd_t", host => Processes(host, Qemu(7, "virtd_t:s0:c1,c2", "a"))),
        NotApplicable("SEL-09", "no guest runs", host => Processes(host, (1, "/sbin/init", "system_u:system_r:init_t:s0", ""))),

        Pass("SEL-10", "none", host => host.Enforcing().Says("unlabelled-devices", "")),
        Fail("SEL-10", "/dev/odd: system_u:object_r:unlabeled_t:s0", host => Device(host, "unlabeled_t", "/dev/odd")),
        Fail("SEL-10", "/dev/kvm: system_u:object_r:device_t:s0", host => Device(host, "device_t", "/dev/kvm")),
        Warn("SEL-10", "/dev/udmabuf: system_u:object_r:device_t:s0; the policy has no type", host => Device(host, "device_t", "/dev/udmabuf")),
        Unknown("SEL-10", "no answer within", host => host.Enforcing().Says("unlabelled-devices", "system_u:object_r:device_t:s0\0c\0/dev/odd\0").Hangs("file-contexts")),
        Unknown("SEL-10", "not whole", host => host.Enforcing().Says("unlabelled-devices", "system_u:object_r:device_t:s0\0/dev/odd\0")),
        Unknown("SEL-10", "unknown predicate", host => host.Enforcing().Says("unlabelled-devices", "", 1, "find: unknown predicate")),

        Pass("SEL-11", "all off", host => Booleans(host, ("virt_use_nfs", false), ("httpd_use_nfs", true))),
        Pass("SEL-11", "as planned", host => Booleans(host, ("virt_use_nfs", true), ("virt_use_usb", true)).WithPlan(new() { Booleans = new Dictionary<string, bool> { ["virt_use_nfs"] = true } })),
        Pass("SEL-11", "all off but virt_use_usb", host => Booleans(host, ("virt_use_usb", true), ("virt_sandbox_use_audit", true))),
        Fail("SEL-11", "virt_use_nfs: on", host => Booleans(host, ("virt_use_nfs", true), ("virt_use_usb", true))),
        Fail("SEL-11", "virt_use_usb: on", host => Booleans(host, ("virt_use_usb", true)).WithPlan(new() { Booleans = new Dictionary<string, bool> { ["virt_use_usb"] = false } })),
        Waived("SEL-11", "until 2026-11-26: emulation (lab)", host => Booleans(host, ("virt_use_execmem", true)).WithPlan(new() { Waivers = [new("SEL-11", "emulation", "lab", new(2026, 11, 26))] })),
        Fail("SEL-11", "its waiver has expired", host => Booleans(host, ("virt_use_execmem", true)).WithPlan(new() { Waivers = [new("SEL-11", "emulation", "lab", new(2026, 11, 25))] })),
        NotApplicable("SEL-11", "none of these", host => Booleans(host, ("httpd_use_nfs", true))),

        Pass("SEL-12", "all off", host => Booleans(host.Xen(), ("xen_use_nfs", false))),
        Fail("SEL-12", "xend_run_blktap: on", host => Booleans(host.Xen(), ("xend_run_blktap", true))),
        NotApplicable("SEL-12", "runs Kvm", host => Booleans(host, ("xen_use_nfs", true))),

        Pass("SEL-13", "all off", host => Booleans(host, ("virt_transition_userdomain", false))),
        Fail("SEL-13", "virt_hooks_unconfined: on", host => Booleans(host, ("virt_hooks_unconfined", true), ("staff_use_svirt", false))),
        Unknown("SEL-13", "is no boolean", host => host.Enforcing().Says("booleans", "virt_hooks_unconfined:1\n")),

        Pass("SEL-14", "off", host => Booleans(host.Xen(), ("xend_disable_trans", false))),
        Fail("SEL-14", "exempted", host => Booleans(host.Xen(), ("xend_disable_trans", true))),
        NotApplicable("SEL-14", "no xend", host => Booleans(host.Xen(), ("xen_use_nfs", false))),

        Pass("SEL-15", "1 booleans are the same", host => Booleans(host, ("virt_use_nfs", true)).Says("boolean-defaults", "(boolean virt_use_nfs false)\nlocal\n# This file is auto-generated by libsemanage\nvirt_use_nfs=1\n")),
        Fail("SEL-15", "at the next boot off", host => Booleans(host, ("virt_use_nfs", true)).Says("boolean-defaults", "(boolean virt_use_nfs false)\nlocal\n")),
        Fail("SEL-15", "waits to be committed", host => host.Enforcing().Says("booleans", "virt_use_nfs:0 1\n").Says("boolean-defaults", "(boolean virt_use_nfs false)\nlocal\n")),
        Unknown("SEL-15", "virt/cil could not be read", host => Booleans(host, ("virt_use_nfs", true)).Says("boolean-defaults", "(boolean xen_use_nfs false)\nunread modules/100/virt/cil\nlocal\n")),
        Unknown("SEL-15", "its end is missing", host => Booleans(host, ("virt_use_nfs", true)).Says("boolean-defaults", "(boolean virt_use_nfs true)\n")),

        Pass("SEL-16", "none waits", host => host.Enforcing().File("/proc/cmdline", "ro\n")),
        Warn("SEL-16", "/.autorelabel is there", host => host.Enforcing().Inode("/.autorelabel").File("/proc/cmdline", "ro\n")),
        Warn("SEL-16", "autorelabel=1", host => host.Enforcing().File("/proc/cmdline", "ro autorelabel=1\n")),
        Unknown("SEL-16", "there is no /proc/cmdline", host => host.Enforcing()),
        Pass("SEL-16", "none waits", host => host.Offline().Enforcing()),
        NotApplicable("SEL-16", "SELinux is off", _ => { }),
    ];

    private static ScenarioHost Booted(ScenarioHost host, string now, string grub) => host.Enforcing().File("/proc/cmdline", now + "\n").File(GrubFile, grub + "\n");

    private static (int, string, string, string) Qemu(int id, string context, string guest) => (id, "/usr/bin/qemu-system-x86_64", "system_u:system_r:" + context, guest);

    /// <summary>Processes as /proc shows them.</summary>
    internal static ScenarioHost Processes(ScenarioHost host, params (int Id, string Executable, string Context, string Guest)[] processes) => host.Enforcing().Says(
        "processes",
        string.Concat(processes.Select(process => $"{process.Id}/exe:{process.Executable}\0")) + "\0"
            + string.Concat(processes.Select(process => $"{process.Id}/status:Name:\t{Path.GetFileName(process.Executable)[..Math.Min(15, Path.GetFileName(process.Executable).Length)]}\n{process.Id}/status:PPid:\t1\n{process.Id}/status:Uid:\t0\t0\t0\t0\n{process.Id}/status:Gid:\t0\t0\t0\t0\n{process.Id}/status:Seccomp:\t2\n"
                + $"{process.Id}/attr/current:{process.Context}\n" + (process.Guest.Length > 0 ? $"{process.Id}/cmdline:guest={process.Guest}\n" : ""))));

    /// <summary>A device with a label that says nothing, under two of the rules of Debian 12's policy.</summary>
    private static ScenarioHost Device(ScenarioHost host, string type, string path) => host.Enforcing().Says("unlabelled-devices", $"system_u:object_r:{type}:s0\0c\0{path}\0")
        .Says("file-contexts", "1\ndefault\n==> file_contexts <==\n/dev/.*\tsystem_u:object_r:device_t:s0\n/dev/kvm\t-c\tsystem_u:object_r:kvm_device_t:s0\n");

    /// <summary>A script, which has its own name and its interpreter's program.</summary>
    private static ScenarioHost Script(ScenarioHost host, string interpreter, string name, string context) =>
        host.Enforcing().Says("processes", $"5/exe:{interpreter}\0\05/status:Name:\t{name}\n5/status:Uid:\t0\t0\t0\t0\n5/attr/current:{context}\n");

    private static ScenarioHost Booleans(ScenarioHost host, params (string Name, bool IsOn)[] booleans) =>
        host.Enforcing().Says("booleans", string.Concat(booleans.Select(boolean => $"{boolean.Name}:{(boolean.IsOn ? "1 1" : "0 0")}\n")));

    /// <summary>The head of a binary policy with so many permissive types.</summary>
    private static string Policy(int permissive)
    {
        var bytes = new List<byte>();
        void Word(uint word)
        {
            var four = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(four, word);
            bytes.AddRange(four);
        }

        Word(0xf97cff8c);
        Word(8);
        bytes.AddRange("SE Linux"u8);
        foreach (var word in (uint[])[33, 1, 8, 9, 64, 64, 1, 0, 0x3f, 0, 64, 64, permissive > 0 ? 1u : 0]) Word(word);
        if (permissive > 0) foreach (var word in (uint[])[64, (1u << permissive) - 1, 0]) Word(word);
        return Convert.ToBase64String([.. bytes]) + "\n";
    }
}
