using System.Globalization;
using System.Text;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Model;

internal sealed record ModelThinPool(string Group, string Name, long Size, double Data = 0, double Metadata = 11.04, string Health = "", bool Zeroes = true);

/// <summary>Partitions and what is on them, thin pools, and what udev does with a volume's node.</summary>
internal sealed partial class ModelMachine
{
    public List<ModelThinPool> ThinPools { get; } = [];

    /// <summary>Files in /etc/udev/rules.d.</summary>
    public SortedDictionary<string, string> UdevRules { get; } = new(StringComparer.Ordinal);

    /// <summary>mkfs stops in the middle: what it has written is no file system yet.</summary>
    public bool TearsFileSystems { get; set; }

    /// <summary>A partition with nothing on it, and nobody who uses it.</summary>
    public ModelVolume AddEmptyPartition(string node)
    {
        var volume = new ModelVolume { Group = "", Name = "", Size = 4L << 30, Tags = [], Minor = 32 + node[^1] - '0', Partition = node };
        Partitions.Add(volume);
        return volume;
    }

    public static string PartUuid(ModelVolume partition) => $"fc96cdf3-1eb4-e543-b2c1-ec253ce56be{partition.Node[^1]}";

    private static string DeviceState(ModelVolume volume) =>
        $"{volume.Node} {volume.NodeMode} {volume.NodeLabel} {(volume.IsZeroed ? "zeroed " : "")}{volume.Pool} {volume.Mark} {string.Join(", ", volume.Contents)}";

    private Said LookAtDevice(string path)
    {
        if (Look(path) is { } inode) return Said.Text($"node {path}\nkind {(inode.IsDirectory ? "directory" : "regular file")}\n");
        if (PartitionOf(path) is not { } partition) return Said.Text("kind none\n");
        var said = new StringBuilder($"node {partition.Node}\nkind block special file\nnumber {DeviceMapperMajor}:{partition.Minor}\nsize {partition.Size.ToString(CultureInfo.InvariantCulture)}\n");
        said.Append(CultureInfo.InvariantCulture, $"readonly {(partition.IsReadOnly ? 1 : 0)}\ndisk /dev/vdc\npartuuid {PartUuid(partition)}\nlink /dev/disk/by-id/virtio-lab-part{partition.Node[^1]}\n");
        foreach (var finding in Judge(partition, null)) said.Append(finding).Append('\n');
        return Said.Text(said.ToString());
    }

    private ModelVolume? PartitionOf(string path) =>
        Partitions.Find(partition => partition.Node == path || $"/dev/disk/by-id/virtio-lab-part{partition.Node[^1]}" == path);

    /// <summary>The findings of the guard, use before content.</summary>
    private IReadOnlyList<string> Judge(ModelVolume partition, string? uuid)
    {
        string[] uses = [.. Mounts.Where(mount => mount.FileSystem == partition.FileSystem).Select(mount => $"use it is mounted at {mount.Point}"), .. partition.Uses.Select(use => "use " + use)];
        if (uses.Length > 0) return uses;
        if (uuid is not null && partition.Mark == uuid) return [];
        string[] signature = partition.FileSystem is { } files ? [$"content UUID {files.Uuid} {files.Type}", "content bytes other than zero in its first MiB"] : [];
        return [.. signature, .. partition.Contents.Select(content => "content " + content), .. partition.Unreadable.Select(words => "unreadable " + words)];
    }

    private Said MakeOnDevice(string[] identity, string expected, string uuid, string[] mkfs)
    {
        if (Locked(identity, out var partition) is { } refusal) return refusal;
        var found = Judge(partition, uuid);
        if (found.Any(finding => finding.StartsWith("use ", StringComparison.Ordinal))) return Said.Failure(73, string.Join('\n', found));
        if (found.Any(finding => finding.StartsWith("unreadable ", StringComparison.Ordinal))) return Said.Failure(74, string.Join('\n', found));
        if (partition.Mark != uuid && string.Join('\n', found) != expected) return Said.Failure(65, string.Join('\n', found));
        if (expected.Length == 0) partition.Mark = uuid;
        partition.Contents.Clear();
        partition.FileSystem = null;
        if (TearsFileSystems)
        {
            partition.Contents.Add("bytes other than zero in its first MiB");
            return Said.Failure(70, "exit code 1");
        }

        var type = mkfs switch
        {
            ["mke2fs", "-q", "-t", var name, "-E", "nodiscard", "-U", var id, var node] when id == uuid && node == partition.Node => name,
            ["mkfs.xfs", "-q", "-K", "-m", var id, var node] when id == $"uuid={uuid}" && node == partition.Node => "xfs",
            _ => throw Unknown(mkfs),
        };
        MakeFileSystem(partition, type, uuid);
        partition.Mark = null;
        return Said.Nothing;
    }

    private Said UnmakeOnDevice(string[] identity, string uuid)
    {
        if (Locked(identity, out var partition) is { } refusal) return refusal;
        if (partition.FileSystem?.Uuid != uuid && partition.Mark != uuid) return Said.Nothing;
        if (Judge(partition, uuid) is [var use, ..] && use.StartsWith("use ", StringComparison.Ordinal)) return Said.Failure(73, use);
        partition.FileSystem = null;
        partition.Mark = null;
        partition.Contents.Clear();
        return Said.Nothing;
    }

    private Said IsMadeOnDevice(string[] identity, string uuid)
    {
        if (Locked(identity, out var partition) is not null) return Said.Failure(3, $"{identity[0]} is gone\n");
        return partition.FileSystem?.Uuid == uuid || partition.Mark == uuid ? Said.Text(uuid + "\n") : Said.Nothing;
    }

    private Said? Locked(string[] identity, out ModelVolume partition)
    {
        partition = Partitions.Find(other => other.Node == identity[0])!;
        if (partition is null) return Said.Failure(66, $"{identity[0]} is gone\n");
        var isSame = identity[1] == $"{DeviceMapperMajor}:{partition.Minor}" && identity[2] == partition.Size.ToString(CultureInfo.InvariantCulture);
        return isSame ? null : Said.Failure(66, $"{identity[0]} is another device now\n");
    }

    private Said AddTag(string tag, string path)
    {
        if (Volumes.Find(volume => $"{volume.Group}/{volume.Name}" == path) is not { } volume) return Said.Failure(5, $"  Failed to find logical volume \"{path}\"\n");
        volume.Tags = [.. volume.Tags, tag];
        return Said.Nothing;
    }

    private Said CreateThin(string group, string name, string size, string pool, IReadOnlyList<string> tags)
    {
        if (!ThinPools.Exists(other => other.Group == group && other.Name == pool)) return Said.Failure(5, $"  Thin pool {group}/{pool} not found.\n");
        if (Volumes.Exists(volume => volume.Group == group && volume.Name == name)) return Said.Failure(5, $"  Logical Volume \"{name}\" already exists in volume group \"{group}\"\n");
        AddVolume(group, name, long.Parse(size.TrimEnd('b'), CultureInfo.InvariantCulture), tags).Pool = pool;
        return Said.Text($"  Logical volume \"{name}\" created.\n");
    }

    private Said ThinReport(string fields)
    {
        var pools = ThinPools.Select(pool => (pool.Group, pool.Name, pool.Size, Layout: "thin,pool", Pool: "", Data: Two(pool.Data), Metadata: Two(pool.Metadata), pool.Health, pool.Zeroes));
        var thin = Volumes.Where(volume => volume.Pool is not null).Select(volume => (volume.Group, volume.Name, volume.Size, Layout: "thin,sparse", Pool: volume.Pool!, Data: "0.00", Metadata: "", Health: "", Zeroes: true));
        return Report("lv", fields, pools.Concat(thin), (row, field) => field switch
        {
            "vg_name" => row.Group,
            "lv_name" => row.Name,
            "lv_size" => row.Size.ToString(CultureInfo.InvariantCulture),
            "lv_layout" => row.Layout,
            "pool_lv" => row.Pool,
            "data_percent" => row.Data,
            "metadata_percent" => row.Metadata,
            "lv_health_status" => row.Health,
            "zero" => row.Zeroes ? "zero" : "",
            _ => throw Unknown(["lvs", field]),
        });

        static string Two(double percent) => percent.ToString("0.00", CultureInfo.InvariantCulture);
    }

    private Said BlockNodes() => Said.Text(
        string.Concat(Volumes.Select(volume => $"/dev/block/{DeviceMapperMajor}:{volume.Minor}\0{volume.NodeMode}\0{volume.NodeLabel}\0")) + "\0"
        + string.Concat(UdevRules.SelectMany(rule => rule.Value.TrimEnd('\n').Split('\n').Select(line => $"{rule.Key}:{line}\n"))));

    private Said LabelNode(string device, string before, string label)
    {
        if (Volumes.Find(volume => volume.Node == device) is not { } volume) return Said.Failure(1, $"stat: cannot statx '{device}': No such file or directory\n");
        if (volume.NodeLabel != before && volume.NodeLabel != label) return Said.Failure(1, $"{device} is labelled {volume.NodeLabel} now\n");
        volume.NodeLabel = label;
        return Said.Nothing;
    }

    private Said WriteUdevRule(string path, string device, byte[] rule)
    {
        UdevRules[path] = Encoding.UTF8.GetString(rule);
        if (Volumes.Find(volume => volume.Node == device) is { } volume) ApplyUdevRules(volume);
        return Said.Nothing;
    }

    private Said RemoveUdevRule(string path, string device, string mode, string label, byte[] rule)
    {
        if (!UdevRules.TryGetValue(path, out var text) || text != Encoding.UTF8.GetString(rule)) return Said.Nothing;
        UdevRules.Remove(path);
        if (mode.Length == 0 || Volumes.Find(volume => volume.Node == device) is not { } volume) return Said.Nothing;
        (volume.NodeMode, volume.NodeLabel) = (mode.TrimStart('0'), label);
        return Said.Nothing;
    }

    /// <summary>As udev does where a rule's mode differs from the node's.</summary>
    private void ApplyUdevRules(ModelVolume volume)
    {
        var rule = UdevRules.Values.FirstOrDefault(text => text.Contains($"ENV{{DM_VG_NAME}}==\"{volume.Group}\", ENV{{DM_LV_NAME}}==\"{volume.Name}\", MODE=\"0600\"", StringComparison.Ordinal));
        if (rule is null) return;
        var start = rule.IndexOf("SECLABEL{selinux}=\"", StringComparison.Ordinal) + "SECLABEL{selinux}=\"".Length;
        (volume.NodeMode, volume.NodeLabel) = ("600", rule[start..rule.IndexOf('"', start)]);
    }
}
