namespace VirtSecurity.Tools;

/// <summary>/etc/selinux/config, selinux_config(5).</summary>
/// <param name="Mode">SELINUX, in small letters: enforcing, permissive, disabled; null: it says nothing.</param>
/// <param name="Store">SELINUXTYPE, the name of the policy's store; null: it says nothing.</param>
internal sealed record SELinuxConfig(string? Mode, string? Store)
{
    /// <summary>Where it lies.</summary>
    public const string Path = "/etc/selinux/config";

    private const string ModeTag = "SELINUX=";
    private const string StoreTag = "SELINUXTYPE=";

    private static readonly string[] Modes = ["enforcing", "permissive", "disabled"];

    /// <summary>Reads the file where there is one.</summary>
    /// <exception cref="FormatException">It was not read.</exception>
    public static SELinuxConfig Read(IEnumerable<HostFile> files) => Parse(files.FirstOrDefault(file => file.Path == Path)?.Text ?? "");

    /// <summary>
    /// Reads its text as libselinux does (selinux_config.c): of the lines that begin with <c>SELINUX=</c> the first one that names a mode counts, whatever follows the
    /// mode; of those with a store the last one, which may be indented.
    /// </summary>
    public static SELinuxConfig Parse(string text)
    {
        string? mode = null, store = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith(ModeTag, StringComparison.Ordinal)) mode ??= Modes.FirstOrDefault(known => line[ModeTag.Length..].TrimStart().StartsWith(known, StringComparison.OrdinalIgnoreCase));
            else if (line.TrimStart().StartsWith(StoreTag, StringComparison.OrdinalIgnoreCase)) store = line.Trim()[StoreTag.Length..].Trim() is { Length: > 0 } name ? name : null;
        }

        return new(mode, store);
    }
}
