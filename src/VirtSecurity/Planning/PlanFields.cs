using System.Globalization;
using VirtSecurity.Storage;

namespace VirtSecurity.Planning;

/// <summary>A table of a plan, by its keys. What is not as it must be is told to the problems, and read as if it were not there.</summary>
internal sealed class PlanFields
{
    private readonly PlanProblems problems;
    private readonly PlanMap map;
    private readonly string path;
    private readonly Dictionary<string, PlanEntry> entries;

    /// <summary>Looks for keys that are unknown, or there twice.</summary>
    /// <param name="problems">Is told of them.</param>
    /// <param name="map">The table.</param>
    /// <param name="path">Where it stands, as PowerShell would go there: <c>Guests[0]</c>; empty: the plan itself.</param>
    /// <param name="known">The keys it may have.</param>
    public PlanFields(PlanProblems problems, PlanMap map, string path, IReadOnlyCollection<string> known)
    {
        (this.problems, this.map, this.path) = (problems, map, path);
        entries = new Dictionary<string, PlanEntry>(problems.Comparer);
        foreach (var entry in map.Entries)
        {
            if (!known.Contains(entry.Key, problems.Comparer)) problems.Unknown(entry.Line, Path(PlanText.Shown(entry.Key)), entry.Key, known);
            else if (!entries.TryAdd(entry.Key, entry)) problems.Twice(entry.Line, Path(entry.Key));
        }
    }

    /// <summary>A text; null: it is not there.</summary>
    public string? Text(string key, Func<string, string?> rule) => Value(key) is { } node ? TextOf(node, Path(key), rule) : null;

    /// <summary>A text that must be there.</summary>
    public string NeededText(string key, Func<string, string?> rule) => IsThere(key) ? Text(key, rule) ?? "" : "";

    /// <summary>A whole number; null: it is not there.</summary>
    public int? Number(string key, int least, int most)
    {
        if (Value(key) is not { } node) return null;
        if (node is PlanScalar { Value: decimal number } && decimal.Floor(number) == number && number >= least && number <= most) return (int)number;
        problems.Wrong(node.Line, Path(key), $"it is a whole number from {least} to {most}");
        return null;
    }

    /// <summary>A whole number that must be there.</summary>
    public int NeededNumber(string key, int least, int most) => IsThere(key) ? Number(key, least, most) ?? least : least;

    /// <summary>A size, as text or as a number of bytes, which 5GB is for PowerShell; null: it is not there.</summary>
    public string? Size(string key)
    {
        if (Value(key) is not PlanScalar { Value: decimal bytes } node) return Text(key, PlanRules.Size);
        if (decimal.Floor(bytes) == bytes && bytes is > 0 and <= long.MaxValue) return new VolumeSize((long)bytes).ToString();
        problems.Wrong(node.Line, Path(key), "a size in bytes is a whole number above 0");
        return null;
    }

    /// <summary>A day that must be there.</summary>
    public DateOnly NeededDay(string key) =>
        PlanRules.Day(NeededText(key, text => PlanRules.Day(text) is null ? $"it is no day, such as {new DateOnly(2030, 12, 31).ToString(PlanRules.DayFormat, CultureInfo.InvariantCulture)}" : null)) ?? default;

    /// <summary>True or false; what is not there is false.</summary>
    public bool Flag(string key) => Value(key) is { } node && FlagOf(node, Path(key));

    /// <summary>One of some words; null: it is not there.</summary>
    public string? Word(string key, IReadOnlyCollection<string> words) => Value(key) is { } node ? WordOf(node, Path(key), words) : null;

    /// <summary>One of an enumeration's; null: it is not there.</summary>
    public T? Word<T>(string key)
        where T : struct, Enum => Word(key, Enum.GetNames<T>()) is { } word ? Enum.Parse<T>(word) : null;

    /// <summary>One of an enumeration's that must be there.</summary>
    public T NeededWord<T>(string key)
        where T : struct, Enum => IsThere(key) ? Word<T>(key) ?? default : default;

    /// <summary>One of some words, which a rule of the file's own has.</summary>
    public string NeededWord(string key, IReadOnlyCollection<string> words) => IsThere(key) ? Word(key, words) ?? "" : "";

    /// <summary>Several texts, each once.</summary>
    public IReadOnlyList<string> Texts(string key, Func<string, string?> rule) => Distinct(key, (node, at) => TextOf(node, at, rule));

    /// <summary>Several words of an enumeration, each once.</summary>
    public IReadOnlyList<T> Words<T>(string key)
        where T : struct, Enum => [.. Distinct(key, (node, at) => WordOf(node, at, Enum.GetNames<T>())).Select(Enum.Parse<T>)];

    /// <summary>Names, each true or false.</summary>
    public SortedDictionary<string, bool> Flags(string key, Func<string, string?> rule)
    {
        var flags = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        if (Value(key) is not { } node) return flags;
        if (node is not PlanMap table)
        {
            problems.Wrong(node.Line, Path(key), $"it is a table of names, not {node.Kind}");
            return flags;
        }

        foreach (var entry in table.Entries)
        {
            var at = $"{Path(key)}.{PlanText.Shown(entry.Key)}";
            if (rule(entry.Key) is { } why) problems.Wrong(entry.Line, at, why);
            else if (!flags.TryAdd(entry.Key, FlagOf(entry.Value, at))) problems.Twice(entry.Line, at);
        }

        return flags;
    }

    /// <summary>Several tables.</summary>
    public IReadOnlyList<T> Tables<T>(string key, IReadOnlyCollection<string> known, Func<PlanFields, T> read)
    {
        var tables = new List<T>();
        foreach (var (node, at) in Items(key))
        {
            if (node is PlanMap table) tables.Add(read(new PlanFields(problems, table, at, known)));
            else problems.Wrong(node.Line, at, $"it is a table with keys {string.Join(", ", known)}, not {node.Kind}");
        }

        return tables;
    }

    /// <summary>Tells of a value that is wrong beside others.</summary>
    public void Wrong(string key, string why) => problems.Wrong(Line(key), Path(key), why);

    /// <summary>Tells of a key that has to be there beside others.</summary>
    public void Missing(string key) => problems.Missing(map.Line, Path(key));

    /// <summary>Whether a key has a value.</summary>
    public bool Has(string key) => Value(key) is not null;

    /// <summary>The line of a key; of one that is not there, that of the table.</summary>
    public int Line(string key) => entries.TryGetValue(key, out var entry) ? entry.Line : map.Line;

    /// <summary>Where a key stands.</summary>
    public string Path(string key) => path.Length == 0 ? key : $"{path}.{key}";

    private bool IsThere(string key)
    {
        if (Has(key)) return true;
        Missing(key);
        return false;
    }

    private PlanNode? Value(string key) => entries.GetValueOrDefault(key)?.Value is { } node and not PlanScalar { Value: null } ? node : null;

    private IEnumerable<(PlanNode Node, string At)> Items(string key)
    {
        var node = Value(key);
        var items = node switch
        {
            null => [],
            PlanList list => list.Items,
            _ when problems.IsPowerShell => [node],
            _ => null,
        };
        if (items is null) problems.Wrong(node!.Line, Path(key), $"it is a list, not {node.Kind}");
        return (items ?? []).Select((item, i) => (item, $"{Path(key)}[{i}]"));
    }

    private IReadOnlyList<string> Distinct(string key, Func<PlanNode, string, string?> read)
    {
        var values = new List<string>();
        var seen = new HashSet<string>();
        foreach (var (node, at) in Items(key))
        {
            if (read(node, at) is not { } value) continue;
            if (seen.Add(value)) values.Add(value);
            else problems.Wrong(node.Line, at, $"{PlanText.Shown(value)} is in the list already");
        }

        return values;
    }

    private string? TextOf(PlanNode node, string at, Func<string, string?> rule)
    {
        var why = node is PlanScalar { Value: string text } ? rule(text) : $"it is a text, not {node.Kind}";
        if (why is null) return (string)((PlanScalar)node).Value!;
        problems.Wrong(node.Line, at, why);
        return null;
    }

    private string? WordOf(PlanNode node, string at, IReadOnlyCollection<string> words)
    {
        if (node is PlanScalar { Value: string text } && words.FirstOrDefault(word => problems.Comparer.Equals(word, text)) is { } found) return found;
        problems.Wrong(node.Line, at, node is PlanScalar { Value: string given }
            ? $"{PlanText.Shown(given)} is none of its words; {NearestWord.Advice(given, words)}"
            : $"it is one of {string.Join(", ", words)}, not {node.Kind}");
        return null;
    }

    private bool FlagOf(PlanNode node, string at)
    {
        if (node is PlanScalar { Value: bool flag }) return flag;
        problems.Wrong(node.Line, at, $"it is true or false, not {node.Kind}");
        return false;
    }
}
