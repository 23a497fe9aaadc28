using System.Globalization;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>How large a mounted file system is by its own superblock, and how large it can become on its device. Sizes in bytes.</summary>
/// <param name="Size">What it has now.</param>
/// <param name="BlockSize">Its block.</param>
/// <param name="GroupBlocks">Blocks of a group (ext) or allocation group (xfs).</param>
/// <param name="LeastGroupBlocks">A last group of fewer blocks is not made: what is left of the device stays unused.</param>
/// <param name="FirstBlock">Number of the first block of the first group.</param>
internal sealed record FileSystemSizeFact(long Size, long BlockSize, long GroupBlocks, long LeastGroupBlocks, long FirstBlock)
{
    /// <summary>What it will have once grown on a device of so many bytes.</summary>
    public long Filling(long device)
    {
        var blocks = device / BlockSize;
        var rest = (blocks - FirstBlock) % GroupBlocks;
        return (rest < LeastGroupBlocks ? blocks - rest : blocks) * BlockSize;
    }
}

/// <summary>dumpe2fs(8), resize2fs(8), xfs_info(8), xfs_growfs(8): file systems that grow while they are mounted.</summary>
internal static partial class FileSystemSize
{
    /// <summary>The name of the call that asks whether a file system has grown.</summary>
    public const string GrownName = "fs-grown";

    /// <summary>The name of the call that makes a volume smaller again.</summary>
    public const string ReduceName = "lvreduce-if-it-fits";

    /// <summary>The least allocation group that xfs makes, XFS_MIN_AG_BLOCKS.</summary>
    private const int LeastAllocationGroup = 64;

    // $1 type, $2 device, $3 mount point. The mounted xfs is asked for itself: its superblock on the device may be an older one.
    private const string SizeFunction = """
        size() {
          case $1 in
            xfs) set -- $(xfs_info "$3" | sed -n 's/^data .* bsize=\([0-9]*\) *blocks=\([0-9]*\),.*/\1 \2/p');;
            *) set -- $(dumpe2fs -h "$2" 2>/dev/null | sed -n 's/^Block \(count\|size\): *//p');;
          esac
          if [ $# -ne 2 ]; then exit 2; fi
          s=$(($1 * $2))
        }
        size "$1" "$2" "$3"

        """;

    private const string Grown = SizeFunction + """
        if [ "$s" -ge "$5" ]; then echo grown; elif [ "$s" -ne "$4" ]; then exit 2; fi
        """;

    // By its identity: another may have come under the name.
    private const string Reduce = """
        o=$(lvs --noheadings -o lv_name -S "lv_uuid=\"$6\"" -- "$4") || exit 1
        if [ -z "$o" ]; then
          echo "$4 is another volume now" >&2
          exit 1
        fi

        """ + SizeFunction + """
        if [ "$s" -gt "$5" ]; then
          echo "the file system on $2 has $s bytes already: the volume stays as it is" >&2
          exit 1
        fi
        lvreduce --yes -f -L "$5b" "$4"
        """;

    /// <summary>The types that grow while they are mounted, by these tools.</summary>
    public static bool CanGrow(string? type) => type is "ext3" or "ext4" or "xfs";

    /// <summary>The tools that growing one needs.</summary>
    public static IEnumerable<string> ToolsFor(string type) => type == "xfs" ? ["xfs_info", "xfs_growfs"] : ["dumpe2fs", "resize2fs"];

    /// <summary>Asks for the superblock of a mounted file system.</summary>
    public static ToolCall Look(string type, string device, string mountPoint) => type == "xfs" ? new("xfs_info", mountPoint) : new("dumpe2fs", "-h", device);

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static FileSystemSizeFact Read(ToolResult result) => result.Call.Tool == "xfs_info" ? ReadXfs(result.Stdout) : ReadExt(result.Stdout);

    /// <summary>Grows it to its device.</summary>
    public static ToolCall Grow(string type, string device, string mountPoint)
    {
        var call = type == "xfs" ? new ToolCall("xfs_growfs", "-d", mountPoint) : new ToolCall("resize2fs", device);
        return call with { Mutating = true, Stop = StopPolicy.LetFinish, TimeLimit = TimeSpan.FromMinutes(30) };
    }

    /// <summary>Prints something if it has at least so many bytes, nothing while it has what it had, and fails in between.</summary>
    public static ToolCall HasGrown(string type, string device, string mountPoint, long before, long after) =>
        ToolCall.Script(GrownName, Grown, type, device, mountPoint, Text(before), Text(after));

    /// <summary>Makes a volume smaller again, only while its file system still fits.</summary>
    public static ToolCall ReduceVolume(string type, string device, string mountPoint, string volume, string uuid, long bytes) =>
        ToolCall.Script(ReduceName, Reduce, type, device, mountPoint, volume, Text(bytes), uuid) with
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            Display = $"lvreduce --yes -f -L {bytes}b {volume}   # only while the file system has no more than that",
        };

    private static string Text(long bytes) => bytes.ToString(CultureInfo.InvariantCulture);

    /// <summary>As resize2fs judges the last group (lib/ext2fs, resize/main.c and resize2fs.c: overhead and 50 blocks more).</summary>
    private static FileSystemSizeFact ReadExt(string text)
    {
        long Number(string name, long otherwise = -1)
        {
            var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal));
            if (line is null && otherwise < 0) throw new FormatException($"no '{name}'");
            return line is null ? otherwise : long.Parse(line[(name.Length + 1)..].Trim(), CultureInfo.InvariantCulture);
        }

        var (blocks, size, group, first) = (Number("Block count"), Number("Block size"), Number("Blocks per group"), Number("First block"));
        var descriptors = ((blocks - first + group - 1) / group * Number("Group descriptor size", 32) + size - 1) / size;
        var overhead = 2 + Number("Inode blocks per group") + 1 + descriptors + Number("Reserved GDT blocks", 0);
        return new(blocks * size, size, group, overhead + 50, first);
    }

    private static FileSystemSizeFact ReadXfs(string text)
    {
        var (group, data) = (AllocationGroup().Match(text), DataSection().Match(text));
        if (!group.Success || !data.Success) throw new FormatException("no agsize, or no data section");
        long Number(Match match, int at) => long.Parse(match.Groups[at].ValueSpan, CultureInfo.InvariantCulture);
        return new(Number(data, 1) * Number(data, 2), Number(data, 1), Number(group, 1), LeastAllocationGroup, 0);
    }

    [GeneratedRegex(@"\bagsize=([0-9]+) blks", RegexOptions.CultureInvariant)]
    private static partial Regex AllocationGroup();

    [GeneratedRegex(@"^data .* bsize=([0-9]+) +blocks=([0-9]+),", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex DataSection();
}
