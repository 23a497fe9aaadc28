using System.Globalization;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>LVM's settings that say what it looks at and what new volumes are like, lvm.conf(5).</summary>
/// <param name="ScansVolumes">It looks for physical volumes inside logical volumes.</param>
/// <param name="DevicesFile">The file of /etc/lvm/devices that names all it may look at; null: none does.</param>
/// <param name="Filters">filter and global_filter, each a list of <c>a|...|</c> and <c>r|...|</c>.</param>
/// <param name="ZeroesThinBlocks">New thin pools zero the blocks that they hand out.</param>
internal sealed partial record LvmConfig(bool ScansVolumes, string? DevicesFile, IReadOnlyList<IReadOnlyList<string>> Filters, bool ZeroesThinBlocks)
{
    /// <summary>Percent of a thin pool from which it is extended by itself, while somebody monitors it; 100: never.</summary>
    public double ExtendsThinPoolsFrom { get; init; } = 100;

    /// <summary>Where the files lie that <see cref="DevicesFile"/> names.</summary>
    public const string DevicesDirectory = "/etc/lvm/devices/";

    /// <summary>Asks for the settings as they count, with what is left to its version's own defaults.</summary>
    public static ToolCall Look() => new("lvmconfig", "--typeconfig", "full", "--mergedconfig", "devices", "allocation", "activation");

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">A setting is missing.</exception>
    public static LvmConfig Read(ToolResult result)
    {
        var settings = result.Stdout.Split('\n').Select(line => line.Trim().Split('=', 2)).Where(parts => parts.Length == 2).GroupBy(parts => parts[0]).ToDictionary(same => same.Key, same => same.Last()[1]);
        string Setting(string name) => settings.GetValueOrDefault(name) ?? throw new FormatException($"lvmconfig tells no {name}");
        // The devices file is younger than lvm2 2.03.12, and scan_lvs than 2.02.178: before it, volumes were looked into.
        return new(
            settings.GetValueOrDefault("scan_lvs", "1") != "0", settings.GetValueOrDefault("use_devicesfile") == "1" ? Setting("devicesfile").Trim('"') : null,
            [.. new[] { "filter", "global_filter" }.Where(settings.ContainsKey).Select(name => (IReadOnlyList<string>)[.. Text().Matches(settings[name]).Select(match => match.Groups["text"].Value.Replace("\\\"", "\"", StringComparison.Ordinal))])],
            Setting("thin_pool_zero") != "0")
        {
            ExtendsThinPoolsFrom = double.Parse(settings.GetValueOrDefault("thin_pool_autoextend_threshold", "100"), CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Whether there is a filter that may reject anything.</summary>
    public bool HasFilter => Filters.Any(filter => filter.Any(pattern => pattern.StartsWith('r')));

    /// <summary>
    /// Whether the filters keep LVM from a device. Of each the first pattern that a name matches decides for that name; a device that any of its names is accepted by is accepted,
    /// and so is one that no pattern is about.
    /// </summary>
    /// <param name="names">All its names below /dev.</param>
    public bool Rejects(IReadOnlyCollection<string> names) => Filters.Any(filter =>
    {
        var decided = names.Select(name => filter.FirstOrDefault(pattern => IsMatch(pattern, name))).ToArray();
        return decided.Any(pattern => pattern?[0] == 'r') && !decided.Any(pattern => pattern?[0] == 'a');
    });

    private static bool IsMatch(string pattern, string name)
    {
        if (pattern.Length < 3 || pattern[0] is not ('a' or 'r')) throw new FormatException($"'{pattern}' is no pattern of LVM's");
        var end = pattern[1] switch { '(' => ')', '[' => ']', '{' => '}', var same => same };
        return Regex.IsMatch(name, pattern[2..].TrimEnd(end), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    [GeneratedRegex("""
        "(?<text>(?:[^"\\]|\\.)*)"
        """, RegexOptions.CultureInvariant)]
    private static partial Regex Text();
}
