using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class PlanScenarios
{
    private const string XlList = """
        Name                                        ID   Mem VCPUs	State	Time(s)
        Domain-0                                     0  2048     2     r-----      34.2
        web                                          1   512     1     -b----       1.0

        """;

    private static readonly PlannedService Ssh = new("sshd.service", "administration");

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("PLN-01", "given and valid", host => host.WithPlan(new())),
        Pass("PLN-01", "0:0 0600", host => host.WithPlan(new()).Inode("/etc/virtsecurity/plan.psd1", mode: 0x180)),
        Fail("PLN-01", "none was given", _ => { }),
        Fail("PLN-01", "plan.json: there, but not given", host => host.Inode("/etc/virtsecurity/plan.json", mode: 0x180)),
        Fail("PLN-01", "plan.json: 0:0 0644", host => host.WithPlan(new()).Inode("/etc/virtsecurity/plan.json")),
        Fail("PLN-01", "1000:0 0600", host => host.WithPlan(new()).Inode("/etc/virtsecurity/plan.json", mode: 0x180, owner: 1000)),
        Fail("PLN-01", "format 2", host => host.WithPlan(new() { FormatVersion = 2 })),
        Fail("PLN-01", "others than root put plans there", host => host.WithPlan(new()).Inode("/etc/virtsecurity", 'd', 0x1FF).Inode("/etc/virtsecurity/plan.json", mode: 0x180)),
        Pass("PLN-01", "given and valid", host => host.WithPlan(new()).Inode("/etc/virtsecurity", 'd', 0x1ED).Inode("/etc/virtsecurity/plan.json", mode: 0x180)),
        Fail("PLN-01", "no regular file", host => host.WithPlan(new()).Inode("/etc/virtsecurity/plan.json", 'l', 0)),
        Unknown("PLN-01", "no answer within", host => host.WithPlan(new()).Hangs("plan-files")),

        Pass("PLN-02", "all are planned", host => Libvirt(host).WithPlan(Plan("web", "mail"))),
        Pass("PLN-02", "no guest is defined", host => NoQemu(host).WithPlan(Plan())),
        // Xen's tools may be there without Xen: they end with an error, and of a host of KVM's they are not asked.
        Pass("PLN-02", "no guest is defined", host => NoQemu(host).Says("xl-list", "", 1, "ERROR:  Can't find hypervisor information in sysfs!").WithPlan(Plan())),
        Fail("PLN-02", "/proc/8 (qemu-system-x86): runs, and no definition names it", host => SELinuxScenarios.Processes(Defined(host), (8, "/usr/bin/qemu-system-x86_64", "system_u:system_r:unconfined_service_t:s0", "")).WithPlan(Plan("web", "mail"))),
        Fail("PLN-02", "guest other): runs, and no definition names it", host => SELinuxScenarios.Processes(Defined(host), (8, "/usr/bin/qemu-system-x86_64", "system_u:system_r:svirt_t:s0:c1,c2", "other")).WithPlan(Plan("web", "mail"))),
        Fail("PLN-02", "mail (running)", host => Defined(host).Hangs("processes").WithPlan(Plan("web"))),
        Unknown("PLN-02", "no answer within", host => Defined(host).Hangs("processes").WithPlan(Plan("web", "mail"))),
        Unknown("PLN-02", "xl list gave no answer", host => host.Xen().Lacks("xl-list").WithPlan(Plan())),
        Pass("PLN-02", "all are planned", host => host.Xen().Says("xl-list", XlList + "web-dm                                       2    64     1     -b----       0.1\n").WithPlan(Plan("web"))),
        Fail("PLN-02", "mail-dm (running)", host => host.Xen().Says("xl-list", XlList + "mail-dm                                      2    64     1     -b----       0.1\n").WithPlan(Plan("web"))),
        Fail("PLN-02", "two words (running)", host => host.Xen().Says("xl-list", XlList + "two words                                    2    64     1     -b----       0.1\n").WithPlan(Plan("web"))),
        Pass("PLN-02", "all are planned", host => host.Xen().Says("xl-list", XlList).WithPlan(Plan("web"))),
        Fail("PLN-02", "mail (running): /etc/libvirt/qemu/mail.xml", host => Libvirt(host).WithPlan(Plan("web"))),
        Fail("PLN-02", "web (running): xl list", host => host.Xen().Says("xl-list", XlList).WithPlan(Plan())),
        Fail("PLN-02", "db (defined): /etc/xen/db.cfg", host => host.Xen().Says("xl-list", XlList).WithPlan(Plan("web")).File("/etc/xen/db.cfg", "name = \"db\"\ndisk = [ '/dev/vg/db,raw,xvda,rw' ]\n").File("/etc/xen/xl.conf", "name=\"no guest\"\n")),
        Fail("PLN-02", "db (running): /var/lib/xen/userdata-d.2.x.libxl-json", host => host.Xen().Says("xl-list", XlList).WithPlan(Plan("web")).File("/proc/stat", "cpu 1\nbtime 1600000000\n").File("/var/lib/xen/userdata-d.2.x.libxl-json", "{\"c_info\":{\"name\":\"db\"}}")),
        Pass("PLN-02", "all are planned", host => host.Xen().Says("xl-list", XlList).WithPlan(Plan("web")).File("/proc/stat", "btime 1800000000\n").File("/var/lib/xen/userdata-d.2.x.libxl-json", "{\"c_info\":{\"name\":\"gone\"}}")),
        Fail("PLN-02", "web (defined)", host => host.Offline().File("/etc/libvirt/qemu/web.xml", "<domain><name>web</name></domain>").WithPlan(Plan())),
        NotApplicable("PLN-02", "none was given", host => Libvirt(host)),
        Unknown("PLN-02", "broken.xml", host => Libvirt(host).File("/etc/libvirt/qemu/broken.xml", "<domain>").WithPlan(Plan())),
        Unknown("PLN-02", "Permission denied", host => Libvirt(host).Inode("/etc/libvirt/qemu/secret.xml", reason: "Permission denied").WithPlan(Plan())),
        Unknown("PLN-02", "no line of titles", host => host.Xen().Says("xl-list", "").WithPlan(Plan())),

        Pass("PLN-03", "1 services of the host, 1 guests", host => host.WithPlan(new() { Services = [Ssh], Guests = [new("web") { Services = [new("nginx", "the site")] }] })),
        Fail("PLN-03", "host: no Services", host => host.WithPlan(new())),
        Fail("PLN-03", "guest web: no Services", host => host.WithPlan(new() { Services = [Ssh], Guests = [new("web")] })),
        Fail("PLN-03", "host: sshd.service has no Purpose", host => host.WithPlan(new() { Services = [new("sshd.service")] })),
        NotApplicable("PLN-03", "none was given", _ => { }),
    ];

    private static DeploymentPlan Plan(params string[] guests) => new() { Guests = [.. guests.Select(guest => new PlannedGuest(guest))] };

    private static ScenarioHost Libvirt(ScenarioHost host) => SELinuxScenarios.Processes(Defined(host), (1, "/sbin/init", "system_u:system_r:init_t:s0", ""), (7, "/usr/bin/qemu-system-x86_64", "system_u:system_r:svirt_t:s0:c1,c2", "mail"));

    private static ScenarioHost NoQemu(ScenarioHost host) => SELinuxScenarios.Processes(host.Lacks("xl-list"), (1, "/sbin/init", "system_u:system_r:init_t:s0", ""));

    private static ScenarioHost Defined(ScenarioHost host) => host.Lacks("xl-list").File("/etc/libvirt/qemu/web.xml", "<domain><name>web</name></domain>").File("/etc/libvirt/qemu/mail.xml", "<domain><name>mail</name></domain>")
        .File("/run/libvirt/qemu/mail.xml", "<domstatus><domain><name>mail</name></domain></domstatus>").File("/etc/libvirt/storage/default.xml", "<pool type='dir'><name>default</name></pool>");
}
