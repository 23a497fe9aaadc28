using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Kernel about what Xen's guests have of dom0.</summary>
internal static class XenGuestRules
{
    /// <summary>Whether dom0's driver lets guests write to all of a device's configuration: set for all devices at once.</summary>
    private static FactQuestion PermissiveDriver { get; } = FactQuestion.Files("pciback", "/sys/module/xen_pciback/parameters/permissive");

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
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
            Category = KernelRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [XenRules.Info, PermissiveDriver, .. GuestFiles.Needs],
            Source = "Xen, docs/misc/xen-command-line: iommu; xl-pci-configuration(5): permissive",
            Why = "Without an IOMMU, or with a permissive device, the guest has dom0's memory and the device's whole configuration.",
            Expected = "Xen's IOMMU is on, and no device is permissive",
            Judge = PassthroughIsConfined,
            Remedy = "Switch the IOMMU on (firmware; iommu=1 on Xen's line) and take permissive out of the guest's file; a device that needs it is none to pass through.",
        },
    ];

    /// <summary>The PCI devices that xl's definitions pass through, as evidence.</summary>
    public static IEnumerable<string> PciDevices(HardeningFacts facts) => GuestFiles.XlConfigs(facts).SelectMany(file => file.Config.Values("pci").Select(device => $"{file.Path}: pci {device}"));

    private static Verdict DeviceModelsAreRestricted(Judged host)
    {
        var findings = new Findings();
        foreach (var (path, config) in GuestFiles.XlConfigs(host.Facts))
        {
            if (config.Values("builder").Concat(config.Values("type")).Contains("hvm")) findings.Add(IsRestricted(config), $"{path}: {(IsRestricted(config) ? "restricted" : "neither dm_restrict, device_model_user nor a stub domain")}");
            else NotUnderstood(path, config, findings);
        }

        // What runs is told only of a host that does.
        var models = host.Facts.IsOffline ? [] : host.Facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process.IsQemu && !process.IsOfDom0);
        foreach (var model in models)
        {
            if (model.User < 0) findings.Unknown($"{model}: whose it is is not told");
            else findings.Add(model.User != 0, model.User == 0 ? $"{model}: runs as root" : $"{model}: user {model.User}");
        }

        return findings.Settle("restricted", "no guest has a device model");
    }

    private static bool IsRestricted(XlConfig config)
    {
        string? Value(string name) => config.Values(name) is [.., var value] && value is not ("0" or "") ? value : null;
        return Value("dm_restrict") is not null || Value("device_model_stubdomain_override") is not null || Value("device_model_user") is not (null or "root");
    }

    /// <summary>What is not understood of a definition may be the very thing that is looked for.</summary>
    private static void NotUnderstood(string path, XlConfig config, Findings findings)
    {
        if (config.Problems.Count > 0) findings.Unknown($"{path}: {config.Problems[0]}");
    }

    private static Verdict PassthroughIsConfined(Judged host)
    {
        var findings = new Findings();
        var devices = PciDevices(host.Facts).Concat(GuestFiles.Domains(host.Facts).SelectMany(file => file.Domain.PciDevices.Select(device => $"{file.Path}: {device}"))).ToArray();
        foreach (var (path, config) in GuestFiles.XlConfigs(host.Facts))
        {
            if (config.Values("pci_permissive") is [.., not ("0" or "")]) findings.Wrong($"{path}: pci_permissive");
            NotUnderstood(path, config, findings);
        }

        foreach (var device in devices) findings.Add(!IsPermissive(device), device);
        if (devices.Length == 0) return findings.Settle("", "no device is passed through");
        foreach (var file in host.Facts.IsOffline ? [] : host.Facts.Files(PermissiveDriver))
        {
            if (file.Text.Trim() is not ("N" or "0")) findings.Wrong($"{file.Path}: {file.Text.Trim()}");
        }

        if (host.Facts.IsOffline)
        {
            findings.Unknown("whether Xen's IOMMU is on is not told of a host that does not run");
            return findings.Settle("", "");
        }

        var info = XlInfo.Parse(host.Facts.Text(XenRules.Info));
        var (iommu, capabilities) = (XlInfo.Argument(info.CommandLine, "iommu"), info.Value("virt_caps"));
        if (XlInfo.IsOff(iommu)) findings.Wrong($"xl info: xen_commandline: iommu={iommu}");
        findings.Add(capabilities.Contains("directio", StringComparison.Ordinal), capabilities.Contains("directio", StringComparison.Ordinal) ? $"xl info: virt_caps: {capabilities}" : $"xl info: virt_caps: {capabilities}: no directio, so no IOMMU");
        return findings.Settle("behind Xen's IOMMU, none permissive", "");
    }

    // xl-pci-configuration(5): permissive, or permissive=1, is one of the words behind the device's address.
    private static bool IsPermissive(string device) => device.Split(',').Skip(1).Select(word => word.Trim().Trim('\'', '"', ' ', ']')).Any(word => word is "permissive" || (word.StartsWith("permissive=", StringComparison.Ordinal) && word != "permissive=0"));
}
