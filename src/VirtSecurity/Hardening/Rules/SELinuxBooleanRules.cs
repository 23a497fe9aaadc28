using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The booleans that open the policy of virtualization are off, unless the plan says otherwise.</summary>
internal static class SELinuxBooleanRules
{
    private static readonly string[] HoleBooleans = ["virt_transition_userdomain", "virt_hooks_unconfined", "staff_use_svirt", "unprivuser_use_svirt"];
    private const string XendTrans = "xend_disable_trans";

    /// <summary>The booleans, now and once committed.</summary>
    public static FactQuestion Booleans { get; } = FactQuestion.Run("booleans", SELinuxBooleans.Read());
    private static FactQuestion Defaults { get; } = FactQuestion.Run("boolean-defaults", SELinuxBooleans.Defaults());

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        Rule("SEL-11", "Guests reach no more than planned (virt_use_*)", Hypervisor.Kvm, HardeningSeverity.Medium, "RHEL 9 Configuring and managing virtualization, SELinux booleans",
            "Each of these booleans opens something of the host to every guest at once, not to the one that needs it.", IsGuestBoolean),
        Rule("SEL-12", "Xen's booleans are as planned", Hypervisor.Xen, HardeningSeverity.Medium, "SELinux reference policy xen.te",
            "Each of them opens more of dom0 to the toolstack and its device models.", name => name.StartsWith("xen_use_", StringComparison.Ordinal) || name.StartsWith("xend_run_", StringComparison.Ordinal)),
        Rule("SEL-13", "Booleans that take confinement away are off", null, HardeningSeverity.High, "SELinux reference policy virt.te; ComplianceAsCode sebool_*",
            "With them users' domains change into guests' and back, and hooks run unconfined: each is a way around sVirt.", name => HoleBooleans.Contains(name)),
        new("SEL-14", "xend is not exempted (Xen before 4.5)")
        {
            Category = SELinuxRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [Booleans], NeedsSELinux = true,
            Source = "RHEL 5 Virtualization Guide, SELinux considerations",
            Why = "xend_disable_trans leaves xend in the domain of whoever started it, unconfined.",
            Expected = $"{XendTrans} is off",
            Judge = host => Values(host).TryGetValue(XendTrans, out var value)
                ? value.IsOn ? Verdict.Fail("xend is exempted", Line(XendTrans, true)) : Verdict.Pass("off", Line(XendTrans, false))
                : Verdict.NotApplicable($"the policy has no {XendTrans}: its Xen has no xend"),
            Remedy = $"Switch it off: setsebool -P {XendTrans} off, and start xend again.",
            Repair = host => Switch(host, [(XendTrans, false)]),
        },
        new("SEL-15", "Booleans will be at the next boot what they are now")
        {
            Category = SELinuxRules.Category, Severity = HardeningSeverity.Low, Needs = [Booleans, Defaults], NeedsSELinux = true,
            Source = "setsebool(8)",
            Why = "What was set without -P is another after the next boot: guests fail then, or are opened.",
            Expected = "booleans of virt and xen: now as in the policy's store, and none waiting to be committed",
            Judge = ArePersistent,
            Remedy = "Set it for good, as it should be: setsebool -P NAME on|off.",
        },
    ];

    // virt_sandbox_use_* are about containers, and some of them are on in Fedora's policy for those.
    private static bool IsGuestBoolean(string name) => name.StartsWith("virt_use_", StringComparison.Ordinal) || name is "virt_read_qemu_ga_data" or "virt_rw_qemu_ga_data";

    private static HardeningRule Rule(string id, string title, Hypervisor? only, HardeningSeverity severity, string source, string why, Func<string, bool> isOne) => new(id, title)
    {
        Category = SELinuxRules.Category,
        AppliesTo = only,
        Severity = severity,
        Needs = [Booleans],
        NeedsSELinux = true,
        Source = source,
        Why = why,
        Expected = "off, unless the plan's Booleans say otherwise" + (only == Hypervisor.Kvm ? $"; {SELinuxBooleans.Usb} may be on" : ""),
        Judge = host => AsPlanned(host, isOne),
        Remedy = "Set what nobody needs back, all in one commit (setsebool -P A=off B=off), or name it in the plan's Booleans.",
        Repair = host => Switch(host, Values(host).Where(boolean => isOne(boolean.Key) && IsWrong(host, boolean.Key, boolean.Value.IsOn)).Select(boolean => (boolean.Key, !boolean.Value.IsOn))),
    };

    private static IReadOnlyDictionary<string, SELinuxBoolean> Values(Judged host) => host.Facts.Read(Booleans, SELinuxBooleans.ReadValues);

    private static string Line(string name, bool isOn) => $"{SELinuxBooleans.Directory}{name}: {(isOn ? "on" : "off")}";

    /// <summary>A plan's word counts; without it, off is right.</summary>
    private static bool IsWrong(Judged host, string name, bool isOn) =>
        host.Plan?.Booleans.TryGetValue(name, out var planned) == true ? isOn != planned : isOn && name != SELinuxBooleans.Usb;

    private static Verdict AsPlanned(Judged host, Func<string, bool> isOne)
    {
        var found = Values(host).Where(boolean => isOne(boolean.Key)).OrderBy(boolean => boolean.Key, StringComparer.Ordinal).ToArray();
        if (found.Length == 0) return Verdict.NotApplicable("the policy has none of these booleans");
        var wrong = found.Where(boolean => IsWrong(host, boolean.Key, boolean.Value.IsOn)).Select(boolean => Line(boolean.Key, boolean.Value.IsOn)).ToArray();
        var words = found.Any(boolean => boolean.Value.IsOn && host.Plan?.Booleans.ContainsKey(boolean.Key) == true) ? "as planned" : found.Any(boolean => boolean.Value.IsOn) ? $"all off but {SELinuxBooleans.Usb}" : "all off";
        return Verdict.Unless(wrong, words, found.Select(boolean => Line(boolean.Key, boolean.Value.IsOn)));
    }

    private static IReadOnlyList<Change> Switch(Judged host, IEnumerable<(string Name, bool IsOn)> booleans) =>
        [.. booleans.Select(boolean => new Change("setsebool", [SELinuxBooleans.Set(boolean.Name, boolean.IsOn)], SELinuxBooleans.Check(boolean.Name, boolean.IsOn), [SELinuxBooleans.Set(boolean.Name, !boolean.IsOn)]))];

    private static Verdict ArePersistent(Judged host)
    {
        var now = Values(host);
        var boot = host.Facts.Read(Defaults, result => result.ExitCode == 0 ? SELinuxBooleans.ReadDefaults(result) : throw new FormatException(result.Stderr));
        var wrong = now.Where(boolean => boolean.Value.IsOn != boolean.Value.Pending).Select(boolean => $"{SELinuxBooleans.Directory}{boolean.Key}: {(boolean.Value.Pending ? "on" : "off")} waits to be committed")
            .Concat(boot.Where(boolean => now.TryGetValue(boolean.Key, out var value) && value.IsOn != boolean.Value).Select(boolean => $"{Line(boolean.Key, now[boolean.Key].IsOn)}, at the next boot {(boolean.Value ? "on" : "off")}"))
            .Order(StringComparer.Ordinal).ToArray();
        if (wrong.Length > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        return boot.Keys.Any(now.ContainsKey) ? Verdict.Pass($"{boot.Keys.Count(now.ContainsKey)} booleans are the same at the next boot", "/var/lib/selinux/*/active: as in the kernel") : Verdict.Unknown("the policy's store names no boolean that the kernel has");
    }
}
