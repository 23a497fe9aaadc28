using System.Globalization;
using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>What is done to the host and its guests leaves a trail.</summary>
internal static class AuditRules
{
    private const string Category = "Audit";
    private const string Unit = "auditd.service";
    private const string LoginIdFile = "/proc/self/loginuid";

    /// <summary>What the login id is of what nobody has logged in to: -1, as the kernel writes it.</summary>
    private const string NoLogin = "4294967295";

    private const string PolicyTree = "/etc/selinux";

    /// <summary>Where libvirt and xl have guests' definitions, and their images where no plan says otherwise.</summary>
    private static readonly string[] DefinitionTrees = ["/etc/libvirt", "/etc/xen"];
    private static readonly string[] ImageTrees = ["/var/lib/libvirt/images", "/var/lib/xen/images"];

    private static FactQuestion Status { get; } = FactQuestion.Run("audit-status", new("auditctl", "-s"));
    private static FactQuestion LoadedRules { get; } = FactQuestion.Run("audit-rules", new("auditctl", "-l"));
    private static FactQuestion RuleFiles { get; } = FactQuestion.Files("audit-rule-files", "/etc/audit/rules.d/*.rules", "/etc/audit/audit.rules");
    private static FactQuestion LoginId { get; } = FactQuestion.Files("login-id", LoginIdFile);
    private static FactQuestion Places { get; } = FactQuestion.Look("audited-places", [PolicyTree, .. DefinitionTrees, .. ImageTrees]);
    private static FactQuestion Denials { get; } = FactQuestion.Run("avc-denials", AuditLog.Denials());

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("AUD-01", "auditd runs, now and after a boot")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [Status, .. ServiceFacts.UnitNeeds, LoginId, Questions.KernelCommandLine],
            Source = "RHEL 7 Virtualization Security Guide; libvirt, audit log",
            Why = "Without it nobody can tell afterwards who started which guest with which disk, nor what SELinux refused.",
            Expected = "the kernel's audit is enabled and has its daemon, auditd starts at boot, no audit=0 on the kernel's line, and who logs in has a login id",
            Judge = DaemonRuns,
            Remedy = "Install and start it: systemctl enable --now auditd. Take audit=0 off the kernel's line. Sessions get their login id from pam_loginuid in /etc/pam.d/sshd and /etc/pam.d/login.",
        },
        new("AUD-02", "libvirt tells audit what guests get")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [Questions.LibvirtFiles, HardeningFacts.Hypervisors],
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
            Expected = "a rule of audit watches writing in /etc/selinux, /etc/libvirt or /etc/xen, and where images lie, now and after a boot",
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
                var denials = AuditLog.Parse(text).Where(one => one.Denial.IsOfVirtualization).Select(one => string.Create(CultureInfo.InvariantCulture, $"audit.log: {one.Denial}, {one.Count} times")).ToArray();
                return denials.Length == 0 ? Verdict.Pass("none", "/var/log/audit/audit.log: no denial of virt, xen or qemu in its last 4 MiB") : Verdict.Warn(Verdict.Count(denials), denials);
            },
            Remedy = "Look at each (ausearch -m AVC -ts recent): a wrong label is mended by Set-VirtImageContext; what a guest should not have wanted is an incident.",
        },
    ];

    private static Verdict DaemonRuns(Judged host)
    {
        var findings = new Findings();
        var unit = ServiceFacts.UnitsOf(host.Facts).FirstOrDefault(unit => unit.Name == Unit);
        findings.Add(unit?.IsEnabled == true, unit is null ? $"{Unit}: not there: auditd does not start at boot" : unit.IsEnabled ? unit.ToString() : $"{unit}: it does not start at boot");
        if (host.Facts.IsOffline) return findings.Settle("it starts at boot", "");
        if (BootConfig.ValueOf(BootConfig.Arguments((host.Facts.File(Questions.KernelCommandLine, "/proc/cmdline") ?? throw new FormatException("there is no /proc/cmdline")).Text.Trim()), "audit") is "0" or "off") findings.Wrong("/proc/cmdline: audit=0");
        var login = host.Facts.File(LoginId, LoginIdFile);
        if (login is null) findings.Wrong($"{LoginIdFile}: not there: the kernel has no audit");
        // Who works at the host itself may do so from a service, which nobody has logged in to.
        else if (login.Text.Trim() == NoLogin && !host.Facts.Name.IsLocal) findings.Weak($"{LoginIdFile}: not set: who logs in is not told apart");
        else findings.Right($"{LoginIdFile}: {login.Text.Trim()}");
        if (host.Facts.TextOrMissing(Status) is not { } text)
        {
            findings.Wrong("auditctl: not there");
            return findings.Settle("", "");
        }

        var status = text.Split('\n').Select(line => line.Split(' ')).Where(words => words.Length == 2).DistinctBy(words => words[0]).ToDictionary(words => words[0], words => words[1]);
        string Value(string name) => status.GetValueOrDefault(name) ?? throw new FormatException($"auditctl -s says nothing of {name}");
        findings.Add(Value("enabled") != "0", $"auditctl -s: enabled {Value("enabled")}");
        findings.Add(Value("pid") != "0", Value("pid") == "0" ? "auditctl -s: pid 0: no daemon listens" : $"auditctl -s: pid {Value("pid")}");
        return findings.Settle("it runs, and starts at boot", "");
    }

    private static Verdict LibvirtAudits(Judged host)
    {
        if (!ServiceFacts.HasLibvirt(host.Facts)) return Verdict.NotApplicable("there is no libvirt here");
        // Where the daemons are many, QEMU's is one of them; a file of the other kind is read by nobody, and misleads whoever reads it.
        var names = new[] { "libvirtd", "virtqemud" }.Where(name => host.Facts.File(Questions.LibvirtFiles, $"/etc/libvirt/{name}.conf") is not null).DefaultIfEmpty("libvirtd");
        var findings = new Findings();
        foreach (var conf in names.Select(name => ServiceFacts.Conf(host.Facts, name))) findings.Add(conf.Number("audit_level") != 0, $"{conf.Line("audit_level")}{(conf.Number("audit_level") is null ? ", so 1" : "")}");
        return findings.Settle("it does", "");
    }

    /// <summary>What is to be watched here: what defines this host's guests, the policy, and where the plan's volumes, or images without a plan, are.</summary>
    private static IReadOnlyList<string> ToWatch(Judged host)
    {
        var there = host.Facts.Files(Places).Select(file => file.Path).ToArray();
        // Of a host whose hypervisor is not known, both.
        IEnumerable<string> Of(string[] trees) => host.Facts.Hypervisor switch { Hypervisor.Kvm => [trees[0]], Hypervisor.Xen => [trees[1]], _ => trees };
        var planned = host.Plan?.Volumes.Select(volume => volume.MountPoint).OfType<string>().ToArray() ?? [];
        return [.. Of(DefinitionTrees).Prepend(PolicyTree).Concat(planned.Length > 0 ? [] : Of(ImageTrees)).Where(there.Contains).Concat(planned).Distinct()];
    }

    private static IReadOnlyList<string> Without(IEnumerable<string> places, IEnumerable<string> rules)
    {
        var watched = rules.SelectMany(AuditLog.Watched).ToArray();
        return [.. places.Where(place => !watched.Any(path => HostPath.IsAtOrBelow(place, path)))];
    }

    /// <summary>What no rule watches after the next boot.</summary>
    private static IReadOnlyList<string> UnwatchedAtBoot(Judged host) => Without(ToWatch(host), host.Facts.Files(RuleFiles).Select(file => file.Text));

    /// <summary>What no rule watches now.</summary>
    private static IReadOnlyList<string> Unwatched(Judged host) => Without(ToWatch(host), [host.Facts.TextOrMissing(LoadedRules) ?? ""]);

    private static Verdict PlacesAreWatched(Judged host)
    {
        var findings = new Findings();
        var (now, atBoot) = (host.Facts.IsOffline ? UnwatchedAtBoot(host) : Unwatched(host), UnwatchedAtBoot(host));
        foreach (var place in ToWatch(host))
        {
            if (now.Contains(place)) findings.Wrong($"{place}: no rule watches it");
            else if (atBoot.Contains(place)) findings.Weak($"{place}: watched now, and by no file of /etc/audit after a boot");
            else findings.Right($"{(host.Facts.IsOffline ? "/etc/audit" : "auditctl -l")}: {place} is watched");
        }

        return findings.Settle("each is watched", "none of these places is there");
    }

    private static ToolCall Watch(string how, string path) => new("auditctl", how, path, "-p", "wa", "-k", "virtualization") { Mutating = true };

    // Newer versions show a watch as the rule that it is.
    private static ToolCall IsWatched(string path) => ToolCall.Script("is-watched", """auditctl -l | grep -F -e "-w $1 " -e "-F dir=$1 " """, path);
}
