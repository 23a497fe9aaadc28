namespace VirtSecurity.Tools;

/// <summary>/etc/selinux/config, selinux_config(5).</summary>
/// <param name="Mode">SELINUX, in small letters: enforcing, permissive, disabled; null: it says nothing.</param>
/// <param name="Store">SELINUXTYPE, the name of the policy's store; null: it says nothing.</param>
internal sealed record SELinuxConfig(string? Mode, string? Store)
{
    /// <summary>Where it lies.</summary>
    public const string Path = "/etc/selinux/config";

    /// <summary>Reads the file where there is one.</summary>
    /// <exception cref="FormatException">It was not read.</exception>
    public static SELinuxConfig Read(IEnumerable<HostFile> files) => Parse(files.FirstOrDefault(file => file.Path == Path)?.Text ?? "");

    /// <summary>Reads its text. As libselinux does: a line begins with the name, the last one counts, a mode that is none of the three is no mode.</summary>
    public static SELinuxConfig Parse(string text)
    {
        string? mode = null, store = null;
        foreach (var line in text.Split('\n').Select(line => line.Trim()))
        {
            if (Value(line, "SELINUXTYPE") is { Length: > 0 } type) store = type;
            else if (Value(line, "SELINUX")?.ToLowerInvariant() is "enforcing" or "permissive" or "disabled") mode = Value(line, "SELINUX")!.ToLowerInvariant();
        }

        return new(mode, store);
    }

    private static string? Value(string line, string name)
    {
        if (!line.StartsWith(name, StringComparison.Ordinal)) return null;
        var rest = line[name.Length..].TrimStart();
        return rest.StartsWith('=') ? rest[1..].Trim().Trim('"') : null;
    }
}
