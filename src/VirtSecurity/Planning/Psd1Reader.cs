using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>
/// Reads a PowerShell data file into the neutral tree, with lines: tables, lists, texts, numbers, $true, $false and $null, and nothing else.
/// PowerShell's own parser is not used, as it acts while it parses: at the word <c>configuration</c>, wherever in a file, it looks for DSC's classes and loads them
/// (Parser.ConfigurationStatementRule). What is read here is what PowerShell would read; what it would read otherwise, or would have to run, is an error.
/// </summary>
internal sealed class Psd1Reader
{
    private readonly string file;
    private readonly Psd1Scanner scanner;

    private Psd1Reader(string file, string text) => (this.file, scanner) = (file, new Psd1Scanner(file, text));

    /// <summary>Reads it whole.</summary>
    /// <exception cref="VirtException">PlanNotUnderstood, with file and line.</exception>
    public static PlanNode Read(string file, string text)
    {
        var reader = new Psd1Reader(file, text);
        reader.scanner.SkipLines();
        if (!reader.scanner.TryTake("@{")) throw reader.scanner.Unexpected("the file begins with @{");
        var root = reader.Map(1);
        reader.scanner.SkipLines();
        return reader.scanner.IsAtEnd ? root : throw reader.scanner.Unexpected("nothing follows the table");
    }

    /// <summary>What follows a <c>@{</c>.</summary>
    private PlanMap Map(int depth)
    {
        var (entries, line) = (new List<PlanEntry>(), scanner.Line);
        if (depth > PlanNode.MostDepth) throw PlanText.NotUnderstood(file, line, $"it is nested more than {PlanNode.MostDepth} deep");
        for (scanner.SkipLines(); ; scanner.SkipSeparators())
        {
            if (scanner.TryTake("}")) return new PlanMap(entries, line);
            var at = scanner.Line;
            var key = scanner.TakeWord() ?? scanner.TakeText() ?? throw scanner.Unexpected("a key is a word, or a text in quotes");
            scanner.SkipBlanks();
            if (!scanner.TryTake("=")) throw scanner.Unexpected("a key is followed by =");
            scanner.SkipLines();
            entries.Add(new PlanEntry(key, Values(depth, at), at));
            scanner.SkipBlanks();
            if (!scanner.IsAtSeparator && !scanner.IsAt("}")) throw scanner.Unexpected("a value is followed by a new line, a semicolon, or the table's }");
        }
    }

    /// <summary>One value, or several with commas between them, which are a list.</summary>
    private PlanNode Values(int depth, int line)
    {
        var first = Value(depth);
        var items = new List<PlanNode> { first };
        while (TakeComma()) items.Add(Value(depth));
        return items.Count == 1 ? first : new PlanList(items, line);
    }

    private PlanNode Value(int depth)
    {
        var line = scanner.Line;
        if (scanner.TryTake("@{")) return Map(depth + 1);
        if (scanner.TryTake("@(")) return List(depth + 1);
        if (scanner.TakeText() is { } text) return new PlanScalar(text, line);
        if (scanner.TakeNumber() is { } number) return new PlanScalar(number, line);
        return scanner.TakeConstant(out var constant) ? new PlanScalar(constant, line) : throw scanner.Unexpected("a value is a text in quotes, a number, $true, $false, $null, @( ) or @{ }");
    }

    /// <summary>What follows a <c>@(</c>: PowerShell puts everything in it, whatever stands between, into one list.</summary>
    private PlanList List(int depth)
    {
        var (items, line) = (new List<PlanNode>(), scanner.Line);
        if (depth > PlanNode.MostDepth) throw PlanText.NotUnderstood(file, line, $"it is nested more than {PlanNode.MostDepth} deep");
        while (true)
        {
            scanner.SkipSeparators();
            if (scanner.TryTake(")")) return new PlanList(items, line);
            items.Add(ListItem(depth));
            while (TakeComma()) items.Add(ListItem(depth));
            scanner.SkipBlanks();
            if (!scanner.IsAtSeparator && !scanner.IsAt(")")) throw scanner.Unexpected("a value in a list is followed by a comma, a new line, or the list's )");
        }
    }

    /// <summary>A list in a list is for PowerShell now the one, now the other; no plan has any.</summary>
    private PlanNode ListItem(int depth) => scanner.IsAt("@(") ? throw scanner.Unexpected("there is no list in a list") : Value(depth);

    private bool TakeComma()
    {
        scanner.SkipBlanks();
        if (!scanner.TryTake(",")) return false;
        scanner.SkipLines();
        return true;
    }
}
