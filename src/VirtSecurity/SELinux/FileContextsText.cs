using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.SELinux;

/// <summary>
/// The text of the file_contexts files, read as libselinux 3.4 reads it (label_file.h, process_line; label_support.c, read_spec_entries; label_file.c,
/// selabel_subs_init). What it refuses makes every lookup on the host fail, and is an error here too.
/// </summary>
internal static class FileContextsText
{
    private const string None = "<<none>>";
    private const int MostEquivalenceBytes = 1021;
    private static readonly char[] Blanks = [' ', '\t', '\n', '\v', '\f', '\r'];

    /// <summary>The name of a source's file.</summary>
    public static string FileOf(RuleSource source) => source switch
    {
        RuleSource.Policy => "file_contexts",
        RuleSource.HomeDirectories => "file_contexts.homedirs",
        _ => "file_contexts.local",
    };

    /// <summary>The error for a line that is not understood.</summary>
    public static VirtException NotUnderstood(string file, int line, string reason, string text) => new("FileContextNotUnderstood", file, line, reason, text);

    /// <summary>Reads a file's rules, in its order.</summary>
    /// <exception cref="VirtException">FileContextNotUnderstood.</exception>
    public static IReadOnlyList<FileContextRule> ReadRules(string text, RuleSource source)
    {
        // There are some thousand rules and some hundred contexts.
        var contexts = new Dictionary<string, SecurityContext?>(StringComparer.Ordinal) { [None] = null };
        return [.. Lines(text).Select(line => ReadRule(line.Text, line.Number, source, contexts))];
    }

    /// <summary>
    /// Reads a file's equivalences, in its order. A line with one word is none, as libselinux passes it over; at the end of a file without a last newline,
    /// what libselinux makes of it is left to chance.
    /// </summary>
    /// <exception cref="VirtException">FileContextNotUnderstood.</exception>
    public static IReadOnlyList<FileContexts.Equivalence> ReadEquivalences(string text, string file)
    {
        var equivalences = new List<FileContexts.Equivalence>();
        foreach (var (line, number) in Lines(text))
        {
            var fields = Fields(line);
            var reason = HostText.Encode(line).Length > MostEquivalenceBytes ? "it is longer than libselinux reads"
                : fields.Length == 1 && text.EndsWith(line, StringComparison.Ordinal) ? "it has one word and no newline"
                : null;
            if (reason is not null) throw NotUnderstood(file, number, reason, line);
            if (fields.Length > 1) equivalences.Add(new(fields[0], fields[1]) { File = file, Line = number });
        }

        return equivalences;
    }

    private static FileContextRule ReadRule(string line, int number, RuleSource source, Dictionary<string, SecurityContext?> contexts)
    {
        // More than three are not looked at.
        var fields = Fields(line);
        if (fields.Length > 3) fields = fields[..3];
        var reason = fields switch
        {
            _ when line.Contains('\0', StringComparison.Ordinal) => "it contains NUL",
            _ when fields.Any(field => field.Any(c => !char.IsAscii(c))) => "a pattern is ASCII; other bytes are written as \\xHH",
            { Length: < 2 } => "it has one word only",
            [_, not ['-', 'b' or 'c' or 'd' or 'l' or 'p' or 's' or '-'], _] => "its file type is none",
            _ => null,
        };
        if (reason is not null) throw NotUnderstood(FileOf(source), number, reason, line);
        if (!contexts.TryGetValue(fields[^1], out var context))
            contexts[fields[^1]] = context = SecurityContext.Parse(fields[^1]) ?? throw NotUnderstood(FileOf(source), number, "its context is none", line);
        return new FileContextRule(fields[0], fields.Length > 2 ? fields[1][1] : null, context, source, line) { Line = number };
    }

    /// <summary>The lines that say something, without the blanks around them.</summary>
    private static IEnumerable<(string Text, int Number)> Lines(string text) => text.Split('\n')
        .Select((line, i) => (Text: line.Trim(Blanks), Number: i + 1))
        .Where(line => line.Text.Length > 0 && line.Text[0] != '#');

    private static string[] Fields(string line) => line.Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
}
