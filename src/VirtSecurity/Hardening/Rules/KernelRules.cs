using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The kernel and the processor under the guests. Of Xen: <see cref="XenRules"/> and <see cref="XenGuestRules"/>.</summary>
internal static class KernelRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Kernel";

    private const string KsmFile = "/sys/kernel/mm/ksm/run";
    private const string KvmDevice = "/dev/kvm";

    private static readonly (string Path, int Least, string Name)[] Settings =
    [
        ("/proc/sys/kernel/dmesg_restrict", 1, "kernel.dmesg_restrict"), ("/proc/sys/kernel/kptr_restrict", 1, "kernel.kptr_restrict"),
        ("/proc/sys/kernel/yama/ptrace_scope", 1, "kernel.yama.ptrace_scope"), ("/proc/sys/kernel/kexec_load_disabled", 1, "kernel.kexec_load_disabled"),
    ];

    private static FactQuestion Nested { get; } = FactQuestion.Files("kvm-nested", "/sys/module/kvm_intel/parameters/nested", "/sys/module/kvm_amd/parameters/nested");
    private static FactQuestion Ksm { get; } = FactQuestion.Files("ksm", KsmFile);
    private static FactQuestion Iommu { get; } = FactQuestion.Look("iommu", "/sys/class/iommu/*");
    private static FactQuestion KvmNode { get; } = FactQuestion.Look("kvm-device", KvmDevice);
    private static FactQuestion Sysctl { get; } = FactQuestion.Files("sysctl", [.. Settings.Select(setting => setting.Path)]);
    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        XenRules.Processor,
        new("KRN-02", "Guests cannot run guests, unless planned")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [Nested],
            Source = "ComplianceAsCode kubevirt-*, nested virtualization",
            Why = "Nested virtualization shows much more of KVM to every guest, and its holes have been there.",
            Expected = "nested is off (N or 0) in KVM's module, unless a guest of the plan needs Nested",
            Judge = host =>
            {
                var files = host.Facts.Files(Nested);
                if (files.Count == 0) return Verdict.NotApplicable("no module of KVM's that has this setting is loaded");
                var evidence = files.Select(file => $"{file.Path}: {file.Text.Trim()}").ToArray();
                if (files.Any(file => file.Text.Trim() is not ("Y" or "1" or "N" or "0"))) return Verdict.Unknown("its value is not understood", evidence);
                if (files.All(file => file.Text.Trim() is "N" or "0")) return Verdict.Pass("off", evidence);
                return Needing(host, GuestNeed.Nested) is { Length: > 0 } planned ? Verdict.Pass($"on, and planned for {planned}", evidence) : Verdict.Fail("on", evidence);
            },
            Remedy = "Write options kvm_intel nested=0 (or kvm_amd) to a file in /etc/modprobe.d, and load the module again while no guest runs; or name Nested among the needs of the guest.",
        },
        new("KRN-03", "Guests share no memory pages (KSM)")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [Ksm],
            Source = "RHEL 7 Virtualization Tuning Guide, KSM; ComplianceAsCode kubevirt-*, KSM",
            Why = "By the time that a write takes a guest can tell what another has in memory, and by that find keys.",
            Expected = $"{KsmFile} is 0 or 2",
            Judge = host => host.Facts.File(Ksm, KsmFile) is not { } file ? Verdict.NotApplicable("the kernel has no KSM") : file.Text.Trim() switch
            {
                "0" or "2" => Verdict.Pass("off", $"{KsmFile}: {file.Text.Trim()}"),
                "1" => Verdict.Fail("on", $"{KsmFile}: 1"),
                var other => Verdict.Unknown($"{KsmFile} says '{other}'"),
            },
            Remedy = "Switch it off and separate what was shared (2), and disable ksm and ksmtuned: systemctl disable --now ksm ksmtuned.",
            Repair = _ => [new Change("ksm", [KernelFile.Write(KsmFile, "2")], KernelFile.Is(KsmFile, "2"), [KernelFile.Write(KsmFile, "1")])],
        },
        new("KRN-04", "Passed-through devices are behind an IOMMU")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [Iommu, XenRules.Info, .. GuestFiles.Needs],
            Source = "libvirt, virt-host-validate",
            Why = "Without one, a guest that has a device writes to all of the host's memory by it.",
            Expected = "an IOMMU in /sys/class/iommu, for Xen hvm_directio in xl info's virt_caps; where no device is passed through, nothing",
            Judge = IommuIsOn,
            Remedy = "Switch VT-d or AMD-Vi on in the firmware, and in the kernel's line (intel_iommu=on) or Xen's (iommu=1).",
        },
        new("KRN-05", $"{KvmDevice} is not open to everybody")
        {
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = [KvmNode, Questions.Groups],
            Source = "libvirt, virt-host-validate",
            Why = "Every local process could run machines with it, and try the kernel's virtualization for holes.",
            Expected = "root:kvm 0660",
            Judge = KvmIsForItsGroup,
            Remedy = "A rule of udev's: KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"; then udevadm trigger /dev/kvm.",
        },
        .. XenRules.All,
        BootedRules.Newest,
        new("KRN-10", "The kernel tells little and cannot be exchanged")
        {
            Category = Category, Severity = HardeningSeverity.Low, Needs = [Sysctl],
            Source = "ComplianceAsCode sysctl_kernel_*",
            Why = "Addresses and messages of the kernel help an attack on it; ptrace and kexec make a foothold root or the kernel's master.",
            Expected = string.Join(", ", Settings.Select(setting => $"{setting.Name} at least {setting.Least}")),
            Judge = host =>
            {
                var values = Values(host).ToArray();
                // A kernel without kexec cannot be exchanged by it.
                string[] wrong = [.. values.Where(value => value.Value < value.Setting.Least && !(value.Value < 0 && IsKexec(value.Setting.Name))).Select(value => value.Value < 0 ? $"{value.Setting.Path}: the kernel has none" : $"{value.Setting.Path}: {value.Value}")];
                return values.All(value => value.Value < 0) ? Verdict.Unknown("none of these settings could be read") : Verdict.Unless(wrong, "all set", values.Select(value => value.Value < 0 ? $"{value.Setting.Path}: the kernel has none" : $"{value.Setting.Path}: {value.Value}"));
            },
            Remedy = "Set them, for good in a file of /etc/sysctl.d (NAME = 1; then sysctl --system). kexec_load_disabled holds until the next boot and also keeps kdump from loading its kernel later.",
            // What cannot be taken back is left to people: kexec_load_disabled never goes back to 0.
            Repair = host => [.. Values(host).Where(value => value.Value >= 0 && value.Value < value.Setting.Least && !IsKexec(value.Setting.Name))
                .Select(value => new Change("sysctl", [Set(value.Setting.Name, value.Setting.Least)], KernelFile.Is(value.Setting.Path, $"{value.Setting.Least}"), [Set(value.Setting.Name, value.Value)]))],
        },
        .. XenGuestRules.All,
    ];

    /// <summary>The guests of the plan that need something, as text; empty: none does, or there is no plan.</summary>
    internal static string Needing(Judged host, GuestNeed need) => string.Join(", ", host.Plan?.Guests.Where(guest => guest.Needs.Contains(need)).Select(guest => guest.Name) ?? []);

    private static ToolCall Set(string name, int value) => new("sysctl", "-q", "-w", $"{name}={value}") { Mutating = true };

    private static Verdict KvmIsForItsGroup(Judged host)
    {
        if (host.Facts.File(KvmNode, KvmDevice) is not { } device) return Verdict.NotApplicable($"there is no {KvmDevice}");
        var evidence = $"{KvmDevice}: {device.Permissions}";
        if (device.Owner != 0) return Verdict.Fail($"it belongs to user {device.Owner}", evidence);
        if ((device.Mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0) return Verdict.Warn("everybody may use it, as many distributions have it", evidence);
        if (device.Group == 0 || (device.Mode & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite)) == 0) return Verdict.Pass("for root alone", evidence);
        var group = (host.Facts.File(Questions.Groups, "/etc/group") is { } file ? Passwd.Groups(file.Text) : throw new FormatException("there is no /etc/group")).FirstOrDefault(group => group.Id == device.Group)?.Name;
        return group is { } name && Passwd.RootGroups.Contains(name) ? Verdict.Pass($"for root and the group {name}", evidence) : Verdict.Warn($"it is for the group {group ?? "that /etc/group does not name"}", evidence);
    }

    /// <summary>Each setting with its value; -1: the kernel does not have it.</summary>
    private static IEnumerable<((string Path, int Least, string Name) Setting, int Value)> Values(Judged host) =>
        Settings.Select(setting => (setting, host.Facts.File(Sysctl, setting.Path) is { } file ? int.Parse(file.Text.Trim(), System.Globalization.CultureInfo.InvariantCulture) : -1));

    private static bool IsKexec(string name) => name == "kernel.kexec_load_disabled";

    private static Verdict IommuIsOn(Judged host)
    {
        var planned = Needing(host, GuestNeed.PciPassthrough);
        var passed = GuestFiles.Domains(host.Facts).SelectMany(file => file.Domain.PciDevices.Select(device => $"{file.Path}: {device}")).Concat(XenGuestRules.PciDevices(host.Facts)).ToList();
        if (planned.Length > 0) passed.Add($"-Plan: {planned}");
        if (passed.Count == 0) return Verdict.NotApplicable("no device is passed through, and none is planned to be");
        if (host.Facts.Hypervisor == Hypervisor.Xen)
        {
            var capabilities = XlInfo.Parse(host.Facts.Text(XenRules.Info)).Value("virt_caps");
            return capabilities.Contains("directio", StringComparison.Ordinal) ? Verdict.Pass("Xen has one", [$"xl info: virt_caps: {capabilities}", .. passed]) : Verdict.Fail("Xen has none", [$"xl info: virt_caps: {capabilities}", .. passed]);
        }

        var units = host.Facts.Files(Iommu);
        return units.Count > 0 ? Verdict.Pass("there is one", [.. units.Select(unit => $"{unit.Path} is there"), .. passed]) : Verdict.Fail("there is none", ["/sys/class/iommu: empty", .. passed]);
    }
}
