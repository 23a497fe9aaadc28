using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What is on a host, as far as one path is concerned.</summary>
internal sealed record ImageFacts(HostFacts Host, PathFacts Path, IReadOnlyList<TreeEntry> Tree, IReadOnlySet<string> OpenByGuests)
{
    /// <summary>Runs that somebody has yet to finish or undo.</summary>
    public IReadOnlyList<JournalRun> Unfinished { get; init; } = [];

    /// <summary>What a running guest holds, by label or by an open file: never to be touched.</summary>
    public bool IsInUse(TreeEntry entry) => entry.Context?.HasCategories == true || OpenByGuests.Contains(entry.Inode);

    /// <summary>Those whose type is not what the rules give them; where the rules say nothing, nothing is wrong.</summary>
    public IEnumerable<TreeEntry> Mislabelled(FileContexts contexts) => Tree.Where(entry =>
        contexts.Lookup(entry.Path, entry.FileType)?.Context is { } expected && expected.Type != entry.Context?.Type);
}

/// <summary>Reads the facts of many paths of a host in one round trip.</summary>
internal static class ImageReader
{
    private static readonly string[] Tools = ["semanage", "restorecon", "chcon", "flock"];

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static async Task<IReadOnlyList<Func<ImageFacts>>> ReadAsync(
        IHost host, IReadOnlyList<VirtImageContextRequest> requests, CancellationToken stop)
    {
        var batch = new FactBatch();
        var common = HostFacts.Ask(batch, host.Name);
        var open = batch.Ask(Find.OpenByGuests(), FactUnknown.Unless(Find.ReadOpen));
        var unfinished = batch.Ask(JournalFiles.Unfinished(), FactUnknown.Unless(JournalFiles.Read));
        var answers = requests.Select(request =>
        {
            var path = PathFacts.Ask(batch, request.Path);
            var tree = batch.Ask(Find.Tree(request.Path), Find.ReadTree);
            return (Func<ImageFacts>)(() =>
            {
                var facts = common();
                facts.RequireReady(Tools);
                return new ImageFacts(facts, path(), tree.Value, open.Value) { Unfinished = unfinished.Value };
            });
        }).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }
}
