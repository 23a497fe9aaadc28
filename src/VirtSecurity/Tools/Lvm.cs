using System.Globalization;
using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A volume group. Sizes in bytes.</summary>
internal sealed record VolumeGroupFact(string Name, long ExtentSize, long Free);

/// <summary>A logical volume. Size in bytes; Device is major:minor, null while inactive.</summary>
internal sealed record LogicalVolumeFact(string VolumeGroup, string Name, long Size, IReadOnlyList<string> Tags, string? Device)
{
    /// <summary>LVM's own identity of it, which no other volume ever has.</summary>
    public string Uuid { get; init; } = "";

    /// <summary>The volume it is a snapshot of; null: none.</summary>
    public string? Origin { get; init; }

    /// <summary>The pool it takes its space from; null: none.</summary>
    public string? Pool { get; init; }
}

/// <summary>A thin pool, or a volume in one. Size in bytes; the percentages are what of a pool's data and metadata space is used.</summary>
internal sealed record ThinFact(
    string VolumeGroup, string Name, long Size, bool IsPool, string? Pool, double DataPercent, double MetadataPercent, string Health, bool ZeroesNewBlocks)
{
    /// <summary>The percentages were told: of what is not active they are not.</summary>
    public bool IsMeasured { get; init; }
}

/// <summary>What keeps a volume group from being used.</summary>
internal sealed record GroupHealth(string Name, bool IsExported, int MissingVolumes);

/// <summary>LVM2: lvm(8), lvmreport(7), lvcreate(8), lvremove(8).</summary>
internal static class Lvm
{
    /// <summary>Marks a logical volume as made by this module.</summary>
    public const string Tag = "virtsecurity";

    /// <summary>Marks a logical volume of ours that a guest uses as its disk, and that has been zeroed for it.</summary>
    public const string RawTag = Tag + ".raw";

    /// <summary>lvm(8), "Exit status"; 3 and 5 are ECMD_FAILED's and EINVALID_CMD_LINE's values in lvm2's errors.h.</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string> { [3] = "LvmRefused", [5] = "LvmFailed" };

    private static readonly string[] Report = ["--reportformat", "json", "--units", "b", "--nosuffix"];

    /// <summary>The tag that says which run made a volume: what undo recognises it by.</summary>
    public static string RunTag(string run) => $"{Tag}.run={run}";

    /// <summary>The run that made a volume, by its tags; null: none of ours.</summary>
    public static string? RunOf(IEnumerable<string> tags) =>
        tags.FirstOrDefault(tag => tag.StartsWith(RunTag(""), StringComparison.Ordinal))?[RunTag("").Length..];

    /// <summary>device-mapper's name of a volume: it doubles a hyphen inside a name and joins with one, lvm(8).</summary>
    public static string MapperPath(string volumeGroup, string name) =>
        $"/dev/mapper/{volumeGroup.Replace("-", "--", StringComparison.Ordinal)}-{name.Replace("-", "--", StringComparison.Ordinal)}";

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

    /// <summary>Asks for the names of active logical volumes without root, in one process however many there are.</summary>
    public static ToolCall VolumeNames() => ToolCall.Script("volume-names", "grep -sH . /sys/block/dm-*/dm/uuid /sys/block/dm-*/dm/name; exit 0");

    /// <summary>Reads <see cref="VolumeNames"/>. LVM's own volumes below others have more behind the two ids of 32 characters.</summary>
    public static IReadOnlyList<(string VolumeGroup, string Name)> ReadVolumeNames(ToolResult result)
    {
        var lines = result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2).ToArray();
        var ours = lines.Where(parts => parts[0].EndsWith("/uuid", StringComparison.Ordinal) && parts[1].StartsWith("LVM-", StringComparison.Ordinal) && parts[1].Length == 68)
            .Select(parts => Path.GetDirectoryName(parts[0])).ToHashSet();
        return [.. lines.Where(parts => parts[0].EndsWith("/name", StringComparison.Ordinal) && ours.Contains(Path.GetDirectoryName(parts[0])))
            .Select(parts => parts[1].Replace("--", "\0", StringComparison.Ordinal).Split('-', 2))
            .Where(names => names.Length == 2)
            .Select(names => (names[0].Replace('\0', '-'), names[1].Replace('\0', '-')))];
    }

    /// <summary>All volume groups.</summary>
    public static ToolCall Groups() => new(["vgs", .. Report, "-o", "vg_name,vg_extent_size,vg_free"]);

    /// <summary>Reads <see cref="Groups"/>.</summary>
    public static IReadOnlyList<VolumeGroupFact> ReadGroups(ToolResult result) =>
        [.. Rows(result, "vg").Select(row => new VolumeGroupFact(Text(row, "vg_name"), Bytes(row, "vg_extent_size"), Bytes(row, "vg_free")))];

    /// <summary>All volume groups: whether they are whole.</summary>
    public static ToolCall Health() => new(["vgs", .. Report, "-o", "vg_name,vg_exported,vg_missing_pv_count"]);

    /// <summary>Reads <see cref="Health"/>.</summary>
    public static IReadOnlyList<GroupHealth> ReadHealth(ToolResult result) =>
        [.. Rows(result, "vg").Select(row => new GroupHealth(Text(row, "vg_name"), Text(row, "vg_exported").Length > 0, (int)Bytes(row, "vg_missing_pv_count")))];

    /// <summary>All logical volumes.</summary>
    public static ToolCall Volumes() => new(["lvs", .. Report, "-o", "vg_name,lv_name,lv_size,lv_tags,lv_kernel_major,lv_kernel_minor,lv_uuid,origin,pool_lv"]);

    /// <summary>Reads <see cref="Volumes"/>.</summary>
    public static IReadOnlyList<LogicalVolumeFact> ReadVolumes(ToolResult result) =>
        [.. Rows(result, "lv").Select(row => new LogicalVolumeFact(
            Text(row, "vg_name"),
            Text(row, "lv_name"),
            Bytes(row, "lv_size"),
            Text(row, "lv_tags").Split(',', StringSplitOptions.RemoveEmptyEntries),
            Bytes(row, "lv_kernel_major") < 0 ? null : $"{Text(row, "lv_kernel_major")}:{Text(row, "lv_kernel_minor")}")
        {
            Uuid = Text(row, "lv_uuid"),
            Origin = Text(row, "origin") is { Length: > 0 } origin ? origin : null,
            Pool = Text(row, "pool_lv") is { Length: > 0 } pool ? pool : null,
        })];

    /// <summary>All thin pools and thin volumes.</summary>
    public static ToolCall Thin() =>
        new(["lvs", .. Report, "-o", "vg_name,lv_name,lv_size,lv_layout,pool_lv,data_percent,metadata_percent,lv_health_status,zero", "-S", "lv_layout=thin"]);

    /// <summary>Reads <see cref="Thin"/>.</summary>
    public static IReadOnlyList<ThinFact> ReadThin(ToolResult result) =>
        [.. Rows(result, "lv").Select(row => new ThinFact(
            Text(row, "vg_name"),
            Text(row, "lv_name"),
            Bytes(row, "lv_size"),
            Text(row, "lv_layout").Split(',').Contains("pool"),
            Text(row, "pool_lv") is { Length: > 0 } pool ? pool : null,
            Percent(row, "data_percent"),
            Percent(row, "metadata_percent"),
            Text(row, "lv_health_status"),
            Text(row, "zero") == "zero")
        {
            IsMeasured = Text(row, "data_percent").Length > 0,
        })];

    /// <summary>
    /// A new volume from free extents. An old signature found there is wiped (-W y, lvcreate's default with a terminal;
    /// --yes, as there is nobody to ask): free extents are nobody's.
    /// </summary>
    /// <param name="volumeGroup">From which.</param>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">Whole extents; of a thin volume its virtual size.</param>
    /// <param name="run">The run that makes it.</param>
    /// <param name="thinPool">The thin pool it takes its blocks from; null: it is given them all now.</param>
    public static ToolCall Create(string volumeGroup, string name, long bytes, string run, string? thinPool = null)
    {
        var size = bytes.ToString(CultureInfo.InvariantCulture) + "b";
        string[] space = thinPool is null ? ["-L", size] : ["-V", size, "--thinpool", thinPool];
        return new(["lvcreate", "--yes", "-W", "y", "-n", name, .. space, "--addtag", Tag, "--addtag", RunTag(run), volumeGroup])
        {
            Mutating = true,
            Stop = StopPolicy.LetFinish,
        };
    }

    /// <summary>Prints the volume's name if that run made it and it has been marked.</summary>
    public static ToolCall IsMarkedAsRaw(string volumeGroup, string name, string run) =>
        new("lvs", "--noheadings", "-o", "lv_name", "-S", $"vg_name=\"{volumeGroup}\" && lv_name=\"{name}\" && lv_tags=\"{RunTag(run)}\" && lv_tags=\"{RawTag}\"");

    /// <summary>Marks the volume of that run as a guest's own disk: its content has been zeroed.</summary>
    public static ToolCall MarkAsRaw(string volumeGroup, string name) =>
        new("lvchange", "--addtag", RawTag, $"{volumeGroup}/{name}") { Mutating = true, Stop = StopPolicy.LetFinish };

    /// <summary>Prints the volume's name if it is there and that run made it, nothing otherwise.</summary>
    public static ToolCall IsOfRun(string volumeGroup, string name, string run) =>
        new("lvs", "--noheadings", "-o", "lv_name", "-S", $"vg_name=\"{volumeGroup}\" && lv_name=\"{name}\" && lv_tags=\"{RunTag(run)}\"");

    /// <summary>Removes the volume if that run made it.</summary>
    public static ToolCall RemoveOfRun(string volumeGroup, string name, string run) => Remove(volumeGroup, name, selection: $"lv_tags=\"{RunTag(run)}\"");

    /// <summary>Prints the volume's name if it is there: that very one, whatever it is called now.</summary>
    public static ToolCall HasUuid(string uuid) => new("lvs", "--noheadings", "-o", "lv_name", "-S", $"lv_uuid=\"{uuid}\"");

    /// <summary>Prints the volume's name if it is there and has at least so many bytes: a striped one is rounded up to whole stripes.</summary>
    public static ToolCall HasSize(string uuid, long bytes) => new("lvs", "--noheadings", "-o", "lv_name", "-S", $"lv_uuid=\"{uuid}\" && lv_size>={bytes}b");

    /// <summary>Fails unless the volume of that name is still that one.</summary>
    public static ToolCall RequireThat(string volumeGroup, string name, string uuid) =>
        Require("require-that", volumeGroup, name, $"lv_uuid=\"{uuid}\"", "is another volume now, or gone");

    /// <summary>Fails unless the volume of that name is still that one, has a node, and nothing has it open.</summary>
    public static ToolCall RequireIdle(string volumeGroup, string name, string uuid) =>
        Require("require-idle", volumeGroup, name, $"lv_uuid=\"{uuid}\" && lv_device_open=0", "is open, inactive (lvchange -ay), or another volume now");

    /// <summary>Fails unless that run made the volume of that name, and it has not been given to a guest: has a node that nothing has open, and bears no mark.</summary>
    public static ToolCall RequireUnmarked(string volumeGroup, string name, string run) =>
        Require("require-unmarked", volumeGroup, name, $"lv_tags=\"{RunTag(run)}\" && lv_tags!=\"{RawTag}\" && lv_device_open=0", "is open, inactive (lvchange -ay), or another volume now");

    private static ToolCall Require(string call, string volumeGroup, string name, string selection, string otherwise) => ToolCall.Script(
        call,
        """
        o=$(lvs --noheadings -o lv_name -S "$2" -- "$1") || exit 1
        if [ -z "$o" ]; then
          echo "$1 $3" >&2
          exit 1
        fi
        """,
        $"{volumeGroup}/{name}", selection, otherwise) with
    { Display = $"lvs -S {ShellQuote.Word(selection)} {volumeGroup}/{name}   # or it ends here" };

    /// <summary>Removes the volume of that name if it is still that one. LVM refuses what is open, and takes snapshots of it along.</summary>
    public static ToolCall RemoveThat(string volumeGroup, string name, string uuid) => Remove(volumeGroup, name, selection: $"lv_uuid=\"{uuid}\"");

    // lvremove takes the volume's node away before it finds that it cannot write (lvm2 2.03.16, /etc full): what stays is to be used as before.
    private static ToolCall Remove(string volumeGroup, string name, string selection) => ToolCall.Script(
        "lvremove",
        """
        node=
        if [ -e "/dev/$2" ]; then node=1; fi
        lvremove --yes -S "$1" -- "$2" && exit 0
        code=$?
        if [ -n "$node" ] && [ ! -e "/dev/$2" ]; then lvchange -ay -S "$1" -- "$2" >&2; fi
        exit "$code"
        """,
        selection, $"{volumeGroup}/{name}") with
    { Display = ShellQuote.Line(["lvremove", "--yes", "-S", selection, $"{volumeGroup}/{name}"]), Mutating = true, Stop = StopPolicy.LetFinish };

    /// <summary>Makes a volume larger; its file system is not touched.</summary>
    public static ToolCall Extend(string volumeGroup, string name, long bytes) =>
        new("lvextend", "-L", bytes.ToString(CultureInfo.InvariantCulture) + "b", $"{volumeGroup}/{name}") { Mutating = true, Stop = StopPolicy.LetFinish };

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

    /// <summary>Of what has no such percentage the field is empty.</summary>
    private static double Percent(JsonElement row, string field) =>
        Text(row, field) is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : 0;

    private static long Bytes(JsonElement row, string field) =>
        long.Parse(Text(row, field), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
}
