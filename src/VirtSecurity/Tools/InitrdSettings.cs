namespace VirtSecurity.Tools;

/// <summary>A device that is looked for before the root file system is there, by the name that settings give it.</summary>
internal sealed record InitrdName(string Path, int Line, string Name);

/// <summary>
/// What an initial RAM disk is made from, as far as it names devices: initramfs-tools' (initramfs.conf(5)), dracut's (dracut.conf(5)), and crypttab(5). The RAM disk itself
/// is an archive of programs, and has these names from here.
/// </summary>
internal static class InitrdSettings
{
    private const string Crypttab = "/etc/crypttab";

    /// <summary>The files.</summary>
    public static IReadOnlyList<string> Paths { get; } = [Crypttab, "/etc/initramfs-tools/initramfs.conf", "/etc/initramfs-tools/conf.d/*", "/etc/dracut.conf", "/etc/dracut.conf.d/*.conf"];

    /// <summary>sed: nothing but names of devices leaves the host; of crypttab's lines what is before the key.</summary>
    public const string Reduce = """
        /^[[:space:]]*\(RESUME\|ROOT\|kernel_cmdline\)[[:space:]]*+\{0,1\}=/b end
        s/^[[:space:]]*\([^[:space:]#=]\{1,\}[[:space:]]\{1,\}[^[:space:]]\{1,\}\).*/\1/
        t end
        s/.*//
        """;

    /// <summary>The names in some of these files.</summary>
    /// <exception cref="FormatException">A file was not read.</exception>
    public static IReadOnlyList<InitrdName> Read(IEnumerable<HostFile> files) =>
        [.. files.Where(file => file.FileType == '-').SelectMany(file => file.Lines.SelectMany((line, index) => Names(file.Path, line.Trim()).Select(name => new InitrdName(file.Path, index + 1, name))))];

    private static IEnumerable<string> Names(string path, string line)
    {
        if (path == Crypttab) return line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [_, var source, ..] ? [source] : [];
        if (line.Split('=', 2) is not [var setting, var value]) return [];
        var text = value.Trim().Trim('"', '\'');
        return setting.TrimEnd('+', ' ', '\t') switch
        {
            // Where it says auto or none, no name is written down.
            "RESUME" or "ROOT" => text.Contains('=', StringComparison.Ordinal) || text.StartsWith('/') ? [text] : [],
            "kernel_cmdline" => BootConfig.Devices(BootConfig.Arguments(text)),
            _ => [],
        };
    }
}
