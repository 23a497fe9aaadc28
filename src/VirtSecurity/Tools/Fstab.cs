using System.Text;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>One line of /etc/fstab, fstab(5).</summary>
internal sealed record FstabEntry(string Source, string MountPoint, string FileSystem, IReadOnlyList<string> Options, string Line)
{
    /// <summary>Which line of the file it is, from 1.</summary>
    public int Number { get; init; }
}

/// <summary>
/// /etc/fstab: read, and edited by one line at a time on a copy that keeps owner, mode and label, verified, synced and
/// renamed into place under a lock. Every other byte stays as it is.
/// </summary>
internal static class Fstab
{
    /// <summary>Where it lies.</summary>
    public const string Path = "/etc/fstab";

    /// <summary>The name of the call that adds a line.</summary>
    public const string AppendName = "fstab-append";

    /// <summary>The name of the call that takes a line away.</summary>
    public const string RemoveName = "fstab-remove";

    /// <summary>The exit codes of the two scripts below (values of sysexits.h).</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string> { [65] = "FstabNotValid", [75] = "LockTimedOut" };

    /// <summary>sed: what mount options hold of passwords and keys stays on the host. A comma in a password of CIFS is written twice, mount.cifs(8).</summary>
    public const string Secrets = @"s/\(\(pass\(wor\|w\)\{0,1\}d\{0,1\}[0-9]*\|secret\|key\)=\)\([^,[:space:]]\|,,\)*/\1/gI";

    /// <summary>sed: the same for units, in which a value may have blanks; and what they hand to programs, whatever it is. A line that goes on is one line afterwards.</summary>
    public const string UnitSecrets = """
        :join
        /\\$/{
        $!{
        N
        s/\\\n/ /
        b join
        }
        }
        /^[[:space:]]*\(\(Pass\)\{0,1\}Environment\|Exec\|SetCredential\|LoadCredential\)/d
        s/\(\(pass\(wor\|w\)\{0,1\}d\{0,1\}[0-9]*\|secret\|key\)=\)\([^,]\|,,\)*/\1/gI
        """;

    // Root alone may come near the lock: in /run/lock anybody could hold it.
    internal const string Lock = """
        if [ ! -d /run/virtsecurity ]; then mkdir -p -m 0700 /run/virtsecurity; fi
        exec 9>/run/virtsecurity/fstab.lock
        flock -w 300 9 || { echo "another run has held /run/virtsecurity/fstab.lock for 300 s" >&2; exit 75; }

        """;

    internal const string Begin = """
        set -eu
        f=$(readlink -f -- "$1") line=$2

        """ + Lock + """
        t=$(mktemp "$f.XXXXXX")
        trap 'rm -f -- "$t"' EXIT

        """;

    // Only the line itself is judged: the others stay as they are, whatever old sins are among them, and findmnt's time grows with more than
    // the square of their number (util-linux 2.38: 2,000 lines take minutes). A finding is what findmnt calls an error, and a line it
    // cannot read. Not that another file system is on the device: what is to be overwritten there goes last, and mount -t
    // sees whether the right one has come.
    internal const string Judge = """
        findings() {
          printf '%s\n' "$1" >"$t"
          { findmnt --verify --tab-file "$t" 2>&1 || :; } | {
            n=0
            while IFS= read -r l; do
              case $l in *'does not match with on-disk'*) ;; *'[E]'*|*'parse error at line'*) n=$((n + 1));; esac
            done
            echo "$n"
          }
        }
        judge() {
          old=0
          if [ -n "$2" ]; then old=$(findings "$2"); fi
          if [ "$(findings "$1")" -gt "$old" ]; then
            findmnt --verify --tab-file "$t" >&2 || :
            exit 65
          fi
        }

        """;

    // The copy is made by cp, so that owner, mode, timestamps' file and security label are the original's; a line is
    // only ever added after a final newline. Where /etc/fstab is a link, its target is edited, and the link stays.
    internal const string Copy = """
        cp --preserve=all -- "$f" "$t"

        """;

    internal const string End = """
        sync -- "$t"
        mv -fT -- "$t" "$f"
        trap - EXIT
        sync -- "${f%/*}/"
        """;

    private const string Append = Begin + Judge + """
        judge "$line" ''

        """ + Copy + """
        if [ -n "$(tail -c 1 -- "$t")" ]; then echo >>"$t"; fi
        printf '%s\n' "$line" >>"$t"

        """ + End;

    // The line itself goes, and the newline we had to add before it if it was the last and $3 says so. grep ends what
    // it writes with a newline in any case: where another last line had none, it gets none.
    private const string Remove = Begin + Copy + """
        if ! grep -aqxF -e "$line" -- "$f"; then exit 0; fi
        { grep -avxF -e "$line" -- "$f" || :; } >"$t"
        if [ "$(tail -n 1 -- "$f")" = "$line" ]; then newline=$3
        elif [ -n "$(tail -c 1 -- "$f")" ]; then newline=1
        else newline=0; fi
        if [ "$newline" = 1 ]; then truncate -s -1 -- "$t"; fi

        """ + End;

    /// <summary>The whole file.</summary>
    public static ToolCall Read() => new("cat", Path) { IsPrivate = true };

    /// <summary>Reads the file's entries; comments and lines of fewer than three fields are none.</summary>
    public static IReadOnlyList<FstabEntry> ReadEntries(ToolResult result) => ReadEntries(result.Stdout);

    /// <summary>Reads the entries of the file's text.</summary>
    public static IReadOnlyList<FstabEntry> ReadEntries(string text) =>
        [.. text.Split('\n').Select((line, i) => ReadLine(line.TrimEnd('\r')) is { } entry ? entry with { Number = i + 1 } : null).OfType<FstabEntry>()];

    /// <summary>Whether the file's last line lacks its newline.</summary>
    public static bool LacksFinalNewline(ToolResult result) => result.StdoutBytes is [.., not (byte)'\n'];

    /// <summary>The line for an entry; passno 0, as a guest store's check must not hold up the host's boot.</summary>
    public static string Line(string source, string mountPoint, string fileSystem, IEnumerable<string> options) =>
        $"{Escape(source)} {Escape(mountPoint)} {fileSystem} {string.Join(',', options.Select(Escape))} 0 0";

    /// <summary>Adds a line at the end.</summary>
    public static ToolCall AppendLine(string line) => Edit(AppendName, Append, Path, line) with
    {
        Display = $"echo {ShellQuote.Word(line)} >>{Path}   # findmnt --verify; on a copy: sync, rename",
    };

    /// <summary>Takes exactly that line away.</summary>
    /// <param name="line">The whole line.</param>
    /// <param name="newlineWasOurs">The file had no final newline before the line was added.</param>
    public static ToolCall RemoveLine(string line, bool newlineWasOurs) => Edit(RemoveName, Remove, Path, line, newlineWasOurs ? "1" : "0") with
    {
        Display = $"grep -vxF {ShellQuote.Word(line)} {Path}   # into a copy: sync, rename",
    };

    /// <summary>A script that changes fstab: it has time to wait for the lock, and then for findmnt.</summary>
    internal static ToolCall Edit(string name, string script, params string[] arguments) =>
        ToolCall.Script(name, script, arguments) with { Mutating = true, Stop = StopPolicy.LetFinish, TimeLimit = TimeSpan.FromMinutes(7) };

    /// <summary>Prints the line if it is there.</summary>
    public static ToolCall HasLine(string line) => new("grep", "-axF", "-e", line, "--", Path);

    /// <summary>A field with what would end or hide it as an octal escape, fstab(5).</summary>
    internal static string Escape(string field)
    {
        var escaped = new StringBuilder();
        foreach (var c in field)
        {
            if (c is ' ' or '\t' or '\n' or '\r' or '\\' or '#') escaped.Append('\\').Append(Convert.ToString(c, 8).PadLeft(3, '0'));
            else escaped.Append(c);
        }

        return escaped.ToString();
    }

    private static FstabEntry? ReadLine(string line)
    {
        var fields = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 3 || fields[0].StartsWith('#')) return null;
        var options = fields.Length > 3 ? fields[3].Split(',').Select(Mount.Unescape).ToArray() : ["defaults"];
        // mount(8) takes /srv/a/ for /srv/a.
        var point = Mount.Unescape(fields[1]);
        return new FstabEntry(Mount.Unescape(fields[0]), point.Length > 1 ? point.TrimEnd('/') : point, fields[2], options, line);
    }
}
