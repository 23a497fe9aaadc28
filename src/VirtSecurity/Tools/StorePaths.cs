using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>
/// Where stores are or should be: the roots of all mounted block devices, and the paths that the administrator's rules for image types name. Found and
/// looked at on the host in one pipe, so that it costs no second round trip and no process a volume. Network and FUSE file systems are never
/// touched: one that hangs would hang us.
/// </summary>
internal static class StorePaths
{
    // mountinfo's octal escapes and a pattern's \xHH are both what coreutils' %b reads, once an octal one has its leading 0.
    /// <summary>Shell: <c>mounts</c> prints the mount points of block devices, <c>names</c> turns such lines into names ended by NUL.</summary>
    internal const string MountPoints = """
        mounts() { sed -n -e '/ - fuse\./d' -e 's#^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - [^ ]* /dev/.*#\1#;T;s/\\\([0-7][0-7][0-7]\)/\\0\1/g;p' /proc/self/mountinfo; }
        names() { xargs -rd '\n' printf '%b\0'; }

        """;

    /// <summary>Shell: <c>rules TYPES</c> prints the paths of the administrator's rules for these types, as lines for <c>names</c>.</summary>
    internal const string Rules = SELinuxFs.StoreName + """
        rules() {
          sed -n -e '/^[[:space:]]*#/d' -e "s#^\([^[:space:]]*\)[[:space:]].*:\($1\):.*#\1#;T" -e 's#(/\.\*)?$##' -e 's#/\.\*$##' -e 's/\[\(\\x[0-9a-f][0-9a-f]\)\]/\1/g' -e 's/\\\([^x]\)/\1/g' -e p \
            "/etc/selinux/$s/contexts/files/file_contexts.local" 2>/dev/null
        }

        """;

    private const string InodesScript = MountPoints + Rules + """
        { mounts; rules "$1"; } | names | xargs -0r stat --printf "$2" -- 2>/dev/null
        exit 0
        """;

    private const string FreeScript = MountPoints + """
        mounts | names | xargs -0r stat -f --printf '%n\0%a\0%S\0' -- 2>/dev/null
        exit 0
        """;

    /// <summary>Asks for their inodes; read with <see cref="Coreutils.ReadStat"/>. What is missing is simply not in the answer.</summary>
    public static ToolCall Inodes() => ToolCall.Script("store-inodes", InodesScript, string.Join(@"\|", ImageTypes.All), Coreutils.StatFormat);

    /// <summary>Asks for the free space of the mounted ones.</summary>
    public static ToolCall FreeSpace() => ToolCall.Script("store-free-space", FreeScript);

    /// <summary>Reads <see cref="FreeSpace"/>: mount point to bytes that others than root may still write.</summary>
    public static IReadOnlyDictionary<string, long> ReadFreeSpace(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        var free = new Dictionary<string, long>();
        for (var i = 0; i + 2 < fields.Length; i += 3)
            free[fields[i]] = long.Parse(fields[i + 1], CultureInfo.InvariantCulture) * long.Parse(fields[i + 2], CultureInfo.InvariantCulture);
        return free;
    }
}
