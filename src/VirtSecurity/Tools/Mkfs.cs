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

    /// <summary>
    /// Makes a file system with an identity chosen beforehand. Neither tool is given a force option: what they refuse
    /// stays refused. (That mke2fs asks nothing without a terminal is why the device is judged before.)
    /// </summary>
    public static ToolCall Make(GuestFileSystem type, string device, Guid uuid)
    {
        var call = type == GuestFileSystem.Xfs
            ? new ToolCall("mkfs.xfs", "-q", "-m", $"uuid={uuid}", device)
            : new ToolCall("mke2fs", "-q", "-t", NameOf(type), "-U", uuid.ToString(), device);
        return call with { Mutating = true, TimeLimit = TimeLimit };
    }
}
