namespace VirtSecurity.Tools;

/// <summary>xl info, xl(1): what Xen says of itself and of the machine.</summary>
internal sealed class XlInfo
{
    private readonly Dictionary<string, string> values;

    private XlInfo(Dictionary<string, string> values) => this.values = values;

    /// <summary>Xen's own arguments.</summary>
    public IReadOnlyList<string> CommandLine => BootConfig.Arguments(Value("xen_commandline"));

    /// <summary>Whether it says something of that.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>A value by its name.</summary>
    /// <exception cref="FormatException">It says nothing of that.</exception>
    public string Value(string name) => values.TryGetValue(name, out var value) ? value : throw new FormatException($"xl info says nothing of {name}");

    /// <summary>Reads it: <c>name : value</c> a line.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static XlInfo Parse(string text)
    {
        var values = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2).DistinctBy(parts => parts[0].Trim()).ToDictionary(parts => parts[0].Trim(), parts => parts[1].Trim());
        return values.ContainsKey("xen_major") ? new(values) : throw new FormatException("it does not name Xen's version");
    }

    /// <summary>
    /// The value of one of Xen's arguments; null: it is not there. <c>no-x</c> is x=no, and x alone is x=yes (xen-command-line, types of parameter). The last counts.
    /// </summary>
    public static string? Argument(IEnumerable<string> arguments, string name) => arguments.Select(argument =>
        argument == name ? "yes" : argument == "no-" + name ? "no" : argument.StartsWith(name + "=", StringComparison.Ordinal) ? argument[(name.Length + 1)..] : null).LastOrDefault(value => value is not null);

    /// <summary>Whether a value, or the first of several, switches something off.</summary>
    public static bool IsOff(string? value) => value?.Split(',')[0] is "no" or "off" or "false" or "disable" or "0";

    /// <summary>
    /// What an argument with a list of items switches off (spec-ctrl, xpti, pv-l1tf): <c>all</c> of it by a word alone, or items, by <c>no-x</c> or <c>x=no</c>. Each
    /// time that it is there counts: a later one takes nothing back.
    /// </summary>
    public static IReadOnlyList<string> Off(IEnumerable<string> arguments, string name)
    {
        var off = new List<string>();
        foreach (var argument in arguments)
        {
            if (argument == "no-" + name) off.Add("all");
            if (!argument.StartsWith(name + "=", StringComparison.Ordinal)) continue;
            foreach (var item in argument[(name.Length + 1)..].Split(','))
            {
                if (IsOff(item)) off.Add("all");
                else if (item.StartsWith("no-", StringComparison.Ordinal)) off.Add(item["no-".Length..]);
                else if (item.Split('=', 2) is [var one, var value] && IsOff(value)) off.Add(one);
            }
        }

        return off;
    }
}
