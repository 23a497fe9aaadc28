using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>The name of a backing file, as QEMU understands it (qemu-block-drivers(7)): a path, a protocol and its address, or <c>json:</c>.</summary>
internal static class ImageName
{
    private const string Json = "json:";

    /// <summary>Protocols that lead to a path of the host.</summary>
    private static readonly string[] Local = ["file", "host_device", "host_cdrom"];

    /// <summary>Protocols, and formats, below which a json: name has another layer with the file.</summary>
    private const int MostLayers = 8;

    /// <summary>The path of the host it leads to, absolute but perhaps with <c>..</c> in it; null: to none, as on the network.</summary>
    /// <param name="name">As the header has it.</param>
    /// <param name="parent">The path by which the image with that header was opened: relative names are relative to its directory.</param>
    /// <param name="format">The format that a json: name declares; otherwise null.</param>
    /// <exception cref="FormatException">It is a json: name, and not understood.</exception>
    public static string? PathOf(string name, string parent, out string? format)
    {
        // In json: a relative name is relative to QEMU's own directory, and libvirt's QEMU works in the root.
        if (name.StartsWith(Json, StringComparison.Ordinal)) return OfJson(name[Json.Length..], out format) is { Length: > 0 } given ? Absolute(given, "/") : null;
        format = null;
        // What has a colon before its first slash begins with a protocol.
        var (colon, slash) = (name.IndexOf(':', StringComparison.Ordinal), name.IndexOf('/', StringComparison.Ordinal));
        if (colon < 0 || (slash >= 0 && slash < colon)) return name.Length == 0 ? null : Absolute(name, parent);
        return Local.Contains(name[..colon]) && colon + 1 < name.Length ? Absolute(name[(colon + 1)..], parent) : null;
    }

    /// <summary>A path without <c>.</c>, <c>..</c> and doubled slashes, as far as that can be told from its text: links may lead elsewhere.</summary>
    public static string Canonical(string path)
    {
        var names = new List<string>();
        foreach (var name in path.Split('/'))
        {
            if (name == ".." && names.Count > 0) names.RemoveAt(names.Count - 1);
            else if (name is not ("" or "." or "..")) names.Add(name);
        }

        return "/" + string.Join('/', names);
    }

    private static string Absolute(string path, string parent) => path.StartsWith('/') ? path : parent[..(parent.LastIndexOf('/') + 1)] + path;

    private static string? OfJson(string text, out string? format)
    {
        format = null;
        try
        {
            using var document = JsonDocument.Parse(HostText.Encode(text));
            var layer = document.RootElement;
            for (var depth = 0; depth < MostLayers && layer.ValueKind == JsonValueKind.Object; depth++)
            {
                var driver = TextOf(layer, "driver");
                if (driver is not null && !Local.Contains(driver)) format ??= driver;
                // Either nested, or with dotted names.
                if (TextOf(layer, "filename") is { } own && driver is null or "file" or "host_device" or "host_cdrom") return own;
                var (below, prefix) = layer.TryGetProperty("file", out var file) ? (file, "") : (layer, "file.");
                if (prefix.Length == 0)
                {
                    if (below.ValueKind == JsonValueKind.String) return null;   // a node of the guest's own, by its name
                    layer = below;
                    continue;
                }

                return Local.Contains(TextOf(layer, "file.driver") ?? "file") ? TextOf(layer, "file.filename") : null;
            }

            return null;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)   // the second: half a surrogate pair, escaped
        {
            throw new FormatException("its json: name is not understood: " + problem.Message, problem);
        }
    }

    private static string? TextOf(JsonElement layer, string name) => layer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
