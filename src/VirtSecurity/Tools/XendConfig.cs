using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>xend's file, <c>(name value)</c> a line, of Xen before 4.5; what is not set has the value that xend gives it.</summary>
internal sealed partial class XendConfig
{
    /// <summary>Its path.</summary>
    public const string Path = "/etc/xen/xend-config.sxp";

    private readonly Dictionary<string, string> settings = [];

    /// <summary>Reads it. Passwords in it were replaced on the host.</summary>
    public static XendConfig Parse(string text)
    {
        var config = new XendConfig();
        foreach (Match match in Setting().Matches(text)) config.settings[match.Groups["name"].Value] = match.Groups["value"].Value.Trim().Trim('\'', '"');
        return config;
    }

    /// <summary>A setting's value; null: it is not set.</summary>
    public string? Value(string name) => settings.GetValueOrDefault(name);

    /// <summary>Whether it is switched on.</summary>
    public bool IsOn(string name) => Value(name) is "yes" or "true" or "on" or "1";

    /// <summary>A setting as evidence shows it.</summary>
    public string Line(string name) => Value(name) is { } value ? $"{Path}: ({name} {(value.Length > 0 ? value : "''")})" : $"{Path}: {name} is not set";

    [GeneratedRegex(@"^[ \t]*\((?<name>[a-z0-9-]+)[ \t]+(?<value>[^()\n]*)\)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Setting();
}
