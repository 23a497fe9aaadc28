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

    private static FactQuestion Messages { get; } = FactQuestion.Run("xl-dmesg", new("xl", "dmesg"));
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
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.Medium, Needs = [Info],
            Source = "Xen, docs/misc/xen-command-line: spec-ctrl, xpti, pv-l1tf, smt",
            Why = "Switched off on Xen's line they are off for all guests, whatever a guest's own kernel does.",
            Expected = "neither spec-ctrl, xpti nor pv-l1tf is off on Xen's line; with more than one thread a core, smt is set one way or the other",
            Judge = MitigationsAreOn,
            Remedy = "Take spec-ctrl=no, xpti=no and pv-l1tf=no out of GRUB_CMDLINE_XEN; write smt=off there, or smt=on if the guests may share cores.",
        },
        new("KRN-08", "dom0's memory is fixed")
        {
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.Low, Needs = [Info, Conf, Questions.BootEntries],
            Source = "xl(1) and xl.conf(5), autoballoon",
            Why = "A dom0 that gives its memory away guest by guest ends without any, and with it all its guests.",
            Expected = $"dom0_mem on Xen's line, and autoballoon not on in {XlConf}",
            Judge = MemoryIsFixed,
            Remedy = $"Write dom0_mem=SIZE,max:SIZE to GRUB_CMDLINE_XEN and autoballoon=\"off\" to {XlConf}.",
        },
    ];

    /// <summary>The checks of Xen's guests.</summary>
    public static IReadOnlyList<HardeningRule> Guests { get; } =
    [
        new("KRN-11", "Device models of Xen's guests are not root")
        {
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.Medium, Needs = [Questions.Processes, .. GuestFiles.Needs],
            Source = "xl.cfg(5), dm_restrict, device_model_user and device_model_stubdomain_override",
            Why = "A guest that breaks its QEMU is then root in dom0.",
            Expected = "each HVM guest has dm_restrict=1, a device_model_user or a stub domain, and no QEMU of a guest runs as root",
            Judge = DeviceModelsAreRestricted,
            Remedy = "Write dm_restrict = 1 to the guest's file (and make the account xen-qemuuser-range-base for it), or device_model_stubdomain_override = 1.",
        },
        new("KRN-12", "PCI devices are passed through with care")
        {
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [Info, .. GuestFiles.Needs],
            Source = "Xen, docs/misc/xen-command-line: iommu; xl-pci-configuration(5): permissive",
            Why = "Without an IOMMU, or with a permissive device, the guest has dom0's memory and the device's whole configuration.",
            Expected = "Xen's IOMMU is on, and no device is permissive",
            Judge = PassthroughIsConfined,
            Remedy = "Switch the IOMMU on (firmware; iommu=1 on Xen's line) and take permissive out of the guest's file; a device that needs it is none to pass through.",
        },
    ];

    /// <summary>The PCI devices that xl's definitions pass through, as evidence.</summary>
    public static IEnumerable<string> PciDevices(HardeningFacts facts) => GuestFiles.XlConfigs(facts).SelectMany(file => file.Config.Values("pci").Select(device => $"{file.Path}: pci {device}"));

    private static Verdict ProcessorIsMitigated(Judged host)
    {
        var files = host.Facts.Files(Vulnerabilities);
        var lines = files.Select(file => (Text: file.Text.Trim(), Line: $"{file.Path}: {file.Text.Trim()}")).ToArray();
        var wrong = lines.Where(line => line.Text.StartsWith("Vulnerable", StringComparison.Ordinal) || line.Text.Contains("KVM: Vulnerable", StringComparison.Ordinal)).Select(line => line.Line).ToArray();
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        if (files.Count == 0) return Verdict.Unknown("the kernel says nothing of the processor's holes");
        // A dom0's kernel says Unknown where only Xen can know.
        var unknown = lines.Where(line => line.Text.StartsWith("Unknown", StringComparison.Ordinal)).Select(line => line.Line).ToArray();
        if (host.Facts.Hypervisor == Hypervisor.Xen)
        {
            var said = host.Facts.Text(Messages).Split('\n').SkipWhile(line => !line.Contains(Mitigations, StringComparison.Ordinal)).Take(25).Select(line => line.Trim()).ToArray();
            if (said.FirstOrDefault(line => line.Contains("Xen settings:", StringComparison.Ordinal)) is not { } settings) return Verdict.Unknown("Xen's messages of its mitigations are not in xl dmesg any more", unknown);
            return settings.Contains("SPEC_CTRL: No", StringComparison.Ordinal) && settings.Contains("BTI-Thunk N/A", StringComparison.Ordinal) ? Verdict.Fail("Xen mitigates nothing", $"xl dmesg: {settings}") : Verdict.Pass("the kernel and Xen mitigate them", [$"xl dmesg: {settings}", .. unknown]);
        }

        if (unknown.Length > 0) return Verdict.Unknown(Verdict.Count(unknown), unknown);
        var partly = lines.Where(line => line.Text.Contains("ulnerable", StringComparison.Ordinal)).Select(line => line.Line).ToArray();
        return partly.Length > 0 ? Verdict.Warn(Verdict.Count(partly), partly) : Verdict.Pass($"{lines.Length} known holes, none open", lines.Select(line => line.Line));
    }

    // Where Xen has no FLASK, xl says that it is disabled and exits with an error.
    private static Verdict FlaskEnforces(Judged host) => host.Facts.Read(Enforces, result => $"{result.Stdout} {result.Stderr}".Trim()) switch
    {
        "Enforcing" => Verdict.Pass("enforcing", "xl getenforce: Enforcing"),
        "Permissive" => Verdict.Fail("permissive", "xl getenforce: Permissive"),
        var said when said.Contains("disabled", StringComparison.OrdinalIgnoreCase) => Verdict.Fail("Xen runs without it", $"xl getenforce: {said}"),
        var said => Verdict.Unknown($"xl getenforce says '{said}'"),
    };

    private static Verdict MitigationsAreOn(Judged host)
    {
        var info = XlInfo.Parse(host.Facts.Text(Info));
        var line = $"xl info: xen_commandline: {info.Value("xen_commandline")}";
        string? Argument(string name) => XlInfo.Argument(info.CommandLine, name);
        string[] off = [.. new[] { "spec-ctrl", "xpti", "pv-l1tf" }.Where(name => XlInfo.IsOff(Argument(name)) || (name == "spec-ctrl" && Argument(name)?.Contains("no-xen", StringComparison.Ordinal) == true)).Select(name => $"{name} is off")];
        if (off.Length > 0) return Verdict.Fail(string.Join("; ", off), line);
        return info.Value("threads_per_core") == "1" || Argument("smt") is not null
            ? Verdict.Pass(Argument("smt") is { } smt ? $"on, and smt={smt}" : "on, and a thread a core", line, $"xl info: threads_per_core: {info.Value("threads_per_core")}")
            : Verdict.Warn("on, but nobody decided whether guests may share a core's threads", line, $"xl info: threads_per_core: {info.Value("threads_per_core")}");
    }

    private static Verdict MemoryIsFixed(Judged host)
    {
        var auto = host.Facts.File(Conf, XlConf)?.Lines.Select(line => line.Split('#')[0].Split('=', 2, StringSplitOptions.TrimEntries)).Where(parts => parts is ["autoballoon", _]).Select(parts => parts[1].Trim('"', '\'')).LastOrDefault() ?? "auto";
        var lines = host.Facts.IsOffline
            ? BootConfig.Entries(host.Facts.Files(Questions.BootEntries)).Where(entry => entry.IsHypervisor && entry.Path.EndsWith("/grub.cfg", StringComparison.Ordinal)).Select(entry => (Place: $"{entry.Path}:{entry.Line}", entry.Arguments)).ToArray()
            : [("xl info: xen_commandline", XlInfo.Parse(host.Facts.Text(Info)).CommandLine)];
        if (lines.Length == 0) return Verdict.Unknown("no boot entry of Xen was found");
        string[] evidence = [.. lines.Select(line => $"{line.Place}: dom0_mem={XlInfo.Argument(line.Arguments, "dom0_mem") ?? "(not set)"}"), $"{XlConf}: autoballoon {auto}"];
        if (lines.Any(line => XlInfo.Argument(line.Arguments, "dom0_mem") is null)) return Verdict.Fail("dom0_mem is not set", evidence);
        return auto is "on" or "1" ? Verdict.Fail("dom0 gives memory away (autoballoon)", evidence) : Verdict.Pass("fixed", evidence);
    }

    private static Verdict DeviceModelsAreRestricted(Judged host)
    {
        var guests = GuestFiles.XlConfigs(host.Facts).Where(file => file.Config.Values("builder").Concat(file.Config.Values("type")).Contains("hvm")).ToArray();
        static bool IsSet(XlConfig config, string name) => config.Values(name) is [.., var value] && value is not ("0" or "");
        var wrong = guests.Where(file => !IsSet(file.Config, "dm_restrict") && !IsSet(file.Config, "device_model_user") && !IsSet(file.Config, "device_model_stubdomain_override")).Select(file => $"{file.Path}: neither dm_restrict, device_model_user nor a stub domain").ToList();
        // dom0's own QEMU serves disks to all guests and has no guest's devices.
        var models = host.Facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process.IsQemu && process.ControlGroup?.Contains("xen-qemu-dom0-disk-backend", StringComparison.Ordinal) != true).ToArray();
        wrong.AddRange(models.Where(process => process.User == 0).Select(process => $"{process}: runs as root"));
        return guests.Length == 0 && models.Length == 0 ? Verdict.NotApplicable("no guest has a device model")
            : Verdict.Unless(wrong, "restricted", [.. guests.Select(file => $"{file.Path}: restricted"), .. models.Select(process => $"{process}: user {process.User}")]);
    }

    private static Verdict PassthroughIsConfined(Judged host)
    {
        var configs = GuestFiles.XlConfigs(host.Facts);
        var devices = PciDevices(host.Facts).Concat(GuestFiles.Domains(host.Facts).SelectMany(file => file.Domain.PciDevices.Select(device => $"{file.Path}: {device}"))).ToArray();
        if (devices.Length == 0) return Verdict.NotApplicable("no device is passed through");
        var info = XlInfo.Parse(host.Facts.Text(Info));
        var wrong = configs.Where(file => file.Config.Values("pci_permissive") is [.., not ("0" or "")]).Select(file => $"{file.Path}: pci_permissive")
            .Concat(devices.Where(device => device.Contains("permissive=1", StringComparison.Ordinal) || device.EndsWith(",permissive", StringComparison.Ordinal) || device.Contains(",permissive,", StringComparison.Ordinal))).ToList();
        if (XlInfo.IsOff(XlInfo.Argument(info.CommandLine, "iommu"))) wrong.Add($"xl info: xen_commandline: iommu={XlInfo.Argument(info.CommandLine, "iommu")}");
        if (!info.Value("virt_caps").Contains("directio", StringComparison.Ordinal)) wrong.Add($"xl info: virt_caps: {info.Value("virt_caps")}: no directio, so no IOMMU");
        return Verdict.Unless(wrong, "behind Xen's IOMMU, none permissive", [$"xl info: virt_caps: {info.Value("virt_caps")}", .. devices]);
    }
}
