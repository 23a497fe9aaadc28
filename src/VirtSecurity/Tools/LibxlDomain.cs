using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A guest that xl runs, as libxl keeps it in /var/lib/xen: what <c>xl create -n</c> prints of a configuration.</summary>
/// <param name="Name">The guest's name.</param>
/// <param name="Images">The images it uses.</param>
internal sealed record LibxlDomain(string Name, IReadOnlyList<ImageUse> Images)
{
    private static readonly (string Key, ImageRole Role)[] Files =
    [
        ("kernel", ImageRole.Kernel), ("ramdisk", ImageRole.Initrd), ("device_tree", ImageRole.DeviceTree), ("firmware", ImageRole.Firmware), ("system_firmware", ImageRole.Firmware),
    ];

    /// <summary>Reads it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static LibxlDomain Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(HostText.Encode(text));
            var root = document.RootElement;
            var name = Text(Child(root, "c_info"), "name") ?? throw new FormatException("it has no name");
            var disks = Child(root, "disks") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Select(Disk).OfType<ImageUse>() : [];
            var files = Files.Select(file => (Path: Text(Child(root, "b_info"), file.Key), file.Role)).Where(file => file.Path?.StartsWith('/') == true)
                .Select(file => new ImageUse(file.Path!, file.Role, null) { IsReadOnly = true });
            return new LibxlDomain(name, [.. disks, .. files]);
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)   // the second: half a surrogate pair, escaped
        {
            throw new FormatException(problem.Message, problem);
        }
    }

    private static ImageUse? Disk(JsonElement disk)
    {
        if (Text(disk, "pdev_path") is not { Length: > 0 } path || Text(disk, "script") is not null) return null;
        var isCdRom = IsTrue(disk, "is_cdrom");
        return new ImageUse(path.StartsWith('/') ? path : "/dev/" + path, isCdRom ? ImageRole.CdRom : ImageRole.Disk, Text(disk, "format"))
        {
            IsReadOnly = isCdRom || !IsTrue(disk, "readwrite"),
        };
    }

    private static JsonElement? Child(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(name, out var child) ? child : null;

    private static string? Text(JsonElement? parent, string name) => Child(parent, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static bool IsTrue(JsonElement parent, string name) =>
        Child(parent, name) is { } value && (value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.Number && value.GetDouble() != 0));
}
