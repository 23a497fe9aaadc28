using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What udev knows of a block device's contents. Device is major:minor; null: nothing recognised.</summary>
internal sealed record BlockDeviceFact(string Device, string? FileSystem, string? Uuid);

/// <summary>lsblk(8), which reads udev's database: no device is opened, no guest's data is probed.</summary>
internal static class Lsblk
{
    /// <summary>All block devices.</summary>
    public static ToolCall All() => new("lsblk", "--json", "--list", "--output", "MAJ:MIN,FSTYPE,UUID");

    /// <summary>Reads <see cref="All"/>.</summary>
    public static IReadOnlyList<BlockDeviceFact> ReadAll(ToolResult result)
    {
        using var report = JsonDocument.Parse(result.StdoutBytes);
        return [.. report.RootElement.GetProperty("blockdevices").EnumerateArray().Select(device => new BlockDeviceFact(
            device.GetProperty("maj:min").GetString()!.Trim(),
            device.GetProperty("fstype").GetString(),
            device.GetProperty("uuid").GetString()))];
    }
}
