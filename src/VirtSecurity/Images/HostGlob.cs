using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>Wildcards in a path, expanded on the host: find lists, the names are matched here, no shell sees the pattern.</summary>
internal static class HostGlob
{
    /// <summary>The paths that match each of many patterns, in one round trip; none is no error, as for any wildcard.</summary>
    /// <param name="host">Where.</param>
    /// <param name="patterns">Absolute and canonical, with wildcards in one or more names.</param>
    /// <param name="isWild">Whether a name has a wildcard.</param>
    /// <param name="matches">Whether a name matches one name of the pattern.</param>
    /// <param name="stop">Stops it.</param>
    public static async Task<IReadOnlyList<IReadOnlyList<string>>> ExpandAsync(
        IHost host, IReadOnlyList<string> patterns, Func<string, bool> isWild, Func<string, string, bool> matches, CancellationToken stop)
    {
        var batch = new FactBatch();
        var answers = patterns.Select(pattern =>
        {
            var names = pattern.Split('/');
            var firstWild = Array.FindIndex(names, name => isWild(name));
            var list = batch.Ask(Coreutils.List(firstWild == 1 ? "/" : string.Join('/', names[..firstWild]), names.Length - firstWild), Coreutils.ReadList);
            return (Names: names, FirstWild: firstWild, List: list);
        }).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return [.. answers.Select(answer => (IReadOnlyList<string>)[.. answer.List.Value
            .Select(path => (Path: path, Names: path.Split('/')))
            .Where(found => found.Names.Length == answer.Names.Length && answer.Names.Zip(found.Names).Skip(answer.FirstWild).All(pair => matches(pair.First, pair.Second)))
            .Select(found => found.Path)
            .Order(StringComparer.Ordinal)])];
    }
}
