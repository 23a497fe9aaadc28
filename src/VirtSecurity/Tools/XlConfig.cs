using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>
/// A guest in xl.cfg(5)'s language: names, texts, numbers and lists. xm's files are Python, mostly of the same form; what goes beyond it is said
/// and left out, and never run.
/// </summary>
internal sealed partial class XlConfig
{
    /// <summary>So many things that are not understood are told; who reads them looks at the file.</summary>
    private const int MostProblems = 10;

    private const int MostShown = 200;

    /// <summary>Lists in lists in lists: nobody writes that many.</summary>
    private const int MostDepth = 16;

    private static readonly (string Setting, ImageRole Role)[] Files =
    [
        ("kernel", ImageRole.Kernel), ("ramdisk", ImageRole.Initrd), ("device_tree", ImageRole.DeviceTree), ("firmware", ImageRole.Firmware),
        ("bios_path_override", ImageRole.Firmware), ("pvshim_path", ImageRole.Firmware), ("stubdomain_kernel", ImageRole.Kernel), ("stubdomain_ramdisk", ImageRole.Initrd),
    ];

    /// <summary>Their paths are the guest's own.</summary>
    private static readonly string[] KernelCommandLine = ["root", "extra", "cmdline", "bootargs"];

    private readonly IReadOnlyList<XlToken> tokens;
    private readonly Dictionary<string, List<string>> settings = [];
    private readonly List<string> otherTexts = [];
    private readonly List<string> problems = [];
    private int next;

    private XlConfig(IReadOnlyList<XlToken> tokens) => this.tokens = tokens;

    /// <summary>The guest's name; null: it has none, as a file that is no guest's.</summary>
    public string? Name => settings.GetValueOrDefault("name")?.FirstOrDefault();

    /// <summary>Whether it defines a guest at all.</summary>
    public bool IsGuest => Name is not null || settings.ContainsKey("disk") || settings.ContainsKey("kernel");

    /// <summary>The images it names.</summary>
    public IReadOnlyList<ImageUse> Images { get; private set; } = [];

    /// <summary>What was not understood, each with its line; the first ten.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Every absolute path in any text but the kernel's command line, whatever of the rest is understood; rather one too many.</summary>
    public IEnumerable<string> Paths => settings.Where(setting => !KernelCommandLine.Contains(setting.Key)).SelectMany(setting => setting.Value).Concat(otherTexts)
        .SelectMany(text => AbsolutePath().Matches(text).Select(match => match.Groups["path"].Value.Trim())).Concat(Images.Select(image => image.Path)).Distinct();

    /// <summary>A setting's values, as they are written; of a list, its texts. Empty: it is not set.</summary>
    public IReadOnlyList<string> Values(string name) => settings.GetValueOrDefault(name) ?? [];

    /// <summary>Reads a definition; never fails.</summary>
    public static XlConfig Parse(string text)
    {
        var config = new XlConfig(XlTokens.Of(text));
        while (config.next < config.tokens.Count) config.ReadStatement();
        config.Images = [.. config.FindImages()];
        return config;
    }

    private IEnumerable<ImageUse> FindImages()
    {
        foreach (var spec in settings.GetValueOrDefault("disk") ?? [])
        {
            var disk = XlDisk.Parse(spec, out var problem);
            if (problem.Length > 0) Say($"disk '{(spec.Length > MostShown ? spec[..MostShown] + "..." : spec)}': {problem}");
            if (disk is not null) yield return disk;
        }

        foreach (var (setting, role) in Files)
        {
            if (settings.GetValueOrDefault(setting) is [.., var path] && path.StartsWith('/')) yield return new ImageUse(path, role, null) { IsReadOnly = true };
        }
    }

    private void ReadStatement()
    {
        if (tokens[next] is { Kind: XlTokenKind.Newline } || tokens[next].Is(";"))
        {
            next++;
            return;
        }

        var start = next;
        var values = new List<string>();
        if (tokens[next].Kind == XlTokenKind.Word && next + 1 < tokens.Count && (tokens[next + 1].Is("=") || tokens[next + 1].Is("+=")))
        {
            next += 2;
            if (ReadValue(values, 0) && (next == tokens.Count || tokens[next].Kind == XlTokenKind.Newline || tokens[next].Is(";")))
            {
                var name = tokens[start].Text;
                if (tokens[start + 1].Is("+=") && settings.TryGetValue(name, out var before)) before.AddRange(values);
                else settings[name] = values;
                return;
            }
        }

        SkipStatement(start);
    }

    /// <summary>Goes on at the next line that begins with a setting: what is indented belongs to what was not understood.</summary>
    private void SkipStatement(int start)
    {
        Say($"line {tokens[start].Line}: not of the form NAME = VALUE");
        for (next = start + 1; next < tokens.Count; next++)
        {
            if (tokens[next] is { BeginsLine: true, Kind: XlTokenKind.Word } && next + 1 < tokens.Count && (tokens[next + 1].Is("=") || tokens[next + 1].Is("+="))) break;
        }

        otherTexts.AddRange(tokens.Skip(start).Take(next - start).Where(token => token.Kind is XlTokenKind.Text or XlTokenKind.Broken).Select(token => token.Text));
    }

    private void Say(string problem)
    {
        if (problems.Count < MostProblems) problems.Add(problem);
    }

    /// <summary>One value; of a list, its values.</summary>
    private bool ReadValue(List<string> values, int depth)
    {
        if (next == tokens.Count) return false;
        var token = tokens[next++];
        if (token.Kind is XlTokenKind.Text or XlTokenKind.Number or XlTokenKind.Word)
        {
            values.Add(token.Text);
            return true;
        }

        if (!token.Is("[") || depth == MostDepth) return false;
        while (true)
        {
            SkipNewlines();
            if (next == tokens.Count) return false;
            if (tokens[next].Is("]"))
            {
                next++;
                return true;
            }

            if (!ReadValue(values, depth + 1)) return false;
            SkipNewlines();
            if (next < tokens.Count && tokens[next].Is(",")) next++;
            else if (next == tokens.Count || !tokens[next].Is("]")) return false;
        }
    }

    private void SkipNewlines()
    {
        while (next < tokens.Count && tokens[next].Kind == XlTokenKind.Newline) next++;
    }

    [GeneratedRegex(@"(^|[:=,\s'""])(?<path>/[^,]*)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex AbsolutePath();
}
