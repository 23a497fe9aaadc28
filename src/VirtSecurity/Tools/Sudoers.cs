using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>What a line of sudoers lets somebody do.</summary>
/// <param name="Who">A user, <c>%group</c>, or an alias, as written.</param>
/// <param name="WithoutPassword">Without a password.</param>
/// <param name="IsAll">Any command.</param>
/// <param name="Path">The file.</param>
/// <param name="Line">The line's number in it, from 1.</param>
internal sealed record SudoGrant(string Who, bool WithoutPassword, bool IsAll, string Path, int Line);

/// <summary>sudoers(5): who may do what, as far as a reader needs it who asks who is root and whether he is asked for a password.</summary>
/// <param name="Grants">All that is granted.</param>
/// <param name="Unauthenticated">Where <c>!authenticate</c> stands.</param>
/// <param name="Includes">Files and directories that are read too, and are not among those given.</param>
internal sealed partial record Sudoers(IReadOnlyList<SudoGrant> Grants, IReadOnlyList<string> Unauthenticated, IReadOnlyList<string> Includes)
{
    /// <summary>Reads the files, as sudo does: in a directory names with a dot or a tilde at the end do not count.</summary>
    /// <exception cref="FormatException">A file was not read, or a line is not understood.</exception>
    public static Sudoers Parse(IEnumerable<HostFile> files)
    {
        var (grants, open, includes) = (new List<(SudoGrant Grant, string What)>(), new List<string>(), new List<string>());
        var aliases = new Dictionary<string, string[]>();
        var given = files.Where(file => file.Path == "/etc/sudoers" || !(Path.GetFileName(file.Path) is var name && (name.Contains('.', StringComparison.Ordinal) || name.EndsWith('~')))).ToArray();
        foreach (var file in given)
        {
            foreach (var (line, number) in Joined(file))
            {
                var place = $"{file.Path}:{number}";
                if (Include().Match(line) is { Success: true } include) includes.Add(include.Groups["path"].Value.Trim('"'));
                else if (line.StartsWith("Defaults", StringComparison.Ordinal)) { if (line.Contains("!authenticate", StringComparison.Ordinal)) open.Add($"{place}: {line}"); }
                else if (Alias().Match(line) is { Success: true } alias) aliases[alias.Groups["name"].Value] = List(alias.Groups["members"].Value);
                else if (Grant().Match(line) is { Success: true } grant)
                    grants.AddRange(List(grant.Groups["who"].Value).Select(who => (new SudoGrant(who, grant.Groups["what"].Value.Contains("NOPASSWD", StringComparison.Ordinal), false, file.Path, number), grant.Groups["what"].Value)));
                else throw new FormatException($"{place}: '{line}' is not understood");
            }
        }

        // An alias may stand before its definition; one of commands may mean all of them.
        bool IsAll(string what) => All().IsMatch(what) || List(what).Any(command => aliases.TryGetValue(command.Split((char[])[' ', ':', ')'])[^1], out var commands) && commands.Contains("ALL"));
        SudoGrant[] resolved = [.. grants.Select(grant => grant.Grant with { IsAll = IsAll(grant.What) }).SelectMany(grant => aliases.TryGetValue(grant.Who, out var members) ? members.Select(member => grant with { Who = member }) : [grant])];
        return new(resolved, open, [.. includes.Where(path => path.TrimEnd('/') != "/etc/sudoers.d" && given.All(file => file.Path != path))]);
    }

    /// <summary>Lines without comments, continued ones as one. <c>#include</c> is none, nor is <c>#1000</c>, a user by number.</summary>
    private static IEnumerable<(string Line, int Number)> Joined(HostFile file)
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

        if (whole.Trim().Length > 0) yield return (Comment().Replace(whole, "").Trim(), first);
    }

    private static string[] List(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"^[#@]include(dir)?\s+(?<path>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Include();

    [GeneratedRegex(@"^(User|Runas|Host|Cmnd|Cmd)_Alias\s+(?<name>[A-Z][A-Z0-9_]*)\s*=\s*(?<members>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Alias();

    // who, hosts, =, what. Blanks may stand around the commas of the list of users, and in a quoted or escaped name.
    [GeneratedRegex(@"^(?<who>(?:""[^""]*""|\\.|[^\s,=""\\])+(?:\s*,\s*(?:""[^""]*""|\\.|[^\s,=""\\])+)*)\s+(?<hosts>[^=]+?)\s*=\s*(?<what>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Grant();

    [GeneratedRegex(@"(^|[\s:,)])ALL\s*($|,)")]
    private static partial Regex All();

    [GeneratedRegex(@"#(?!include|[0-9]).*$", RegexOptions.ExplicitCapture)]
    private static partial Regex Comment();
}
