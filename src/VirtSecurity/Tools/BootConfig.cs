using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>A kernel's arguments, at the next boot or the next making of GRUB's file.</summary>
/// <param name="Path">The file that has them.</param>
/// <param name="Line">The line's number, from 1.</param>
/// <param name="Arguments">Each of them, <c>name</c> or <c>name=value</c>.</param>
/// <param name="IsHypervisor">They are Xen's, not Linux's.</param>
internal sealed record BootEntry(string Path, int Line, IReadOnlyList<string> Arguments, bool IsHypervisor);

/// <summary>Arguments of the kernel and of Xen, in GRUB's files, the Boot Loader Specification's entries, and what these are made from.</summary>
internal static partial class BootConfig
{
    /// <summary>sed: the hash of GRUB's password stays on the host, and so do the passwords by which a kernel gets at its root on the network, dracut.cmdline(7).</summary>
    public const string Secrets = """
        s/\(password\(_pbkdf2\)\{0,1\}[[:space:]]\{1,\}[^[:space:]]*\)[[:space:]].*/\1 (set)/
        s/\(pass\(wor\|w\)\{0,1\}d\{0,1\}=\)[^[:space:]"']*/\1/gI
        s/\(root=[a-z]*:\)[^[:space:]"']*@/\1@/g
        """;

    /// <summary>The arguments on a line, as /proc/cmdline has them: blanks separate, unless they are quoted.</summary>
    public static IReadOnlyList<string> Arguments(string line) => [.. Argument().Matches(line).Select(match => match.Value.Replace("\"", "", StringComparison.Ordinal))];

    /// <summary>The value of the last argument of a name, which is the one that counts; null: it is not among them. One without a value is empty.</summary>
    public static string? ValueOf(IEnumerable<string> arguments, string name) =>
        arguments.LastOrDefault(argument => argument == name || argument.StartsWith(name + "=", StringComparison.Ordinal)) is { } found ? found.Length == name.Length ? "" : found[(name.Length + 1)..] : null;

    /// <summary>The devices that they name to be mounted or resumed from.</summary>
    public static IEnumerable<string> Devices(IReadOnlyList<string> arguments) => new[] { "root", "resume" }.Select(name => ValueOf(arguments, name)).OfType<string>().Where(name => name.Length > 0);

    /// <summary>All arguments in some files.</summary>
    public static IReadOnlyList<BootEntry> Entries(IEnumerable<HostFile> files) => [.. files.SelectMany(file => file.Lines.Select((line, index) => (line, index)).SelectMany(line => Of(file.Path, line.line.Trim(), line.index + 1)))];

    private static IEnumerable<BootEntry> Of(string path, string line, int number)
    {
        var words = Arguments(line.Replace('\t', ' '));
        BootEntry Entry(bool isXen, int from) => new(path, number, [.. words.Skip(from)], isXen);
        switch (words)
        {
            case ["linux" or "linux16" or "linuxefi" or "kernel", _, ..] when IsGrub(path): return [Entry(false, 2)];
            // multiboot2 loads Xen, and the first module is dom0's kernel; the others are its ramdisk and policy, without arguments.
            case ["multiboot" or "multiboot2" or "xen_hypervisor", _, ..] when IsGrub(path): return [Entry(true, 2)];
            case ["module" or "module2" or "xen_module", _, ..] when IsGrub(path): return [Entry(false, words[1] == "--nounzip" ? 3 : 2)];
            case ["options", ..] when path.Contains("/loader/entries/", StringComparison.Ordinal): return [Entry(false, 1)];
        }

        if (path == "/etc/kernel/cmdline") return [Entry(false, 0)];
        var set = Variable().Match(line);
        return set.Success && !IsGrub(path) && (path.StartsWith("/etc/default/grub", StringComparison.Ordinal) || path.EndsWith("/grubenv", StringComparison.Ordinal))
            ? [new BootEntry(path, number, Arguments(set.Groups["inside"].Value), set.Groups["name"].Value.Contains("_XEN", StringComparison.Ordinal) && !set.Groups["name"].Value.Contains("LINUX_XEN", StringComparison.Ordinal))]
            : [];
    }

    private static bool IsGrub(string path) => path.EndsWith("/grub.cfg", StringComparison.Ordinal);

    [GeneratedRegex("""(?:[^\s"]|"[^"]*"?)+""")]
    private static partial Regex Argument();

    // GRUB_CMDLINE_XEN* are Xen's; GRUB_CMDLINE_LINUX_XEN_REPLACE* are dom0's. What stands behind the closing quote is none of the value.
    [GeneratedRegex("""^(export\s+)?(?<name>GRUB_CMDLINE_[A-Z_]+|kernelopts)\+?=("(?<inside>[^"]*)"?|'(?<inside>[^']*)'?|(?<inside>.*))""", RegexOptions.ExplicitCapture)]
    private static partial Regex Variable();
}
