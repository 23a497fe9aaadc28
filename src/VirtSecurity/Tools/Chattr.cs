using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>chattr(1) and lsattr(1): the immutable attribute.</summary>
internal static class Chattr
{
    private static readonly HashSet<string> Supporting = ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs"];

    /// <summary>Whether directories of a file system can be made immutable.</summary>
    public static bool IsSupportedOn(string? fileSystem) => fileSystem is not null && Supporting.Contains(fileSystem);

    /// <summary>From now on nothing can be made or removed in the directory, by root either.</summary>
    public static ToolCall Protect(string directory) => new("chattr", "+i", "--", directory) { Mutating = true };

    /// <summary>Takes <see cref="Protect"/> back.</summary>
    public static ToolCall Release(string directory) => new("chattr", "-i", "--", directory) { Mutating = true };

    /// <summary>Protects a directory again, be it hidden by a mount or not: whatever is mounted over it is left alone.</summary>
    public static ToolCall ProtectBeneath(string directory) => Mount.InOwnNamespace("protect-beneath", """chattr +i -- "$1" """, directory) with
    {
        Mutating = true,
        Display = $"{Protect(directory)}   # the directory itself, not what may be mounted over it",
    };

    /// <summary>Prints something if the directory, be it hidden by a mount or not, can be removed or is gone.</summary>
    public static ToolCall IsReleased(string directory) => Mount.InOwnNamespace(
        "is-released",
        """
        if [ ! -e "$1" ]; then echo released; exit 0; fi
        a=$(lsattr -d -- "$1") || exit 2
        case ${a%% *} in *i*) ;; *) echo released;; esac
        """,
        directory);

    /// <summary>Prints something if the directory is immutable.</summary>
    public static ToolCall IsProtected(string directory) =>
        ToolCall.Script("is-immutable", """a=$(lsattr -d -- "$1") && case ${a%% *} in *i*) echo immutable;; esac""", directory);
}
