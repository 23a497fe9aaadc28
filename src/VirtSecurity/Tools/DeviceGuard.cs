using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A device as a path names it, and what speaks against writing to it.</summary>
/// <param name="Path">As asked for; may be a link of udev's.</param>
/// <param name="Kind">stat's word for it, such as <c>block special file</c>; <c>none</c>: there is no such thing.</param>
/// <param name="Node">The node itself; null: there is none.</param>
/// <param name="Device">major:minor; null: it is no block device.</param>
/// <param name="Size">Bytes; 0: no medium.</param>
/// <param name="IsReadOnly">The kernel would refuse to write to it.</param>
/// <param name="Disk">Of a partition, its disk's node; otherwise the node.</param>
/// <param name="PartUuid">Of a partition, the identity it has in its table, if that names it and no other one.</param>
/// <param name="Links">udev's names of it below /dev/disk/by-id.</param>
/// <param name="Uses">Who uses it. Where somebody does, its content was not looked at.</param>
/// <param name="Contents">What was found on it.</param>
/// <param name="Unreadable">What of it could not be judged.</param>
internal sealed record DeviceFact(
    string Path, string Kind, string? Node, string? Device, long Size, bool IsReadOnly, string? Disk, string? PartUuid,
    IReadOnlyList<string> Links, IReadOnlyList<string> Uses, IReadOnlyList<string> Contents, IReadOnlyList<string> Unreadable)
{
    /// <summary>Whether it is a block device.</summary>
    public bool IsBlockDevice => Kind == "block special file";
}

/// <summary>
/// The guard before a device that exists: blkid(8), wipefs(8), the first and the last MiB, the kernel's and Xen's lists of users. It
/// judges twice: when a run is planned, and under the device's lock in the very call that makes the file system.
/// </summary>
internal static class DeviceGuard
{
    /// <summary>The name of the call that looks.</summary>
    public const string LookName = "device-look";

    /// <summary>The name of the call that makes a file system.</summary>
    public const string MakeName = "device-mkfs";

    /// <summary>The name of the call that asks for it.</summary>
    public const string MadeName = "device-made";

    /// <summary>The name of the call that takes it away.</summary>
    public const string UnmakeName = "device-unmake";

    /// <summary>The tools it needs on a host.</summary>
    public static IReadOnlyList<string> Tools { get; } = ["blkid", "wipefs", "blockdev", "dd", "cmp", "find", "udevadm", "flock"];

    /// <summary>The scripts' exit codes for what they refuse (values of sysexits.h); nothing has been written then.</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string>
    {
        [65] = "DeviceNotEmpty",
        [66] = "DeviceNotFound",
        [73] = "DeviceInUse",
        [74] = "DeviceUnreadable",
        [75] = "LockTimedOut",
    };

    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(30);

    /// <summary>Whether an error means that the guard refused before anything was written.</summary>
    public static bool IsRefusal(string id) => ExitCodes.Values.Contains(id) || id is "ToolNotFound";

    /// <summary>Asks for all of it.</summary>
    public static ToolCall Look(string path) => ToolCall.Script(LookName, DeviceScripts.Look, path) with
    {
        TimeLimit = TimeLimit,
        Display = $"blkid -p {ShellQuote.Word(path)}   # and: who uses it, are its first and last MiB zero",
    };

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static DeviceFact Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).ToLookup(words => words[0], words => words[^1]);
        string? One(string word) => lines[word].LastOrDefault();
        return new(
            result.Call.Argv[^1], One("kind") ?? throw new FormatException("it does not say what the device is"), One("node"), One("number"),
            long.Parse(One("size") ?? "0", CultureInfo.InvariantCulture), One("readonly") == "1", One("disk"), One("partuuid"),
            [.. lines["link"]], [.. lines["use"]], [.. lines["content"]], [.. lines["unreadable"]]);
    }

    /// <summary>
    /// Judges the device again, under its lock, and makes a file system on it only if there is nothing on it but what is
    /// expected. Nothing is discarded, so that of an empty device only what the file system writes is changed.
    /// </summary>
    public static ToolCall Make(DeviceFact device, GuestFileSystem type, Guid uuid)
    {
        var mkfs = Mkfs.Make(type, device.Node!, uuid, discard: false);
        var lost = device.Contents.Count == 0 ? "" : "wipefs --all --quiet -- " + ShellQuote.Word(device.Node!) + " && ";
        return ToolCall.Script(MakeName, DeviceScripts.Locked, [DeviceScripts.Make, .. Identity(device), Expected(device), uuid.ToString(), .. mkfs.Argv]) with
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            TimeLimit = TimeLimit,
            Display = $"{lost}{mkfs}   # under the device's lock, after judging it once more",
        };
    }

    /// <summary>Prints the UUID if the file system with it is on the device, whole or half made.</summary>
    public static ToolCall IsMade(DeviceFact device, Guid uuid) =>
        ToolCall.Script(MadeName, DeviceScripts.Made, [.. Identity(device), uuid.ToString()]) with { Display = $"blkid -p -s UUID -o value {ShellQuote.Word(device.Node!)}" };

    /// <summary>Takes that file system away from a device that was empty: its first and last MiB are zero again.</summary>
    public static ToolCall Unmake(DeviceFact device, Guid uuid) =>
        ToolCall.Script(UnmakeName, DeviceScripts.Locked, [DeviceScripts.Unmake, .. Identity(device), uuid.ToString()]) with
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            Display = $"wipefs --all {ShellQuote.Word(device.Node!)}   # only if its UUID is {uuid}; and its first and last MiB zero as before",
        };

    private static string[] Identity(DeviceFact device) => [device.Node!, device.Device!, device.Size.ToString(CultureInfo.InvariantCulture)];

    private static string Expected(DeviceFact device) => string.Join('\n', device.Contents.Select(content => "content " + content));
}
