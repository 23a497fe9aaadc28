using System.Globalization;
using System.Security.Cryptography;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>An image file as it was seen: which file, how long, and when it was last written.</summary>
/// <param name="Identity">device:inode, size and time of the last write, as stat prints them.</param>
/// <param name="Size">Bytes from its beginning to its end.</param>
/// <param name="Allocated">Bytes it takes on its file system.</param>
/// <param name="Written">Seconds since 1970 of its last write.</param>
/// <param name="Names">How many names it has (hard links).</param>
internal sealed record ImageFileFact(string Identity, long Size, long Allocated, long Written, int Names);

/// <summary>What is at both ends of a move.</summary>
/// <param name="Source">The file; null: there is none.</param>
/// <param name="Target">What is where it is to be; null: no file.</param>
/// <param name="FreeBytes">What the destination's file system has left for root; null: it could not be asked.</param>
/// <param name="OpenBy">Processes that have the file open: number and name.</param>
internal sealed record ImageMoveFact(ImageFileFact? Source, ImageFileFact? Target, long? FreeBytes, IReadOnlyList<string> OpenBy);

/// <summary>
/// An image copied to another place, and its old file removed. What is at the new place is known for the copy by its size and by the time of its last write,
/// which are the old file's; it is given up only where the old file is there, and nobody has used it since.
/// </summary>
internal static class ImageCopy
{
    // By numbers: to find the same file as a name says, find would open it, and so find itself.
    private const string Opened = """
        opened() {
          i=$(stat -c '%i %d' -- "$1" 2>/dev/null) || return 0
          find -L /proc/[0-9]*/fd -mindepth 1 -maxdepth 1 -inum "${i% *}" -printf '%D %p\n' 2>/dev/null | sed -n "s,^${i#* } /proc/\([0-9]*\)/.*,\1,p" | sort -un
        }

        """;

    // What was written to since it was copied, or is the only one, may be all there is of the image.
    private const string Unused = Opened + """
        unused() {
          if [ ! -e "$1" ]; then return 0; fi
          if [ ! -f "$3" ]; then echo "$3 is gone: $1 is the only one there is" >&2; return 1; fi
          if [ "$(stat -c '%s %Y' -- "$1")" != "$2" ]; then echo "$1 has been written to since it was copied: it is not given up" >&2; return 1; fi
          o=$(opened "$1")
          if [ -n "$o" ]; then echo "$1 is open in process" $o >&2; return 1; fi
        }

        """;

    private const string LookScript = Opened + """
        for k in source target; do
          if [ -f "$1" ] && [ ! -L "$1" ]; then stat --printf "$k"'\0%d:%i %s %.9Y\0%s\0%b\0%B\0%Y\0%h\0' -- "$1"; fi
          if [ "$k" = source ]; then for p in $(opened "$1"); do printf 'open\0%s %s\0' "$p" "$(cat "/proc/$p/comm" 2>/dev/null)"; done; fi
          shift
        done
        f=$(df --output=avail -B1 -- "$1" 2>/dev/null | tail -n 1)
        if [ -n "$f" ]; then printf 'free\0%s\0' $f; fi
        exit 0
        """;

    // The file is opened once and judged by what was opened: its directory may be anybody's. Without CAP_SYS_ADMIN cp does not see the attributes in
    // which libvirt keeps the owner to give back (trusted.libvirt.security.*), and so does not carry them. What is compared comes from the disk. A link is
    // made only where there is nothing yet.
    private const string CopyScript = """
        set -eu
        if [ "$4" -ef "$3" ]; then rm -f -- "$3"; exit 0; fi
        exec 3<"$1"
        same() { [ "$(stat -L -c '%d:%i %s %.9Y' /dev/fd/3)" = "$2" ] || { echo "$1 has changed" >&2; exit 1; }; }
        same "$1" "$2"
        setpriv --bounding-set -sys_admin --inh-caps -sys_admin cp --sparse=auto --preserve=mode,ownership,timestamps,xattr -- /dev/fd/3 "$3"
        sync -- "$3"
        dd if="$3" iflag=nocache count=0 status=none
        cmp -- /dev/fd/3 "$3"
        same "$1" "$2"
        ln -T -- "$3" "$4"
        rm -- "$3"
        sync -- "${4%/*}/"
        """;

    private const string CopiedScript = """
        if [ -f "$2" ] && { [ "$(stat -c '%s %Y' -- "$2")" = "$3" ] || [ ! -e "$1" ]; }; then echo copied; fi
        """;

    private const string TakeBackScript = Unused + """
        unused "$2" "$3" "$1" && rm -f -- "$2"
        """;

    // A guest that has been started since has its own.
    private const string LabelledScript = """
        c=$(stat -c %C -- "$1" 2>/dev/null)
        case $c in "$2"|*:*:*:s[0-9]*:c[0-9]*) echo labelled;; esac
        """;

    // A file that is written to after all is not what was copied, and stays.
    private const string RemoveScript = Opened + """
        set -eu
        rm -f -- "$3"
        if [ ! -e "$1" ] && [ ! -L "$1" ]; then exit 0; fi
        if [ ! -f "$4" ]; then echo "$4 is not there" >&2; exit 1; fi
        if [ "$(stat -c '%d:%i %s %.9Y' -- "$1")" != "$2" ]; then echo "$1 has changed since it was copied" >&2; exit 1; fi
        o=$(opened "$1")
        if [ -n "$o" ]; then echo "$1 is open in process" $o >&2; exit 1; fi
        rm -- "$1"
        sync -- "${1%/*}/"
        """;

    /// <summary>Shell: <c>unused FILE MARK OLD</c> fails, and says why, where a copy has been used since, or the file that it was made of is gone.</summary>
    internal const string UnusedFunctions = Unused;

    /// <summary>The copy's own name while it is made, in the directory it is to be in; as short for a long name as for any.</summary>
    public static string NameOf(string source, string target, string run) =>
        $"{target[..(target.LastIndexOf('/') + 1)]}.virtsecurity-{run}-{Convert.ToHexString(SHA256.HashData(HostText.Encode(source)).AsSpan(0, 4))}";

    /// <summary>What <see cref="UnusedFunctions"/> know an untouched copy by.</summary>
    public static string MarkOf(ImageFileFact source) => string.Create(CultureInfo.InvariantCulture, $"{source.Size} {source.Written}");

    /// <summary>Asks for both ends of a move.</summary>
    public static ToolCall Look(string source, string target, string directory) => ToolCall.Script("image-move-look", LookScript, source, target, directory);

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static ImageMoveFact ReadLook(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        ImageFileFact? source = null, target = null;
        long? free = null;
        var open = new List<string>();
        for (var at = 0; at < fields.Length - 1;)
        {
            switch (fields[at])
            {
                case "source" or "target":
                    long Number(int i) => long.Parse(fields[at + i], CultureInfo.InvariantCulture);
                    var file = new ImageFileFact(fields[at + 1], Number(2), Number(3) * Number(4), Number(5), (int)Number(6));
                    if (fields[at] == "source") source = file;
                    else target = file;
                    at += 7;
                    break;
                case "free":
                    free = long.Parse(fields[at + 1], CultureInfo.InvariantCulture);
                    at += 2;
                    break;
                case "open":
                    open.Add(fields[at + 1]);
                    at += 2;
                    break;
                default:
                    throw new FormatException($"'{fields[at]}' is no field of it");
            }
        }

        return new(source, target, free, open);
    }

    /// <summary>Makes the copy's own name, empty, unless there is something.</summary>
    public static ToolCall Begin(string copy) => ToolCall.Script("image-begin", """umask 077; set -C; : >"$1" """, copy) with { Mutating = true, Display = $"(set -C; : > {ShellQuote.Word(copy)})" };

    /// <summary>Removes the copy by its own name.</summary>
    public static ToolCall Forget(string copy) => new("rm", "-f", "--", copy) { Mutating = true };

    /// <summary>Copies with holes, owner, mode, times and attributes, has it written to the disk, compares what the disk then holds, and gives it its name if nothing has that.</summary>
    public static ToolCall Copy(string source, ImageFileFact fact, string copy, string target) => ToolCall.Script("image-copy", CopyScript, source, fact.Identity, copy, target) with
    {
        Mutating = true,
        // Some terabytes, twice over.
        TimeLimit = TimeSpan.FromHours(24),
        Display = string.Join(" && ", ((string[][])[
            ["cp", "--sparse=auto", "--preserve=mode,ownership,timestamps,xattr", "--", source, copy], ["sync", "--", copy], ["cmp", "--", source, copy], ["ln", "-T", "--", copy, target], ["rm", "--", copy]]).Select(ShellQuote.Line)),
    };

    /// <summary>Prints something if the copy is in place.</summary>
    public static ToolCall IsCopied(string source, ImageFileFact fact, string target) => ToolCall.Script("image-copied", CopiedScript, source, target, MarkOf(fact));

    /// <summary>Removes the copy, unless somebody has used it, or the old file is gone.</summary>
    public static ToolCall TakeBack(string source, ImageFileFact fact, string target) => ToolCall.Script("image-take-back", TakeBackScript, source, target, MarkOf(fact)) with
    {
        Mutating = true,
        Display = $"rm -f -- {ShellQuote.Word(target)}   # if it is still a copy of {ShellQuote.Word(source)}",
    };

    /// <summary>Gives the file the whole context that the policy has for its path.</summary>
    public static ToolCall Label(string target) => new("restorecon", "-F", "--", target) { Mutating = true };

    /// <summary>Prints something if the file has that label, or a running guest's.</summary>
    public static ToolCall IsLabelled(string target, string context) => ToolCall.Script("image-labelled", LabelledScript, target, context);

    /// <summary>Removes the old file, if it is still what was copied and nobody has it open.</summary>
    public static ToolCall RemoveOld(string source, ImageFileFact fact, string copy, string target) =>
        ToolCall.Script("image-remove", RemoveScript, source, fact.Identity, copy, target) with
        {
            Mutating = true,
            Display = $"rm -- {ShellQuote.Word(source)}   # if it is still what was copied",
        };
}
