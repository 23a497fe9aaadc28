namespace VirtSecurity.Tests.Domain.Model;

/// <summary>A file or directory. The mode is octal digits as chmod and stat write them.</summary>
internal sealed class ModelInode
{
    public required char Type { get; init; }
    public required string Mode { get; set; }
    public required string Label { get; set; }
    public required long Number { get; init; }
    public int Owner { get; set; }
    public string Group { get; set; } = "root";
    public bool Immutable { get; set; }

    /// <summary>What is in a file; null: nothing that any test looks at.</summary>
    public string? Content { get; set; }

    /// <summary>Seconds since 1970 of the last write to it.</summary>
    public long Written { get; set; } = 1_700_000_000;

    public bool IsDirectory => Type == 'd';

    public override string ToString() => $"{Type} {Mode} {Owner}:{Group} {(Immutable ? "immutable " : "")}{Label}{(Content is null ? "" : $" '{Content}' of {Written}")}";
}

/// <summary>A file system's inodes by path; the root's path is empty, all others begin with a slash.</summary>
internal sealed class ModelFileSystem(string type, string uuid, int major, int minor)
{
    private static long lastNumber = 1;

    public SortedDictionary<string, ModelInode> Inodes { get; } = new(StringComparer.Ordinal);

    public string Type => type;
    public string Uuid => uuid;
    public long Size { get; set; }
    public string Device => $"{major}:{minor}";

    /// <summary>st_dev as find and stat print it: glibc's makedev for small numbers.</summary>
    public int DeviceNumber => (major << 8) + minor;

    public ModelInode Add(string path, char fileType, string mode, string label, int owner = 0)
    {
        var inode = new ModelInode { Type = fileType, Mode = mode, Label = label, Number = Interlocked.Increment(ref lastNumber), Owner = owner };
        Inodes.Add(path, inode);
        return inode;
    }

    public bool IsEmpty(string path) => !Inodes.Keys.Any(other => other.StartsWith(path + "/", StringComparison.Ordinal));
}
