using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A file system with extended attributes, as SELinux needs them.</summary>
public enum GuestFileSystem
{
    /// <summary>mke2fs -t ext4.</summary>
    Ext4,

    /// <summary>mke2fs -t ext3, the journalled ext2 of the procedure's first printing.</summary>
    Ext3,

    /// <summary>mkfs.xfs.</summary>
    Xfs,
}

/// <summary>mke2fs(8) and mkfs.xfs(8).</summary>
internal static class Mkfs
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(30);

    /// <summary>The kernel's name for it, as in fstab and mountinfo.</summary>
    public static string NameOf(GuestFileSystem type) => type switch
    {
        GuestFileSystem.Ext3 => "ext3",
        GuestFileSystem.Xfs => "xfs",
        _ => "ext4",
    };

    /// <summary>The least a volume must have, in bytes. mkfs.xfs (xfsprogs 5.19 and newer) refuses 300 MB and less.</summary>
    public static long LeastBytes(GuestFileSystem type) => type == GuestFileSystem.Xfs ? 301L << 20 : 8L << 20;

    // 1: nothing is there. 3: something else is, which a change that is finished later must not overwrite. blkid -p exits 2 for
    // a missing node as well, and then mkfs itself will say so. mke2fs writes the superblock at the end (ext2fs_flush).
    private const string MadeScript = """
        u=$(blkid -p -o value -s UUID -- "$1")
        case $? in
          0) if [ "$u" = "$2" ]; then echo "$u"; exit 0; fi; echo "$1 holds something else (UUID '$u')" >&2; exit 3;;
          2) exit 1;;
          *) echo "$1 holds something that blkid is not sure of" >&2; exit 3;;
        esac
        """;

    /// <summary>Prints the UUID if the device holds the file system with exactly that identity; exits 1 if it holds nothing, and 3 if anything else.</summary>
    public static ToolCall IsMade(string device, Guid uuid) => ToolCall.Script("is-made", MadeScript, device, uuid.ToString());

    /// <summary>
    /// Makes a file system with an identity chosen beforehand. Neither tool is given a force option: what they refuse
    /// stays refused. (That mke2fs asks nothing without a terminal is why the device is judged before.)
    /// </summary>
    /// <param name="type">Which.</param>
    /// <param name="device">Its node.</param>
    /// <param name="uuid">The identity.</param>
    /// <param name="discard">Tell the device first that nothing on it is needed any more.</param>
    public static ToolCall Make(GuestFileSystem type, string device, Guid uuid, bool discard = true)
    {
        string[] argv = type == GuestFileSystem.Xfs
            ? ["mkfs.xfs", "-q", .. discard ? (string[])[] : ["-K"], "-m", $"uuid={uuid}", device]
            : ["mke2fs", "-q", "-t", NameOf(type), .. discard ? (string[])[] : ["-E", "nodiscard"], "-U", uuid.ToString(), device];
        return new ToolCall(argv) { Mutating = true, TimeLimit = TimeLimit };
    }
}
