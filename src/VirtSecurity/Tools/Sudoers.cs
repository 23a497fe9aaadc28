using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>What a line of sudoers lets somebody do.</summary>
/// <param name="Who">A user, <c>%group</c>, <c>#number</c> or <c>+netgroup</c>; aliases are resolved.</param>
/// <param name="WithoutPassword">Without a password; where it lets do all, all of that.</param>
/// <param name="IsAll">Any command, as root.</param>
/// <param name="Path">The file.</param>
/// <param name="Line">The line's number in it, from 1.</param>
internal sealed record SudoGrant(string Who, bool WithoutPassword, bool IsAll, string Path, int Line);

/// <summary>sudoers(5): who may do what, as far as a reader needs it who asks who is root and whether he is asked for a password.</summary>
/// <param name="Grants">All that is granted.</param>
/// <param name="Weakened">Defaults by which nobody is asked for a password, or for root's instead of his own.</param>
/// <param name="Includes">Files and directories that are read too, and are not among those given.</param>
internal sealed partial record Sudoers(IReadOnlyList<SudoGrant> Grants, IReadOnlyList<string> Weakened, IReadOnlyList<string> Includes)
{
    /// <summary>The file that sudo begins with.</summary>
    public const string MainFile = "/etc/sudoers";

    private const string Directory = "/etc/sudoers.d";

    private static readonly char[] Separators = [',', ' ', '\t'];

    private static readonly string[] RootPasswords = ["rootpw", "runaspw", "targetpw"];

    /// <summary>Reads the files, as sudo does: in a directory that is included, names with a dot or a tilde at the end do not count.</summary>
    /// <exception cref="FormatException">A line is not understood.</exception>
    public static Sudoers Parse(IReadOnlyCollection<(string Path, IReadOnlyList<string> Lines)> files)
    {
        var includes = files.Where(file => file.Path == MainFile).SelectMany(Joined).Select(line => Include().Match(line.Text)).Where(match => match.Success).Select(match => match.Groups["path"].Value.Trim('"')).ToArray();
        var given = files.Where(file => file.Path == MainFile || includes.Contains(file.Path)
            || (includes.Any(path => path.TrimEnd('/') == Directory) && !Path.GetFileName(file.Path).Contains('.', StringComparison.Ordinal) && !file.Path.EndsWith('~'))).ToArray();
        var lines = given.SelectMany(file => Joined(file).Select(line => (file.Path, line.Text, line.Number))).ToArray();
        var aliases = new SudoAliases();
        var (rules, weakened, others) = (new List<(string Path, int Number, Match Rule)>(), new List<string>(), new List<string>());
        foreach (var (path, text, number) in lines)
        {
            if (Include().Match(text) is { Success: true } include) others.Add(include.Groups["path"].Value.Trim('"'));
            else if (Defaults().Match(text) is { Success: true } defaults) { if (defaults.Groups["settings"].Value.Split(Separators).Any(IsWeak)) weakened.Add($"{path}:{number}: {text}"); }
            else if (aliases.TryAdd(text)) continue;
            else if (Rule().Match(text) is { Success: true } rule) rules.Add((path, number, rule));
            else throw new FormatException($"{path}:{number}: '{text}' is not understood");
        }

        // An alias may stand before its definition.
        var grants = rules.SelectMany(one =>
        {
            var (isAll, withoutPassword) = SudoCommands.Read(one.Rule.Groups["what"].Value, aliases);
            return aliases.Members("User", one.Rule.Groups["who"].Value).Select(who => new SudoGrant(who, withoutPassword, isAll, one.Path, one.Number));
        });
        return new([.. grants], weakened, [.. others.Where(path => path.TrimEnd('/') != Directory && given.All(file => file.Path != path))]);
    }

    private static bool IsWeak(string setting) => setting.StartsWith("exempt_group", StringComparison.Ordinal) || setting == "!authenticate" || RootPasswords.Contains(setting);

    /// <summary>Lines without comments, continued ones as one. <c>#include</c> is none, nor is <c>#1000</c>, a user by number.</summary>
    private static IEnumerable<(string Text, int Number)> Joined((string Path, IReadOnlyList<string> Lines) file)
    {
        var (whole, first) = ("", 0);
        foreach (var (line, index) in file.Lines.Select((line, index) => (line, index)))
        {
            if (whole.Length == 0) first = index + 1;
            if (line.EndsWith('\\'))
            {
                whole += line[..^1] + " ";
                continue;
            }

            whole = Comment().Replace(whole + line, "").Trim();
            if (whole.Length > 0) yield return (whole, first);
            whole = "";
        }

        if (Comment().Replace(whole, "").Trim() is { Length: > 0 } last) yield return (last, first);
    }

    [GeneratedRegex(@"^[#@]include(dir)?\s+(?<path>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Include();

    // Defaults for a host, user, command or the user it is run as have these behind the word, without a blank.
    [GeneratedRegex(@"^Defaults([:@!>]\s*\S+)?\s+(?<settings>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Defaults();

    // who, hosts, =, what. Blanks may stand around the commas of the list of users, and in a quoted or escaped name.
    [GeneratedRegex(@"^(?<who>(?:""[^""]*""|\\.|[^\s,=""\\])+(?:\s*,\s*(?:""[^""]*""|\\.|[^\s,=""\\])+)*)\s+(?<hosts>[^=]+?)\s*=\s*(?<what>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Rule();

    [GeneratedRegex(@"#(?!include|[0-9]).*$", RegexOptions.ExplicitCapture)]
    private static partial Regex Comment();
}
