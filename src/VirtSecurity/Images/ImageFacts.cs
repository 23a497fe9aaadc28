using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What is on a host, as far as one path is concerned.</summary>
/// <param name="Labels">The host, what its guests hold, what is mounted.</param>
/// <param name="Path">The path and all directories above it.</param>
/// <param name="Tree">All that is below it on its own file system, itself first; empty: it does not exist.</param>
internal sealed record ImageFacts(LabelFacts Labels, PathFacts Path, IReadOnlyList<TreeEntry> Tree)
{
    /// <summary>find's own words for what of its tree could not be read.</summary>
    public IReadOnlyList<string> Unreadable { get; init; } = [];

    /// <summary>Runs that somebody has yet to finish or undo.</summary>
    public IReadOnlyList<JournalRun> Unfinished { get; init; } = [];

    /// <summary>The rules as they will be where the same run gives a directory above a rule that covers this path; null: they stay as they are.</summary>
    public Lazy<FileContexts?>? Planned { get; init; }

    /// <summary>The host.</summary>
    public HostFacts Host => Labels.Host;

    /// <summary>The rules that this path can count on.</summary>
    public FileContexts Contexts => Planned?.Value ?? Host.SELinux.FileContexts;

    /// <summary>The mount it lies on, if its files keep no labels of their own; null: they do, or it does not exist.</summary>
    public MountFact? WithoutLabels => Tree.Count > 0 && Labels.Mounts.Of(Path.Path, Tree[0].Inode.Device) is { KeepsLabels: false } mount ? mount : null;

    /// <summary>Its file system keeps no labels, and the mount's own option gives all of it an image type.</summary>
    public bool IsLabelledByMount => WithoutLabels is not null && Host.IsImageType(Tree[0].Context?.Type);

    /// <summary>What a running guest holds, by label or by an open file: never to be touched.</summary>
    public bool IsInUse(TreeEntry entry) => Labels.Holds.Of(entry) is not null;

    /// <summary>Those whose type is not what the rules give them and that a running guest holds.</summary>
    public IEnumerable<TreeEntry> InUse(FileContexts contexts) =>
        Tree.Where(entry => contexts.Lookup(entry.Path, entry.FileType)?.Context is { } expected && expected.Type != entry.Context?.Type && IsInUse(entry));

    /// <summary>
    /// The labels to be given so that all of the tree is as the rules have it, but for what a running guest holds. Where the rules say nothing, nothing
    /// is wrong. restorecon alone changes the type and leaves the rest, and it leaves customizable types: those are given whole.
    /// </summary>
    /// <param name="contexts">The rules.</param>
    /// <param name="isStrict">The SELinux user counts as well.</param>
    public IEnumerable<Relabel> Wrong(FileContexts contexts, bool isStrict)
    {
        foreach (var entry in Tree)
        {
            if (entry.Context is not { } actual || contexts.Lookup(entry.Path, entry.FileType)?.Context is not { } expected || IsInUse(entry)) continue;
            var isWhole = actual.Range != expected.Range || (actual.Type != expected.Type && Labels.Customizable.Contains(actual.Type)) || (isStrict && actual.User != expected.User);
            if (isWhole || actual.Type != expected.Type) yield return new(entry.Path, actual, expected.Type) { IsWhole = isWhole };
        }
    }
}

/// <summary>Reads the facts of many paths of a host in one round trip; the number of calls does not grow with theirs.</summary>
internal static class ImageReader
{
    private static readonly string[] Tools = ["semanage", "restorecon", "chcon", "flock"];

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static async Task<IReadOnlyList<Func<ImageFacts>>> ReadAsync(
        IHost host, IReadOnlyList<VirtImageContextRequest> requests, CancellationToken stop)
    {
        var answers = await ReadAsync(host, [.. requests.Select(request => request.Path)], stop).ConfigureAwait(false);
        var places = requests.Select((request, i) => (request.Path, Place: i)).DistinctBy(entry => entry.Path).ToDictionary(entry => entry.Path, entry => entry.Place);
        var planned = requests.Select((request, i) => new Lazy<FileContexts?>(() => VirtImageContexts.ContextsWithRule(request, answers[i]))).ToArray();
        return [.. requests.Select((request, i) =>
        {
            var above = HostPath.Chain(request.Path).SkipLast(1).Where(places.ContainsKey).Select(path => (int?)places[path]).FirstOrDefault(place => requests[place!.Value].IsAlike(request));
            return above is null ? answers[i] : () => answers[i]() with { Planned = planned[above.Value] };
        })];
    }

    /// <summary>One answer a path, in that order.</summary>
    public static async Task<IReadOnlyList<Func<ImageFacts>>> ReadAsync(IHost host, IReadOnlyList<string> paths, CancellationToken stop)
    {
        var batch = new FactBatch();
        var common = LabelReader.Ask(batch, host.Name);
        var unfinished = batch.Ask(JournalFiles.Unfinished(), FactUnknown.Unless(JournalFiles.Read));
        var inodes = PathFacts.Ask(batch, paths);
        var trees = batch.Ask(Find.Trees([.. paths.Distinct()], recurse: true, follow: false), Find.ReadTrees);
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        LabelFacts? labels = null;
        Func<string, IReadOnlyList<string>>? unreadable = null;
        return [.. paths.Select(path => (Func<ImageFacts>)(() =>
        {
            labels ??= common();
            labels.Host.RequireReady(Tools);
            unreadable ??= UnreadableOf(paths, trees.Value.Unreadable);
            return new ImageFacts(labels, inodes(path), trees.Value.Trees.GetValueOrDefault(path) ?? []) { Unfinished = unfinished.Value, Unreadable = unreadable(path) };
        }))];
    }

    /// <summary>find puts paths into quotes; a line whose path is written otherwise, with escapes, is everybody's.</summary>
    private static Func<string, IReadOnlyList<string>> UnreadableOf(IReadOnlyList<string> paths, IReadOnlyList<string> lines)
    {
        var nobodys = lines.Where(line => !paths.Any(path => Names(line, path))).ToHashSet();
        return path => [.. lines.Where(line => nobodys.Contains(line) || Names(line, path))];
    }

    private static bool Names(string line, string path) => line.Contains($"'{path}/", StringComparison.Ordinal) || line.Contains($"'{path}'", StringComparison.Ordinal);
}
