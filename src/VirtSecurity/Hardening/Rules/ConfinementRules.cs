using VirtSecurity.Facts;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>A guest's QEMU has no more than it needs. What definitions take away from that: <see cref="GuestConfinementRules"/>.</summary>
internal static class ConfinementRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Confinement";

    /// <summary>The modules that confine by label; dac tells users apart only, which all guests share.</summary>
    private static readonly string[] Drivers = ["selinux", "apparmor"];

    /// <summary>Nodes that lead to the host's disks and memory.</summary>
    private static readonly string[] HostDevices = ["/dev/sd", "/dev/hd", "/dev/vd", "/dev/xvd", "/dev/nvme", "/dev/dm-", "/dev/mapper/", "/dev/md", "/dev/disk/", "/dev/sg", "/dev/bsg/", "/dev/mmcblk", "/dev/nbd", "/dev/bcache", "/dev/rbd", "/dev/zd", "/dev/zvol/", "/dev/mem", "/dev/kmem", "/dev/port", "/dev/loop", "/dev/*"];

    /// <summary>What is asked for a rule about qemu.conf.</summary>
    private static readonly FactQuestion[] ConfNeeds = [Questions.LibvirtFiles, HardeningFacts.Hypervisors];

    private static FactQuestion ControlGroups { get; } = FactQuestion.Look("control-groups", "/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/devices", "/sys/fs/cgroup/unified/cgroup.controllers");

    /// <summary>Whether the kernel has AppArmor: Y or N.</summary>
    private static FactQuestion AppArmor { get; } = FactQuestion.Files("apparmor", "/sys/module/apparmor/parameters/enabled");

    private static IReadOnlyList<HardeningRule> Own { get; } =
    [
        Rule("QMU-01", "libvirt confines guests by label", HardeningSeverity.Critical, "qemu.conf: security_driver", "Without a security driver a guest that breaks its QEMU has every other guest's images.",
            "security_driver names selinux or apparmor, or is not set on a host that has one of them", DriverIsOn, "Take security_driver out of /etc/libvirt/qemu.conf, switch SELinux on (SEL-01, SEL-02), and start libvirt's daemon and the guests again.") with
        { Needs = [.. ConfNeeds, Questions.SELinuxState, Questions.SELinuxConfig, AppArmor] },
        Rule("QMU-02", "Guests are confined unless they say otherwise", HardeningSeverity.High, "qemu.conf: security_default_confined", "With 0 a guest without <seclabel>, which is most of them, runs without a label.",
            "security_default_confined is not 0", OfConf(conf => Flag(conf, "security_default_confined", true, 1)), "Take security_default_confined out of /etc/libvirt/qemu.conf: 1 is the default."),
        Rule("QMU-03", "No guest may run unconfined", HardeningSeverity.Medium, "qemu.conf: security_require_confined", "One <seclabel type='none'/> in a definition takes a guest's confinement away; only this refuses to start it.",
            "security_require_confined is 1", OfConf(conf => Flag(conf, "security_require_confined", true, 0)), "Set security_require_confined = 1 in /etc/libvirt/qemu.conf, and start libvirt's daemon again."),
        Rule("QMU-04", "QEMU does not run as root", HardeningSeverity.High, "qemu.conf: user, group", "A guest that breaks its QEMU is then root, and only the label stands between it and the host.",
            "user and group in qemu.conf are not root, and no guest's QEMU runs as root", NotRoot, "Take user and group out of /etc/libvirt/qemu.conf (the distribution has an account for it), then start the guests again.") with
        { Needs = [.. ConfNeeds, Questions.Processes] },
        Rule("QMU-05", "QEMU's system calls are filtered", HardeningSeverity.High, "qemu.conf: seccomp_sandbox", "The filter keeps a QEMU that was taken over from calls that it never makes, where the kernel's own holes are.",
            "seccomp_sandbox is not 0, and each guest's QEMU has a filter", Filtered, "Take seccomp_sandbox out of /etc/libvirt/qemu.conf, and start the guests again.") with
        { Needs = [.. ConfNeeds, Questions.Processes] },
        Rule("QMU-06", "Each QEMU has a /dev of its own", HardeningSeverity.Medium, "qemu.conf: namespaces", "In a mount namespace a guest's QEMU sees its own disks only, not the host's and not other guests'.",
            "namespaces is not set, or has mount", OfConf(HasNamespace), "Take namespaces out of /etc/libvirt/qemu.conf, and start the guests again."),
        Rule("QMU-07", "Control groups keep QEMU from the host's devices", HardeningSeverity.Medium, "qemu.conf: cgroup_controllers, cgroup_device_acl", "The list of devices holds even where permissions and labels fail; a disk or /dev/mem in it holds nothing.",
            "the devices controller is not switched off, and cgroup_device_acl has no disk and no memory of the host's", DevicesAreLimited, "Take cgroup_controllers and cgroup_device_acl out of /etc/libvirt/qemu.conf, and start the guests again.") with
        { Needs = [.. ConfNeeds, ControlGroups] },
        Rule("QMU-11", "QEMU's dumps do not hold guests' memory", HardeningSeverity.Low, "qemu.conf: dump_guest_core, max_core", "A dump with the guest's memory has its keys and passwords in it, in a file of the host's.",
            "dump_guest_core is not 1, and no guest asks for it", NoDumps, "Take dump_guest_core out of /etc/libvirt/qemu.conf and dumpCore='on' out of the guest's definition.") with
        { Needs = [.. ConfNeeds, .. GuestFiles.Needs] },
        Rule("QMU-12", "libvirt owns images and gives them back", HardeningSeverity.Low, "qemu.conf: dynamic_ownership, remember_owner", "Otherwise images must be QEMU's for good, and so every guest's QEMU may open them by their permissions.",
            "dynamic_ownership and remember_owner are not 0", OfConf(conf => conf.Number("dynamic_ownership") == 0 ? Verdict.Fail("libvirt gives no image to QEMU", conf.Line("dynamic_ownership")) : Flag(conf, "remember_owner", true, 1)),
            "Take dynamic_ownership and remember_owner out of /etc/libvirt/qemu.conf."),
    ];

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } = [.. Own.Concat(GuestConfinementRules.All).OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    private static HardeningRule Rule(string id, string title, HardeningSeverity severity, string source, string why, string expected, Func<Judged, Verdict> judge, string remedy) => new(id, title)
    {
        Category = Category,
        AppliesTo = Hypervisor.Kvm,
        Severity = severity,
        Needs = ConfNeeds,
        Source = $"libvirt, {source}",
        Why = why,
        Expected = expected,
        Judge = host => HasLibvirt(host.Facts) ? judge(host) : Verdict.NotApplicable("the host has no libvirt"),
        Remedy = remedy,
    };

    private static Func<Judged, Verdict> OfConf(Func<LibvirtConf, Verdict> judge) => host => judge(Conf(host.Facts, "qemu"));

    private static Verdict Flag(LibvirtConf conf, string name, bool isOnGood, long byItself) => ((conf.Number(name) ?? byItself) != 0) == isOnGood
        ? Verdict.Pass(conf.Number(name) is null ? $"{byItself}, as libvirt has it" : conf.Value(name)!, conf.Line(name))
        : Verdict.Fail(conf.Number(name) is null ? $"{byItself}, as libvirt has it" : conf.Value(name)!, conf.Line(name));

    private static Verdict DriverIsOn(Judged host)
    {
        var conf = Conf(host.Facts, "qemu");
        if (conf.List("security_driver") is { } drivers)
        {
            return drivers.Any(Drivers.Contains)
                ? Verdict.Pass(string.Join(", ", drivers), conf.Line("security_driver"))
                : Verdict.Fail(drivers.Count == 0 ? "none" : string.Join(", ", drivers), conf.Line("security_driver"));
        }

        // By itself libvirt takes what the host has (src/security/security_driver.c): without either it takes none, and says nothing.
        if (host.Facts.IsOffline)
        {
            var mode = SELinuxConfig.Read(host.Facts.Files(Questions.SELinuxConfig)).Mode;
            return mode is "enforcing" or "permissive" ? Verdict.Pass("libvirt takes the host's", conf.Line("security_driver"), $"/etc/selinux/config: SELINUX={mode}")
                : Verdict.Unknown("libvirt takes the host's, and whether it has one is seen on a host that runs only", conf.Line("security_driver"));
        }

        string[] modules =
        [
            .. host.Facts.Files(Questions.SELinuxState).Where(file => file.Path.EndsWith("/enforce", StringComparison.Ordinal)).Select(file => $"{file.Path}: {file.Text.Trim()}"),
            .. host.Facts.Files(AppArmor).Where(file => file.Text.Trim() == "Y").Select(file => $"{file.Path}: Y"),
        ];
        return modules.Length > 0 ? Verdict.Pass("libvirt takes the host's", [conf.Line("security_driver"), .. modules])
            : Verdict.Fail("libvirt takes the host's, and it has neither SELinux nor AppArmor", conf.Line("security_driver"), "/sys/fs/selinux/enforce: not there", "/sys/module/apparmor/parameters/enabled: not there, or not Y");
    }

    private static Verdict HasNamespace(LibvirtConf conf) => conf.List("namespaces") is not { } names ? Verdict.Pass("mount, as libvirt has it", conf.Line("namespaces"))
        : names.Contains("mount") ? Verdict.Pass("mount", conf.Line("namespaces")) : Verdict.Fail("none of mounts", conf.Line("namespaces"));

    private static ProcessFact[] Guests(Judged host) => host.Facts.IsOffline ? [] : [.. host.Facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process.IsQemu)];

    private static Verdict NotRoot(Judged host)
    {
        var conf = Conf(host.Facts, "qemu");
        static bool IsRoot(string? name) => name is "root" or "0" or "+0";
        // Built without an account of its own, libvirt runs QEMU as root; the file that it ships says which it has.
        var accounts = new[] { "user", "group" }.Select(name => (Name: name, Value: conf.Value(name), Shipped: conf.ShippedDefault(name))).ToArray();
        string[] wrong = [.. accounts.Where(account => IsRoot(account.Value ?? account.Shipped)).Select(account => account.Value is null ? $"{conf.Line(account.Name)}, and {account.Shipped} by itself" : conf.Line(account.Name))];
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        var guests = Guests(host);
        wrong = [.. guests.Where(guest => guest.User == 0 || guest.Group == 0).Select(guest => $"{guest}: user {guest.User}, group {guest.Group}")];
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        string[] evidence = [.. accounts.Select(account => $"{conf.Line(account.Name)}{(account is (_, null, { } shipped) ? $" ({shipped} by itself)" : "")}"), .. guests.Select(guest => $"{guest}: user {guest.User}, group {guest.Group}")];
        if (guests.FirstOrDefault(guest => guest.User < 0 || guest.Group < 0) is { } silent) return Verdict.Unknown($"{silent}: whose it is is not told", evidence);
        return guests.Length == 0 && accounts.Any(account => account is (_, null, null))
            ? Verdict.Unknown("no guest runs, and what account libvirt was built with its file does not say", evidence)
            : Verdict.Pass("an account of its own", evidence);
    }

    private static Verdict Filtered(Judged host)
    {
        var conf = Conf(host.Facts, "qemu");
        if (conf.Number("seccomp_sandbox") == 0) return Verdict.Fail(conf.Line("seccomp_sandbox"), conf.Line("seccomp_sandbox"));
        var guests = Guests(host);
        // proc(5), Seccomp: 0 none, 1 strict, 2 a filter.
        string[] wrong = [.. guests.Where(guest => guest.Seccomp == 0).Select(guest => $"{guest}: Seccomp: 0")];
        if (wrong.Length == 0 && guests.FirstOrDefault(guest => guest.Seccomp is null) is { } silent) return Verdict.Unknown($"{silent}: its Seccomp is not told");
        return Verdict.Unless(wrong, guests.Length > 0 ? $"{guests.Length} running, each filtered" : "filtered, when a guest runs", [conf.Line("seccomp_sandbox"), .. guests.Select(guest => $"{guest}: Seccomp: {guest.Seccomp}")]);
    }

    private static Verdict DevicesAreLimited(Judged host)
    {
        var conf = Conf(host.Facts, "qemu");
        var wrong = (conf.List("cgroup_device_acl") ?? []).Where(path => HostDevices.Any(start => path.StartsWith(start, StringComparison.Ordinal))).Select(path => $"{conf.Path}: cgroup_device_acl has {path}").ToList();
        if (conf.List("cgroup_controllers") is { } controllers && !controllers.Contains("devices")) wrong.Add(conf.Line("cgroup_controllers"));
        if (wrong.Count > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        string[] evidence = [conf.Line("cgroup_controllers"), conf.Line("cgroup_device_acl")];
        if (host.Facts.IsOffline) return Verdict.Pass("as libvirt has it", evidence);
        var groups = host.Facts.Files(ControlGroups).Select(file => file.Path).ToArray();
        if (groups.Contains("/sys/fs/cgroup/devices")) return Verdict.Pass("the devices controller is there", [.. evidence, "/sys/fs/cgroup/devices is there"]);
        return groups.Contains("/sys/fs/cgroup/cgroup.controllers")
            ? Verdict.NotApplicable("control groups of version 2 have no devices controller: libvirt loads a filter instead, and neither setting weakens it", evidence)
            : Verdict.Fail("the kernel has no devices controller", [.. evidence, "/sys/fs/cgroup/devices: not there"]);
    }

    private static Verdict NoDumps(Judged host)
    {
        var conf = Conf(host.Facts, "qemu");
        var wrong = conf.Number("dump_guest_core") is > 0 ? new List<string> { conf.Line("dump_guest_core") } : [];
        wrong.AddRange(GuestFiles.Domains(host.Facts).Where(file => file.Domain.DumpsMemory).Select(file => $"{file.Path}: {file.Domain.Name}: dumpCore='on'"));
        return Verdict.Unless(wrong, "they do not", conf.Line("dump_guest_core"), conf.Line("max_core"));
    }
}
