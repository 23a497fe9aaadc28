using VirtSecurity.Hosts;

namespace VirtSecurity.Hardening;

/// <summary>
/// One thing that was asked of a host, and its answer as it came. It is flat, so that it can be saved (Export-Clixml) and judged later, elsewhere, and by
/// newer rules: what the text means is decided where it is judged.
/// </summary>
public sealed record Dom0Fact
{
    /// <summary>The format this version of the module writes, and the newest it reads.</summary>
    public const int NewestFormat = 1;

    /// <summary>The host asked.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The question's name, such as <c>selinux-state</c>; rules know their facts by it.</summary>
    public required string Key { get; init; }

    /// <summary>What was asked, for people: paths, or a command line.</summary>
    public required string Question { get; init; }

    /// <summary>
    /// Answered: it was asked and answered, whatever the answer is. Missing: there is no such file or tool. NoAnswer: it did not end in time, or the connection
    /// was lost. NotAsked: the tree of a host that does not run has no answer to it.
    /// </summary>
    public required string Outcome { get; init; }

    /// <summary>The command's exit code; 0 for files; -1: nothing ran to its end.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What it said: the command's standard output, or the files. Bytes that are no UTF-8 are lone surrogates. Secrets were taken out on the host.</summary>
    public required string Text { get; init; }

    /// <summary>Its standard error, or the reason why there is no answer; empty: none.</summary>
    public required string Error { get; init; }

    /// <summary>When it was asked, in UTC.</summary>
    public required DateTime Taken { get; init; }

    /// <summary>The version of this format.</summary>
    public int FormatVersion { get; init; } = NewestFormat;
}

/// <summary>The words of <see cref="Dom0Fact.Outcome"/>.</summary>
internal static class FactOutcome
{
    /// <summary>It was asked and answered.</summary>
    public const string Answered = "Answered";

    /// <summary>There is no such file or tool.</summary>
    public const string Missing = "Missing";

    /// <summary>It did not end in time, or the connection was lost.</summary>
    public const string NoAnswer = "NoAnswer";

    /// <summary>The tree of a host that does not run has no answer to it.</summary>
    public const string NotAsked = "NotAsked";
}
