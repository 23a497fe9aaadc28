using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>udev's other names of devices: the symbolic links below /dev, link to node.</summary>
internal sealed class DeviceLinks(IReadOnlyDictionary<string, string> targets)
{
    /// <summary>A link of udev's points at a node; more steps than these are a circle somebody made.</summary>
    private const int MostSteps = 8;

    /// <summary>Asks for all of them but those of character devices; devices may come and go meanwhile.</summary>
    public static ToolCall Find() =>
        new("find", "/dev", "-xdev", "-ignore_readdir_race", "-path", "/dev/char", "-prune", "-o", "-type", "l", "-printf", @"%p\0%l\0");

    /// <summary>Reads <see cref="Find"/>.</summary>
    public static DeviceLinks Read(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return new(Enumerable.Range(0, fields.Length / 2).Select(i => (Link: fields[2 * i], Target: fields[2 * i + 1])).DistinctBy(entry => entry.Link).ToDictionary(
            entry => entry.Link, entry => Path.GetFullPath(entry.Target, Path.GetDirectoryName(entry.Link)!)));
    }

    /// <summary>What a node is called in one of udev's directories; null: it has no link there.</summary>
    public string? NameOf(string node, string directory) =>
        targets.Where(entry => entry.Value == node && entry.Key.StartsWith(directory, StringComparison.Ordinal)).Select(entry => entry.Key[directory.Length..]).Order(StringComparer.Ordinal).FirstOrDefault();

    /// <summary>The node a path names; the path itself where it is no link.</summary>
    public string Resolve(string path)
    {
        for (var step = 0; step < MostSteps && targets.TryGetValue(path, out var target); step++) path = target;
        return path;
    }
}
