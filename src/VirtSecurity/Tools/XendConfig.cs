namespace VirtSecurity.Tools;

/// <summary>xend's file, <c>(name value)</c> for each setting, of Xen before 4.5; what is not set has the value that xend gives it.</summary>
/// <param name="settings">The settings.</param>
internal sealed class XendConfig(ILookup<string, string> settings)
{
    /// <summary>Its path.</summary>
    public const string Path = "/etc/xen/xend-config.sxp";

    /// <summary>Reads it. Passwords in it were replaced on the host.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static XendConfig Parse(string text) =>
        new(Sxp.Parse(text).Children.Where(setting => setting.Head is not null).ToLookup(setting => setting.Head!, setting => string.Join(' ', setting.Children.Skip(1).Select(value => value.Text ?? "(...)"))));

    /// <summary>A setting's values: it may be there more than once. Empty: it is not set.</summary>
    public IReadOnlyList<string> Values(string name) => [.. settings[name]];

    /// <summary>Whether it is switched on, in one place at least.</summary>
    public bool IsOn(string name) => settings[name].Any(value => value.ToLowerInvariant() is "yes" or "y" or "true" or "t" or "on" or "1");

    /// <summary>A setting as evidence shows it.</summary>
    public string Line(string name) => settings[name].Any()
        ? $"{Path}: {string.Join(' ', settings[name].Select(value => $"({name} {(value.Length > 0 ? value : "''")})"))}"
        : $"{Path}: {name} is not set";
}
