using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A setting of sshd's that holds for some connections only.</summary>
/// <param name="Path">The file.</param>
/// <param name="Match">For which, as the file has it.</param>
/// <param name="Keyword">In small letters.</param>
/// <param name="Value">Its value.</param>
internal sealed record SshdException(string Path, string Match, string Keyword, string Value)
{
    /// <summary>As evidence shows it.</summary>
    public override string ToString() => $"{Path}: Match {Match}: {Keyword} {Value}";
}

/// <summary>
/// What sshd does, by sshd_config(5): from <c>sshd -T</c>, which knows its own defaults, or from its files. The first value of a keyword counts, in the order of the
/// files as they include each other; what stands below Match is for some connections only.
/// </summary>
internal sealed partial class SshdConfig
{
    /// <summary>Its file.</summary>
    public const string Path = "/etc/ssh/sshd_config";

    private const string Directory = "/etc/ssh/";
    private const int MostDepth = 16;

    private readonly Dictionary<string, string> settings = [];
    private readonly List<SshdException> exceptions = [];

    /// <summary>Values that hold for some connections only.</summary>
    public IReadOnlyList<SshdException> Exceptions => exceptions;

    /// <summary>Asks sshd for all its settings; it starts nothing and opens no socket. One that cannot say, without keys of the host, says nothing.</summary>
    public static ToolCall Test() => ToolCall.Script("sshd-test", "s=$(command -v sshd) || exit 127\n\"$s\" -T 2>/dev/null\nexit 0") with { Display = "sshd -T" };

    /// <summary>Whether <see cref="Test"/> has the settings.</summary>
    public static bool IsTest(string text) => text.Contains("\npermitrootlogin ", StringComparison.Ordinal) || text.StartsWith("permitrootlogin ", StringComparison.Ordinal);

    /// <summary>Reads <see cref="Test"/>: a keyword in small letters and its value a line.</summary>
    public static SshdConfig OfTest(string text)
    {
        var config = new SshdConfig();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ', 2) is [var keyword, var value]) config.settings.TryAdd(keyword, value.Trim());
        }

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
            if (Setting().Match(line) is not { Success: true } setting || Words(setting.Groups["values"].Value) is not { Length: > 0 } values) continue;
            var (keyword, value) = (setting.Groups["keyword"].Value.ToLowerInvariant(), string.Join(' ', values));
            if (keyword == "match") match = value.Equals("all", StringComparison.OrdinalIgnoreCase) ? "" : value;
            else if (keyword == "include") foreach (var one in values.SelectMany(pattern => Included(pattern, file, files))) Read(one, files, match, depth + 1);
            else if (match.Length == 0) settings.TryAdd(keyword, value);
            else exceptions.Add(new(file.Path, match, keyword, value));
        }
    }

    /// <summary>The files that a pattern stands for, in the order of their names. A drop-in directory may be empty.</summary>
    private static IReadOnlyList<HostFile> Included(string name, HostFile by, IReadOnlyList<HostFile> files)
    {
        var pattern = name.StartsWith('/') ? name : Directory + name;
        var included = files.Where(other => other != by && IsMatch(pattern, other.Path)).OrderBy(other => other.Path, StringComparer.Ordinal).ToArray();
        return included.Length > 0 || pattern.StartsWith(Path + ".d/", StringComparison.Ordinal) ? included : throw new FormatException($"{by.Path} includes {pattern}, which was not asked for");
    }

    /// <summary>A text between double quotes is one word, and a # where a word would begin begins a comment.</summary>
    private static string[] Words(string values) => [.. Word().Matches(values).Select(word => word.Value).TakeWhile(word => word[0] != '#').Select(word => word.Trim('"'))];

    private static bool IsMatch(string pattern, string path) => pattern.Split('*', 2) switch
    {
        [var whole] => whole == path,
        [var start, var end] => path.StartsWith(start, StringComparison.Ordinal) && path.EndsWith(end, StringComparison.Ordinal) && path.Length >= start.Length + end.Length && !path[start.Length..].Contains('/', StringComparison.Ordinal),
        _ => false,
    };

    // Between the keyword and its values there are blanks, and one = perhaps.
    [GeneratedRegex(@"^\s*(?<keyword>[^\s=\#""]+)\s*=?(?<values>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Setting();

    [GeneratedRegex("""
        "[^"]*"|\#.*|\S+
        """)]
    private static partial Regex Word();
}
