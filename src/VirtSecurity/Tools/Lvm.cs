using System.Globalization;
using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A volume group. Sizes in bytes.</summary>
internal sealed record VolumeGroupFact(string Name, long ExtentSize, long Free);

/// <summary>A logical volume. Size in bytes; Device is major:minor, null while inactive.</summary>
internal sealed record LogicalVolumeFact(string VolumeGroup, string Name, long Size, IReadOnlyList<string> Tags, string? Device);

/// <summary>LVM2: lvm(8), lvmreport(7), lvcreate(8), lvremove(8).</summary>
internal static class Lvm
{
    /// <summary>Marks a logical volume as made by this module.</summary>
    public const string Tag = "virtsecurity";

    /// <summary>lvm(8), "Exit status"; 3 and 5 are ECMD_FAILED's and EINVALID_CMD_LINE's values in lvm2's errors.h.</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string> { [3] = "LvmRefused", [5] = "LvmFailed" };

    private static readonly string[] Report = ["--reportformat", "json", "--units", "b", "--nosuffix"];

    /// <summary>The tag that says which run made a volume: what undo recognises it by.</summary>
    public static string RunTag(string run) => $"{Tag}.run={run}";

    /// <summary>The node udev makes for a volume.</summary>
    public static string DevicePath(string volumeGroup, string name) => $"/dev/{volumeGroup}/{name}";

    /// <summary>Asks for the names of volume groups without root: device-mapper's names of active volumes, and LVM's backups where they can be read.</summary>
    public static ToolCall GroupNames() => ToolCall.Script(
        "volume-group-names",
        """
        for d in /sys/block/dm-*/dm; do
          case $(cat "$d/uuid" 2>/dev/null) in LVM-*) cat "$d/name";; esac
        done
        ls /etc/lvm/backup 2>/dev/null | sed 's/-/--/g; s/$/-/'
        exit 0
        """);

    /// <summary>Reads <see cref="GroupNames"/>: up to the hyphen that is not doubled, with the doubled ones made single.</summary>
    public static IReadOnlyList<string> ReadGroupNames(ToolResult result) =>
        [.. result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(name => name.Replace("--", "\0", StringComparison.Ordinal).Split('-')[0].Replace('\0', '-'))
            .Distinct()];

    /// <summary>All volume groups.</summary>
    public static ToolCall Groups() => new(["vgs", .. Report, "-o", "vg_name,vg_extent_size,vg_free"]);

    /// <summary>Reads <see cref="Groups"/>.</summary>
    public static IReadOnlyList<VolumeGroupFact> ReadGroups(ToolResult result) =>
        [.. Rows(result, "vg").Select(row => new VolumeGroupFact(Text(row, "vg_name"), Bytes(row, "vg_extent_size"), Bytes(row, "vg_free")))];

    /// <summary>All logical volumes.</summary>
    public static ToolCall Volumes() => new(["lvs", .. Report, "-o", "vg_name,lv_name,lv_size,lv_tags,lv_kernel_major,lv_kernel_minor"]);

    /// <summary>Reads <see cref="Volumes"/>.</summary>
    public static IReadOnlyList<LogicalVolumeFact> ReadVolumes(ToolResult result) =>
        [.. Rows(result, "lv").Select(row => new LogicalVolumeFact(
            Text(row, "vg_name"),
            Text(row, "lv_name"),
            Bytes(row, "lv_size"),
            Text(row, "lv_tags").Split(',', StringSplitOptions.RemoveEmptyEntries),
            Bytes(row, "lv_kernel_major") < 0 ? null : $"{Text(row, "lv_kernel_major")}:{Text(row, "lv_kernel_minor")}"))];

    /// <summary>
    /// A new volume from free extents. An old signature found there is wiped (-W y, lvcreate's default with a terminal;
    /// --yes, as there is nobody to ask): free extents are nobody's.
    /// </summary>
    public static ToolCall Create(string volumeGroup, string name, long bytes, string run) =>
        new("lvcreate", "--yes", "-W", "y", "-n", name, "-L", bytes.ToString(CultureInfo.InvariantCulture) + "b", "--addtag", Tag, "--addtag", RunTag(run), volumeGroup)
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
        };

    /// <summary>Prints the volume's name if it is there and that run made it, nothing otherwise.</summary>
    public static ToolCall IsOfRun(string volumeGroup, string name, string run) =>
        new("lvs", "--noheadings", "-o", "lv_name", "-S", $"vg_name=\"{volumeGroup}\" && lv_name=\"{name}\" && lv_tags=\"{RunTag(run)}\"");

    /// <summary>Removes the volume if that run made it.</summary>
    public static ToolCall RemoveOfRun(string volumeGroup, string name, string run) =>
        new("lvremove", "--yes", "-S", $"lv_tags=\"{RunTag(run)}\"", $"{volumeGroup}/{name}") { Mutating = true, Stop = StopPolicy.LetFinish };

    /// <summary>The signatures that lvcreate says it wiped from the free extents ("Wiping ext4 signature on /dev/vg/lv.", lvm2 2.03).</summary>
    public static IReadOnlyList<string> WipedSignatures(ToolResult result) =>
        [.. result.Stdout.Split('\n')
            .Select(line => line.Trim().Split(' '))
            .Where(words => words is ["Wiping", _, "signature", ..])
            .Select(words => words[1])];

    private static IEnumerable<JsonElement> Rows(ToolResult result, string kind)
    {
        using var report = JsonDocument.Parse(result.StdoutBytes);
        return [.. report.RootElement.GetProperty("report").EnumerateArray()
            .SelectMany(part => part.GetProperty(kind).EnumerateArray())
            .Select(row => row.Clone())];
    }

    private static string Text(JsonElement row, string field) => row.GetProperty(field).GetString() ?? "";

    private static long Bytes(JsonElement row, string field) =>
        long.Parse(Text(row, field), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
}
