using VirtSecurity.Hosts;

namespace VirtSecurity.Hardening;

/// <summary>
/// A question to a host, as a value: rules name those they need, and each is asked once. Questions for files go together in one call, so they cost next to
/// nothing; each command is a call of its own with a time limit of its own, so that one that hangs costs its own answer only.
/// </summary>
/// <param name="Key">Its name, which no other question has.</param>
/// <param name="Words">What is asked, for people: paths, or a command line.</param>
internal sealed record FactQuestion(string Key, string Words)
{
    /// <summary>How long one command may take: systemctl needs twenty seconds on a busy emulated machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>What the kernel shows of a host that runs: the tree of one that does not has nothing there.</summary>
    private static readonly string[] LiveTrees = ["/proc/", "/sys/", "/run/", "/dev/"];

    /// <summary>The files asked for, as paths or patterns of the shell's; empty: it is a command.</summary>
    public IReadOnlyList<string> Paths { get; private init; } = [];

    /// <summary>Only what they are, not what is in them.</summary>
    public bool IsLook { get; private init; }

    /// <summary>sed: takes secrets out of the files before they leave the host; it may jump to <c>end</c>.</summary>
    public string Reduce { get; init; } = "";

    /// <summary>The command; null: files are asked for.</summary>
    public ToolCall? Command { get; private init; }

    /// <summary>Only a host that runs can answer it.</summary>
    public bool IsOfRunningHost => Command is not null || Paths.All(IsLive);

    /// <summary>Asks for files and what is in them.</summary>
    public static FactQuestion Files(string key, params string[] paths) => new(key, string.Join(' ', paths)) { Paths = paths };

    /// <summary>Asks which files there are, whose, and with what permissions and label.</summary>
    public static FactQuestion Look(string key, params string[] paths) => new(key, string.Join(' ', paths)) { Paths = paths, IsLook = true };

    /// <summary>Asks by a command that changes nothing and starts nothing.</summary>
    public static FactQuestion Run(string key, ToolCall call) => new(key, call.ToString()) { Command = call with { TimeLimit = Limit } };

    /// <summary>Asks by a script of ours that changes nothing and starts nothing. Exit code 127: the tool it needs is missing.</summary>
    /// <param name="key">The question's name, and the script's.</param>
    /// <param name="words">What it does, as an administrator would type it.</param>
    /// <param name="script">POSIX sh.</param>
    /// <param name="arguments">The positional parameters.</param>
    public static FactQuestion Script(string key, string words, string script, params string[] arguments) =>
        Run(key, ToolCall.Script(key, script, arguments) with { Display = words });

    /// <summary>Whether a path is one that only a running host has.</summary>
    public static bool IsLive(string path) => LiveTrees.Any(tree => path.StartsWith(tree, StringComparison.Ordinal));
}
