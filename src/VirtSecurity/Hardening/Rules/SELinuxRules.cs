using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>SELinux is on, stays on, and confines what it is to confine. Of domains and booleans: <see cref="SELinuxDomainRules"/>.</summary>
internal static class SELinuxRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "SELinux";

    private const string EnforceFile = "/sys/fs/selinux/enforce";

    private static FactQuestion Stores { get; } = FactQuestion.Look("policy-stores", "/etc/selinux/*/policy/policy.*");
    private static FactQuestion Autorelabel { get; } = FactQuestion.Look("autorelabel", "/.autorelabel");

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SEL-01", "SELinux enforces now")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.SELinuxState],
            Source = "RHEL 7 Virtualization Security Guide 2.1; ComplianceAsCode selinux_state",
            Why = "sVirt keeps guests apart only while SELinux enforces: permissive logs a guest's reach for another's image and lets it through.",
            Expected = $"{EnforceFile} is 1",
            Judge = EnforcesNow,
            Remedy = "Switch SELinux to enforcing. Where it is off altogether: label the file system (fixfiles onboot), set SELINUX=enforcing in /etc/selinux/config and start the host again.",
            Repair = host => IsOn(host)
                ? [new Change("setenforce", [new ToolCall("setenforce", "1") { Mutating = true }], new ToolCall("grep", "-s", "^1", EnforceFile), [new ToolCall("setenforce", "0") { Mutating = true }])]
                : [],
        },
        new("SEL-02", "SELinux enforces at boot")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.SELinuxConfig, Questions.SELinuxState], NeedsSELinux = true,
            Source = "ComplianceAsCode selinux_state; Lynis MACF-6234",
            Why = "What is switched on by hand is gone after the next boot, and nobody looks again.",
            Expected = $"SELINUX=enforcing in {SELinuxConfig.Path}, and the running host the same",
            Judge = EnforcesAtBoot,
            Remedy = $"Set SELINUX=enforcing in {SELinuxConfig.Path}.",
        },
        new("SEL-03", "The kernel line does not switch SELinux off")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [Questions.KernelCommandLine, Questions.BootEntries], NeedsSELinux = true,
            Source = "ComplianceAsCode grub2_enable_selinux",
            Why = "selinux=0 or enforcing=0 on the kernel line wins over the configuration file, and so does another security module in SELinux's place.",
            Expected = "no selinux=0, no enforcing=0 and no security= or lsm= without selinux, neither now nor in a boot entry; and each entry names SELinux where the running kernel's line has to",
            Judge = KernelLineLeavesItOn,
            Remedy = "In GRUB's settings (/etc/default/grub, GRUB_CMDLINE_LINUX) take selinux=0 and enforcing=0 out, and have security=selinux where the kernel's default is another module (Debian: selinux-activate); make its file again: update-grub, or grubby --update-kernel=ALL --remove-args=\"selinux enforcing\".",
        },
        new("SEL-04", "The policy that is configured is there")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [Questions.SELinuxConfig, Stores, Questions.SELinuxState], NeedsSELinux = true,
            Source = "ComplianceAsCode selinux_policytype",
            Why = "Without the policy named in the configuration the next boot comes up without one.",
            Expected = $"SELINUXTYPE in {SELinuxConfig.Path} names a policy in /etc/selinux, and the loaded one knows levels (MCS or MLS)",
            Judge = PolicyIsThere,
            Remedy = "Install the distribution's policy package and name it in SELINUXTYPE.",
        },
        new("SEL-05", "The policy knows categories (sVirt needs them)")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = [Questions.SELinuxState], NeedsSELinux = true,
            Source = "SELinux Notebook, virtual machine support",
            Why = "Guests of one type are told apart by their categories alone.",
            Expected = "/sys/fs/selinux/mls is 1",
            Judge = host => State(host, "mls") is "1" ? Verdict.Pass("levels are on", "/sys/fs/selinux/mls: 1") : Verdict.Fail("the loaded policy has no levels and no categories", $"/sys/fs/selinux/mls: {State(host, "mls")}"),
            Remedy = "Load a policy with MCS, as the distributions' are.",
        },
        .. SELinuxDomainRules.All,
        .. SELinuxBooleanRules.All,
        new("SEL-16", "No relabel of the whole host waits for the next boot")
        {
            Category = Category, Severity = HardeningSeverity.Info, Needs = [Autorelabel, Questions.KernelCommandLine], NeedsSELinux = true,
            Source = "fixfiles(8)",
            Why = "A relabel at boot takes long and takes from images the labels that no rule gives them; better it is planned.",
            Expected = "no /.autorelabel, and no autorelabel=1 on the kernel line",
            Judge = NoRelabelWaits,
            Remedy = "Plan a time for the boot that relabels, or remove /.autorelabel. First see that each image has its rule: Get-VirtImage | Test-VirtImageContext.",
        },
    ];

    private static bool IsOn(Judged host) => host.Facts.Files(Questions.SELinuxState).Count > 0;

    /// <summary>A file of selinuxfs that must be there where SELinux is on.</summary>
    private static string State(Judged host, string name) =>
        (host.Facts.File(Questions.SELinuxState, "/sys/fs/selinux/" + name) ?? throw new FormatException($"there is no /sys/fs/selinux/{name}")).Text.Trim();

    private static Verdict EnforcesNow(Judged host)
    {
        if (!IsOn(host)) return Verdict.Fail("SELinux is off", $"{EnforceFile}: not there");
        return State(host, "enforce") switch
        {
            "1" => Verdict.Pass("enforcing", $"{EnforceFile}: 1"),
            "0" => Verdict.Fail("permissive", $"{EnforceFile}: 0"),
            var other => Verdict.Unknown($"{EnforceFile} says '{other}'"),
        };
    }

    private static Verdict EnforcesAtBoot(Judged host)
    {
        var mode = SELinuxConfig.Read(host.Facts.Files(Questions.SELinuxConfig)).Mode;
        var evidence = $"{SELinuxConfig.Path}: SELINUX={mode ?? "(not set)"}";
        if (mode != "enforcing") return Verdict.Fail(mode is null ? "the configuration names no mode" : $"{mode} at the next boot", evidence);
        if (host.Facts.IsOffline) return Verdict.Pass("enforcing at boot", evidence);
        var now = State(host, "enforce");
        return now == "1"
            ? Verdict.Pass("enforcing now and at boot", evidence, $"{EnforceFile}: 1")
            : Verdict.Fail("enforcing at boot, but not now: someone has switched it off since", evidence, $"{EnforceFile}: {now}");
    }

    private static Verdict KernelLineLeavesItOn(Judged host)
    {
        var entries = BootConfig.Entries(host.Facts.Files(Questions.BootEntries)).Where(entry => !entry.IsHypervisor).ToArray();
        var findings = new Findings();
        foreach (var entry in entries)
        {
            foreach (var argument in SwitchingOff(entry.Arguments)) findings.Wrong($"{entry.Path}:{entry.Line}: {argument}");
        }

        if (!host.Facts.IsOffline)
        {
            var now = NowArguments(host);
            foreach (var argument in SwitchingOff(now)) findings.Wrong($"/proc/cmdline: {argument}");
            // Which module is on without a word, the kernel's builder decided; here SELinux had to be asked for. An entry that boots Linux has a root; a memory test has none.
            if (NamesSELinux(now))
            {
                foreach (var entry in entries.Where(entry => entry.Path.StartsWith("/boot/", StringComparison.Ordinal) && BootConfig.ValueOf(entry.Arguments, "root") is not null && !NamesSELinux(entry.Arguments)))
                    findings.Weak($"{entry.Path}:{entry.Line}: does not name SELinux, as /proc/cmdline does ({string.Join(' ', now.Where(argument => argument.Contains("selinux", StringComparison.Ordinal)))})");
            }
        }

        foreach (var path in entries.Select(entry => entry.Path).Distinct()) findings.Right($"{path}: nothing switches SELinux off");
        if (entries.Length == 0) findings.Unknown("it does not switch SELinux off now; where the next boot's kernel line comes from was not found");
        return findings.Settle("nothing switches it off", "");
    }

    /// <summary>What on a kernel's line keeps SELinux from being on: its own switches, or a choice of modules without it.</summary>
    private static IEnumerable<string> SwitchingOff(IReadOnlyList<string> arguments)
    {
        string? Value(string name) => BootConfig.ValueOf(arguments, name);
        foreach (var name in new[] { "selinux", "enforcing" })
        {
            if (Value(name) is { Length: > 0 } value && value.All(digit => digit == '0')) yield return $"{name}={value}";
        }

        // With lsm= the kernel passes over security= (security/security.c).
        if (Value("lsm") is { } modules)
        {
            if (!modules.Split(',').Contains("selinux")) yield return $"lsm={modules}";
        }
        else if (Value("security") is { } module && module != "selinux")
        {
            yield return $"security={module}";
        }
    }

    private static bool NamesSELinux(IReadOnlyList<string> arguments) => BootConfig.ValueOf(arguments, "security") == "selinux" || BootConfig.ValueOf(arguments, "lsm")?.Split(',').Contains("selinux") == true;

    /// <summary>The running kernel's line.</summary>
    private static IReadOnlyList<string> NowArguments(Judged host) =>
        BootConfig.Arguments((host.Facts.File(Questions.KernelCommandLine, "/proc/cmdline") ?? throw new FormatException("there is no /proc/cmdline")).Text.Trim());

    private static Verdict PolicyIsThere(Judged host)
    {
        var store = SELinuxConfig.Read(host.Facts.Files(Questions.SELinuxConfig)).Store;
        if (store is null) return Verdict.Fail("the configuration names no policy", $"{SELinuxConfig.Path}: no SELINUXTYPE");
        var policies = host.Facts.Files(Stores).Select(file => file.Path).Where(path => path.StartsWith($"/etc/selinux/{store}/policy/", StringComparison.Ordinal)).ToArray();
        var evidence = policies.Prepend($"{SELinuxConfig.Path}: SELINUXTYPE={store}").ToArray();
        if (policies.Length == 0) return Verdict.Fail($"there is no policy {store}", evidence);
        if (host.Facts.IsOffline) return Verdict.Pass($"{store} is there", evidence);
        return State(host, "mls") == "1" ? Verdict.Pass($"{store} is there, and the loaded policy knows levels", evidence) : Verdict.Fail("the loaded policy knows no levels", [.. evidence, "/sys/fs/selinux/mls: 0"]);
    }

    private static Verdict NoRelabelWaits(Judged host)
    {
        var waiting = host.Facts.Files(Autorelabel).Select(file => $"{file.Path} is there").ToList();
        if (!host.Facts.IsOffline && NowArguments(host).Contains("autorelabel=1")) waiting.Add("/proc/cmdline: autorelabel=1");
        return waiting.Count == 0 ? Verdict.Pass("none waits", "/.autorelabel: not there") : Verdict.Warn("the next boot relabels the whole host", waiting);
    }
}
