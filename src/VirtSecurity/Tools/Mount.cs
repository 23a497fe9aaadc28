using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>One line of /proc/self/mountinfo, proc(5).</summary>
/// <param name="Device">major:minor of the file system.</param>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="Options">Per-mount options.</param>
/// <param name="FileSystem">Type, as the kernel names it.</param>
/// <param name="Source">What was mounted, as given to mount.</param>
internal sealed record MountFact(string Device, string MountPoint, IReadOnlyList<string> Options, string FileSystem, string Source);

/// <summary>mount(8), umount(8), findmnt(8), and the options a mount may be given.</summary>
internal static partial class Mount
{
    /// <summary>mount(8), "Exit status".</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string> { [1] = "MountDenied", [32] = "MountFailed" };

    /// <summary>
    /// Options of mount(8), ext4(5) and xfs(5) that say something about an image store. findmnt --verify accepts any word, so an
    /// unknown one is refused here.
    /// </summary>
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "defaults", "rw", "ro", "nodev", "nosuid", "noexec", "dev", "suid", "exec", "noatime", "relatime", "strictatime", "nodiratime", "lazytime",
        "nolazytime", "sync", "async", "dirsync", "discard", "nodiscard", "auto", "noauto", "nofail", "nouser", "_netdev", "barrier", "nobarrier",
        "data", "errors", "commit", "journal_checksum", "delalloc", "nodelalloc", "stripe", "acl", "user_xattr", "logbufs", "logbsize", "swalloc",
        "inode64", "largeio", "allocsize", "noquota", "usrquota", "grpquota", "prjquota", "uquota", "gquota", "pquota", "iversion", "silent", "nosymfollow",
    };

    /// <summary>The known options, for completion.</summary>
    public static IEnumerable<string> KnownOptions => Known;

    private static readonly string[] NotTheKernels = ["nofail", "auto", "noauto", "nouser", "_netdev", "defaults"];

    /// <summary>Whether an option is one we know, with or without a value; x-systemd.* and x-* are userspace's own.</summary>
    public static bool IsKnownOption(string option) =>
        OptionShape().IsMatch(option) && (option.StartsWith("x-", StringComparison.Ordinal) || Known.Contains(option.Split('=')[0]));

    /// <summary>Whether the option is for the kernel rather than for fstab's readers.</summary>
    public static bool IsForKernel(string option) =>
        !option.StartsWith("x-", StringComparison.Ordinal) && !NotTheKernels.Contains(option);

    /// <summary>What is mounted.</summary>
    public static ToolCall Table() => new("cat", "/proc/self/mountinfo");

    /// <summary>Reads <see cref="Table"/>; of mounts on top of one another the last is the one that is seen.</summary>
    public static IReadOnlyList<MountFact> ReadTable(ToolResult result) =>
        [.. result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ReadLine).OfType<MountFact>()];

    /// <summary>Mounts a device.</summary>
    public static ToolCall At(string device, string mountPoint, GuestFileSystem type, IEnumerable<string> options) =>
        new("mount", "-t", Mkfs.NameOf(type), "-o", string.Join(',', options.Where(IsForKernel).DefaultIfEmpty("defaults")), "--", device, mountPoint)
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
        };

    /// <summary>Prints the mount point if that device is mounted there, and exits 1 otherwise.</summary>
    public static ToolCall IsAt(string device, string mountPoint) =>
        new("findmnt", "--noheadings", "--output", "TARGET", "--source", device, "--mountpoint", mountPoint);

    /// <summary>Unmounts.</summary>
    public static ToolCall Off(string mountPoint) => new("umount", "--", mountPoint) { Mutating = true, Stop = StopPolicy.LetFinish };

    /// <summary>The text with the kernel's and fstab's octal escapes (<c>\040</c>) read.</summary>
    internal static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[(i + 1)..(i + 4)].All(c => c is >= '0' and <= '7'))
            {
                bytes.Add(Convert.ToByte(text[(i + 1)..(i + 4)], 8));
                i += 3;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text, i, char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1));
                if (char.IsHighSurrogate(text[i])) i++;
            }
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static MountFact? ReadLine(string line)
    {
        var words = line.Split(' ');
        var dash = words.Length > 6 ? Array.IndexOf(words, "-", 6) : -1;
        return dash > 0 && words.Length > dash + 2 && int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? new MountFact(words[2], Unescape(words[4]), words[5].Split(','), words[dash + 1], Unescape(words[dash + 2]))
            : null;
    }

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_.-]*(=[A-Za-z0-9_.:/@+-]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex OptionShape();
}
