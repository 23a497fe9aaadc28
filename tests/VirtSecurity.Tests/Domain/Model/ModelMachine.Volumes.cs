using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace VirtSecurity.Tests.Domain.Model;

internal sealed record ModelGroup(string Name, long ExtentSize, long Extents);

internal sealed class ModelVolume
{
    public required string Group { get; init; }
    public required string Name { get; init; }
    public required long Size { get; set; }
    public string Uuid { get; } = Guid.NewGuid().ToString();
    public string Origin { get; set; } = "";
    public required IReadOnlyList<string> Tags { get; set; }
    public required int Minor { get; init; }
    public ModelFileSystem? FileSystem { get; set; }

    /// <summary>Its node, where it is no logical volume but a partition.</summary>
    public string? Partition { get; init; }

    /// <summary>Its thin pool; null: none.</summary>
    public string? Pool { get; set; }

    /// <summary>Permission bits and label of its node.</summary>
    public string NodeMode { get; set; } = "660";
    public string NodeLabel { get; set; } = "system_u:object_r:fixed_disk_device_t:s0";

    /// <summary>All of it has been overwritten with zeros.</summary>
    public bool IsZeroed { get; set; }

    /// <summary>What the guard finds on it besides its file system, who uses it, and what cannot be read.</summary>
    public List<string> Contents { get; } = [];
    public List<string> Uses { get; } = [];
    public List<string> Unreadable { get; } = [];
    public bool IsReadOnly { get; init; }

    /// <summary>The sign of a run that is making a file system.</summary>
    public string? Mark { get; set; }

    public string Node => Partition ?? $"/dev/{Group}/{Name}";
    public string MapperNode => Partition ?? $"/dev/mapper/{Group.Replace("-", "--", StringComparison.Ordinal)}-{Name.Replace("-", "--", StringComparison.Ordinal)}";
}

/// <summary>LVM, mkfs and lsblk.</summary>
internal sealed partial class ModelMachine
{
    public const int DeviceMapperMajor = 254;

    public Dictionary<string, ModelGroup> Groups { get; } = new() { ["volumegroup"] = new("volumegroup", 4 << 20, 10_000) };

    public List<ModelVolume> Volumes { get; } = [];

    public List<ModelVolume> Partitions { get; } = [];

    /// <summary>A volume as lvcreate makes it, with a file system where a type is given.</summary>
    public ModelVolume AddVolume(string group, string name, long bytes, IReadOnlyList<string> tags, string? fileSystem = null)
    {
        var extent = Groups[group].ExtentSize;
        var minor = Enumerable.Range(0, int.MaxValue).First(number => !Volumes.Exists(volume => volume.Minor == number));
        var volume = new ModelVolume { Group = group, Name = name, Size = (bytes + extent - 1) / extent * extent, Tags = tags, Minor = minor };
        Volumes.Add(volume);
        ApplyUdevRules(volume);
        if (fileSystem is not null) MakeFileSystem(volume, fileSystem, Guid.NewGuid().ToString());
        return volume;
    }

    /// <summary>A partition with a file system.</summary>
    public ModelVolume AddPartition(string node, string fileSystem)
    {
        var volume = new ModelVolume { Group = "", Name = "", Size = 4L << 30, Tags = [], Minor = 33, Partition = node };
        MakeFileSystem(volume, fileSystem, Guid.NewGuid().ToString());
        Partitions.Add(volume);
        return volume;
    }

    private long Free(ModelGroup group) =>
        group.Extents * group.ExtentSize - Volumes.Where(volume => volume.Group == group.Name && volume.Pool is null).Sum(volume => volume.Size);

    private Said Volume(string[] argv) => argv switch
    {
        ["vgs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o", var fields] => Report("vg", fields, Groups.Values, GroupField),
        ["lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o", var fields] => Report("lv", fields, Volumes, VolumeField),
        ["lvs", "--noheadings", "-o", "lv_name", "-S", var selection] => Said.Text(string.Concat(Volumes.Where(volume => Selects(selection, volume)).Select(volume => $"  {volume.Name}\n"))),
        ["lvcreate", "--yes", "-W", "y", "-n", var name, "-L", var size, "--addtag", var first, "--addtag", var second, var group] => Create(group, name, size, [first, second]),
        ["lvcreate", "--yes", "-W", "y", "-n", var name, "-V", var size, "--thinpool", var pool, "--addtag", var first, "--addtag", var second, var group] => CreateThin(group, name, size, pool, [first, second]),
        ["lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o", var fields, "-S", "lv_layout=thin"] => ThinReport(fields),
        ["lvchange", "--addtag", var tag, var path] => AddTag(tag, path),
        ["mke2fs", "-q", "-t", var type, "-U", var uuid, var device] => MakeFileSystem(device, type, uuid),
        ["mkfs.xfs", "-q", "-m", var uuid, var device] => MakeFileSystem(device, "xfs", uuid["uuid=".Length..]),
        ["lsblk", "--json", "--list", "--bytes", "--output", "MAJ:MIN,PATH,SIZE,FSTYPE,UUID"] => BlockDevices(),
        _ => throw Unknown(argv),
    };

    private Said Create(string groupName, string name, string size, IReadOnlyList<string> tags)
    {
        if (!Groups.TryGetValue(groupName, out var group)) return Said.Failure(5, $"  Volume group \"{groupName}\" not found\n");
        if (Volumes.Exists(volume => volume.Group == groupName && volume.Name == name))
            return Said.Failure(5, $"  Logical Volume \"{name}\" already exists in volume group \"{groupName}\"\n");
        var bytes = long.Parse(size.TrimEnd('b'), CultureInfo.InvariantCulture);
        if (bytes > Free(group)) return Said.Failure(5, $"  Volume group \"{groupName}\" has insufficient free space\n");
        AddVolume(groupName, name, bytes, tags);
        return Said.Text($"  Logical volume \"{name}\" created.\n");
    }

    private Said Remove(string path, string selection)
    {
        if (Volumes.Find(volume => $"{volume.Group}/{volume.Name}" == path) is not { } volume)
            return Said.Failure(5, $"  Failed to find logical volume \"{path}\"\n");
        if (!Selects(selection, volume)) return Said.Nothing;
        if (Mounts.Exists(mount => mount.FileSystem == volume.FileSystem)) return Said.Failure(5, $"  Logical volume {path} contains a filesystem in use.\n");
        Volumes.Remove(volume);
        return Said.Text($"  Logical volume \"{volume.Name}\" successfully removed.\n");
    }

    private Said MakeFileSystem(string device, string type, string uuid)
    {
        if (Volumes.Find(volume => volume.Node == device) is not { } volume) return Said.Failure(1, $"The file {device} does not exist and no size was specified.\n");
        if (Mounts.Exists(mount => mount.FileSystem == volume.FileSystem)) return Said.Failure(1, $"{device} is mounted; will not make a filesystem here!\n");
        MakeFileSystem(volume, type, uuid);
        return Said.Nothing;
    }

    private Said IsMade(string device, string uuid) => Volumes.Find(volume => volume.Node == device)?.FileSystem switch
    {
        null => Said.Failure(1, ""),
        var files when files.Uuid == uuid => Said.Text(uuid + "\n"),
        var files => Said.Failure(3, $"{device} holds something else (UUID '{files.Uuid}')\n"),
    };

    private static void MakeFileSystem(ModelVolume volume, string type, string uuid)
    {
        var files = new ModelFileSystem(type, uuid, DeviceMapperMajor, volume.Minor) { Size = volume.Size };
        files.Add("", 'd', "755", Unlabelled);
        if (type != "xfs") files.Add("/lost+found", 'd', "700", Unlabelled);
        volume.FileSystem = files;
    }

    private Said BlockDevices()
    {
        var devices = Volumes.Concat(Partitions).Select(volume => ($"{DeviceMapperMajor}:{volume.Minor}", volume.MapperNode, volume.Size, volume.FileSystem?.Type, volume.FileSystem?.Uuid))
            .Prepend(("8:1", "/dev/vda1", 8L << 30, "ext4", Root.Uuid));
        var rows = devices.Select(device => $$"""
                  {
                     "maj:min": {{Json(device.Item1)}},
                     "path": {{Json(device.Item2)}},
                     "size": {{device.Item3}},
                     "fstype": {{Json(device.Item4)}},
                     "uuid": {{Json(device.Item5)}}
                  }
            """.Trim());
        return Said.Text($"{{\n   \"blockdevices\": [\n      {string.Join(',', rows)}\n   ]\n}}\n");
    }

    private static Said Report<T>(string kind, string fields, IEnumerable<T> items, Func<T, string, string> value)
    {
        var rows = items.Select(item => "                  {" + string.Join(", ", fields.Split(',').Select(field => $"{Json(field)}:{Json(value(item, field))}")) + "}");
        return Said.Text($$"""
              {
                  "report": [
                      {
                          "{{kind}}": [
            {{string.Join(",\n", rows)}}
                          ]
                      }
                  ]
              }

            """);
    }

    private string GroupField(ModelGroup group, string field) => field switch
    {
        "vg_name" => group.Name,
        "vg_extent_size" => group.ExtentSize.ToString(CultureInfo.InvariantCulture),
        "vg_free" => Free(group).ToString(CultureInfo.InvariantCulture),
        _ => throw Unknown(["vgs", field]),
    };

    private string VolumeField(ModelVolume volume, string field) => field switch
    {
        "vg_name" => volume.Group,
        "lv_name" => volume.Name,
        "lv_size" => volume.Size.ToString(CultureInfo.InvariantCulture),
        "lv_tags" => string.Join(',', volume.Tags),
        "lv_uuid" => volume.Uuid,
        "origin" => volume.Origin,
        "pool_lv" => volume.Pool ?? "",
        "lv_kernel_major" => DeviceMapperMajor.ToString(CultureInfo.InvariantCulture),
        "lv_kernel_minor" => volume.Minor.ToString(CultureInfo.InvariantCulture),
        _ => throw Unknown(["lvs", field]),
    };

    private bool Selects(string selection, ModelVolume volume) => Criterion().Matches(selection).All(criterion => (criterion.Groups[1].Value, criterion.Groups[2].Value) switch
    {
        ("vg_name=", var name) => volume.Group == name,
        ("lv_name=", var name) => volume.Name == name,
        ("lv_tags=", var tag) => volume.Tags.Contains(tag),
        ("lv_tags!=", var tag) => !volume.Tags.Contains(tag),
        ("lv_uuid=", var uuid) => volume.Uuid == uuid,
        ("lv_size>=", var size) => volume.Size >= long.Parse(size.TrimEnd('b'), CultureInfo.InvariantCulture),
        ("lv_device_open=", "0") => !IsMounted(volume),
        var (field, value) => throw Unknown(["-S", field, value]),
    });

    private static string Json(string? text) => JsonSerializer.Serialize(text);

    [GeneratedRegex("([a-z_]+[!>]?=)\\{?\"?([^\" }]*)\"?\\}?")]
    private static partial Regex Criterion();
}
