using System.Globalization;
using System.Text.RegularExpressions;
using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>What is done to the host and its guests leaves a trail.</summary>
internal static partial class AuditRules
{
    private const string Category = "Audit";
    private const string ImageTree = "/var/lib/libvirt/images";

    private static FactQuestion Status { get; } = FactQuestion.Run("audit-status", new("auditctl", "-s"));
    private static FactQuestion LoadedRules { get; } = FactQuestion.Run("audit-rules", new("auditctl", "-l"));
    private static FactQuestion RuleFiles { get; } = FactQuestion.Files("audit-rule-files", "/etc/audit/rules.d/*.rules", "/etc/audit/audit.rules");
    private static FactQuestion Daemon { get; } = FactQuestion.Look("auditd-unit", "/etc/systemd/system/*.wants/auditd.service", "/usr/lib/systemd/system/*.wants/auditd.service", "/etc/rc[0-9].d/S*auditd");
    private static FactQuestion LibvirtFiles { get; } = FactQuestion.Files("libvirt-audit", "/etc/libvirt/libvirtd.conf", "/etc/libvirt/virtqemud.conf");
    private static FactQuestion Places { get; } = FactQuestion.Look("audited-places", "/etc/libvirt", "/etc/xen", "/etc/selinux", ImageTree);
    private static FactQuestion Denials { get; } = FactQuestion.Run("avc-denials", AuditLog.Denials());

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("AUD-01", "auditd runs, now and after a boot")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [Status, Daemon, Questions.KernelCommandLine],
            Source = "RHEL 7 Virtualization Security Guide; libvirt, audit log",
            Why = "Without it nobody can tell afterwards who started which guest with which disk, nor what SELinux refused.",
            Expected = "the kernel's audit is enabled and has its daemon, auditd starts at boot, and no audit=0 on the kernel's line",
            Judge = DaemonRuns,
            Remedy = "Install and start it: systemctl enable --now auditd. Take audit=0 off the kernel's line.",
        },
        new("AUD-02", "libvirt tells audit what guests get")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [LibvirtFiles],
            Source = "libvirt, audit log: audit_level",
            Why = "libvirt's records say which guest got which disk, device and label; at level 0 there are none.",
            Expected = "audit_level is 1 (libvirt's own default) or 2 (no guest without audit)",
            Judge = LibvirtAudits,
            Remedy = "Take audit_level = 0 out of the file, or set it to 1, and start the daemon again.",
        },
        new("AUD-03", "What defines guests and labels is watched")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [LoadedRules, RuleFiles, Places],
            Source = "ComplianceAsCode audit_rules_mac_modification; RHEL 7 Virtualization Security Guide",
            Why = "A change there changes what guests may do; only a watch says who made it.",
            Expected = "a rule of audit watches writing in /etc/selinux, /etc/libvirt or /etc/xen, and where images lie",
            Judge = PlacesAreWatched,
            Remedy = "Add watches to a file in /etc/audit/rules.d (-w PATH -p wa -k virtualization) and load them: augenrules --load.",
            Repair = host => host.Facts.IsOffline ? [] : [.. Unwatched(host).Select(place => new Change("auditctl", [Watch("-w", place)], IsWatched(place), [Watch("-W", place)]))],
        },
        new("AUD-04", "SELinux refused virtualization nothing lately")
        {
            Category = Category, Severity = HardeningSeverity.Info, NeedsSELinux = true, Needs = [Denials],
            Source = "audit's own log",
            Why = "A denial is a broken guest or one that reached for more than it was given: both are worth knowing.",
            Expected = "no denial of a domain of virtualization at the end of /var/log/audit/audit.log",
            Judge = host =>
            {
                if (host.Facts.TextOrMissing(Denials) is not { } text) return Verdict.Unknown("there is no /var/log/audit/audit.log");
                var denials = AuditLog.Parse(text).Select(one => string.Create(CultureInfo.InvariantCulture, $"audit.log: {one.Denial}, {one.Count} times")).ToArray();
                return denials.Length == 0 ? Verdict.Pass("none", "/var/log/audit/audit.log: no denial of virt, xen or qemu in its last 4 MiB") : Verdict.Warn(Verdict.Count(denials), denials);
            },
            Remedy = "Look at each (ausearch -m AVC -ts recent): a wrong label is mended by Set-VirtImageContext; what a guest should not have wanted is an incident.",
        },
    ];

    private static Verdict DaemonRuns(Judged host)
    {
        var units = host.Facts.Files(Daemon);
        var wrong = new List<string>();
        var evidence = units.Select(unit => $"{unit.Path} is there").ToList();
        if (units.Count == 0) wrong.Add("auditd does not start at boot: no unit wants auditd.service");
        if (!host.Facts.IsOffline)
        {
            if (BootConfig.ValueOf(BootConfig.Arguments(host.Facts.File(Questions.KernelCommandLine, "/proc/cmdline")?.Text ?? ""), "audit") is "0" or "off") wrong.Add("/proc/cmdline: audit=0");
            if (host.Facts.TextOrMissing(Status) is not { } text)
            {
                wrong.Add("auditctl: not there");
            }
            else
            {
                var status = text.Split('\n').Select(line => line.Split(' ')).Where(words => words.Length == 2).DistinctBy(words => words[0]).ToDictionary(words => words[0], words => words[1]);
                string Value(string name) => status.GetValueOrDefault(name) ?? throw new FormatException($"auditctl -s says nothing of {name}");
                evidence.Add($"auditctl -s: enabled {Value("enabled")}, pid {Value("pid")}");
                if (Value("enabled") == "0") wrong.Add("auditctl -s: enabled 0");
                if (Value("pid") == "0") wrong.Add("auditctl -s: pid 0: no daemon listens");
            }
        }

        return Verdict.Unless(wrong, host.Facts.IsOffline ? "it starts at boot" : "it runs, and starts at boot", evidence);
    }

    private static Verdict LibvirtAudits(Judged host)
    {
        var files = host.Facts.Files(LibvirtFiles);
        if (files.Count == 0) return Verdict.NotApplicable("libvirt has no configuration here");
        var levels = files.Select(file => (file.Path, Level: file.Lines.Select(line => Level().Match(line)).LastOrDefault(match => match.Success)?.Groups["level"].Value)).ToArray();
        var wrong = levels.Where(file => file.Level == "0").Select(file => $"{file.Path}: audit_level = 0").ToArray();
        return Verdict.Unless(wrong, "it does", levels.Select(file => $"{file.Path}: audit_level {file.Level ?? "not set, so 1"}"));
    }

    /// <summary>What is to be watched here: what defines this host's guests, the policy, and where the plan's volumes or libvirt's images are.</summary>
    private static IReadOnlyList<string> ToWatch(Judged host)
    {
        var there = host.Facts.Files(Places).Select(file => file.Path).ToArray();
        var definitions = host.Facts.Hypervisor switch { Hypervisor.Kvm => "/etc/libvirt", Hypervisor.Xen => "/etc/xen", _ => null };
        string?[] places = ["/etc/selinux", definitions, .. host.Plan is { Volumes.Count: > 0 } plan ? plan.Volumes.Select(volume => volume.MountPoint) : [ImageTree]];
        return [.. places.OfType<string>().Where(place => there.Contains(place) || (place is not ("/etc/selinux" or "/etc/libvirt" or "/etc/xen" or ImageTree))).Distinct()];
    }

    private static IReadOnlyList<string> Unwatched(Judged host)
    {
        var watched = host.Facts.IsOffline
            ? host.Facts.Files(RuleFiles).SelectMany(file => AuditLog.Watched(file.Text)).ToArray()
            : [.. AuditLog.Watched(host.Facts.TextOrMissing(LoadedRules) ?? "")];
        return [.. ToWatch(host).Where(place => !watched.Any(path => HostPath.IsAtOrBelow(place, path)))];
    }

    private static Verdict PlacesAreWatched(Judged host)
    {
        var places = ToWatch(host);
        if (places.Count == 0) return Verdict.NotApplicable("none of these places is there");
        var unwatched = Unwatched(host).Select(place => $"{place}: no rule watches it").ToArray();
        return Verdict.Unless(unwatched, "each is watched", places.Select(place => $"{(host.Facts.IsOffline ? "/etc/audit" : "auditctl -l")}: {place} is watched"));
    }

    private static ToolCall Watch(string how, string path) => new("auditctl", how, path, "-p", "wa", "-k", "virtualization") { Mutating = true };

    private static ToolCall IsWatched(string path) => ToolCall.Script("is-watched", """auditctl -l | grep -F -- "-w $1 " """, path);

    [GeneratedRegex(@"^\s*audit_level\s*=\s*(?<level>[0-9]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Level();
}
