using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A block device, as the kernel shows it.</summary>
/// <param name="Number">major:minor.</param>
/// <param name="Name">Its name in /sys/class/block.</param>
/// <param name="Disk">Of a partition, the name of the disk that it is of; null: it is no partition.</param>
/// <param name="MapperName">Of device-mapper's, the name below /dev/mapper; null: it is none of them.</param>
/// <param name="MapperUuid">Of device-mapper's, who made it: <c>LVM-</c>, <c>part1-</c>, <c>CRYPT-</c>, <c>mpath-</c> ...; null: not told.</param>
/// <param name="Holders">The names of the devices made of it.</param>
/// <param name="Files">The files that it shows: a loop device's, or what the server of a network block device has open.</param>
internal sealed record BlockDevice(string Number, string Name, string? Disk, string? MapperName, string? MapperUuid, IReadOnlyList<string> Holders, IReadOnlyList<string> Files)
{
    /// <summary>What the kernel makes of something else, or nobody's disk: memory, files, networks, arrays, drives.</summary>
    private static readonly string[] NoDisks = ["loop", "nbd", "ram", "zram", "md", "drbd", "sr", "fd", "rbd", "zd", "bcache"];

    /// <summary>It is a disk as a whole, be it one of several paths to it.</summary>
    public bool IsWholeDisk => Disk is null && (MapperName is null ? !NoDisks.Any(kind => Name.StartsWith(kind, StringComparison.Ordinal)) : MapperUuid?.StartsWith("mpath-", StringComparison.Ordinal) == true);

    /// <summary>Its node, as people know it.</summary>
    public string Path => MapperName is null ? Node : "/dev/mapper/" + MapperName;

    /// <summary>The links that udev has made to its node, <c>/dev/disk/by-id/...</c> and their like.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>All names that it has below /dev.</summary>
    public IEnumerable<string> Names => Links.Prepend(Node).Prepend(Path).Distinct();

    // In sysfs a slash of the node's name is an exclamation mark.
    private string Node => "/dev/" + Name.Replace('!', '/');
}

/// <summary>/sys/class/block: devices, what they are made of and what is made of them. No device is opened.</summary>
internal static class BlockDevices
{
    // A partition's link leads through its disk. The process that serves a network block device has the file open. What links there are udev keeps by the device's number.
    private const string Script = """
        cd /sys/class/block || exit 1
        exec 2>/dev/null
        find . -maxdepth 1 -type l -printf '%f\0%l\0'
        printf '\0'
        grep -sH '' */dev */partition */dm/name */dm/uuid */loop/backing_file
        printf '%s\n' */holders/*
        (cd /run/udev/data && grep -sH '^S:' b* | sed -n 's#^b\([0-9]*:[0-9]*\):S:#@\1 /dev/#p')
        for f in nbd*/pid; do
          if read -r p <"$f"; then find "/proc/$p/fd" -type l -printf "${f%/pid}/open:%l\n"; fi
        done
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("block-devices", Script) with { Display = "grep -H '' /sys/class/block/*/dev /sys/class/block/*/dm/* /sys/class/block/*/loop/backing_file; ls /sys/class/block/*/holders" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">It is not whole.</exception>
    public static IReadOnlyList<BlockDevice> Read(ToolResult result)
    {
        var text = result.Stdout;
        // The list may be empty: then the text begins with its end.
        var end = text.StartsWith('\0') ? 0 : text.IndexOf("\0\0", StringComparison.Ordinal) + 1;
        if (end == 0 && !text.StartsWith('\0')) throw new FormatException("its end is missing");
        var links = text[..end].Split('\0', StringSplitOptions.RemoveEmptyEntries);
        if (links.Length % 2 != 0) throw new FormatException("its last record is not whole");
        var values = new Dictionary<(string Device, string Key), string>();
        var (holders, files, aliases) = (new List<(string Device, string Holder)>(), new List<(string Device, string File)>(), new List<(string Number, string Link)>());
        foreach (var line in text[(end + 1)..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // @254:1 /dev/disk/by-id/x, vda1/dev:254:1, vda1/holders/dm-0, loop0/loop/backing_file:/a/b, nbd0/open:/a/b
            if (line.StartsWith('@'))
            {
                if (line[1..].Split(' ', 2) is [var number, var link]) aliases.Add((number, link));
                continue;
            }

            if (line.Split('/', 3) is [var held, "holders", var holder])
            {
                if (holder != "*") holders.Add((held, holder));
                continue;
            }

            if (line.Split(':', 2) is not [var path, var value] || path.Split('/', 2) is not [var device, var key]) continue;
            if (key is "open" or "loop/backing_file") files.Add((device, value));
            else values[(device, key)] = value;
        }

        var (holdersOf, filesOf, linksOf) = (holders.ToLookup(pair => pair.Device, pair => pair.Holder), files.Where(pair => pair.File.StartsWith('/')).ToLookup(pair => pair.Device, pair => pair.File), aliases.ToLookup(pair => pair.Number, pair => pair.Link));
        return [.. Enumerable.Range(0, links.Length / 2).Select(i => (Name: links[2 * i], Target: links[(2 * i) + 1])).Where(link => values.ContainsKey((link.Name, "dev"))).Select(link => new BlockDevice(
            values[(link.Name, "dev")], link.Name, values.ContainsKey((link.Name, "partition")) ? link.Target.Split('/')[^2] : null,
            values.GetValueOrDefault((link.Name, "dm/name")), values.GetValueOrDefault((link.Name, "dm/uuid")), [.. holdersOf[link.Name]], [.. filesOf[link.Name]]) { Links = [.. linksOf[values[(link.Name, "dev")]]] })];
    }

    /// <summary>A device and all that is made of it: partitions, and what holds it, down to the last.</summary>
    public static IReadOnlyList<BlockDevice> WithAllAbove(IReadOnlyList<BlockDevice> devices, BlockDevice device)
    {
        var all = new List<BlockDevice> { device };
        for (var i = 0; i < all.Count; i++)
        {
            all.AddRange(devices.Where(other => (other.Disk == all[i].Name || all[i].Holders.Contains(other.Name)) && !all.Contains(other)));
        }

        return all;
    }
}
