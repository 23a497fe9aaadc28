using System.Buffers.Text;
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

    // What is gone between readdir and stat is no error. Depth tells where the next of the paths asked for begins.
    private const string ListScript = """
        exec xargs -0r sh -c '
          f=$1 l=$2 m=$3
          shift 3
          exec find "$l" "$@" ${m:+-maxdepth "$m"} -ignore_readdir_race -xdev -printf "$f"
        ' find-labels "$1" "$2" "$3"
        """;

    private const string Gone = ": No such file or directory";

    /// <summary>Lists trees without leaving their file systems.</summary>
    /// <param name="paths">Their roots.</param>
    /// <param name="recurse">All that is below; otherwise the roots alone.</param>
    /// <param name="follow">A root that is a symbolic link is what it points at.</param>
    public static ToolCall Trees(IReadOnlyCollection<string> paths, bool recurse, bool follow) =>
        ToolCall.Script(ListName, ListScript, Format, follow ? "-H" : "-P", recurse ? "" : "0") with
        {
            Stdin = Encoding.UTF8.GetBytes(string.Concat(paths.Select(path => path + "\0"))),
            TimeLimit = TimeSpan.FromMinutes(30),
        };

    /// <summary>Reads <see cref="Trees"/>: one pass over the bytes, as a tree may have a million inodes and a dozen labels.</summary>
    public static TreesFact ReadTrees(ToolResult result)
    {
        var trees = new Dictionary<string, IReadOnlyList<TreeEntry>>();
        var labels = new Labels();
        List<TreeEntry> tree = [];
        ReadOnlySpan<byte> rest = result.StdoutBytes;
        while (rest.Length > 0)
        {
            var type = rest[0] == (byte)'f' ? '-' : (char)rest[0];
            var head = Field(ref rest)[1..];
            var depth = Number(ref head);
            var names = Number(ref head);
            var label = Field(ref rest);
            var path = Encoding.UTF8.GetString(Field(ref rest));
            if (depth == 0) trees[path] = tree = [];
            tree.Add(new TreeEntry(path, type, labels.Read(label), InodeNumber.Parse(head), names));
        }

        if (result.ExitCode == 0) return new(trees, []);
        if (result.Stderr.Length == 0) throw new FormatException($"exit code {result.ExitCode}");
        return new(trees, [.. result.Stderr.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.EndsWith(Gone, StringComparison.Ordinal))]);
    }

    private static ReadOnlySpan<byte> Field(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)0);
        if (end < 0) throw new FormatException("its last field has no end");
        var field = rest[..end];
        rest = rest[(end + 1)..];
        return field;
    }

    private static int Number(ref ReadOnlySpan<byte> rest)
    {
        if (!Utf8Parser.TryParse(rest, out int number, out var used) || used >= rest.Length) throw new FormatException("a number is missing");
        rest = rest[(used + 1)..];
        return number;
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
