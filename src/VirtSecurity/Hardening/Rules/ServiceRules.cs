using System.Net;
using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>
/// Only what is needed runs and listens. Of libvirt's own doors: <see cref="LibvirtDoorRules"/>; of displays, migration and ssh: <see cref="DisplayRules"/> and <see cref="LoginRules"/>.
/// </summary>
internal static class ServiceRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Services";

    /// <summary>What a hypervisor has no use for, by the names that Red Hat and Debian give the units.</summary>
    private static readonly string[] NotForHypervisors =
    [
        "autofs", "nfs", "nfs-server", "nfs-kernel-server", "vsftpd", "proftpd", "pure-ftpd", "httpd", "apache2", "nginx", "lighttpd", "ypserv", "ypbind", "nis", "telnet", "telnetd", "inetutils-telnetd",
        "sendmail", "rsh", "rlogin", "rexec", "rsh-server", "tftp", "tftpd-hpa", "atftpd", "xinetd", "inetd", "openbsd-inetd", "inetutils-inetd", "cups", "cups-browsed", "cupsd", "avahi-daemon", "bluetooth", "rpcbind", "portmap",
    ];

    private static readonly string[] Clocks = ["chronyd", "chrony", "ntpd", "ntp", "ntpsec", "openntpd", "systemd-timesyncd"];
    private static readonly string[] ForeignDrivers = ["virtvboxd", "virtvzd", "virtlxcd", "virtbhyved", "virtesxd"];

    private static FactQuestion Targets { get; } = FactQuestion.Files("default-target", "/etc/systemd/system/default.target", "/usr/lib/systemd/system/default.target", "/lib/systemd/system/default.target", "/etc/inittab");
    private static FactQuestion DisplayManager { get; } = FactQuestion.Look("display-manager", "/etc/systemd/system/display-manager.service", "/etc/X11/default-display-manager");

    private static IReadOnlyList<HardeningRule> Own { get; } =
    [
        new("SVC-01", "Only planned services run")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [.. UnitNeeds, Questions.Processes],
            Source = "RHEL 5 Virtualization Guide, deploying a host; Xen 3.0 user's guide, security",
            Why = "Each service of the host is a way to it, and so to every guest: those that nobody needs cost nothing to leave out.",
            Expected = "every service and socket at work is in the plan's Services, as itself or as what starts it, and every process belongs to a unit",
            Judge = OnlyPlannedRuns,
            Remedy = "Switch off what nobody needs (systemctl disable --now UNIT), or name it in the plan's Services with what it is for.",
        },
        new("SVC-02", "No service that a hypervisor has no use for")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = UnitNeeds,
            Source = "RHEL 7 Virtualization Security Guide 2.1; ComplianceAsCode service_*_disabled",
            Why = "File, mail, print and discovery servers and the old remote shells belong into a guest: there a hole in them is one guest's.",
            Expected = "none of them is at work or enabled, unless the plan's Services name it",
            Judge = NothingNeedless,
            Remedy = "Switch it off (systemctl disable --now UNIT) and take its package away; what is needed belongs into a guest.",
            Repair = host => [.. Needless(host).Select(SwitchOff)],
        },
        new("SVC-03", "Only planned sockets listen")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Sockets],
            Source = "RHEL 5 Virtualization Guide, deploying a host",
            Why = "What listens can be attacked by whoever reaches it, from a guest too.",
            Expected = "each socket that others reach is in the plan's Sockets, bound as planned; without a plan, only ssh (UDP ports that the kernel gives to clients are left out)",
            Judge = OnlyPlannedListens,
            Remedy = "Stop what listens, bind it to the address that it is for, or name it in the plan's Sockets with who may reach it.",
        },
        new("SVC-09", "Daemons of hypervisors that are not here do not run")
        {
            Category = Category, Severity = HardeningSeverity.Low, Needs = LibvirtNeeds,
            Source = "libvirt, daemons",
            Why = "Each of libvirt's daemons runs as root and takes connections, also for a hypervisor that the host does not have.",
            Expected = "no daemon for VirtualBox, Virtuozzo, containers or another hypervisor is at work or enabled",
            Judge = NoForeignDriver,
            Remedy = "Switch off the daemon and its sockets: systemctl disable --now NAME.service NAME.socket NAME-ro.socket NAME-admin.socket.",
            Repair = host => [.. Foreign(host).Select(SwitchOff)],
        },
        new("SVC-10", "The host starts no desktop")
        {
            Category = Category, Severity = HardeningSeverity.Low, Needs = [Targets, DisplayManager],
            Source = "ComplianceAsCode xwindows_runlevel_target",
            Why = "A display server, its drivers and its desktop are a great deal of code for a machine that nobody sits at.",
            Expected = "the default target is multi-user.target (runlevel 3)",
            Judge = NoDesktop,
            Remedy = "Set it: systemctl set-default multi-user.target; on old hosts id:3:initdefault: in /etc/inittab.",
        },
        new("SVC-16", "The clock is kept right")
        {
            Category = Category, Severity = HardeningSeverity.Low, Needs = UnitNeeds,
            Source = "ComplianceAsCode service_chronyd_or_ntpd_enabled",
            Why = "Records of several hosts tell what happened only if their clocks agree; certificates need the time too.",
            Expected = "chronyd, ntpd or systemd-timesyncd is at work",
            Judge = ClockIsKept,
            Remedy = "Install chrony and start it: systemctl enable --now chronyd (chrony on Debian).",
        },
        new("SVC-17", "libvirt's one daemon and its many do not run side by side")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = LibvirtNeeds,
            Source = "libvirt, daemons",
            Why = "Two daemons that drive the same guests do not know of each other, and a door closed at the one may be open at the other.",
            Expected = "either libvirtd or the daemons virt*d, not both",
            Judge = OneKindOfDaemon,
            Remedy = "Keep one kind: systemctl disable --now libvirtd.service and its sockets (libvirtd.socket, -ro, -admin, -tcp, -tls), or those of the virt*d.",
        },
    ];

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
        [.. Own.Concat(LibvirtDoorRules.All).Concat(XendRules.All).Concat(DisplayRules.All).Concat(LoginRules.All).OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    /// <summary>Switches a unit off; taken back, it is on as it was: now, at boot, or both.</summary>
    public static Change SwitchOff(UnitState unit) =>
        new("systemctl disable", [UnitStates.Disable(unit.Name)], UnitStates.IsOff(unit.Name), [UnitStates.Enable(unit.Name, unit.IsAtWork, unit.IsEnabled)]);

    private static Verdict OnlyPlannedRuns(Judged host)
    {
        // Threads of the kernel have no executable; init itself is in a scope; a container's, a guest's and a session's processes are in one too.
        var strays = !IsToldByUnits(host.Facts) ? [] : host.Facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process is { Executable: not null, Id: not 1, ControlGroup: { } group } && !group.Contains(".service", StringComparison.Ordinal) && !group.Contains(".scope", StringComparison.Ordinal))
            .Select(process => $"{process}: belongs to no unit; {process.Executable}").ToArray();
        if (host.Plan is null) return strays.Length > 0 ? Verdict.Fail(Verdict.Count(strays), strays) : Verdict.NotApplicable("it compares the host with its deployment plan, and none was given");
        var all = UnitsOf(host.Facts);
        var units = all.Where(unit => !unit.IsOfSession && !UnitPattern.IsPlanned(host.Plan, unit)).ToArray();
        string[] wrong = [.. units.Where(unit => unit is { IsAtWork: true, IsPassing: false }).Select(unit => unit.ToString()), .. strays];
        // A unit that has done its work and ended leaves nothing behind that could be attacked; what is at work for a moment may be so again.
        var later = units.Where(unit => (unit is { IsEnabled: true, IsAtWork: false, IsPassing: false, Sub: not "exited" } && !unit.Name.Contains("@.", StringComparison.Ordinal)) || unit is { IsAtWork: true, IsPassing: true }).ToArray();
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), [.. wrong, .. later.Select(unit => unit.ToString())]);
        if (!IsToldByUnits(host.Facts)) return UnlessOn(host.Facts, later, "nothing unplanned is started", $"{all.Count} units, all planned");
        return later.Length > 0
            ? Verdict.Warn($"not planned, and started now and then or at the next boot: {Verdict.Count([.. later.Select(unit => unit.ToString())])}", later.Select(unit => unit.ToString()))
            : Verdict.Pass("all that runs is planned", $"systemctl: {all.Count(unit => unit.IsAtWork)} services and sockets at work, all planned");
    }

    private static bool IsNeedless(string unit) => NotForHypervisors.Contains(Path.GetFileNameWithoutExtension(unit).Split('@')[0]);

    private static UnitState[] Needless(Judged host) => [.. UnitsOf(host.Facts).Where(unit => unit.IsOn && IsNeedless(unit.Name) && !UnitPattern.IsPlanned(host.Plan, unit))];

    private static Verdict NothingNeedless(Judged host) =>
        UnlessOn(host.Facts, Needless(host), "none is at work or enabled", $"{UnitsOf(host.Facts).Count} units: none of autofs, nfs, ftp, http, nis, telnet, sendmail, rsh, tftp, xinetd, cups, avahi, bluetooth, rpcbind is on, unless planned");

    private static Verdict OnlyPlannedListens(Judged host)
    {
        var sockets = SocketsOf(host.Facts).Where(socket => !socket.IsLoopback).ToArray();
        if (host.Plan is null)
        {
            var unnamed = sockets.Where(socket => socket is not { Protocol: "tcp", Port: 22 }).Select(Words).ToArray();
            return unnamed.Length == 0
                ? Verdict.Pass("nothing but ssh listens", sockets.Length > 0 ? sockets.Select(Words) : ["/proc/net: nothing listens to a network"])
                : Verdict.Warn($"no plan says what they are for: {Verdict.Count(unnamed)}", unnamed);
        }

        var wrong = new List<string>();
        foreach (var socket in sockets)
        {
            var planned = host.Plan.Sockets.Where(one => one.Protocol == socket.Protocol && one.Port <= socket.Port && socket.Port <= (one.LastPort ?? one.Port)).ToArray();
            if (planned.Length == 0) wrong.Add($"{Words(socket)}: not planned");
            else if (!planned.Any(one => one.Address is null or "0.0.0.0" or "::" || (socket.Address is not null && IPAddress.TryParse(one.Address, out var address) && address.Equals(NetAddress.Plain(socket.Address)))))
                wrong.Add($"{Words(socket)}: planned on {string.Join(", ", planned.Select(one => one.Address).Distinct())} only");
        }

        return Verdict.Unless(wrong, $"{sockets.Length} listen to a network, all planned", sockets.Length > 0 ? sockets.Select(Words) : ["/proc/net: nothing listens to a network"]);
    }

    private static UnitState[] Foreign(Judged host)
    {
        var others = host.Facts.Hypervisor switch { Hypervisor.Kvm => [.. ForeignDrivers, "virtxend"], Hypervisor.Xen => [.. ForeignDrivers, "virtqemud"], _ => ForeignDrivers };
        return [.. UnitsOf(host.Facts).Where(unit => unit.IsOn && others.Contains(DaemonOf(unit.Name)) && !UnitPattern.IsPlanned(host.Plan, unit))];
    }

    private static Verdict NoForeignDriver(Judged host) => !HasLibvirt(host.Facts)
        ? Verdict.NotApplicable("the host has no libvirt")
        : UnlessOn(host.Facts, Foreign(host), "none is at work or enabled", "no daemon of libvirt's for another hypervisor is on");

    private static Verdict NoDesktop(Judged host)
    {
        var files = host.Facts.Files(Targets);
        // The administrator's link comes before the distribution's; init's table is read by hosts that have neither.
        var target = new[] { "/etc/systemd/system/default.target", "/usr/lib/systemd/system/default.target", "/lib/systemd/system/default.target", "/etc/inittab" }.Select(path => files.FirstOrDefault(file => file.Path == path)).FirstOrDefault(file => file is not null)
            ?? throw new FormatException("there is neither a default target nor a default runlevel");
        var isGraphical = target.Path == "/etc/inittab"
            ? target.Lines.Any(line => line.Split('#')[0].Trim().Split(':') is [_, "5", "initdefault", ..])
            : target.Text.Contains("display-manager.service", StringComparison.Ordinal);
        if (!isGraphical) return Verdict.Pass("none", $"{target.Path}: starts no display manager");
        return host.Facts.Files(DisplayManager).Count > 0 || target.Path == "/etc/inittab"
            ? Verdict.Fail("a boot goes on to a desktop", [$"{target.Path}: starts a display manager", .. host.Facts.Files(DisplayManager).Select(file => $"{file.Path} is there")])
            : Verdict.Warn("a boot would go on to a desktop, if one were installed", $"{target.Path}: starts a display manager; none is installed");
    }

    private static Verdict ClockIsKept(Judged host)
    {
        var clocks = UnitsOf(host.Facts).Where(unit => Clocks.Contains(Path.GetFileNameWithoutExtension(unit.Name)) && unit.IsOn).ToArray();
        if (clocks.FirstOrDefault(unit => unit.IsAtWork) is { } clock) return Verdict.Pass($"{clock.Name} keeps it", clock.ToString());
        if (clocks.Length > 0 && !IsToldByUnits(host.Facts)) return host.Facts.IsOffline ? Verdict.Pass($"a boot starts {clocks[0].Name}", clocks[0].ToString()) : Verdict.Unknown($"a boot starts {clocks[0].Name}, and whether it runs is not told without systemd", clocks[0].ToString());
        return clocks.Length > 0 ? Verdict.Fail("what should keep it does not run", clocks.Select(unit => unit.ToString())) : Verdict.Fail("nothing keeps it", "systemctl: neither chronyd nor ntpd nor systemd-timesyncd is on");
    }

    private static Verdict OneKindOfDaemon(Judged host)
    {
        var on = UnitsOf(host.Facts).Where(unit => unit.IsOn && IsLibvirtDaemon(DaemonOf(unit.Name))).ToArray();
        var (one, many) = (on.Where(unit => DaemonOf(unit.Name) == "libvirtd").ToArray(), on.Where(unit => DaemonOf(unit.Name) != "libvirtd").ToArray());
        if (on.Length == 0) return Verdict.NotApplicable("no daemon of libvirt's is on");
        return one.Length > 0 && many.Length > 0
            ? Verdict.Fail("both kinds are on", on.Select(unit => unit.ToString()))
            : Verdict.Pass(one.Length > 0 ? "libvirtd alone" : "the daemons virt*d alone", on.Select(unit => unit.ToString()));
    }
}
