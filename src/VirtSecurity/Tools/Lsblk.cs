using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A block device, and what udev knows of its contents.</summary>
/// <param name="Device">major:minor.</param>
/// <param name="Path">Its node; of device-mapper's, the name below /dev/mapper.</param>
/// <param name="Size">Bytes.</param>
/// <param name="FileSystem">Null: nothing recognised.</param>
/// <param name="Uuid">Null: nothing recognised.</param>
internal sealed record BlockDeviceFact(string Device, string Path, long Size, string? FileSystem, string? Uuid);

/// <summary>lsblk(8), which reads udev's database: no device is opened, no guest's data is probed.</summary>
internal static class Lsblk
{
    /// <summary>All block devices.</summary>
    public static ToolCall All() => new("lsblk", "--json", "--list", "--bytes", "--output", "MAJ:MIN,PATH,SIZE,FSTYPE,UUID");

    /// <summary>Reads <see cref="All"/>.</summary>
    public static IReadOnlyList<BlockDeviceFact> ReadAll(ToolResult result)
    {
        using var report = JsonDocument.Parse(result.StdoutBytes);
        return [.. report.RootElement.GetProperty("blockdevices").EnumerateArray().Select(device => new BlockDeviceFact(
            device.GetProperty("maj:min").GetString()!.Trim(),
            device.GetProperty("path").GetString()!,
            device.GetProperty("size").GetInt64(),
            device.GetProperty("fstype").GetString(),
            device.GetProperty("uuid").GetString()))];
    }
}
