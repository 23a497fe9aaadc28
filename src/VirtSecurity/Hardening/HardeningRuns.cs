using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Hardening;

/// <summary>The results of a run by host and check, and two runs side by side.</summary>
internal static class HardeningRuns
{
    /// <summary>What became of each check of either run, each host's together, in the later run's order; what only the earlier one has comes after.</summary>
    /// <param name="earlier">The earlier run's results.</param>
    /// <param name="later">The later run's results.</param>
    /// <exception cref="VirtException">ResultTwice: of two results which one counts is not to be told.</exception>
    public static IReadOnlyList<Dom0HardeningChange> Compare(IReadOnlyList<Dom0HardeningResult> earlier, IReadOnlyList<Dom0HardeningResult> later)
    {
        var (before, after) = (ByCheck(earlier), ByCheck(later));
        return [.. later.Concat(earlier).Select(Key).Distinct().GroupBy(key => key.Host).SelectMany(host => host)
            .Select(key => Dom0HardeningChange.Of(before.GetValueOrDefault(key), after.GetValueOrDefault(key)))];
    }

    /// <summary>The results by host and check.</summary>
    /// <exception cref="VirtException">ResultTwice.</exception>
    public static IReadOnlyDictionary<(VirtHost Host, string Id), Dom0HardeningResult> ByCheck(IReadOnlyList<Dom0HardeningResult> results)
    {
        var checks = new Dictionary<(VirtHost, string), Dom0HardeningResult>();
        foreach (var result in results)
        {
            if (!checks.TryAdd(Key(result), result)) throw new VirtException("ResultTwice", result.Id, result.VirtHost);
        }

        return checks;
    }

    private static (VirtHost Host, string Id) Key(Dom0HardeningResult result) => (result.VirtHost, result.Id.ToUpperInvariant());
}
