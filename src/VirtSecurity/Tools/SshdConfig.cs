using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>
/// What sshd does, by sshd_config(5): from <c>sshd -T</c>, which knows its own defaults, or from its files. The first value of a keyword counts, in the order of the
/// files as they include each other; what stands below Match is for some connections only.
/// </summary>
internal sealed class SshdConfig
{
    /// <summary>Its file.</summary>
    public const string Path = "/etc/ssh/sshd_config";

    private const int MostDepth = 16;

    private readonly Dictionary<string, string> settings = [];
    private readonly List<string> exceptions = [];

    /// <summary>Values that hold for some connections only, as evidence: file, Match line, setting.</summary>
    public IReadOnlyList<string> Exceptions => exceptions;

    /// <summary>Asks sshd for all its settings; it starts nothing and opens no socket. One that cannot say, without keys of the host, says nothing.</summary>
    public static ToolCall Test() => ToolCall.Script("sshd-test", "command -v sshd >/dev/null || exit 127\nsshd -T 2>/dev/null\nexit 0") with { Display = "sshd -T" };

    /// <summary>Whether <see cref="Test"/> has the settings.</summary>
    public static bool IsTest(string text) => text.Contains("\npermitrootlogin ", StringComparison.Ordinal) || text.StartsWith("permitrootlogin ", StringComparison.Ordinal);

    /// <summary>Reads <see cref="Test"/>: a keyword in small letters and its value a line.</summary>
    public static SshdConfig OfTest(string text)
    {
        var config = new SshdConfig();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) config.Set(line.Split(' ', 2));
        return config;
    }

    /// <summary>Reads its files.</summary>
    /// <param name="files">sshd_config, and what it may include.</param>
    /// <exception cref="FormatException">One that it includes is not among them, or was not read.</exception>
    public static SshdConfig OfFiles(IReadOnlyList<HostFile> files)
    {
        var config = new SshdConfig();
        config.Read(files.FirstOrDefault(file => file.Path == Path) ?? throw new FormatException($"there is no {Path}"), files, "", 0);
        return config;
    }

    /// <summary>A setting's value; null: it is not set, or sshd does not say.</summary>
    /// <param name="keyword">In small letters.</param>
    public string? Value(string keyword) => settings.GetValueOrDefault(keyword);

    // A Match ends with its file: the one that includes it goes on as before (sshd_config(5), Include).
    private void Read(HostFile file, IReadOnlyList<HostFile> files, string match, int depth)
    {
        if (depth > MostDepth) throw new FormatException($"{file.Path}: it includes itself");
        foreach (var line in file.Lines)
        {
            var words = line.Trim().Split([' ', '\t', '='], 2, StringSplitOptions.TrimEntries);
            if (words is not [{ Length: > 0 } keyword, var value] || keyword[0] == '#') continue;
            keyword = keyword.ToLowerInvariant();
            value = value.TrimStart('=').Trim().Trim('"');
            if (keyword == "match") match = value.Equals("all", StringComparison.OrdinalIgnoreCase) ? "" : value;
            else if (keyword == "include")
            {
                foreach (var pattern in value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Select(pattern => pattern.Trim('"')).Select(pattern => pattern.StartsWith('/') ? pattern : $"/etc/ssh/{pattern}"))
                {
                    var included = files.Where(other => other != file && IsMatch(pattern, other.Path)).OrderBy(other => other.Path, StringComparer.Ordinal).ToArray();
                    if (included.Length == 0 && !pattern.StartsWith("/etc/ssh/sshd_config.d/", StringComparison.Ordinal)) throw new FormatException($"{file.Path} includes {pattern}, which was not asked for");
                    foreach (var one in included) Read(one, files, match, depth + 1);
                }
            }
            else if (match.Length == 0) Set([keyword, value]);
            else exceptions.Add($"{file.Path}: Match {match}: {keyword} {value}");
        }
    }

    private void Set(string[] words)
    {
        if (words is [var keyword, var value]) settings.TryAdd(keyword.ToLowerInvariant(), value.Trim());
    }

    private static bool IsMatch(string pattern, string path) => pattern.Split('*', 2) switch
    {
        [var whole] => whole == path,
        [var start, var end] => path.StartsWith(start, StringComparison.Ordinal) && path.EndsWith(end, StringComparison.Ordinal) && path.Length >= start.Length + end.Length && !path[start.Length..].Contains('/', StringComparison.Ordinal),
        _ => false,
    };
}
