using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The check of the category Kernel about what was installed since the host was started.</summary>
internal static partial class BootedRules
{
    private static FactQuestion Kernels { get; } = FactQuestion.Look("kernels", "/boot/vmlinuz-*", "/boot/vmlinux-*", "/usr/lib/modules/*/vmlinuz");
    private static FactQuestion Hypervisors { get; } = FactQuestion.Look("hypervisors", "/boot/xen-*.gz", "/boot/xen-*.efi");

    // Debian's kernel keeps its name in an update that does not change what modules see; its version then stands in uname -v, and Xen's in its messages. What else a
    // package manager would say of other distributions is in the names there. Packages of which only the configuration is left are not installed.
    private static FactQuestion Running { get; } = FactQuestion.Script("running-kernel", "uname -rv; dpkg-query -W linux-image-$(uname -r) 'xen-hypervisor-*'", """
        r=$(uname -r)
        printf 'release %s\nversion %s\n' "$r" "$(uname -v)"
        if command -v dpkg-query >/dev/null; then
          if p=$(dpkg-query -W -f '${Version}' "linux-image-$r" 2>/dev/null) && [ -n "$p" ]; then printf 'package %s\n' "$p"; fi
          dpkg-query -W -f '${db:Status-Abbrev} hypervisor ${Version}\n' 'xen-hypervisor-*' 2>/dev/null | sed -n 's/^.i *//p'
        fi
        exit 0
        """);

    /// <summary>The check.</summary>
    public static HardeningRule Newest { get; } = new("KRN-09", "The newest installed kernel, and Xen, run")
    {
        Category = KernelRules.Category,
        Severity = HardeningSeverity.Medium,
        Needs = [Kernels, Hypervisors, Running, XenRules.Info, XenRules.Messages],
        Source = "general practice: an update of the kernel takes a boot",
        Why = "What an update closed stays open until the host is started again.",
        Expected = "the newest kernel in /boot is the one that runs, in the version of its package; and so is Xen, where it runs",
        Judge = NewestRuns,
        Remedy = "Start the host again at a time that suits its guests.",
    };

    private static Verdict NewestRuns(Judged host)
    {
        var lines = host.Facts.Text(Running).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).Where(words => words.Length == 2).ToLookup(words => words[0], words => words[1]);
        var findings = new Findings();
        Kernel(host, lines, findings);
        if (host.Facts.Hypervisor == Hypervisor.Xen) Xen(host, [.. lines["hypervisor"]], findings);
        return findings.Settle("the newest", "");
    }

    private static void Kernel(Judged host, ILookup<string, string> lines, Findings findings)
    {
        var (release, version) = (lines["release"].FirstOrDefault() ?? throw new FormatException("uname said nothing"), lines["version"].FirstOrDefault() ?? "");
        var installed = host.Facts.Files(Kernels).Select(file => file.Path.EndsWith("/vmlinuz", StringComparison.Ordinal) ? file.Path.Split('/')[^2] : Path.GetFileName(file.Path).Split('-', 2)[^1])
            .Where(name => !name.Contains("rescue", StringComparison.Ordinal) && !name.EndsWith(".old", StringComparison.Ordinal)).Distinct().ToArray();
        if (installed.MaxBy(VersionOf) is not { } newest || VersionOf(newest).Numbers.Count == 0) findings.Unknown($"uname -r: {release}; no installed kernel was found that has its version in its name");
        else if (VersionOf(newest).CompareTo(VersionOf(release)) > 0) findings.Wrong($"uname -r: {release} runs, {newest} is installed");
        else if (lines["package"].FirstOrDefault() is { } package && version.Contains("Debian ", StringComparison.Ordinal) && !version.Contains($"Debian {package} ", StringComparison.Ordinal)) findings.Wrong($"uname -v: {version}; {release} was updated to {package} since it was started");
        else findings.Right($"uname -rv: {release} {version}; installed: {string.Join(", ", installed.OrderBy(VersionOf))}");
    }

    private static void Xen(Judged host, IReadOnlyList<string> packages, Findings findings)
    {
        var info = XlInfo.Parse(host.Facts.Text(XenRules.Info));
        var runs = $"{info.Value("xen_major")}.{info.Value("xen_minor")}{(info.Has("xen_extra") ? info.Value("xen_extra") : "")}";
        // Debian's file has the two first numbers in its name, Fedora's all three: those are compared that both have.
        var files = host.Facts.Files(Hypervisors).Where(file => file.FileType == '-').Select(file => Path.GetFileName(file.Path)["xen-".Length..]).Where(name => name.Length > 0 && char.IsAsciiDigit(name[0])).ToArray();
        var newest = files.MaxBy(VersionOf);
        var banner = host.Facts.Text(XenRules.Messages).Split('\n').FirstOrDefault(line => line.Contains("Xen version ", StringComparison.Ordinal));
        var built = DebianVersion().Match(banner ?? "");
        if (newest is not null && VersionOf(newest).IsNewerThan(VersionOf(runs))) findings.Wrong($"xl info: Xen {runs} runs, /boot/xen-{newest} is installed");
        else if (packages.Count == 0 && newest is null) findings.Unknown($"xl info: Xen {runs}; no installed Xen was found");
        else if (packages.Count > 0 && banner is null) findings.Unknown($"xl info: Xen {runs}; its first message, which has its package's version, is not in xl dmesg any more");
        else if (packages.Count > 0 && built.Success && !packages.Contains(built.Groups["version"].Value)) findings.Wrong($"xl dmesg: {banner!.Trim()}; its package was updated to {string.Join(", ", packages)} since");
        else findings.Right($"xl info: Xen {runs}{(packages.Count > 0 ? $", of package version {string.Join(", ", packages)}" : "")}");
    }

    private static KernelVersion VersionOf(string name) => new([.. Number().Matches(Begin().Match(Backport().Replace(name, "")).Value).Select(match => BigInteger.Parse(match.Value, CultureInfo.InvariantCulture))]);

    /// <summary>The numbers that a version begins with: 6.1.0-10 is newer than 6.1.0-9. What comes behind them is the kernel's flavour, and none is newer than another.</summary>
    private sealed record KernelVersion(IReadOnlyList<BigInteger> Numbers) : IComparable<KernelVersion>
    {
        public int CompareTo(KernelVersion? other) => Difference(other!) is var difference and not 0 ? difference : Numbers.Count.CompareTo(other!.Numbers.Count);

        /// <summary>By the numbers that both have.</summary>
        public bool IsNewerThan(KernelVersion other) => Difference(other) > 0;

        private int Difference(KernelVersion other) => Numbers.Zip(other.Numbers, (one, two) => one.CompareTo(two)).FirstOrDefault(order => order != 0);
    }

    [GeneratedRegex(@"^[0-9]{1,40}([.-][0-9]{1,40}(?![0-9A-Za-z_]))*", RegexOptions.ExplicitCapture)]
    private static partial Regex Begin();

    // 6.1.0-0.deb11.21 is the 21st of its kind for Debian 11.
    [GeneratedRegex(@"\.deb[0-9]+(?=\.[0-9])")]
    private static partial Regex Backport();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();

    [GeneratedRegex(@"\(Debian (?<version>[^)\s]+)\)")]
    private static partial Regex DebianVersion();
}
