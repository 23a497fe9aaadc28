using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class AuditScenarios
{
    private const string Wanted = "/etc/systemd/system/multi-user.target.wants/auditd.service";
    private const string Running = "enabled 1\nfailure 1\npid 412\nrate_limit 0\n";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("AUD-01", "auditctl -s: pid 412", host => Audited(host)),
        Pass("AUD-01", "/proc/self/loginuid: 0", host => Audited(host)),
        Pass("AUD-01", "it starts at boot", host => host.Offline().Inode(Wanted)),
        Fail("AUD-01", "auditd.service: not there", host => host.Offline().Inode("/etc/systemd/system/multi-user.target.wants/cron.service")),
        // What is masked does not start, whatever wants it.
        Fail("AUD-01", "does not start at boot", host => host.Offline().Inode(Wanted).Inode("/etc/systemd/system/auditd.service", 'c').Inode("/etc/systemd/system/multi-user.target.wants/cron.service")),
        Fail("AUD-01", "auditd.service: active (running), masked: it does not start at boot", host => Audited(host, unit: "masked")),
        Fail("AUD-01", "auditd.service: active (running), disabled: it does not start at boot", host => Audited(host, unit: "disabled")),
        Fail("AUD-01", "no daemon listens", host => Audited(host, "enabled 1\npid 0\n")),
        Fail("AUD-01", "auditctl -s: enabled 0", host => Audited(host, "enabled 0\npid 412\n")),
        Fail("AUD-01", "/proc/cmdline: audit=0", host => Audited(host, line: "ro audit=0")),
        Fail("AUD-01", "auditctl: not there", host => Audited(host.Lacks("audit-status"), null)),
        Fail("AUD-01", "loginuid: not there", host => Audited(host, login: null)),
        // Hosts of scenarios are reached over ssh.
        Warn("AUD-01", "who logs in is not told apart", host => Audited(host, login: "4294967295")),
        Unknown("AUD-01", "says nothing of enabled", host => Audited(host, "")),
        Unknown("AUD-01", "no answer within", host => Audited(host.Hangs("audit-status"), null)),
        Unknown("AUD-01", "there is no /proc/cmdline", host => Audited(host, line: null)),

        Pass("AUD-02", "not set, so 1", host => host.File("/etc/libvirt/libvirtd.conf", "#audit_level = 0\n")),
        Pass("AUD-02", "audit_level = 2", host => host.File("/etc/libvirt/virtqemud.conf", "audit_level = 2\n")),
        Fail("AUD-02", "virtqemud.conf: audit_level = 0", host => host.File("/etc/libvirt/libvirtd.conf", "audit_level = 1\n").File("/etc/libvirt/virtqemud.conf", "audit_level=0\n")),
        Pass("AUD-02", "not set, so 1", host => host.Inode("/usr/sbin/libvirtd", mode: 0x1ED)),
        Unknown("AUD-02", "is no number", host => host.File("/etc/libvirt/libvirtd.conf", "audit_level = \"none\"\n")),
        NotApplicable("AUD-02", "no libvirt", _ => { }),
        Unknown("AUD-02", "Permission denied", host => host.Inode("/etc/libvirt/libvirtd.conf", reason: "Permission denied")),

        Pass("AUD-03", "each is watched", host => Watched(host, "-w /etc/selinux -p wa -k MAC-policy\n-a always,exit -F arch=b64 -S all -F dir=/etc/libvirt -F perm=wa -F key=virt\n-w /var/lib/libvirt -p rwxa\n")),
        Pass("AUD-03", "/virtstorage is watched", host => Watched(host, "-w /etc/selinux/ -p wa\n-w /etc/libvirt/ -p wa\n-w /virtstorage -p wa\n").WithPlan(Volume())),
        Pass("AUD-03", "/var/lib/xen/images is watched", host => Watched(host.Xen().Inode("/etc/xen", 'd').Inode("/var/lib/xen/images", 'd'), "-w /etc/selinux -p wa\n-w /etc/xen -p wa\n-w /var/lib/xen -p wa\n")),
        Fail("AUD-03", "/var/lib/xen/images: no rule", host => Watched(host.Xen().Inode("/etc/xen", 'd').Inode("/var/lib/xen/images", 'd'), "-w /etc/selinux -p wa\n-w /etc/xen -p wa\n")),
        // A path is that one inode: what is in the directory is not watched.
        Fail("AUD-03", "/etc/libvirt: no rule", host => Watched(host, "-w /etc/selinux -p wa\n-a always,exit -F path=/etc/libvirt -F perm=wa\n-w /var/lib/libvirt/images -p wa\n")),
        Warn("AUD-03", "/etc/libvirt: watched now, and by no file", host => Places(host).Says("audit-rules", "-w /etc/selinux -p wa\n-w /etc/libvirt -p wa\n-w /var/lib/libvirt/images -p wa\n").File("/etc/audit/rules.d/a.rules", "-D\n-w /etc/selinux -p wa\n-w /var/lib/libvirt/images -p wa\n")),
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
        // The name of a file does not make a denial one of virtualization.
        Pass("AUD-04", "none", host => host.Enforcing().Says("avc-denials", "type=AVC msg=audit(1732600000.123:457): avc:  denied  { read } for  pid=901 comm=\"cat\" name=\"qemu.conf\" dev=\"vda\" ino=13 scontext=user_u:user_r:user_t:s0 tcontext=system_u:object_r:etc_t:s0 tclass=file permissive=0\n")),
        Unknown("AUD-04", "there is no /var/log/audit/audit.log", host => host.Enforcing().Lacks("avc-denials")),
        NotApplicable("AUD-04", "SELinux is off", _ => { }),
    ];

    /// <summary>A host with auditd; null: the scenario says it, or it is not there.</summary>
    private static ScenarioHost Audited(ScenarioHost host, string? status = Running, string? line = "ro audit=1", string? login = "0", string unit = "enabled")
    {
        host.Says("unit-states", $"Id=auditd.service\nType=forking\nActiveState=active\nSubState=running\nUnitFileState={unit}\n\n@files\nauditd.service {unit} enabled\n@end\n");
        if (status is not null) host.Says("audit-status", status);
        if (line is not null) host.File("/proc/cmdline", line + "\n");
        return login is null ? host : host.File("/proc/self/loginuid", login);
    }

    /// <summary>A host whose rules of audit are loaded from a file.</summary>
    private static ScenarioHost Watched(ScenarioHost host, string rules) => Places(host).Says("audit-rules", rules).File("/etc/audit/rules.d/virtualization.rules", rules);

    private static ScenarioHost Places(ScenarioHost host) => host.Inode("/etc/selinux", 'd').Inode("/etc/libvirt", 'd').Inode("/var/lib/libvirt/images", 'd');

    private static DeploymentPlan Volume() => new() { Volumes = [new("/virtstorage"), new((string?)null)] };
}
