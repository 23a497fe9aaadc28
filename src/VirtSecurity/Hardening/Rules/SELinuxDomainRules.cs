using System.Text.RegularExpressions;
using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Processes and devices are in domains and types of their own.</summary>
internal static partial class SELinuxDomainRules
{
    private static readonly string[] GuestDomains = ["svirt_t", "svirt_tcg_t", "svirt_kvm_net_t", "svirt_qemu_net_t"];

    /// <summary>Daemons of virtualization by their program's name, and their domains; <c>virt</c> stands for virtd_t and all virt*d_t. virtiofsd is a guest's.</summary>
    private static readonly (Func<string, bool> IsOne, string[] Domains)[] Daemons =
    [
        (name => name is "libvirtd" || (name.StartsWith("virt", StringComparison.Ordinal) && name.EndsWith('d') && name != "virtiofsd"), ["virt"]),
        (name => name is "xenstored" or "oxenstored", ["xenstored_t"]),
        (name => name is "xenconsoled", ["xenconsoled_t"]),
        (name => name is "xend", ["xend_t"]),
    ];

    private static FactQuestion Permissive { get; } = FactQuestion.Run("permissive-types", PermissiveTypes.Look());
    private static FactQuestion Devices { get; } = FactQuestion.Run("unlabelled-devices", DeviceLabels.Wrong());

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SEL-06", "No domain of virtualization is permissive")
        {
            Category = SELinuxRules.Category, Severity = HardeningSeverity.Medium, Needs = [Permissive], NeedsSELinux = true,
            Source = "SELinux reference policy virt.te; Lynis MACF-6240",
            Why = "A permissive domain is as good as unconfined, and getenforce does not show it.",
            Expected = "no permissive domain",
            Judge = NoneIsPermissive,
            Remedy = "Take it back: semanage permissive -d DOMAIN. What the policy itself brings goes with an update of it.",
        },
        new("SEL-07", "No daemon runs unconfined")
        {
            Category = SELinuxRules.Category, Severity = HardeningSeverity.Medium, Needs = [Questions.Processes], NeedsSELinux = true,
            Source = "ComplianceAsCode selinux_confinement_of_daemons",
            Why = "What takes over such a daemon has the host, whatever else SELinux confines.",
            Expected = "no process in unconfined_service_t or initrc_t",
            Judge = host =>
            {
                var wrong = Labelled(host).Where(IsUnconfined).ToArray();
                string[] evidence = [.. wrong.Select(process => $"{process}: {process.Context!.Type} {process.Executable}")];
                return wrong.Length > 0 && wrong.All(IsStoreWithoutDomain) ? Verdict.Warn("only oxenstored, which the policy has no domain for", evidence)
                    : Verdict.Unless(evidence, "none", "/proc/*/attr/current: neither unconfined_service_t nor initrc_t");
            },
            Remedy = "Give its program a label that the policy has a domain for (restorecon, or semanage fcontext), or stop it; then start the service again.",
        },
        new("SEL-08", "The daemons of virtualization run in their own domains")
        {
            Category = SELinuxRules.Category, Severity = HardeningSeverity.High, Needs = [Questions.Processes], NeedsSELinux = true,
            Source = "SELinux reference policy virt.fc and xen.fc",
            Why = "In the wrong domain they can neither label guests nor are they confined themselves.",
            Expected = "libvirtd and virt*d in virtd_t or virt*d_t; xenstored, xenconsoled and xend in domains of their own",
            Judge = DaemonsAreConfined,
            Remedy = "Relabel the program (restorecon -v PROGRAM) and start the daemon again by systemctl, not from a shell.",
        },
        new("SEL-09", "Each guest's QEMU is confined with categories of its own")
        {
            Category = SELinuxRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = [Questions.Processes], NeedsSELinux = true,
            Source = "libvirt, QEMU driver: sVirt",
            Why = "Two guests with the same categories read and write each other's images; one outside svirt_t is not confined at all.",
            Expected = "svirt_t or svirt_tcg_t, with a pair of categories that no other guest has",
            Judge = GuestsAreApart,
            Remedy = "Take static labels and <seclabel type='none'/> out of the guest's definition (virsh edit) and start it again; see also QMU-08.",
        },
        new("SEL-10", "No device is without a label of its own")
        {
            Category = SELinuxRules.Category, Severity = HardeningSeverity.Medium, Needs = [Devices, Questions.FileContexts], NeedsSELinux = true,
            Source = "ComplianceAsCode selinux_all_devicefiles_labeled",
            Why = "The policy's rules for devices do not reach one that is labelled device_t or not at all.",
            Expected = "no device of type device_t or unlabeled_t in /dev, but those that the policy itself has no other type for",
            Judge = DevicesAreLabelled,
            Remedy = "Relabel: restorecon -R -v /dev. What the policy has no type for waits for an update of it, or for a rule: semanage fcontext -a -t TYPE PATH.",
        },
    ];

    private static IEnumerable<ProcessFact> Labelled(Judged host)
    {
        var processes = host.Facts.Read(Questions.Processes, ProcessTable.Read);
        return processes.Any(process => process.Context is not null) ? processes.Where(process => process.Context is not null) : throw new FormatException("no process shows a label");
    }

    private static bool IsUnconfined(ProcessFact process) => process.Context?.Type is "unconfined_service_t" or "initrc_t";

    /// <summary>Debian's policy has no rule for OCaml's store, and so no domain that it could be started in.</summary>
    private static bool IsStoreWithoutDomain(ProcessFact process) => process.Program == "oxenstored" && IsUnconfined(process);

    /// <summary>The name of what a process runs; of a script in Python, as xend is, the script's.</summary>
    private static string ProgramOf(ProcessFact process) => process.Program.StartsWith("python", StringComparison.Ordinal) ? process.Name : process.Program;

    private static Verdict NoneIsPermissive(Judged host)
    {
        var fact = host.Facts.Read(Permissive, PermissiveTypes.Read);
        static bool IsVirtual(string type) => new[] { "virt", "svirt", "xen", "qemu", "xl_", "blktap", "evtchnd" }.Any(start => type.StartsWith(start, StringComparison.Ordinal));
        var ours = fact.Local.Where(IsVirtual).ToArray();
        if (ours.Length > 0) return Verdict.Fail($"permissive: {string.Join(", ", ours)}", ours.Select(type => $"policy store: module permissive_{type}"));
        if (fact.Loaded is not { } loaded) return Verdict.Unknown("the loaded policy could not be read");
        var shipped = loaded - fact.Local.Count;
        if (shipped > 0) return Verdict.Warn($"{shipped} that the policy itself made permissive", $"/sys/fs/selinux/policy: {loaded} permissive types, {fact.Local.Count} of them made so by the administrator");
        return fact.Local.Count > 0
            ? Verdict.Warn($"permissive, but not of virtualization: {string.Join(", ", fact.Local)}", fact.Local.Select(type => $"policy store: module permissive_{type}"))
            : Verdict.Pass("none", "/sys/fs/selinux/policy: no permissive type");
    }

    private static Verdict DaemonsAreConfined(Judged host)
    {
        var found = Labelled(host).Where(process => process.Executable is not null)
            .Select(process => (Process: process, Kind: Daemons.FirstOrDefault(daemon => daemon.IsOne(ProgramOf(process))))).Where(one => one.Kind.Domains is not null).ToArray();
        static bool IsRight(string type, string[] domains) => domains.Any(domain => type == domain || (domain == "virt" && type.StartsWith("virt", StringComparison.Ordinal) && type.EndsWith("d_t", StringComparison.Ordinal)));
        var wrong = found.Where(one => !IsRight(one.Process.Context!.Type, one.Kind.Domains)).ToArray();
        if (found.Length == 0) return Verdict.NotApplicable("none of them runs");
        if (wrong.Length == 0) return Verdict.Pass("each is in its own", found.Select(one => $"{one.Process}: {one.Process.Context!.Type}"));
        var evidence = wrong.Select(one => $"{one.Process}: {one.Process.Context!.Type}").ToArray();
        return wrong.All(one => IsStoreWithoutDomain(one.Process))
            ? Verdict.Warn("the policy has no domain for oxenstored: it runs as any service does", evidence)
            : Verdict.Fail(Verdict.Count(evidence), evidence);
    }

    private static Verdict GuestsAreApart(Judged host)
    {
        var guests = host.Facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process.IsQemu).ToArray();
        if (guests.Length == 0) return Verdict.NotApplicable("no guest runs");
        var wrong = guests.Where(guest => guest.Context is null || !GuestDomains.Contains(guest.Context.Type)).Select(guest => $"{guest}: {guest.Context?.ToString() ?? "no label"}").ToList();
        // Of a range of levels, or of more categories than two, other guests' are a part: whoever has it reads theirs.
        wrong.AddRange(guests.Where(guest => guest.Context is { } context && GuestDomains.Contains(context.Type) && (context.Range is null || !Pair().IsMatch(context.Range)))
            .Select(guest => $"{guest}: {guest.Context} has {(guest.Context!.HasCategories ? "other than a pair of" : "no")} categories"));
        foreach (var same in guests.Where(guest => guest.Context?.HasCategories == true).GroupBy(guest => guest.Context!.Range).Where(group => group.Select(guest => guest.Guest ?? $"process {guest.Id}").Distinct().Count() > 1))
            wrong.Add($"{same.Key} is shared by {string.Join(", ", same.Select(guest => guest.ToString()))}");
        return Verdict.Unless(wrong, $"{guests.Length} running, each with its own", guests.Select(guest => $"{guest}: {guest.Context}"));
    }

    private static Verdict DevicesAreLabelled(Judged host)
    {
        var devices = host.Facts.Read(Devices, DeviceLabels.ReadWrong);
        if (devices.Count == 0) return Verdict.Pass("none", "/dev: no node of type device_t or unlabeled_t");
        var contexts = host.Facts.Read(Questions.FileContexts, SELinuxFs.ReadFact).FileContexts;
        var findings = new Findings();
        foreach (var device in devices)
        {
            // By its rule for all of /dev the policy gives device_t to what it does not know; a device that is younger than the policy has no other.
            if (device.Context.Contains(":device_t:", StringComparison.Ordinal) && contexts.Lookup(device.Path, device.Kind) is { } rule && rule.Context?.Type == "device_t") findings.Weak($"{device.Path}: {device.Context}; the policy has no type of its own for it");
            else findings.Wrong($"{device.Path}: {device.Context}");
        }

        return findings.Settle("none", "");
    }

    [GeneratedRegex("^s[0-9]+:c[0-9]+,c[0-9]+$")]
    private static partial Regex Pair();
}
