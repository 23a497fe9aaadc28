namespace VirtSecurity.Tools;

/// <summary>xl info, xl(1): what Xen says of itself and of the machine.</summary>
internal sealed class XlInfo
{
    private readonly Dictionary<string, string> values;

    private XlInfo(Dictionary<string, string> values) => this.values = values;

    /// <summary>Xen's own arguments.</summary>
    public IReadOnlyList<string> CommandLine => BootConfig.Arguments(Value("xen_commandline"));

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
}
