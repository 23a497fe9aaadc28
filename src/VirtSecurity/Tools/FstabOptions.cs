using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>The options of a line of /etc/fstab that is there: only they are changed, in that line, and no other byte of the file.</summary>
internal static class FstabOptions
{
    /// <summary>The name of the call that puts a line in another's place.</summary>
    public const string ReplaceName = "fstab-replace";

    // The first line that reads so; a carriage return at its end, and a missing newline at the file's, stay as they are. Where the other one is
    // there already, nothing is left to do.
    private const string Replace = Fstab.Begin + Fstab.Judge + """
        other=$3 r=$(printf '\r')
        at() { grep -anxF -m 1 -e "$1" -e "$1$r" -- "$f" | cut -d : -f 1; }
        k=$(at "$line")
        if [ -z "$k" ]; then
          if [ -n "$(at "$other")" ]; then exit 0; fi
          printf '%s has no such line any more: %s\n' "$f" "$line" >&2
          exit 1
        fi
        judge "$other" "$line"

        """ + Fstab.Copy + """
        if [ -z "$(sed -n "$k{/$r\$/p;}" -- "$f")" ]; then r=; fi
        { head -n "$((k - 1))" -- "$f"; printf '%s\n' "$other$r"; tail -n "+$((k + 1))" -- "$f"; } >"$t"
        if [ "$k" -gt "$(wc -l <"$f")" ]; then truncate -s -1 -- "$t"; fi

        """ + Fstab.End;

    /// <summary>Puts a line in another's place.</summary>
    public static ToolCall ReplaceLine(string line, string other) => ToolCall.Script(ReplaceName, Replace, Fstab.Path, line, other) with
    {
        Mutating = true,
        Stop = StopPolicy.LetFinish,
        Display = $"{Fstab.Path}: {ShellQuote.Word(other)}   # instead of {ShellQuote.Word(line)}, findmnt --verify; on a copy: sync, rename",
    };

    /// <summary>Prints the line if it is there, whatever ends it.</summary>
    public static ToolCall HasLine(string line) => new("grep", "-axF", "-e", line, "-e", line + "\r", "--", Fstab.Path);

    /// <summary>The line with options added, and without those that would take them away again; a line of three fields gets a fourth.</summary>
    public static string With(string line, IReadOnlyCollection<string> options)
    {
        var (start, end) = Field(line, 3);
        if (start == end) return $"{line.TrimEnd()} {string.Join(',', options)}";
        var opposites = options.Select(option => option.StartsWith("no", StringComparison.Ordinal) ? option[2..] : "no" + option).ToHashSet();
        var kept = line[start..end].Split(',').Where(option => !opposites.Contains(option) && !options.Contains(option));
        return line[..start] + string.Join(',', kept.Concat(options)) + line[end..];
    }

    /// <summary>Where a field stands, counted from 0; an empty range: the line has no such field.</summary>
    private static (int Start, int End) Field(string line, int number)
    {
        var at = 0;
        for (var field = 0; ; field++)
        {
            while (at < line.Length && line[at] is ' ' or '\t') at++;
            var start = at;
            while (at < line.Length && line[at] is not (' ' or '\t')) at++;
            if (field == number || start == at) return (start, at);
        }
    }
}
