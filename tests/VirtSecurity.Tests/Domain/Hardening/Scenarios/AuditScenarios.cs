using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class AuditScenarios
{
    private const string Unit = "/etc/systemd/system/multi-user.target.wants/auditd.service";
    private const string Running = "enabled 1\nfailure 1\npid 412\nrate_limit 0\n";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("AUD-01", "enabled 1, pid 412", host => host.Inode(Unit).Says("audit-status", Running).File("/proc/cmdline", "ro audit=1\n")),
        Pass("AUD-01", "it starts at boot", host => host.Offline().Inode(Unit)),
        Fail("AUD-01", "does not start at boot", host => host.Says("audit-status", Running).File("/proc/cmdline", "ro\n")),
        Fail("AUD-01", "no daemon listens", host => host.Inode(Unit).Says("audit-status", "enabled 1\npid 0\n").File("/proc/cmdline", "ro\n")),
        Fail("AUD-01", "enabled 0", host => host.Inode(Unit).Says("audit-status", "enabled 0\npid 412\n").File("/proc/cmdline", "ro\n")),
        Fail("AUD-01", "/proc/cmdline: audit=0", host => host.Inode(Unit).Says("audit-status", Running).File("/proc/cmdline", "ro audit=0\n")),
        Fail("AUD-01", "auditctl: not there", host => host.Lacks("audit-status").File("/proc/cmdline", "ro\n")),
        Unknown("AUD-01", "says nothing of enabled", host => host.Inode(Unit).Says("audit-status", "").File("/proc/cmdline", "ro\n")),
        Unknown("AUD-01", "no answer within", host => host.Inode(Unit).Hangs("audit-status").File("/proc/cmdline", "ro\n")),

        Pass("AUD-02", "not set, so 1", host => host.File("/etc/libvirt/libvirtd.conf", "#audit_level = 0\n")),
        Pass("AUD-02", "audit_level 2", host => host.File("/etc/libvirt/virtqemud.conf", "audit_level = 2\n")),
        Fail("AUD-02", "virtqemud.conf: audit_level = 0", host => host.File("/etc/libvirt/libvirtd.conf", "audit_level = 1\n").File("/etc/libvirt/virtqemud.conf", "audit_level=0\n")),
        NotApplicable("AUD-02", "no configuration", _ => { }),
        Unknown("AUD-02", "Permission denied", host => host.Inode("/etc/libvirt/libvirtd.conf", reason: "Permission denied")),

        Pass("AUD-03", "each is watched", host => Places(host).Says("audit-rules", "-w /etc/selinux -p wa -k MAC-policy\n-a always,exit -F arch=b64 -S all -F dir=/etc/libvirt -F perm=wa -F key=virt\n-w /var/lib/libvirt -p rwxa\n")),
        Pass("AUD-03", "/virtstorage is watched", host => Places(host).WithPlan(Volume()).Says("audit-rules", "-w /etc/selinux/ -p wa\n-w /etc/libvirt/ -p wa\n-w /virtstorage -p wa\n")),
        Pass("AUD-03", "/etc/audit: /etc/xen is watched", host => host.Offline().Inode("/boot/xen-4.17-amd64.gz").Inode("/etc/selinux", 'd').Inode("/etc/xen", 'd').File("/etc/audit/rules.d/virt.rules", "# watch\n-w /etc/selinux -p wa\n-w /etc/xen -p wa -k x\n")),
        Fail("AUD-03", "/etc/libvirt: no rule watches it", host => Places(host).Says("audit-rules", "-w /etc/selinux -p wa\n-w /etc/libvirt -p r\n-w /var/lib/libvirt/images -p wa\n")),
        Fail("AUD-03", "/virtstorage: no rule", host => Places(host).WithPlan(Volume()).Says("audit-rules", "-w /etc/selinux -p wa\n-w /etc/libvirt -p wa\n")),
        Fail("AUD-03", "/etc/selinux: no rule", host => Places(host).Says("audit-rules", "No rules\n")),
        Fail("AUD-03", "no rule watches it", host => Places(host).Lacks("audit-rules")),
        NotApplicable("AUD-03", "none of these places", host => host.Says("audit-rules", "No rules\n")),
        Unknown("AUD-03", "no answer within", host => Places(host).Hangs("audit-rules")),

        Pass("AUD-04", "none", host => host.Enforcing().Says("avc-denials", "")),
        // A denial as Debian 12's kernel and auditd 3.0.9 write it.
        Warn("AUD-04", "svirt_t { read } virt_image_t:file, 2 times", host => host.Enforcing().Says("avc-denials", string.Concat(Enumerable.Repeat(
            "type=AVC msg=audit(1732600000.123:456): avc:  denied  { read } for  pid=900 comm=\"qemu-system-x86\" name=\"g.img\" dev=\"dm-3\" ino=12 scontext=system_u:system_r:svirt_t:s0:c1,c2 tcontext=system_u:object_r:virt_image_t:s0 tclass=file permissive=0\n", 2)))),
        Unknown("AUD-04", "there is no /var/log/audit/audit.log", host => host.Enforcing().Lacks("avc-denials")),
        NotApplicable("AUD-04", "SELinux is off", _ => { }),
    ];

    private static ScenarioHost Places(ScenarioHost host) => host.Inode("/etc/selinux", 'd').Inode("/etc/libvirt", 'd').Inode("/var/lib/libvirt/images", 'd');

    private static DeploymentPlan Volume() => new() { Volumes = [new("/virtstorage"), new((string?)null)] };
}
