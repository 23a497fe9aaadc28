using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>xl list, xl(1): a line of titles, then a domain a line.</summary>
internal static partial class XlList
{
    /// <summary>The names of the guests that run; dom0 is none.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static IReadOnlyList<string> Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines is not [var titles, ..] || !titles.StartsWith("Name ", StringComparison.Ordinal)) throw new FormatException("it has no line of titles");
        return [.. lines.Skip(1).Select(line => Domain().Match(line) is { Success: true } domain ? (Name: domain.Groups["name"].Value, Id: domain.Groups["id"].Value) : throw new FormatException($"'{line}' is no domain"))
            .Where(domain => domain.Id != "0").Select(domain => domain.Name)];
    }

    // Name, number, memory, processors, six letters of state, time. A name may have blanks in it.
    [GeneratedRegex(@"^(?<name>\S.*?)\s+(?<id>[0-9]+)\s+[0-9]+\s+[0-9]+\s+[a-z-]{6}\s+[0-9.]+$", RegexOptions.ExplicitCapture)]
    private static partial Regex Domain();
}
