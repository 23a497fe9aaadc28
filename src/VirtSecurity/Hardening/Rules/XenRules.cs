using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Kernel about Xen itself.</summary>
internal static class XenRules
{
    private const string Mitigations = "Speculative mitigation facilities";
    private const string XlConf = "/etc/xen/xl.conf";

    /// <summary>What Xen says of itself.</summary>
    public static FactQuestion Info { get; } = FactQuestion.Run("xl-info", new("xl", "info"));

    /// <summary>What Xen has printed since it was started, as far as it is still there.</summary>
    public static FactQuestion Messages { get; } = FactQuestion.Run("xl-dmesg", new("xl", "dmesg"));
    private static FactQuestion Enforces { get; } = FactQuestion.Run("xl-getenforce", new("xl", "getenforce"));
    private static FactQuestion Conf { get; } = FactQuestion.Files("xl-conf", XlConf);
    private static FactQuestion Vulnerabilities { get; } = FactQuestion.Files("cpu-vulnerabilities", "/sys/devices/system/cpu/vulnerabilities/*");

    /// <summary>The check of the processor, for KVM too.</summary>
    public static HardeningRule Processor { get; } = new("KRN-01", "The processor's holes are closed")
    {
        Category = KernelRules.Category,
        Severity = HardeningSeverity.High,
        Needs = [Vulnerabilities, Messages],
        Source = "ComplianceAsCode kubevirt-*, CPU vulnerabilities",
        Why = "By them a guest reads the memory of the host and of other guests.",
        Expected = "nothing in /sys/devices/system/cpu/vulnerabilities says Vulnerable; on Xen its own messages say what it does",
        Judge = ProcessorIsMitigated,
        Remedy = "Update the kernel, Xen and the processor's microcode; leave mitigations at auto, and where the kernel says SMT vulnerable, decide on it (mitigations=auto,nosmt).",
    };

    /// <summary>The checks of Xen.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("KRN-06", "Xen's own policy (XSM/FLASK) enforces")
        {
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.Medium, Needs = [Enforces],
            Source = "Xen, docs/misc/xsm-flask.txt",
            Why = "Without it every part of dom0 that may call Xen may do all that Xen can do.",
            Expected = "xl getenforce says Enforcing",
            Judge = FlaskEnforces,
            Remedy = "Use a Xen that is built with XSM, load a policy, and start it with flask=enforcing.",
        },
        new("KRN-07", "Xen's mitigations are not switched off, and SMT is decided on")
        {
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.Medium, Needs = [Info, Questions.BootEntries],
            Source = "Xen, docs/misc/xen-command-line: spec-ctrl, xpti, pv-l1tf, smt",
            Why = "Switched off on Xen's line they are off for all guests, whatever a guest's own kernel does.",
            Expected = "neither spec-ctrl, xpti nor pv-l1tf is off on Xen's line; with more than one thread a core, smt is set one way or the other",
            Judge = MitigationsAreOn,
            Remedy = "Take spec-ctrl=no, xpti=no and pv-l1tf=no out of GRUB_CMDLINE_XEN; write smt=off there, or smt=on if the guests may share cores; then update-grub, or grub2-mkconfig -o /boot/grub2/grub.cfg, and start the host again.",
        },
        new("KRN-08", "dom0's memory is fixed")
        {
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.Low, Needs = [Info, Conf, Questions.BootEntries],
            Source = "xl(1) and xl.conf(5), autoballoon",
            Why = "A dom0 that gives its memory away guest by guest ends without any, and with it all its guests.",
            Expected = $"dom0_mem on Xen's line, and autoballoon not on in {XlConf}",
            Judge = MemoryIsFixed,
            Remedy = $"Write dom0_mem=SIZE,max:SIZE to GRUB_CMDLINE_XEN and autoballoon=\"off\" to {XlConf}; then update-grub, or grub2-mkconfig -o /boot/grub2/grub.cfg, and start the host again.",
        },
    ];

    private static Verdict ProcessorIsMitigated(Judged host)
    {
        var files = host.Facts.Files(Vulnerabilities);
        var lines = files.Select(file => (Text: file.Text.Trim(), Line: $"{file.Path}: {file.Text.Trim()}")).ToArray();
        var wrong = lines.Where(line => IsOpen(line.Text)).Select(line => line.Line).ToArray();
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        if (files.Count == 0) return Verdict.Unknown("the kernel says nothing of the processor's holes");
        // A dom0's kernel says Unknown where only Xen can know.
        var unknown = lines.Where(line => line.Text.StartsWith("Unknown", StringComparison.Ordinal)).Select(line => line.Line).ToArray();
        string[] evidence = [.. lines.Select(line => line.Line)];
        if (host.Facts.Hypervisor == Hypervisor.Xen)
        {
            var said = host.Facts.Text(Messages).Split('\n').SkipWhile(line => !line.Contains(Mitigations, StringComparison.Ordinal)).Take(25).Select(line => line.Trim()).ToArray();
            if (said.FirstOrDefault(line => line.Contains("Xen settings:", StringComparison.Ordinal)) is not { } settings) return Verdict.Unknown("Xen's messages of its mitigations are not in xl dmesg any more", unknown);
            if (MitigatesNothing(settings)) return Verdict.Fail("Xen mitigates nothing", $"xl dmesg: {settings}");
            evidence = [$"xl dmesg: {settings}", .. evidence];
        }
        else if (unknown.Length > 0)
        {
            return Verdict.Unknown(Verdict.Count(unknown), unknown);
        }

        var partly = lines.Where(line => line.Text.Contains("ulnerable", StringComparison.Ordinal)).Select(line => line.Line).ToArray();
        return partly.Length > 0 ? Verdict.Warn(Verdict.Count(partly), partly) : Verdict.Pass(host.Facts.Hypervisor == Hypervisor.Xen ? "the kernel and Xen mitigate them" : $"{lines.Length} known holes, none open", evidence);
    }

    /// <summary>
    /// Whether a hole is open to guests: of all the line, or of one of its parts, such as <c>BHI: Vulnerable</c>, unless KVM has its own way; l1tf's <c>VMX: vulnerable</c> is about
    /// guests alone. A small letter elsewhere is about threads of a core, which is a thing to be decided (SMT vulnerable).
    /// </summary>
    private static bool IsOpen(string text) => text.StartsWith("Vulnerable", StringComparison.Ordinal) || text.Contains("VMX: vulnerable", StringComparison.Ordinal)
        || (text.Contains(": Vulnerable", StringComparison.Ordinal) && !text.Contains("KVM: SW loop", StringComparison.Ordinal));

    /// <summary>Whether a line of settings (spec_ctrl.c, print_details) has none that is on: neither a thunk other than a plain jump, nor a bit of SPEC_CTRL with +.</summary>
    private static bool MitigatesNothing(string settings) => settings.Split("Other:")[0] is var first && !first.Contains('+', StringComparison.Ordinal)
        && !first.Contains("RETPOLINE", StringComparison.Ordinal) && !first.Contains("LFENCE", StringComparison.Ordinal);

    // Where Xen has no FLASK, xl says that it is disabled and exits with an error.
    private static Verdict FlaskEnforces(Judged host) => host.Facts.Read(Enforces, result => result.Stdout.Trim() is { Length: > 0 } said ? said : result.Stderr.Trim()) switch
    {
        "Enforcing" => Verdict.Pass("enforcing", "xl getenforce: Enforcing"),
        "Permissive" => Verdict.Fail("permissive", "xl getenforce: Permissive"),
        var said when said.Contains("disabled", StringComparison.OrdinalIgnoreCase) => Verdict.Fail("Xen runs without it", $"xl getenforce: {said}"),
        var said => Verdict.Unknown($"xl getenforce says '{said}'"),
    };

    private static Verdict MitigationsAreOn(Judged host)
    {
        var (findings, lines) = (new Findings(), Lines(host));
        // Of a host that does not run, how many threads a core has is not told.
        var threads = host.Facts.IsOffline ? null : XlInfo.Parse(host.Facts.Text(Info)).Value("threads_per_core");
        foreach (var (place, arguments) in lines)
        {
            foreach (var name in new[] { "spec-ctrl", "xpti", "pv-l1tf" })
            {
                foreach (var item in XlInfo.Off(arguments, name))
                {
                    // A single mitigation may have been weighed, and dom0 is trusted; guests', or all of them, are not to be off.
                    if (item is "all" or "xen" or "pv" or "hvm" or "domu") findings.Wrong($"{place}: {name} is off{(item == "all" ? "" : $" for {item}")}");
                    else findings.Weak($"{place}: {name} leaves out {item}");
                }
            }

            if (XlInfo.Argument(arguments, "smt") is { } smt) findings.Right($"{place}: smt={smt}");
            else if (threads == "1") findings.Right($"{place}: threads_per_core 1");
            else if (threads is null) findings.Unknown($"{place}: smt is not set, and how many threads a core has is not told of a host that does not run");
            else findings.Weak($"{place}: smt is not set; nobody decided whether guests may share a core's {threads} threads");
        }

        if (lines.Count == 0) findings.Unknown("no boot entry of Xen was found");
        return findings.Settle("on, and SMT is decided on", "");
    }

    private static Verdict MemoryIsFixed(Judged host)
    {
        var auto = host.Facts.File(Conf, XlConf)?.Lines.Select(line => line.Split('#')[0].Split('=', 2, StringSplitOptions.TrimEntries)).Where(parts => parts is ["autoballoon", _]).Select(parts => parts[1].Trim('"', '\'')).LastOrDefault() ?? "auto";
        var lines = Lines(host);
        if (lines.Count == 0) return Verdict.Unknown("no boot entry of Xen was found");
        string[] evidence = [.. lines.Select(line => $"{line.Place}: dom0_mem={XlInfo.Argument(line.Arguments, "dom0_mem") ?? "(not set)"}"), $"{XlConf}: autoballoon {auto}"];
        // With min: alone dom0 has all that there is, and gives it away.
        if (lines.Any(line => XlInfo.Argument(line.Arguments, "dom0_mem") is not { } memory || memory.Split(',').All(part => part.StartsWith("min:", StringComparison.Ordinal)))) return Verdict.Fail("dom0_mem is not set", evidence);
        return auto is "on" or "1" ? Verdict.Fail("dom0 gives memory away (autoballoon)", evidence) : Verdict.Pass("fixed", evidence);
    }

    /// <summary>Xen's line; of a host that does not run, those of its boot entries, but for those that start a rescue.</summary>
    private static IReadOnlyList<(string Place, IReadOnlyList<string> Arguments)> Lines(Judged host)
    {
        if (!host.Facts.IsOffline) return [("xl info: xen_commandline", XlInfo.Parse(host.Facts.Text(Info)).CommandLine)];
        var entries = BootConfig.Entries(host.Facts.Files(Questions.BootEntries)).Where(entry => entry.Path.EndsWith("/grub.cfg", StringComparison.Ordinal)).ToArray();
        // The first module behind Xen is its dom0's kernel.
        return [.. entries.Zip(entries.Skip(1).Append(null)).Where(pair => pair.First.IsHypervisor && pair.Second?.Arguments.Contains("single") != true).Select(pair => ($"{pair.First.Path}:{pair.First.Line}", pair.First.Arguments))];
    }
}
