using System.Globalization;
using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>
/// One of libvirt's own files, <c>/etc/libvirt/*.conf</c>: settings <c>name = value</c>, a value being a number, a text or a list of texts
/// (its grammar: src/util/virconf.c). The files that libvirt ships name each setting with the value it has without one, behind a #.
/// </summary>
internal sealed partial class LibvirtConf
{
    private readonly Dictionary<string, IReadOnlyList<string>> settings = [];
    private readonly Dictionary<string, IReadOnlyList<string>> defaults = [];
    private readonly HashSet<string> lists = [];

    private LibvirtConf(string path) => Path = path;

    /// <summary>
    /// sed: passwords of displays stay on the host, in comments too; whether there is one does not. A text between three quotes may have lines (virconf.c).
    /// </summary>
    public const string Secrets = """
        /password[a-z_]*[[:space:]]*=/{
        :password
        /password[a-z_]*[[:space:]]*=[[:space:]]*\("\{3\}\([^"]\|"[^"]\|""[^"]\)*"\{0,2\}\)\{0,1\}$/{
        $!{
        N
        b password
        }
        }
        s/\(password[a-z_]*[[:space:]]*=\)[[:space:]]*\(""\|''\)[[:space:]]*#.*/\1 ""/
        /password[a-z_]*[[:space:]]*=[[:space:]]*\(""\|''\)[[:space:]]*$/!s/\(password[a-z_]*[[:space:]]*=\).*/\1 "set"/
        }
        """;

    /// <summary>The file; it need not be there.</summary>
    public string Path { get; }

    /// <summary>Its name without its ending: the daemon's.</summary>
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>Reads one; null: there is none, so all settings have their defaults.</summary>
    /// <exception cref="FormatException">It is not understood, or was not read.</exception>
    public static LibvirtConf Of(string path, HostFile? file)
    {
        var conf = new LibvirtConf(path);
        if (file is null) return conf;
        var text = file.Text;
        foreach (Match match in Default().Matches(text)) conf.defaults[match.Groups["name"].Value] = Values(match.Groups["value"].Value.Trim());
        // What stands behind # up to the line's end is a comment, unless a text is open.
        var at = 0;
        while (at < text.Length)
        {
            var skip = Blank().Match(text, at);
            at += skip.Length;
            if (at == text.Length) break;
            var setting = Setting().Match(text, at);
            if (!setting.Success) throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{path}: line {text.AsSpan(0, at).Count('\n') + 1} is not understood"));
            var (name, value) = (setting.Groups["name"].Value, setting.Groups["value"].Value);
            conf.settings[name] = Values(value);
            if (value.StartsWith('[')) conf.lists.Add(name);
            else conf.lists.Remove(name);
            at += setting.Length;
        }

        return conf;
    }

    /// <summary>A setting's value; null: it is not set. Of a list, the first; of an empty one, an empty text.</summary>
    public string? Value(string name) => settings.TryGetValue(name, out var values) ? values is [var first, ..] ? first : "" : null;

    /// <summary>A setting's values; null: it is not set.</summary>
    public IReadOnlyList<string>? List(string name) => settings.GetValueOrDefault(name);

    /// <summary>The value that the file, as it was shipped, says a setting has by itself; null: it does not say.</summary>
    public string? ShippedDefault(string name) => defaults.TryGetValue(name, out var values) ? values is [var first, ..] ? first : "" : null;

    /// <summary>A number; null: it is not set.</summary>
    /// <exception cref="FormatException">It is set to something else.</exception>
    public long? Number(string name) => Value(name) is not { } value ? null
        : long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"{Path}: {name} = {value} is no number");

    /// <summary>A setting as evidence shows it.</summary>
    public string Line(string name) => settings.TryGetValue(name, out var values)
        ? $"{Path}: {name} = {(lists.Contains(name) ? $"[{string.Join(", ", values)}]" : values[0])}"
        : $"{Path}: {name} is not set";

    private static IReadOnlyList<string> Values(string value) => value.StartsWith('[')
        ? [.. Text().Matches(value).Select(match => match.Groups["text"]).Where(text => text.Success).Select(text => text.Value)]
        : [value is ['\'', .. var inside, '\''] ? inside : value.Trim('"')];

    [GeneratedRegex("""(?:\s|\#[^\n]*(?:\n|$)|;)*""", RegexOptions.ExplicitCapture)]
    private static partial Regex Blank();

    [GeneratedRegex("""\G(?<name>[A-Za-z_][A-Za-z0-9_.\-]*)[ \t]*=[ \t]*(?<value>-?[0-9]+|"[^"\n]*"|'[^'\n]*'|\"\"\"(?s:.*?)\"\"\"|\[(?>(?:[^\]"'\#]+|"[^"]*"|'[^']*'|\#[^\n]*)*)\])[ \t]*(?=\n|\#|;|$)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Setting();

    [GeneratedRegex("""^\#[ ]?(?<name>[a-z][a-z0-9_]*)[ ]*=[ ]*(?<value>-?[0-9]+|"[^"\n]*"|\[[^\]\n]*\])[ ]*$""", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Default();

    [GeneratedRegex("""\#[^\n]*|"(?<text>[^"]*)"|'(?<text>[^']*)'""", RegexOptions.ExplicitCapture)]
    private static partial Regex Text();
}
