namespace VirtSecurity.Tools;

/// <summary>A storage pool of libvirt's.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">dir, fs, netfs, logical, disk, iscsi ...</param>
/// <param name="Target">The directory in which its volumes appear, without a trailing slash; null: it has none, as a pool on the network.</param>
internal sealed record StoragePool(string Name, string Type, string? Target)
{
    /// <summary>Of a logical pool the volume group.</summary>
    public string? VolumeGroup { get; init; }

    /// <summary>Of a disk pool the disk.</summary>
    public string? Disk { get; init; }

    /// <summary>The path of a volume; null: it has none on this host.</summary>
    public string? PathOf(string volume) => Target is null || volume.Contains('/', StringComparison.Ordinal) ? null : $"{Target}/{volume}";
}

/// <summary>https://libvirt.org/formatstorage.html.</summary>
internal static class StoragePools
{
    /// <summary>Reads a definition.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static StoragePool Parse(string text)
    {
        var pool = DomainXml.Load(text).DescendantsAndSelf("pool").FirstOrDefault() ?? throw new FormatException("it has no pool");
        var name = pool.Element("name")?.Value ?? throw new FormatException("its pool has no name");
        var source = pool.Element("source");
        var type = (string?)pool.Attribute("type") ?? "";
        return new StoragePool(name, type, pool.Element("target")?.Element("path")?.Value.TrimEnd('/'))
        {
            VolumeGroup = type == "logical" ? source?.Element("name")?.Value ?? name : null,
            Disk = type == "disk" ? (string?)source?.Element("device")?.Attribute("path") : null,
        };
    }
}
