using System.Globalization;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>One line of /proc/self/mountinfo, proc(5).</summary>
/// <param name="Device">major:minor of the file system.</param>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="Options">Per-mount options.</param>
/// <param name="FileSystem">Type, as the kernel names it.</param>
/// <param name="Source">What was mounted, as given to mount.</param>
internal sealed record MountFact(string Device, string MountPoint, IReadOnlyList<string> Options, string FileSystem, string Source)
{
    /// <summary>Which of the file system's directories is seen there; another than <c>/</c> is a bind mount's or a subvolume's.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Options of the file system itself, such as <c>errors=remount-ro</c>.</summary>
    public IReadOnlyList<string> SuperOptions { get; init; } = [];

    /// <summary>What is mounted below it is seen in other mount namespaces too.</summary>
    public bool IsShared { get; init; }

    /// <summary>Whether each of its files keeps a label of its own. The kernel says so by <c>seclabel</c> (selinux_sb_show_options) while SELinux is on.</summary>
    public bool KeepsLabels => SuperOptions.Contains("seclabel");
}

/// <summary>mount(8), umount(8), findmnt(8), and the options a mount may be given.</summary>
internal static partial class Mount
{
    /// <summary>The name of the call that asks for what a mount hides.</summary>
    public const string BeneathName = "beneath-mount";

    // Unmounting in a namespace of our own shows what lies beneath; nobody else sees it, and what is open there does not matter.
    private const string OwnNamespace = """
        unshare -m --propagation private sh -c '
          while mountpoint -q -- "$2"; do umount -n -- "$2" || exit 2; done
          exec sh -c "$0" "$@"
        ' "$@"
        """;

    private const string BeneathScript = """
        if [ ! -e "$1" ]; then exit 0; fi
        stat --printf "$2" -- "$1" || exit 2
        find "$1" -maxdepth 0 -type d -empty -printf empty
        a=$(lsattr -d -- "$1" 2>/dev/null) || exit 0
        case ${a%% *} in *i*) printf ' immutable';; esac
        """;

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
    public static ToolCall At(string device, string mountPoint, string type, IEnumerable<string> options) =>
        new("mount", "-t", type, "-o", string.Join(',', options.Where(IsForKernel).DefaultIfEmpty("defaults")), "--", device, mountPoint)
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
        };

    /// <summary>Mounts what was mounted, with the options it had.</summary>
    public static ToolCall Back(MountFact mount, string device)
    {
        var options = mount.Options.Concat(mount.SuperOptions.Where(option => option is not ("rw" or "ro") && IsKnownOption(option))).Concat(mount.SuperOptions.Where(option => option == "ro")).Distinct();
        return new("mount", "-t", mount.FileSystem, "-o", string.Join(',', options), "--", device, mount.MountPoint) { Mutating = true, Stop = StopPolicy.LetFinish };
    }

    /// <summary>Asks what the directory is that a mount hides, in a mount namespace of its own: the host's mounts stay as they are.</summary>
    public static ToolCall Beneath(string mountPoint) => InOwnNamespace(BeneathName, BeneathScript, mountPoint, Coreutils.StatFormat);

    /// <summary>A script that sees the directory itself, whatever is mounted over it: $1 is the directory. The host's mounts stay as they are.</summary>
    public static ToolCall InOwnNamespace(string name, string script, string directory, params string[] more) =>
        ToolCall.Script(name, OwnNamespace, [script.ReplaceLineEndings("\n"), name, directory, .. more]);

    /// <summary>Reads <see cref="Beneath"/>: the directory, whether it is empty, and whether it is immutable.</summary>
    public static (PathFact? Directory, bool Empty, bool Immutable) ReadBeneath(ToolResult result)
    {
        var end = result.Stdout.LastIndexOf('\0') + 1;
        var state = result.Stdout[end..];
        return (Coreutils.ReadStat(result) is [var directory] ? directory : null, state.Contains("empty", StringComparison.Ordinal), state.Contains("immutable", StringComparison.Ordinal));
    }

    /// <summary>
    /// Gives a mount exactly these per-mount options. Device and directory are both named: then, mount(8), nothing is taken from fstab or from
    /// the options it has.
    /// </summary>
    public static ToolCall Remount(string device, string mountPoint, IEnumerable<string> options) =>
        new("mount", "-o", string.Join(',', options.Where(IsForKernel).Prepend("remount")), "--", device, mountPoint) { Mutating = true, Stop = StopPolicy.LetFinish };

    /// <summary>Prints the mount point if what is mounted there has all these options, and exits 1 otherwise. To findmnt <c>nodev</c> says "without dev", and <c>+nodev</c> the option itself.</summary>
    public static ToolCall HasOptions(string mountPoint, IEnumerable<string> options) =>
        new("findmnt", "--noheadings", "--output", "TARGET", "--options", string.Join(',', options.Select(option => "+" + option)), "--mountpoint", mountPoint);

    /// <summary>Prints the mount point if that device is mounted there, and exits 1 otherwise.</summary>
    public static ToolCall IsAt(string device, string mountPoint) =>
        new("findmnt", "--noheadings", "--output", "TARGET", "--source", device, "--mountpoint", mountPoint);

    /// <summary>Unmounts.</summary>
    public static ToolCall Off(string mountPoint) => new("umount", "--", mountPoint) { Mutating = true, Stop = StopPolicy.LetFinish };

    /// <summary>The text with the kernel's and fstab's octal escapes (<c>\040</c>) read.</summary>
    internal static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;
        var escaped = HostText.Encode(text).AsSpan();
        var bytes = new List<byte>(escaped.Length);
        for (; escaped.Length > 0; escaped = escaped[1..])
        {
            if (escaped is [(byte)'\\', >= (byte)'0' and <= (byte)'7' and var high, >= (byte)'0' and <= (byte)'7' and var middle, >= (byte)'0' and <= (byte)'7' and var low, ..])
            {
                bytes.Add((byte)(((high - '0') << 6) | ((middle - '0') << 3) | (low - '0')));
                escaped = escaped[3..];
            }
            else
            {
                bytes.Add(escaped[0]);
            }
        }

        return HostText.Decode([.. bytes]);
    }

    private static MountFact? ReadLine(string line)
    {
        var words = line.Split(' ');
        var dash = words.Length > 6 ? Array.IndexOf(words, "-", 6) : -1;
        return dash > 0 && words.Length > dash + 2 && int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? new MountFact(words[2], Unescape(words[4]), words[5].Split(','), words[dash + 1], Unescape(words[dash + 2]))
            {
                Root = Unescape(words[3]),
                IsShared = words[6..dash].Any(field => field.StartsWith("shared:", StringComparison.Ordinal)),
                SuperOptions = words.Length > dash + 3 ? words[dash + 3].Split(',') : [],
            }
            : null;
    }

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_.-]*(=[A-Za-z0-9_.:/@+-]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex OptionShape();
}
