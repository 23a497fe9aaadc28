using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>One inode of a tree, with its label. Inode is device:inode, decimal.</summary>
internal sealed record TreeEntry(string Path, char FileType, SecurityContext? Context, string Inode);

/// <summary>find(1) over a tree, and the inodes that guests hold open.</summary>
internal static class Find
{
    private const int Fields = 4;

    private const string OpenScript = """
        for c in $(grep -ls '^qemu' /proc/[0-9]*/comm); do stat -L --printf '%d:%i\n' "${c%comm}"fd/* 2>/dev/null; done
        exit 0
        """;

    /// <summary>Lists a tree without leaving its file system, or one file. %Z is the label (findutils with SELinux).</summary>
    public static ToolCall Tree(string path) => new("find", path, "-xdev", "-printf", @"%y\0%Z\0%D:%i\0%p\0") { TimeLimit = TimeSpan.FromMinutes(30) };

    /// <summary>Reads <see cref="Tree"/>.</summary>
    public static IReadOnlyList<TreeEntry> ReadTree(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return [.. Enumerable.Range(0, fields.Length / Fields).Select(i => i * Fields).Select(i =>
            new TreeEntry(fields[i + 3], fields[i] == "f" ? '-' : fields[i][0], SecurityContext.Parse(fields[i + 1]), fields[i + 2]))];
    }

    /// <summary>Which inodes QEMU processes hold open.</summary>
    public static ToolCall OpenByGuests() => ToolCall.Script("open-by-guests", OpenScript);

    /// <summary>Reads <see cref="OpenByGuests"/>.</summary>
    public static IReadOnlySet<string> ReadOpen(ToolResult result) =>
        result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
}
