namespace VirtSecurity.Planning;

/// <summary>What a plan's file says, before it is judged: the same tree whatever the file's language is.</summary>
/// <param name="Line">The line it begins in, from 1 on; 0: it comes from no file.</param>
internal abstract record PlanNode(int Line)
{
    /// <summary>Lists and maps within each other: a plan needs five.</summary>
    public const int MostDepth = 16;

    /// <summary>What it is, in words.</summary>
    public abstract string Kind { get; }
}

/// <summary>A value.</summary>
/// <param name="Value">A string, a decimal, a bool, or null.</param>
/// <param name="Line">Its line.</param>
internal sealed record PlanScalar(object? Value, int Line) : PlanNode(Line)
{
    /// <inheritdoc/>
    public override string Kind => Value switch
    {
        null => "nothing",
        string => "a text",
        bool => "true or false",
        _ => "a number",
    };
}

/// <summary>A list.</summary>
/// <param name="Items">What is in it, in order.</param>
/// <param name="Line">Its line.</param>
internal sealed record PlanList(IReadOnlyList<PlanNode> Items, int Line) : PlanNode(Line)
{
    /// <inheritdoc/>
    public override string Kind => "a list";
}

/// <summary>Keys with their values.</summary>
/// <param name="Entries">In the file's order; a key may be there twice, which is judged later.</param>
/// <param name="Line">Its line.</param>
internal sealed record PlanMap(IReadOnlyList<PlanEntry> Entries, int Line) : PlanNode(Line)
{
    /// <inheritdoc/>
    public override string Kind => "a table of keys";
}

/// <summary>A key and its value.</summary>
/// <param name="Key">The key as it is written.</param>
/// <param name="Value">The value.</param>
/// <param name="Line">The key's line.</param>
internal sealed record PlanEntry(string Key, PlanNode Value, int Line);

/// <summary>A plan as it was given.</summary>
/// <param name="Name">The file, or what else it came as; errors begin with it.</param>
/// <param name="Root">What it says.</param>
/// <param name="IsPowerShell">PowerShell's ways are followed: case does not matter, and one thing is a list of one.</param>
internal sealed record PlanDocument(string Name, PlanNode Root, bool IsPowerShell)
{
    /// <summary>Where something stands, for errors: file and line.</summary>
    public string Place(int line) => PlanText.Place(Name, line);
}
