namespace VirtSecurity.SELinux;

/// <summary>Which file a rule stands in.</summary>
public enum RuleSource
{
    /// <summary>file_contexts: the policy's own.</summary>
    Policy,

    /// <summary>file_contexts.homedirs: made for the users' home directories.</summary>
    HomeDirectories,

    /// <summary>file_contexts.local: the administrator's, by semanage.</summary>
    Local,
}

/// <summary>One line of a file_contexts file.</summary>
/// <param name="Pattern">Regular expression over the whole path (PCRE over bytes), as written.</param>
/// <param name="FileType">As in <c>ls -l</c>'s first column: <c>-</c> file, <c>d</c> directory, <c>b</c> ...; null: any.</param>
/// <param name="Context">Null for <c>&lt;&lt;none&gt;&gt;</c>: deliberately without a label.</param>
/// <param name="Source">The file it stands in.</param>
/// <param name="Text">The line, as it stands.</param>
internal sealed record FileContextRule(string Pattern, char? FileType, SecurityContext? Context, RuleSource Source, string Text)
{
    /// <summary>The line's number in its file, from 1; 0: it is in none yet.</summary>
    public int Line { get; init; }

    /// <summary>The name of the file it stands in.</summary>
    public string File => FileContextsText.FileOf(Source);
}
