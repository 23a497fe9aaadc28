using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>Something of polkit's that speaks of an action.</summary>
/// <param name="Path">The file.</param>
/// <param name="ToAll">It says yes, and to anybody.</param>
/// <param name="Groups">The groups to which it says yes.</param>
/// <param name="IsUnclear">It says yes under a condition that cannot be told from its text.</param>
internal sealed record PolkitGrant(string Path, bool ToAll, IReadOnlyList<string> Groups, bool IsUnclear);

/// <summary>
/// polkit(8): rules in JavaScript, the older .pkla files, and what the action's own definition says where no rule does. A rule is a program: it is read here as text, and
/// what cannot be told from its text is said to be unclear.
/// </summary>
internal static partial class PolkitRules
{
    /// <summary>The grants of one action.</summary>
    /// <exception cref="FormatException">A file was not read, or is not understood.</exception>
    public static IReadOnlyList<PolkitGrant> Of(IEnumerable<HostFile> files, string action) => [.. files.SelectMany(file => Path.GetExtension(file.Path) switch
    {
        ".rules" => OfScript(file, action),
        ".pkla" => OfLocalAuthority(file, action),
        ".policy" => OfDefinition(file, action),
        _ => [],
    })];

    private static IEnumerable<PolkitGrant> OfScript(HostFile file, string action)
    {
        foreach (var rule in Comment().Replace(file.Text, match => match.Value[0] == '/' ? " " : match.Value).Split("addRule").Skip(1))
        {
            if (!SaysYes().IsMatch(rule)) continue;
            var isAboutIt = Texts().Matches(rule).Select(match => match.Groups["text"].Value).Any(text => text.Length > "org.".Length && text.Contains('.', StringComparison.Ordinal) && action.StartsWith(text, StringComparison.Ordinal));
            var isAboutAction = rule.Contains("action.id", StringComparison.Ordinal) || rule.Contains("action.lookup", StringComparison.Ordinal);
            if (!isAboutIt && isAboutAction)
            {
                // It may name the action in a regular expression.
                if (Texts().Replace(rule, "").Contains("libvirt", StringComparison.Ordinal)) yield return new(file.Path, false, [], true);
                continue;
            }

            var groups = Group().Matches(rule).Select(match => match.Groups["group"].Value).Distinct().ToArray();
            var isForSome = rule.Contains("subject.user", StringComparison.Ordinal) || rule.Contains("isInNetGroup", StringComparison.Ordinal);
            var isUnclear = Negated().IsMatch(rule) || (groups.Length == 0 && !isForSome && rule.Contains("subject.", StringComparison.Ordinal));
            yield return new(file.Path, groups.Length == 0 && !isForSome && !isUnclear, groups, isUnclear);
        }
    }

    private static IEnumerable<PolkitGrant> OfLocalAuthority(HostFile file, string action)
    {
        foreach (var section in file.Text.Split('[').Skip(1))
        {
            var entries = section.Split('\n').Select(line => line.Split('=', 2, StringSplitOptions.TrimEntries)).Where(parts => parts.Length == 2).DistinctBy(parts => parts[0]).ToDictionary(parts => parts[0], parts => parts[1]);
            string[] List(string name) => entries.GetValueOrDefault(name, "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (!List("Action").Any(pattern => pattern == action || (pattern.EndsWith('*') && action.StartsWith(pattern[..^1], StringComparison.Ordinal)))) continue;
            if (!entries.Any(entry => entry.Key.StartsWith("Result", StringComparison.Ordinal) && entry.Value == "yes")) continue;
            var who = List("Identity");
            yield return new(file.Path, who.Contains("unix-user:*") || who.Contains("unix-group:*") || who.Contains("*"), [.. who.Where(one => one.StartsWith("unix-group:", StringComparison.Ordinal) && !one.EndsWith('*')).Select(one => one["unix-group:".Length..])], false);
        }
    }

    private static IEnumerable<PolkitGrant> OfDefinition(HostFile file, string action)
    {
        var element = Path.GetExtension(file.Path) == ".policy" && file.Text.Contains($"\"{action}\"", StringComparison.Ordinal) ? Definition(action).Match(file.Text) : Match.Empty;
        if (element.Success && YesByDefault().IsMatch(element.Value)) yield return new(file.Path, true, [], false);
    }

    private static Regex Definition(string action) => new($"<action\\s+id=\"{Regex.Escape(action)}\".*?</action>", RegexOptions.Singleline | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));

    // Texts first, so that // in one is no comment.
    [GeneratedRegex("""
        "(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|/\*.*?\*/
        """, RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex("""Result\.YES|return\s+["']yes["']""")]
    private static partial Regex SaysYes();

    [GeneratedRegex("""["'](?<text>[^"'\n]*)["']""", RegexOptions.ExplicitCapture)]
    private static partial Regex Texts();

    [GeneratedRegex("""isInGroup\(\s*["'](?<group>[^"']*)["']\s*\)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Group();

    [GeneratedRegex(@"!\s*(\(|subject)", RegexOptions.ExplicitCapture)]
    private static partial Regex Negated();

    [GeneratedRegex("<allow_(any|inactive|active)>yes</", RegexOptions.ExplicitCapture)]
    private static partial Regex YesByDefault();
}
