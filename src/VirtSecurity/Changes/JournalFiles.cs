using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Changes;

/// <summary>The journal's files on a host: asked for in one call however many there are, and read back into runs.</summary>
internal static partial class JournalFiles
{
    // tail -v writes every file behind a line "==> ./RUN <==", which no line of a journal looks like, and costs a process for
    // hundreds of files. The newline behind each lot makes that line stand alone after a torn last line too. Whose
    // tools run now is told by their environment: a run that is still at work is unfinished as well.
    private const string Begin = """
        cd -- "$1" 2>/dev/null || exit 0
        shift
        show() { xargs -0 -r -n 500 sh -c 'tail -v -n +1 -- "$@"; echo' show; }
        working() {
          cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | sed -n 's/^VIRTSECURITY_CHANGE=/==> working /p' | sort -u
        }

        """;

    private const string AllScript = Begin + """
        working
        find . -maxdepth 1 -type f -name '*Z-*' -print0 | sort -z | show
        exit 0
        """;

    private const string SomeScript = Begin + """
        working
        for r; do if [ -f "./$r" ]; then printf './%s\0' "$r"; fi; done | show
        exit 0
        """;

    // Only the last lines are looked at here: a run is finished when its last line is an end.
    private const string UnfinishedScript = Begin + """
        n=
        open=$(find . -maxdepth 1 -type f -name '*Z-*' -print0 | xargs -0 -r -n 500 sh -c 'tail -v -n 1 -- "$@"; echo' last | {
          while IFS= read -r l || [ -n "$l" ]; do
            case $l in
              '==> ./'*' <==') if [ -n "$n" ]; then printf '%s\n' "$n"; fi; n=${l#==> }; n=${n% <==};;
              *'"event":"end"}') n=;;
            esac
          done
          if [ -n "$n" ]; then printf '%s\n' "$n"; fi
        })
        if [ -z "$open" ]; then exit 0; fi
        working
        printf '%s\n' "$open" | sort | tr '\n' '\0' | show
        exit 0
        """;

    /// <summary>Asks for all runs.</summary>
    public static ToolCall All() => ToolCall.Script("journal-all", AllScript, Journal.Directory);

    /// <summary>Asks for runs by name; one that is not there is not in the answer.</summary>
    public static ToolCall Some(IEnumerable<string> runs) => ToolCall.Script("journal-some", SomeScript, [Journal.Directory, .. runs]);

    /// <summary>Asks for the runs whose last line is no end.</summary>
    public static ToolCall Unfinished() => ToolCall.Script("journal-unfinished", UnfinishedScript, Journal.Directory);

    /// <summary>Whether a text has the form of a run's name.</summary>
    public static bool IsRunName(string text) => RunName().IsMatch(text);

    /// <summary>Reads the answers, oldest run first.</summary>
    public static IReadOnlyList<JournalRun> Read(ToolResult result)
    {
        var text = result.Stdout;
        var working = Working().Matches(text).Select(match => match.Groups["run"].Value).ToHashSet();
        var headers = Header().Matches(text);
        return [.. headers.Select((item, i) => (Index: i, Item: item)).Where(header => IsRunName(header.Item.Groups["run"].Value)).Select(entry =>
        {
            var (i, header) = entry;
            var start = header.Index + header.Length;
            // The newline before the next header is tail's, and so is the last one.
            var end = i + 1 < headers.Count ? headers[i + 1].Index : text.Length - 1;
            var run = header.Groups["run"].Value;
            return JournalRun.Parse(run, text[start..Math.Max(start, end)], working.Contains(run));
        }).OrderBy(run => run.Run, StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"(?:\A|\n)==> \./(?<run>[^\n/]+) <==\n", RegexOptions.CultureInvariant)]
    private static partial Regex Header();

    [GeneratedRegex(@"^==> working (?<run>\S+)$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Working();

    [GeneratedRegex(@"\A[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\z", RegexOptions.CultureInvariant)]
    private static partial Regex RunName();
}
