using System.Buffers.Text;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>A file itself, whatever names it has: the device of its file system (st_dev) and its number there.</summary>
internal readonly record struct InodeNumber(ulong Device, ulong Number)
{
    /// <summary>Reads <c>device:inode</c>, decimal, as stat and find print it.</summary>
    public static InodeNumber Parse(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out ulong device, out var used) && used < text.Length && Utf8Parser.TryParse(text[(used + 1)..], out ulong number, out _)
            ? new(device, number)
            : throw new FormatException($"'{Encoding.UTF8.GetString(text)}' is no device:inode");

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Device}:{Number}");
}

/// <summary>One inode of a tree, with its label.</summary>
/// <param name="Path">Below the path that was asked for, as that was written.</param>
/// <param name="FileType">First column of <c>ls -l</c>: <c>d</c>, <c>-</c>, <c>l</c>, <c>b</c> ...</param>
/// <param name="Context">Its label; null: it could not be read.</param>
/// <param name="Inode">Which file it is.</param>
/// <param name="Names">How many names it has (hard links).</param>
internal sealed record TreeEntry(string Path, char FileType, SecurityContext? Context, InodeNumber Inode, int Names);

/// <summary>What a walk over trees has found.</summary>
/// <param name="Trees">By the path asked for: all of its tree, itself first. A path that does not exist is not among them.</param>
/// <param name="Unreadable">find's own words for what it could not read, a line each; the rest was read all the same.</param>
internal sealed record TreesFact(IReadOnlyDictionary<string, IReadOnlyList<TreeEntry>> Trees, IReadOnlyList<string> Unreadable);

/// <summary>find(1) over trees: what is there, with its label.</summary>
internal static class Find
{
    /// <summary>The name of the call that lists.</summary>
    public const string ListName = "list-labels";

    /// <summary>Type and depth, number of names, file; label (findutils with SELinux); path. Three fields an inode, ended by NUL each.</summary>
    public const string Format = @"%y%d %n %D:%i\0%Z\0%p\0";

    // What is gone between readdir and stat is no error. A tree's labels and paths are much alike, and so travel as a tenth of their size; find's own
    // small writes into a pipe would cost more than the walk. The walk's exit code is the answer's.
    private const string ListScript = """
        z=cat b=
        if [ -n "$(command -v gzip)" ]; then z='gzip -1'; fi
        if [ -n "$(command -v stdbuf)" ]; then b='stdbuf -o 65536'; fi
        exec 4>&1
        r=$({
          { xargs -0r sh -c '
              b=$1 f=$2 l=$3 m=$4
              shift 4
              exec $b find "$l" "$@" ${m:+-maxdepth "$m"} -ignore_readdir_race -xdev -printf "$f"
            ' find-labels "$b" "$1" "$2" "$3"
            echo $? >&3
          } | $z >&4
        } 3>&1)
        exit "$r"
        """;

    private const string Gone = ": No such file or directory";

    /// <summary>Lists trees without leaving their file systems.</summary>
    /// <param name="paths">Their roots.</param>
    /// <param name="recurse">All that is below; otherwise the roots alone.</param>
    /// <param name="follow">A root that is a symbolic link is what it points at.</param>
    public static ToolCall Trees(IReadOnlyCollection<string> paths, bool recurse, bool follow) =>
        ToolCall.Script(ListName, ListScript, Format, follow ? "-H" : "-P", recurse ? "" : "0") with
        {
            Stdin = HostText.Encode(string.Concat(paths.Select(path => path + "\0"))),
            TimeLimit = TimeSpan.FromMinutes(30),
            Display = paths.Count > 20
                ? $"find ... -xdev -printf {ShellQuote.Word(Format)}   # {paths.Count} paths{(recurse ? "" : ", not below")}"
                : $"find {string.Join(' ', paths.Select(ShellQuote.Word))} {(recurse ? "" : "-maxdepth 0 ")}-xdev -printf {ShellQuote.Word(Format)}",
        };

    /// <summary>Reads <see cref="Trees"/>: one pass over the bytes, as a tree may have a million inodes and a dozen labels.</summary>
    public static TreesFact ReadTrees(ToolResult result)
    {
        var trees = new Dictionary<string, IReadOnlyList<TreeEntry>>();
        var labels = new Labels();
        List<TreeEntry> tree = [];
        using var answer = new MemoryStream(result.StdoutBytes, writable: false);
        using Stream plain = result.StdoutBytes is [0x1F, 0x8B, ..] ? new GZipStream(answer, CompressionMode.Decompress) : answer;
        var fields = new FieldReader(plain);
        while (fields.Next(out var head))
        {
            var type = head[0] == (byte)'f' ? '-' : (char)head[0];
            head = head[1..];
            var depth = Number(ref head);
            var names = Number(ref head);
            var inode = InodeNumber.Parse(head);
            var context = labels.Read(fields.Next());
            var path = HostText.Decode(fields.Next());
            if (depth == 0) trees[path] = tree = [];
            tree.Add(new TreeEntry(path, type, context, inode, names));
        }

        if (result.ExitCode == 0) return new(trees, []);
        if (result.Stderr.Length == 0) throw new FormatException($"exit code {result.ExitCode}");
        return new(trees, [.. result.Stderr.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.EndsWith(Gone, StringComparison.Ordinal))]);
    }

    private static int Number(ref ReadOnlySpan<byte> rest)
    {
        if (!Utf8Parser.TryParse(rest, out int number, out var used) || used >= rest.Length) throw new FormatException("a number is missing");
        rest = rest[(used + 1)..];
        return number;
    }

    /// <summary>Fields that end with NUL, out of a stream of any length.</summary>
    private sealed class FieldReader(Stream stream)
    {
        private byte[] buffer = new byte[1 << 18];
        private int start;
        private int end;

        /// <summary>The next field, until the one after it is read; false: there is none.</summary>
        public bool Next(out ReadOnlySpan<byte> field)
        {
            for (var looked = start; ;)
            {
                var length = buffer.AsSpan(looked, end - looked).IndexOf((byte)0);
                if (length >= 0)
                {
                    field = buffer.AsSpan(start, looked + length - start);
                    start = looked + length + 1;
                    return true;
                }

                Buffer.BlockCopy(buffer, start, buffer, 0, end - start);
                (start, end) = (0, end - start);
                looked = end;
                if (end == buffer.Length) Array.Resize(ref buffer, 2 * end);
                var read = stream.Read(buffer, end, buffer.Length - end);
                end += read;
                if (read > 0) continue;
                field = default;
                return end == 0 ? false : throw new FormatException("its last field has no end");
            }
        }

        /// <summary>The next field, which must be there.</summary>
        public ReadOnlySpan<byte> Next() => Next(out var field) ? field : throw new FormatException("its last record is not whole");
    }

    /// <summary>A tree has few labels: each is parsed once.</summary>
    private sealed class Labels
    {
        private readonly Dictionary<string, SecurityContext?> known = [];
        private byte[] last = [];
        private SecurityContext? lastContext;

        public SecurityContext? Read(ReadOnlySpan<byte> label)
        {
            if (label.SequenceEqual(last)) return lastContext;
            last = label.ToArray();
            var text = Encoding.UTF8.GetString(label);
            if (!known.TryGetValue(text, out lastContext)) known[text] = lastContext = SecurityContext.Parse(text);
            return lastContext;
        }
    }
}
