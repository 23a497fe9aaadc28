using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Confinement about what guests' definitions ask for besides, and whether the plan knows of it.</summary>
internal static class GuestConfinementRules
{
    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("QMU-08", "No guest chooses its own label, or none")
        {
            Category = ConfinementRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = GuestFiles.Needs,
            Source = "libvirt, domain XML: seclabel; RHEL 6 Virtualization Security Guide, static labels",
            Why = "A guest with <seclabel type='none'/> is not confined; one with a label written by hand may have another's, and its images.",
            Expected = "no <seclabel> with type none or static or relabel no, but for guests that the plan gives OwnLabel",
            Judge = host => OfGuests(host, GuestNeed.OwnLabel, domain => domain.OwnLabels, "none"),
            Remedy = "Take <seclabel> out of the guest's definition (virsh edit GUEST) and start it again; where it is wanted, give the guest OwnLabel in the plan.",
        },
        new("QMU-09", "No guest has QEMU arguments that libvirt does not know")
        {
            Category = ConfinementRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = GuestFiles.Needs,
            Source = "libvirt knowledge base, QEMU command-line passthrough",
            Why = "libvirt labels, limits and closes what it knows: files and sockets in such arguments are none of it.",
            Expected = "no qemu:commandline and no qemu:override, but for guests that the plan gives QemuArguments",
            Judge = host => OfGuests(host, GuestNeed.QemuArguments, domain => domain.QemuArguments is > 0 and var count ? [$"{count} of QEMU's own arguments"] : [], "none"),
            Remedy = "Say it in libvirt's own words and take qemu:commandline out (virsh edit GUEST); where there are none, give the guest QemuArguments in the plan.",
        },
        new("QMU-10", "Devices of the host are passed through only as planned, and apart from each other")
        {
            Category = ConfinementRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [Questions.LibvirtFiles, HardeningFacts.Hypervisors, .. GuestFiles.Needs],
            Source = "libvirt, qemu.conf: relaxed_acs_check; RHEL 6 Virtualization Security Guide, device assignment",
            Why = "Devices behind a switch without ACS reach each other's memory past the IOMMU, and a device is a good deal of the host.",
            Expected = "relaxed_acs_check is not 1, and only guests that the plan gives PciPassthrough have PCI devices; others (USB, SCSI ...) no guest has",
            Judge = DevicesArePlanned,
            Remedy = "Take relaxed_acs_check out of /etc/libvirt/qemu.conf; take <hostdev> out of the guest (virsh edit GUEST), or give it PciPassthrough in the plan; for devices of another kind, waive the check there.",
        },
    ];

    private static Verdict OfGuests(Judged host, GuestNeed need, Func<DomainXml, IEnumerable<string>> find, string right)
    {
        var domains = GuestFiles.Domains(host.Facts);
        if (domains.Count == 0) return Verdict.NotApplicable("no guest is defined");
        var wrong = domains.Where(file => !Needs(host.Plan, file.Domain.Name, need)).SelectMany(file => find(file.Domain).Select(found => $"{file.Path}: {file.Domain.Name}: {found}")).ToArray();
        return Verdict.Unless(wrong, domains.Any(file => find(file.Domain).Any()) ? "only as planned" : right, domains.Select(file => $"{file.Path}: {file.Domain.Name}"));
    }

    private static Verdict DevicesArePlanned(Judged host)
    {
        if (!HasLibvirt(host.Facts)) return Verdict.NotApplicable("the host has no libvirt");
        var conf = Conf(host.Facts, "qemu");
        if (conf.Number("relaxed_acs_check") is > 0) return Verdict.Fail("switches without ACS are trusted", conf.Line("relaxed_acs_check"));
        var domains = GuestFiles.Domains(host.Facts);
        var devices = domains.SelectMany(file => file.Domain.PciDevices.Select(device => (file.Domain.Name, Line: $"{file.Path}: {file.Domain.Name}: PCI {device}"))).ToArray();
        string[] wrong = [.. devices.Where(device => !Needs(host.Plan, device.Name, GuestNeed.PciPassthrough)).Select(device => device.Line)];
        string[] others = [.. domains.SelectMany(file => file.Domain.OtherDevices.Select(kind => $"{file.Path}: {file.Domain.Name}: {kind}"))];
        if (wrong.Length > 0 && host.Plan is not null) return Verdict.Fail(Verdict.Count(wrong), [.. wrong, .. others]);
        if (wrong.Length > 0) return Verdict.Warn($"no plan says that they are wanted: {Verdict.Count(wrong)}", [.. wrong, .. others]);
        return others.Length > 0 ? Verdict.Warn($"of devices of such a kind no plan tells: {Verdict.Count(others)}", others)
            : Verdict.Pass(devices.Length > 0 ? "as planned" : "no device is passed through", [conf.Line("relaxed_acs_check"), .. devices.Select(device => device.Line)]);
    }
}
