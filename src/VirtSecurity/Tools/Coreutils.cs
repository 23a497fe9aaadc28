using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>A path's inode, not followed if it is a symlink.</summary>
/// <param name="Path">As asked for.</param>
/// <param name="FileType">First column of <c>ls -l</c>: <c>d</c>, <c>-</c>, <c>l</c>, <c>b</c> ...</param>
/// <param name="Owner">Numeric user id.</param>
/// <param name="Group">Name of its group; empty where it has none.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Context">Its label; null: none, or SELinux is off.</param>
internal sealed record PathFact(string Path, char FileType, int Owner, string Group, UnixFileMode Mode, SecurityContext? Context)
{
    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => FileType == 'd';
}

/// <summary>coreutils and findutils: stat, mkdir, rmdir, chmod, find.</summary>
internal static class Coreutils
{
    /// <summary>stat(1)'s format that <see cref="ReadStat"/> reads.</summary>
    public const string StatFormat = @"%n\0%f\0%u\0%G\0%a\0%C\0";

    /// <summary>stat(1)'s format that <see cref="ReadInodes"/> reads.</summary>
    public const string InodeFormat = @"%n\0%d:%i\0";

    private const int StatFields = 6;

    // One process of each kind for all of them. find speaks of an empty directory where rmdir could only fail; lsattr's first column has an
    // i where chattr +i was. systemd keeps the units that it made of fstab in its generator's directory.
    private const string StatesScript = """
        find /run/systemd/generator -mindepth 1 -maxdepth 1 -name '*.mount' -printf 'unit\0%f\0' 2>/dev/null
        xargs -0r sh -c '
          find "$@" -maxdepth 0 -type d -empty -printf "empty\0%p\0" 2>/dev/null
          lsattr -d -- "$@" 2>/dev/null | while IFS= read -r l; do
            case ${l%% *} in *i*) printf "immutable\0%s\0" "${l#* }";; esac
          done
        ' states
        exit 0
        """;

    /// <summary>Asks for the inodes of any number of paths, which go by standard input; missing ones are simply not in the answer.</summary>
    public static ToolCall Stat(IEnumerable<string> paths) => new("xargs", "-0r", "stat", "--printf", StatFormat, "--")
    {
        Stdin = HostText.EncodeRecords(paths),
        TimeLimit = TimeSpan.FromMinutes(10),
    };

    /// <summary>Asks for the device numbers of nodes, links followed; what is no device has the number 0:0.</summary>
    public static ToolCall DeviceNumbers(IEnumerable<string> paths) => new("xargs", "-0r", "stat", "-L", "--printf", @"%n\0%t:%T\0", "--")
    {
        Stdin = HostText.Encode(string.Concat(paths.Select(path => path + "\0"))),
    };

    /// <summary>Reads <see cref="DeviceNumbers"/>: path to major:minor.</summary>
    public static IReadOnlyDictionary<string, string> ReadDeviceNumbers(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return Enumerable.Range(0, fields.Length / 2).DistinctBy(i => fields[2 * i]).ToDictionary(i => fields[2 * i], i => DeviceNumber.FromHex(fields[2 * i + 1]));
    }

    /// <summary>Reads <see cref="Stat"/>.</summary>
    public static IReadOnlyList<PathFact> ReadStat(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return [.. Enumerable.Range(0, fields.Length / StatFields).Select(i => i * StatFields).Select(i => new PathFact(
            fields[i],
            TypeOf(int.Parse(fields[i + 1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            int.Parse(fields[i + 2], CultureInfo.InvariantCulture),
            fields[i + 3] == "UNKNOWN" ? "" : fields[i + 3],
            (UnixFileMode)Convert.ToInt32(fields[i + 4], 8),
            SecurityContext.Parse(fields[i + 5])))];
    }

    /// <summary>Asks which directories are empty, which are immutable, and for which of them systemd has a unit that it made of a line in fstab.</summary>
    public static ToolCall DirectoryStates(IEnumerable<string> paths) => ToolCall.Script("directory-states", StatesScript) with { Stdin = HostText.EncodeRecords(paths) };

    /// <summary>Reads <see cref="DirectoryStates"/>; the answer is by path.</summary>
    public static Func<string, (bool Empty, bool Immutable, bool HasUnit)> ReadDirectoryStates(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        var said = Enumerable.Range(0, fields.Length / 2).Select(i => (Word: fields[2 * i], Of: fields[2 * i + 1])).ToHashSet();
        return path => (said.Contains(("empty", path)), said.Contains(("immutable", path)), said.Contains(("unit", Systemctl.MountUnitOf(path))));
    }

    /// <summary>Makes one directory, which must not exist yet.</summary>
    public static ToolCall MakeDirectory(string path, string mode) => new("mkdir", "-m", mode, "--", path) { Mutating = true };

    /// <summary>Makes a directory as it was, with its group and label, unless there is something.</summary>
    public static ToolCall MakeAgain(PathFact directory) => ToolCall.Script(
        "make-again",
        """
        if [ -e "$1" ]; then exit 0; fi
        mkdir -m "$2" -- "$1" && if [ -n "$4" ]; then chgrp -- "$4" "$1"; fi && if [ -n "$3" ]; then chcon -h -- "$3" "$1"; fi
        """,
        directory.Path, Octal(directory.Mode), directory.Context?.ToString() ?? "", directory.Group) with
    {
        Mutating = true,
        Display = $"{MakeDirectory(directory.Path, Octal(directory.Mode))} && chgrp -- {directory.Group} {ShellQuote.Word(directory.Path)} && chcon -h -- {directory.Context} {ShellQuote.Word(directory.Path)}",
    };

    /// <summary>Makes a parent directory if it is not there.</summary>
    public static ToolCall MakeParent(string path) => new("mkdir", "-p", "-m", "0755", "--", path) { Mutating = true };

    /// <summary>Removes an empty directory.</summary>
    public static ToolCall RemoveDirectory(string path) => new("rmdir", "--", path) { Mutating = true };

    /// <summary>Removes a parent directory if nobody uses it.</summary>
    public static ToolCall RemoveUnusedParent(string path) => new("rmdir", "--ignore-fail-on-non-empty", "--", path) { Mutating = true };

    /// <summary>Prints the path if it is a directory with exactly these permission bits.</summary>
    public static ToolCall IsDirectory(string path, string mode) => new("find", path, "-maxdepth", "0", "-type", "d", "-perm", mode);

    /// <summary>Prints the path if it belongs to that group.</summary>
    public static ToolCall IsOfGroup(string path, string group) => new("find", path, "-maxdepth", "0", "-group", group);

    /// <summary>Prints the path if there is something.</summary>
    public static ToolCall Exists(string path) => new("find", path, "-maxdepth", "0");

    /// <summary>Prints the path if it is a directory with nothing in it.</summary>
    public static ToolCall IsEmptyDirectory(string path) => new("find", path, "-maxdepth", "0", "-type", "d", "-empty");

    /// <summary>Sets permission bits.</summary>
    public static ToolCall SetMode(string path, UnixFileMode mode) => new("chmod", Octal(mode), "--", path) { Mutating = true };

    /// <summary>Gives a file or directory to a group.</summary>
    public static ToolCall SetGroup(string path, string group) => new("chgrp", "--", group, path) { Mutating = true };

    /// <summary>Takes from others the right to list and to write a directory; nothing else changes.</summary>
    public static ToolCall CloseToOthers(string path) => new("chmod", "o-rw", "--", path) { Mutating = true };

    /// <summary>Asks for regular files directly in directories; one that is not there has none.</summary>
    public static ToolCall Files(IEnumerable<string> directories) => ToolCall.Script(
        "list-files", """xargs -0r sh -c 'find "$@" -mindepth 1 -maxdepth 1 -type f -print0 2>/dev/null' find-files; exit 0""") with
    {
        Stdin = HostText.EncodeRecords(directories),
    };

    /// <summary>Asks which files paths lead to, links followed; missing ones are not in the answer.</summary>
    public static ToolCall Inodes(IEnumerable<string> paths) => new("xargs", "-0r", "stat", "-L", "--printf", InodeFormat, "--") { Stdin = HostText.EncodeRecords(paths) };

    /// <summary>Reads <see cref="Inodes"/>: path to device:inode.</summary>
    public static IReadOnlyDictionary<string, string> ReadInodes(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return Enumerable.Range(0, fields.Length / 2).DistinctBy(i => fields[2 * i]).ToDictionary(i => fields[2 * i], i => fields[2 * i + 1]);
    }

    /// <summary>Permission bits in octal, four digits.</summary>
    public static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');

    /// <summary>What the paths directly below directories are, down to a depth: type and path.</summary>
    public static ToolCall List(string directory, int depth) =>
        new("find", directory, "-xdev", "-mindepth", "1", "-maxdepth", depth.ToString(CultureInfo.InvariantCulture), "-printf", @"%p\0");

    /// <summary>Reads <see cref="List"/>.</summary>
    public static IReadOnlyList<string> ReadList(ToolResult result) =>
        result.Stdout.Split('\0', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>From st_mode's file type, inode(7).</summary>
    internal static char TypeOf(int mode) => (mode & 0xF000) switch
    {
        0x4000 => 'd',
        0x8000 => '-',
        0xA000 => 'l',
        0x6000 => 'b',
        0x2000 => 'c',
        0x1000 => 'p',
        _ => 's',
    };
}
