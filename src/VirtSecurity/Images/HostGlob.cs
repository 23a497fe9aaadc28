using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>Wildcards in a path, expanded on the host: find lists, the names are matched here, no shell sees the pattern.</summary>
internal static class HostGlob
{
    /// <summary>The paths that match; none is no error, as for any wildcard.</summary>
    /// <param name="host">Where.</param>
    /// <param name="pattern">Absolute path with wildcards in one or more names.</param>
    /// <param name="isWild">Whether a name has a wildcard.</param>
    /// <param name="matches">Whether a name matches one name of the pattern.</param>
    /// <param name="stop">Stops it.</param>
    public static async Task<IReadOnlyList<string>> ExpandAsync(
        IHost host, string pattern, Func<string, bool> isWild, Func<string, string, bool> matches, CancellationToken stop)
    {
        HostPath.RequireCanonical(pattern);
        var names = pattern.Split('/');
        var firstWild = Array.FindIndex(names, name => isWild(name));
        var root = firstWild == 1 ? "/" : string.Join('/', names[..firstWild]);
        var batch = new FactBatch();
        var list = batch.Ask(Coreutils.List(root, names.Length - firstWild), Coreutils.ReadList);
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return [.. list.Value
            .Select(path => (Path: path, Names: path.Split('/')))
            .Where(found => found.Names.Length == names.Length && names.Zip(found.Names).Skip(firstWild).All(pair => matches(pair.First, pair.Second)))
            .Select(found => found.Path)
            .Order(StringComparer.Ordinal)];
    }
}
