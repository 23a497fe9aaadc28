using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>An inode to be judged.</summary>
/// <param name="Path">As it was asked for, or below that.</param>
/// <param name="Target">Without links: the path by which rules are looked up, and the one to be put right.</param>
/// <param name="Entry">What is there.</param>
/// <param name="Device">Its own number, major:minor, if it is a block device.</param>
internal readonly record struct LabelledItem(string Path, string Target, TreeEntry Entry, string? Device);

/// <summary>The labels below many paths of a host, and all that is needed to judge them.</summary>
internal sealed record LabelFacts(HostFacts Host, GuestHolds Holds, MountPlaces Mounts, IReadOnlySet<string> Customizable)
{
    /// <summary>What there is below the paths asked for.</summary>
    public TreesFact Trees { get; init; } = new(new Dictionary<string, IReadOnlyList<TreeEntry>>(), []);

    /// <summary>Links on the way to them.</summary>
    public PathLinks Links { get; init; } = new(new Dictionary<string, string?>());

    /// <summary>Block devices among them: path to major:minor.</summary>
    public IReadOnlyDictionary<string, string> Devices { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether a path that was asked for is not there, or a link that leads nowhere.</summary>
    public bool IsMissing(string path) => !Trees.Trees.ContainsKey(path) || Links.Resolve(path) is null;

    /// <summary>The inodes below a path that was asked for. One without a label is among what could not be read.</summary>
    public IEnumerable<LabelledItem> Items(string path)
    {
        if (IsMissing(path)) yield break;
        var target = Links.Resolve(path)!;
        foreach (var entry in Trees.Trees[path].Where(entry => entry.Context is not null))
        {
            yield return new(entry.Path, target == path ? entry.Path : target + entry.Path[path.Length..], entry, entry.FileType == 'b' ? Devices.GetValueOrDefault(entry.Path) : null);
        }
    }
}

/// <summary>Reads them in one round trip, whatever their number.</summary>
internal static class LabelReader
{
    /// <summary>Adds the questions that are the same for all paths to a batch.</summary>
    public static Func<LabelFacts> Ask(FactBatch batch, VirtHost host)
    {
        var common = HostFacts.Ask(batch, host);
        var holds = batch.Ask(GuestHolds.Look(), FactUnknown.Unless(GuestHolds.Read));
        var mounts = batch.Ask(Mount.Table(), FactUnknown.Unless(Mount.ReadTable));
        var customizable = batch.Ask(SELinuxFs.CustomizableTypes(), FactUnknown.Unless(SELinuxFs.ReadCustomizableTypes));
        return () =>
        {
            var facts = common();
            facts.RequireReadable();
            if (facts.SELinux.Mode == SELinuxMode.Disabled) throw new VirtException("SELinuxDisabled", host);
            return new LabelFacts(facts, holds.Value, new MountPlaces(mounts.Value), customizable.Value);
        };
    }

    /// <summary>Reads the labels of paths.</summary>
    /// <param name="host">Where.</param>
    /// <param name="paths">Absolute and canonical, each once.</param>
    /// <param name="recurse">And of all below them, on their own file systems.</param>
    /// <param name="stop">Stops it.</param>
    public static async Task<LabelFacts> ReadAsync(IHost host, IReadOnlyList<string> paths, bool recurse, CancellationToken stop)
    {
        var batch = new FactBatch();
        var common = Ask(batch, host.Name);
        var links = batch.Ask(PathLinks.Find(paths.SelectMany(HostPath.Chain).ToHashSet()), FactUnknown.Unless(PathLinks.Read));
        var devices = batch.Ask(Coreutils.DeviceNumbers(paths.Where(path => path.StartsWith("/dev/", StringComparison.Ordinal))), Coreutils.ReadDeviceNumbers);
        var trees = batch.Ask(Find.Trees(paths, recurse, follow: true), Find.ReadTrees);
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return common() with { Trees = trees.Value, Links = links.Value, Devices = devices.Value };
    }
}
