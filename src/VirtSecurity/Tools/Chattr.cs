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

    /// <summary>Prints something if the directory is immutable.</summary>
    public static ToolCall IsProtected(string directory) =>
        ToolCall.Script("is-immutable", """a=$(lsattr -d -- "$1") && case ${a%% *} in *i*) echo immutable;; esac""", directory);
}
