using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The deployment plan is there, and whole.</summary>
internal static class PlanRules
{
    private const string Category = "Plan";
    private const string Directory = "/etc/virtsecurity";
    private const UnixFileMode OthersMay = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Where a plan that is kept on the host itself lies. A person's other copies are no business of the host's.</summary>
    private static FactQuestion PlanFiles { get; } = FactQuestion.Look("plan-files", Directory, Directory + "/*.psd1", Directory + "/*.json");

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("PLN-01", "There is a deployment plan")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [PlanFiles],
            Source = "RHEL 5 Virtualization Guide, security: plan the deployment first",
            Why = "Only a plan says what a host is for; without it nobody can tell a service that is needed from one that is not.",
            Expected = $"a valid plan is given, and one that is kept in {Directory} is root's alone (0600), where only root writes",
            Judge = IsThere,
            Remedy = "Draft one from the host (New-VirtDeploymentPlan), correct it, and judge by it: Test-Dom0Hardening -Plan. A copy in /etc/virtsecurity belongs to root: chown root: FILE; chmod 0600 FILE.",
        },
        new("PLN-02", "Each guest is in the plan")
        {
            Category = Category, Severity = HardeningSeverity.Medium, NeedsPlan = true, Needs = [.. GuestFiles.Needs, Questions.Processes],
            Source = "RHEL 5 Virtualization Guide, security: plan the deployment first",
            Why = "A guest that nobody planned is one that nobody updates, and perhaps somebody else's.",
            Expected = "each guest that is defined or runs is among the plan's Guests",
            Judge = GuestsArePlanned,
            Remedy = "Add the guest to the plan with what it serves, or take it off the host (virsh undefine; for xl: move its file out of /etc/xen). A QEMU that no definition names was started by hand or by a service: look at it with ps.",
        },
        new("PLN-03", "The plan says what each service and guest is for")
        {
            Category = Category, Severity = HardeningSeverity.Low, NeedsPlan = true, Needs = [],
            Source = "RHEL 5 Virtualization Guide, security: plan the deployment first",
            Why = "A service without a purpose in the plan is the first that can go; a guest without services serves nothing.",
            Expected = "Services of the host, and of each guest, each with its Purpose",
            Judge = IsWhole,
            Remedy = "Complete the plan: Services with Purpose for the host and for each guest.",
        },
    ];

    private static Verdict IsThere(Judged host)
    {
        var found = host.Facts.Files(PlanFiles);
        var files = found.Where(file => file.Path != Directory).ToArray();
        string[] open =
        [
            .. found.Where(file => file.Path == Directory && (file.Owner != 0 || file.IsWritableByOthers)).Select(file => $"{file.Path}: {file.Permissions}: others than root put plans there"),
            .. files.Where(file => file.FileType != '-').Select(file => $"{file.Path}: no regular file"),
            .. files.Where(file => file.FileType == '-' && (file.Owner != 0 || (file.Mode & OthersMay) != 0)).Select(file => $"{file.Path}: {file.Permissions}"),
        ];
        if (host.Plan is null) return Verdict.Fail("none was given", [.. files.Select(file => $"{file.Path}: there, but not given as -Plan").DefaultIfEmpty("-Plan: not given")]);
        return host.Plan.FormatVersion != 1
            ? Verdict.Fail($"a plan of format {host.Plan.FormatVersion}, which this version does not know", "-Plan: FormatVersion")
            : Verdict.Unless(open, "given and valid", ["-Plan: given", .. files.Select(file => $"{file.Path}: {file.Permissions}")]);
    }

    private static Verdict GuestsArePlanned(Judged host)
    {
        var guests = GuestFiles.Guests(host.Facts);
        string[] wrong =
        [
            .. guests.Where(guest => host.Plan!.Guests.All(planned => planned.Name != guest.Name)).GroupBy(guest => guest.Name)
                .Select(group => $"{group.Key} ({(group.Any(guest => guest.IsRunning) ? "running" : "defined")}): {group.First().Path}"),
        ];
        // What is wrong by its definition is wrong, whatever processes there are.
        if (wrong.Length == 0 || host.Facts.Has(Questions.Processes)) wrong = [.. wrong, .. Strays(host, guests)];
        return Verdict.Unless(wrong, guests.Count == 0 ? "no guest is defined or runs" : "all are planned", guests.Select(guest => $"{guest.Path}: {guest.Name}").DefaultIfEmpty("no definition of a guest, and no QEMU that runs"));
    }

    /// <summary>QEMUs of KVM's that libvirt does not know. What Xen runs, xl list has told.</summary>
    private static IEnumerable<string> Strays(Judged host, IReadOnlyList<KnownGuest> guests)
    {
        if (host.Facts.IsOffline || host.Facts.Hypervisor == Hypervisor.Xen) return [];
        // QEMU's arguments double a comma, and a process is known by what comes before it.
        var names = guests.Select(guest => guest.Name.Split(',')[0]).ToHashSet();
        return host.Facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process.IsQemu && (process.Guest is null || !names.Contains(process.Guest))).Select(process => $"{process}: runs, and no definition names it");
    }

    private static Verdict IsWhole(Judged host)
    {
        var plan = host.Plan!;
        IEnumerable<string> Gaps(string of, IReadOnlyList<PlannedService> services) => services.Count == 0
            ? [$"{of}: no Services"]
            : services.Where(service => string.IsNullOrWhiteSpace(service.Purpose)).Select(service => $"{of}: {service.Name} has no Purpose");
        string[] wrong = [.. Gaps("host", plan.Services), .. plan.Guests.SelectMany(guest => Gaps($"guest {guest.Name}", guest.Services))];
        return Verdict.Unless(wrong, "it does", $"-Plan: {plan.Services.Count} services of the host, {plan.Guests.Count} guests");
    }
}
