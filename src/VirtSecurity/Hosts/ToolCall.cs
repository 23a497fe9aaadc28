namespace VirtSecurity.Hosts;

/// <summary>What to do with a running tool when the user stops the run.</summary>
internal enum StopPolicy
{
    /// <summary>SIGINT, and SIGKILL if it is still there after a grace period.</summary>
    Interrupt,

    /// <summary>Let it finish: it is writing metadata that must not be torn.</summary>
    LetFinish,
}

/// <summary>One native tool's call: data, so that it can be printed, journalled, sent and run unchanged.</summary>
/// <param name="Argv">Tool name (looked up in the host's trusted directories) and arguments; no shell reads them.</param>
internal sealed record ToolCall(params string[] Argv)
{
    /// <summary>Bytes for standard input; null: /dev/null.</summary>
    public byte[]? Stdin { get; init; }

    /// <summary>Whether it may change the host.</summary>
    public bool Mutating { get; init; }

    /// <summary>How long it may take. Emulated and overloaded hosts need minutes for what takes seconds elsewhere.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>What a stop does to it.</summary>
    public StopPolicy Stop { get; init; } = StopPolicy.Interrupt;

    /// <summary>The command line to show where argv is a script of ours that does more than it says; null: argv itself.</summary>
    public string? Display { get; init; }

    /// <summary>What it prints may hold secrets, and has to be read as it is: it is shown to nobody, with -Debug neither.</summary>
    public bool IsPrivate { get; init; }

    /// <summary>The tool's name as messages use it; for a script of ours, the name given to it.</summary>
    public string Tool => Argv is ["sh", "-c", _, var name, ..] ? name : Argv[0];

    /// <summary>A small shell script with its arguments as positional parameters: none of them is ever quoted into it.</summary>
    /// <param name="name">What the script is called in messages and in <c>ps</c>.</param>
    /// <param name="script">POSIX sh; reads <c>$1</c>, <c>$2</c> ...</param>
    /// <param name="arguments">The positional parameters.</param>
    public static ToolCall Script(string name, string script, params string[] arguments) =>
        new(["sh", "-c", script.ReplaceLineEndings("\n"), name, .. arguments]);

    /// <summary>The command line as an administrator would type it.</summary>
    public override string ToString()
    {
        var line = Display ?? ShellQuote.Line(Argv);
        if (Stdin is null || Display is not null) return line;
        var text = HostText.Decode(Stdin);
        var input = text.EndsWith('\n')
            ? ShellQuote.Line(["printf", @"%s\n", .. text[..^1].Split('\n')])
            : ShellQuote.Line(["printf", "%s", text]);
        return $"{input} | {line}";
    }
}
