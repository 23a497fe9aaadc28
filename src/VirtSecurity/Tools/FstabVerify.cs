using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What is wrong with /etc/fstab.</summary>
/// <param name="MountPoint">The line's mount point; null: it is a line that cannot be read.</param>
/// <param name="Words">findmnt's own words.</param>
internal sealed record FstabFinding(string? MountPoint, string Words);

/// <summary>findmnt(8), <c>--verify</c>.</summary>
internal static partial class FstabVerify
{
    /// <summary>Asks.</summary>
    public static ToolCall Look() => new("findmnt", "--verify", "--tab-file", Fstab.Path);

    /// <summary>Reads <see cref="Look"/>: its errors. Below each mount point stand its findings, <c>[E]</c> or <c>[W]</c>; what it cannot read it says on standard error.</summary>
    /// <exception cref="FormatException">It is no such answer.</exception>
    public static IReadOnlyList<FstabFinding> Read(ToolResult result)
    {
        var findings = ParseError().Matches(result.Stderr).Select(match => new FstabFinding(null, match.Value)).ToList();
        string? point = null;
        foreach (var line in result.Stdout.Split('\n').Where(line => line.Trim().Length > 0))
        {
            if (line.StartsWith('/') || line == "none" || line == "swap") point = line;
            else if (line.TrimStart() is ['[', 'E', ']', ' ', .. var words]) findings.Add(new(point, words));
        }

        // Exit code 1 and not a word of why is no answer.
        if (result.ExitCode != 0 && findings.Count == 0) throw new FormatException(result.Stderr.Length > 0 ? result.Stderr : $"exit code {result.ExitCode}");
        return findings;
    }

    [GeneratedRegex("parse error at line [0-9]+")]
    private static partial Regex ParseError();
}
