using System.Text.RegularExpressions;
using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The kernel and the processor under the guests. Of Xen: <see cref="XenRules"/>.</summary>
internal static partial class KernelRules
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
    private static FactQuestion Kernels { get; } = FactQuestion.Look("kernels", "/boot/vmlinuz-*", "/boot/vmlinux-*", "/usr/lib/modules/*/vmlinuz");

    // Debian's kernel keeps its name in an update that does not change what modules see; its version then stands in uname -v. What else a package manager
    // would say of other distributions is in the kernel's name there.
    private static FactQuestion RunningKernel { get; } = FactQuestion.Script("running-kernel", "uname -rv; dpkg-query -W -f '${Version}' linux-image-$(uname -r)", """
        r=$(uname -r)
        printf 'release %s\nversion %s\n' "$r" "$(uname -v)"
        if command -v dpkg-query >/dev/null && p=$(dpkg-query -W -f '${Version}' "linux-image-$r" 2>/dev/null); then printf 'package %s\n' "$p"; fi
        exit 0
        """);

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
            Category = Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = [KvmNode],
            Source = "libvirt, virt-host-validate",
            Why = "Every local process could run machines with it, and try the kernel's virtualization for holes.",
            Expected = "root:kvm 0660",
            Judge = host => host.Facts.File(KvmNode, KvmDevice) is not { } device ? Verdict.NotApplicable($"there is no {KvmDevice}")
                : device.Owner != 0 ? Verdict.Fail($"it belongs to user {device.Owner}", $"{KvmDevice}: {device.Permissions}")
                : (device.Mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0 ? Verdict.Warn("everybody may use it, as many distributions have it", $"{KvmDevice}: {device.Permissions}")
                : Verdict.Pass("for root and its group", $"{KvmDevice}: {device.Permissions}"),
            Remedy = "A rule of udev's: KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"; then udevadm trigger /dev/kvm.",
        },
        .. XenRules.All,
        new("KRN-09", "The newest installed kernel runs")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [Kernels, RunningKernel],
            Source = "general practice: an update of the kernel takes a boot",
            Why = "What an update closed stays open until the host is started again.",
            Expected = "the newest kernel in /boot is the one that runs, in the version of its package",
            Judge = NewestRuns,
            Remedy = "Start the host again at a time that suits its guests.",
        },
        new("KRN-10", "The kernel tells little and cannot be exchanged")
        {
            Category = Category, Severity = HardeningSeverity.Low, Needs = [Sysctl],
            Source = "ComplianceAsCode sysctl_kernel_*",
            Why = "Addresses and messages of the kernel help an attack on it; ptrace and kexec make a foothold root or the kernel's master.",
            Expected = string.Join(", ", Settings.Select(setting => $"{setting.Name} at least {setting.Least}")),
            Judge = host =>
            {
                var values = Values(host).ToArray();
                string[] wrong = [.. values.Where(value => value.Value < value.Setting.Least).Select(value => value.Value < 0 ? $"{value.Setting.Path}: the kernel has none" : $"{value.Setting.Path}: {value.Value}")];
                return values.All(value => value.Value < 0) ? Verdict.Unknown("none of these settings could be read") : Verdict.Unless(wrong, "all set", values.Select(value => $"{value.Setting.Path}: {value.Value}"));
            },
            Remedy = "Set them, for good in a file of /etc/sysctl.d. kexec_load_disabled holds until the next boot and also keeps kdump from loading its kernel later.",
            // What cannot be taken back is left to people: kexec_load_disabled never goes back to 0.
            Repair = host => [.. Values(host).Where(value => value.Value >= 0 && value.Value < value.Setting.Least && !value.Setting.Path.EndsWith("kexec_load_disabled", StringComparison.Ordinal))
                .Select(value => new Change("sysctl", [Set(value.Setting.Name, value.Setting.Least)], KernelFile.Is(value.Setting.Path, $"{value.Setting.Least}"), [Set(value.Setting.Name, value.Value)]))],
        },
        .. XenRules.Guests,
    ];

    /// <summary>The guests of the plan that need something, as text; empty: none does, or there is no plan.</summary>
    internal static string Needing(Judged host, GuestNeed need) => string.Join(", ", host.Plan?.Guests.Where(guest => guest.Needs.Contains(need)).Select(guest => guest.Name) ?? []);

    private static ToolCall Set(string name, int value) => new("sysctl", "-q", "-w", $"{name}={value}") { Mutating = true };

    /// <summary>Each setting with its value; -1: the kernel does not have it.</summary>
    private static IEnumerable<((string Path, int Least, string Name) Setting, int Value)> Values(Judged host) =>
        Settings.Select(setting => (setting, host.Facts.File(Sysctl, setting.Path) is { } file ? int.Parse(file.Text.Trim(), System.Globalization.CultureInfo.InvariantCulture) : -1));

    private static Verdict IommuIsOn(Judged host)
    {
        var planned = Needing(host, GuestNeed.PciPassthrough);
        var passed = GuestFiles.Domains(host.Facts).SelectMany(file => file.Domain.PciDevices.Select(device => $"{file.Path}: {device}")).Concat(XenRules.PciDevices(host.Facts)).ToList();
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

    private static Verdict NewestRuns(Judged host)
    {
        var running = host.Facts.Text(RunningKernel).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).Where(words => words.Length == 2).DistinctBy(words => words[0]).ToDictionary(words => words[0], words => words[1]);
        var (release, version) = (running.GetValueOrDefault("release") ?? throw new FormatException("uname said nothing"), running.GetValueOrDefault("version", ""));
        var installed = host.Facts.Files(Kernels).Select(file => file.Path.EndsWith("/vmlinuz", StringComparison.Ordinal) ? file.Path.Split('/')[^2] : Path.GetFileName(file.Path).Split('-', 2)[^1])
            .Where(name => !name.Contains("rescue", StringComparison.Ordinal) && !name.EndsWith(".old", StringComparison.Ordinal)).Distinct().ToArray();
        if (installed.Length == 0) return Verdict.Unknown("no installed kernel was found", $"uname -r: {release}");
        var newest = installed.MaxBy(name => name, VersionOrder.Instance)!;
        string[] evidence = [$"uname -rv: {release} {version}", $"installed: {string.Join(", ", installed.Order(VersionOrder.Instance))}"];
        if (VersionOrder.Instance.Compare(newest, release) > 0) return Verdict.Fail($"{release} runs, {newest} is installed", evidence);
        if (running.GetValueOrDefault("package") is { } package && version.Contains("Debian ", StringComparison.Ordinal) && !version.Contains($"Debian {package} ", StringComparison.Ordinal))
            return Verdict.Fail($"{release} was updated to {package} since it was started", evidence);
        return Verdict.Pass($"{release}, the newest", evidence);
    }

    /// <summary>Versions by their numbers: 6.1.0-10 is newer than 6.1.0-9.</summary>
    private sealed partial class VersionOrder : IComparer<string>
    {
        public static VersionOrder Instance { get; } = new();

        public int Compare(string? x, string? y)
        {
            var (one, other) = (Part().Matches(x!), Part().Matches(y!));
            for (var i = 0; i < Math.Min(one.Count, other.Count); i++)
            {
                var (a, b) = (one[i].Value, other[i].Value);
                var order = char.IsAsciiDigit(a[0]) && char.IsAsciiDigit(b[0]) ? System.Numerics.BigInteger.Parse(a, System.Globalization.CultureInfo.InvariantCulture).CompareTo(System.Numerics.BigInteger.Parse(b, System.Globalization.CultureInfo.InvariantCulture)) : string.CompareOrdinal(a, b);
                if (order != 0) return order;
            }

            return one.Count.CompareTo(other.Count);
        }

        [GeneratedRegex("[0-9]{1,40}|[^0-9.+~_-]+")]
        private static partial Regex Part();
    }
}
