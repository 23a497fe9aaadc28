using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>
/// Reads the facts of many moves on a host: all there is in one round trip, what definitions name in a second, headers of what might be based on
/// the images in a third, and where those lead in a fourth.
/// </summary>
internal sealed class ImageMoveReader
{
    private static readonly string[] Tools = ["find", "restorecon", "flock", "setpriv", "cmp"];

    private readonly IHost host;
    private readonly IReadOnlyList<ImageMoveRequest> requests;
    private readonly Dictionary<string, string> inodes = [];
    private readonly Dictionary<string, Qcow2Answer> headers = [];
    private IReadOnlyList<GuestDefinition> definitions = [];

    private ImageMoveReader(IHost host, IReadOnlyList<ImageMoveRequest> requests) => (this.host, this.requests) = (host, requests);

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static Task<IReadOnlyList<Func<ImageMoveFacts>>> ReadAsync(IHost host, IReadOnlyList<ImageMoveRequest> requests, CancellationToken stop) =>
        new ImageMoveReader(host, requests).ReadAsync(stop);

    private async Task<IReadOnlyList<Func<ImageMoveFacts>>> ReadAsync(CancellationToken stop)
    {
        var batch = new FactBatch();
        var common = HostFacts.Ask(batch, host.Name);
        var files = batch.Ask(GuestDefinitions.Read(), FactUnknown.Unless(GuestDefinitions.ReadFiles));
        var kept = batch.Ask(GuestStates.Look(), FactUnknown.Unless(GuestStates.Read));
        var unfinished = batch.Ask(JournalFiles.Unfinished(), FactUnknown.Unless(JournalFiles.Read));
        var paths = PathFacts.Ask(batch, requests.SelectMany(request => new[] { request.Path, request.Target }));
        var ends = requests.Select(request => batch.Ask(ImageCopy.Look(request.Path, request.Target, request.Destination), FactUnknown.Unless(ImageCopy.ReadLook))).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);

        VirtException? unknown = null;
        try
        {
            await ReadUsesAsync(files.Value, stop).ConfigureAwait(false);
        }
        catch (VirtException problem)
        {
            // Who uses an image is not known: none of them may be moved.
            unknown = problem;
        }

        return [.. requests.Select((request, i) => (Func<ImageMoveFacts>)(() =>
        {
            var facts = common();
            facts.RequireReady(Tools);
            if (unknown is not null) throw unknown;
            var end = ends[i].Value;
            return new ImageMoveFacts(
                facts, paths(request.Path), paths(request.Target), end, [.. DefinitionsOf(request.Path, end)], [.. BasedOn(request.Path, end)], RelativeBacking(request.Path), kept.Value, unfinished.Value);
        }))];
    }

    private async Task ReadUsesAsync(IReadOnlyList<DefinitionFile> files, CancellationToken stop)
    {
        (definitions, var pools) = GuestDefinitions.ReadGuests(files);
        var named = definitions.SelectMany(definition => definition.Paths).ToHashSet();
        var places = requests.SelectMany(request => new[] { request.Directory, request.Destination }).Concat(HostPath.ImageTrees).Concat(pools.Select(pool => pool.Target).OfType<string>()).ToHashSet();
        var listed = await AskAsync(batch => batch.Ask(Coreutils.Files(places), Coreutils.ReadList), stop).ConfigureAwait(false);
        await ResolveAsync(named.Concat(requests.Select(request => request.Path)), stop).ConfigureAwait(false);

        var candidates = listed.Concat(named).Concat(requests.Select(request => request.Path)).Distinct().ToDictionary(path => path, _ => Qcow2.FirstBytes);
        while (candidates.Count > 0)
        {
            foreach (var (path, answer) in await AskAsync(batch => batch.Ask(Qcow2.Headers("image-headers", candidates), FactUnknown.Unless(Qcow2.ReadHeaders)), stop).ConfigureAwait(false)) headers[path] = answer;
            // A header is asked for a second time at its full length, and no more.
            candidates = candidates.Where(one => one.Value == Qcow2.FirstBytes && headers.GetValueOrDefault(one.Key) is { BytesNeeded: > 0 }).ToDictionary(one => one.Key, one => headers[one.Key].BytesNeeded);
        }

        await ResolveAsync(Backings().Select(backing => backing.Backing).OfType<string>(), stop).ConfigureAwait(false);
    }

    private async Task<T> AskAsync<T>(Func<FactBatch, FactBatch.Answer<T>> ask, CancellationToken stop)
    {
        var batch = new FactBatch();
        var answer = ask(batch);
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return answer.Value;
    }

    private async Task ResolveAsync(IEnumerable<string> paths, CancellationToken stop)
    {
        string[] wanted = [.. paths.Distinct().Where(path => !inodes.ContainsKey(path))];
        if (wanted.Length == 0) return;
        foreach (var (path, inode) in await AskAsync(batch => batch.Ask(Coreutils.Inodes(wanted), Coreutils.ReadInodes), stop).ConfigureAwait(false)) inodes[path] = inode;
    }

    /// <summary>What images say they are based on, whatever a definition says of them: a header that lies costs a refusal, no more. Null: a name that is not understood.</summary>
    private IEnumerable<(string Image, string? Backing)> Backings() =>
        from header in headers
        from name in (string?[])[header.Value.Header?.Backing, header.Value.Header?.Data]
        where name is not null
        let told = PathOf(name, header.Key)
        where told.Path is not null || !told.IsUnderstood
        select (header.Key, told.Path);

    private IEnumerable<ImageDefinition> DefinitionsOf(string path, ImageMoveFact end) => definitions
        .Select(definition => new ImageDefinition(definition, [.. definition.Paths.Where(name => IsSame(name, path, end))]))
        .Where(definition => definition.Names.Count > 0);

    private IEnumerable<string> BasedOn(string path, ImageMoveFact end) => Backings()
        .Where(backing => backing.Image != path && (backing.Backing is null || IsSame(backing.Backing, path, end))).Select(backing => backing.Image).Distinct().Order(StringComparer.Ordinal);

    private string? RelativeBacking(string path) => headers.GetValueOrDefault(path)?.Header is { } header
        ? ((string?[])[header.Backing, header.Data]).FirstOrDefault(name => name is not null && PathOf(name, "/one/x") != PathOf(name, "/other/x"))
        : null;

    private bool IsSame(string name, string path, ImageMoveFact end) =>
        name == path || ImageName.Canonical(name) == path || (end.Source is { } source && inodes.TryGetValue(name, out var inode) && source.Identity.StartsWith(inode + " ", StringComparison.Ordinal));

    private static (string? Path, bool IsUnderstood) PathOf(string name, string parent)
    {
        try
        {
            return (ImageName.PathOf(name, parent, out _), true);
        }
        catch (FormatException)
        {
            return (null, false);
        }
    }
}
