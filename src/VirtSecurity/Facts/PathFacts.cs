using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>The inodes of a path and of every directory above it.</summary>
internal sealed record PathFacts(string Path, IReadOnlyDictionary<string, PathFact> Inodes)
{
    private const UnixFileMode ForeignWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>The path's own inode; null: it does not exist.</summary>
    public PathFact? Self => Inodes.GetValueOrDefault(Path);

    /// <summary>The directories above it that are missing, from the top down.</summary>
    public IReadOnlyList<string> MissingParents => [.. Parents.Where(parent => !Inodes.ContainsKey(parent))];

    /// <summary>The directories above it that exist and that nobody but root may search: a guest's QEMU could not pass.</summary>
    public IReadOnlyList<PathFact> ClosedParents =>
        [.. Parents.Select(parent => Inodes.GetValueOrDefault(parent)).OfType<PathFact>().Where(parent => !parent.Mode.HasFlag(UnixFileMode.OtherExecute))];

    private IEnumerable<string> Parents => HostPath.Chain(Path).Where(parent => parent != Path);

    /// <summary>Adds the question for any number of paths to a batch, as one.</summary>
    public static Func<string, PathFacts> Ask(FactBatch batch, IEnumerable<string> paths)
    {
        var inodes = batch.Ask(Coreutils.Stat(paths.SelectMany(HostPath.Chain).ToHashSet()), result => Coreutils.ReadStat(result).ToDictionary(inode => inode.Path));
        return path => new PathFacts(path, HostPath.Chain(path).Select(part => inodes.Value.GetValueOrDefault(part)).OfType<PathFact>().ToDictionary(inode => inode.Path));
    }

    /// <summary>
    /// Every directory above is a directory of root's that nobody else may write to, and no symlink: otherwise what we make
    /// or label there could be exchanged under our hands.
    /// </summary>
    /// <exception cref="VirtException">UnsafeParent, with the directory and the reason.</exception>
    public void RequireSafeParents()
    {
        foreach (var parent in Parents.Select(parent => Inodes.GetValueOrDefault(parent)).OfType<PathFact>())
        {
            var reason = parent switch
            {
                { FileType: 'l' } => "is a symbolic link",
                { IsDirectory: false } => "is not a directory",
                { Owner: not 0 } => $"belongs to user {parent.Owner}, not to root",
                _ when (parent.Mode & ForeignWrite) != 0 => $"can be written to by others than root (mode {Coreutils.Octal(parent.Mode)})",
                _ => null,
            };
            if (reason is not null) throw new VirtException("UnsafeParent", Path, parent.Path, reason);
        }
    }
}
