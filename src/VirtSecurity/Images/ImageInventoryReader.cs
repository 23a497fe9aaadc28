using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>The images of a host, and what stood in the way of knowing all about them.</summary>
internal sealed record ImageInventoryAnswer(IReadOnlyList<VirtImage> Images, IReadOnlyList<VirtException> Problems);

/// <summary>
/// Reads a host's images: in one round trip, and where definitions name copy-on-write images in one more for their headers, and one for each image
/// below them.
/// </summary>
internal sealed class ImageInventoryReader
{
    /// <summary>Headers of what is defined, then for each image below a look and its header; a long header, and a link on the way, cost one more each.</summary>
    private const int MostRounds = (2 * BackingChains.MostLinks) + 2;

    private readonly IHost host;
    private readonly List<VirtException> problems = [];
    private readonly Dictionary<string, PathLook> looks = [];
    private readonly Dictionary<string, Qcow2Answer> headers = [];
    private bool doServersAnswer = true;

    private ImageInventoryReader(IHost host) => this.host = host;

    /// <summary>Reads a host and finds them.</summary>
    /// <exception cref="VirtException">NotPrivileged, PrivateMountNamespace, FactUnknown.</exception>
    public static Task<ImageInventoryAnswer> ReadAsync(IHost host, CancellationToken stop) => new ImageInventoryReader(host).ReadAsync(stop);

    private async Task<ImageInventoryAnswer> ReadAsync(CancellationToken stop)
    {
        var batch = new FactBatch();
        var probe = batch.Ask(HostProbe.Look(HostFacts.Tools), HostProbe.Read);
        var selinux = batch.Ask(SELinuxFs.Read(), SELinuxFs.ReadFact);
        var definitions = batch.Ask(GuestDefinitions.Read(), FactUnknown.Unless(GuestDefinitions.ReadFiles));
        var calls = ImagePaths.Find();
        var local = batch.Ask(calls.Local, FactUnknown.Unless(ImagePaths.Read));
        var remote = batch.Ask(calls.Remote, FactUnknown.Unless(ImagePaths.Read));
        var volumes = batch.Ask(Lvm.Volumes(), FactUnknown.Unless(Lvm.ReadVolumes));
        var devices = batch.Ask(Lsblk.All(), FactUnknown.Unless(Lsblk.ReadAll));
        var open = batch.Ask(GuestHolds.Look(), FactUnknown.Unless(GuestHolds.Read));
        await batch.ReadAsync(host, stop).ConfigureAwait(false);

        HostFacts.RequireReadable(host.Name, probe.Value);
        var defined = ImageDefinitions.From(definitions.Value);
        problems.AddRange(defined.Problems);
        var listed = Add(local.Value).Concat(Ask(() => Add(remote.Value)) ?? []).ToArray();
        var facts = new HostImages(
            host.Name, defined, looks, listed,
            probe.Value.FoundTools.Contains("lvs") ? volumes.Value : [],   // a host without LVM has no logical volumes
            devices.Value.DistinctBy(device => device.Device).ToDictionary(device => device.Device, device => device.Size),
            open.Value.Inodes.Keys.Select(inode => inode.ToString()).ToHashSet(), Rules(() => selinux.Value.FileContexts), headers);

        for (var round = 0; round < MostRounds; round++)
        {
            var (toLook, toRead) = ImageInventory.Missing(facts);
            if (toLook.Count == 0 && toRead.Count == 0) break;
            await ReadMoreAsync(toLook, toRead, stop).ConfigureAwait(false);
        }

        return new ImageInventoryAnswer(ImageInventory.Find(facts), problems);
    }

    private async Task ReadMoreAsync(IReadOnlyCollection<string> toLook, IReadOnlyDictionary<string, int> toRead, CancellationToken stop)
    {
        var batch = new FactBatch();
        var calls = ImagePaths.Look(toLook);
        var remotePaths = looks.Values.Where(look => look.IsRemote).Select(look => look.RealPath).ToHashSet();
        var (remoteFiles, localFiles) = (toRead.Where(file => remotePaths.Contains(file.Key)).ToArray(), toRead.Where(file => !remotePaths.Contains(file.Key)).ToArray());
        var local = toLook.Count > 0 ? batch.Ask(calls.Local, FactUnknown.Unless(ImagePaths.Read)) : null;
        var localHeaders = localFiles.Length > 0 ? batch.Ask(Qcow2.Headers("image-headers", localFiles), FactUnknown.Unless(Qcow2.ReadHeaders)) : null;
        var remote = toLook.Count > 0 && doServersAnswer ? batch.Ask(calls.Remote, FactUnknown.Unless(ImagePaths.Read)) : null;
        var remoteHeaders = remoteFiles.Length > 0 && doServersAnswer ? batch.Ask(Qcow2.Headers("image-headers-remote", remoteFiles), FactUnknown.Unless(Qcow2.ReadHeaders)) : null;
        await batch.ReadAsync(host, stop).ConfigureAwait(false);

        if (local is not null) Add(local.Value);
        if (localHeaders is not null) Add(localHeaders.Value);
        if (remote is not null) Ask(() => Add(remote.Value));
        if (remoteHeaders is not null) Ask(() => Add(remoteHeaders.Value));
        // What was asked and not answered is not asked again.
        foreach (var path in toLook) looks.TryAdd(path, new PathLook(path, path, PathState.Unknown, null, false, true));
        foreach (var path in toRead.Keys.Where(path => !headers.TryGetValue(path, out var answer) || answer.BytesNeeded == toRead[path]))
            headers[path] = new Qcow2Answer(null, "its file system gave no answer", 0);
    }

    /// <summary>A server that does not answer is no reason to know nothing of what lies on this host.</summary>
    private T? Ask<T>(Func<T> answer)
        where T : class
    {
        try
        {
            return answer();
        }
        catch (VirtException problem)
        {
            doServersAnswer = false;
            problems.Add(problem);
            return null;
        }
    }

    private IReadOnlyList<string> Add(ImagePathsFact paths)
    {
        foreach (var (path, look) in paths.Looks) looks[path] = look;
        if (paths.Problem.Length > 0) problems.Add(new VirtException("PlaceUnreadable", host.Name, paths.Problem));
        return paths.Listed;
    }

    private IReadOnlyDictionary<string, Qcow2Answer> Add(IReadOnlyDictionary<string, Qcow2Answer> answers)
    {
        foreach (var (path, answer) in answers) headers[path] = answer;
        return answers;
    }

    /// <summary>Rules that are not understood leave the images without an expected label; all else is known.</summary>
    private FileContexts? Rules(Func<FileContexts> read)
    {
        try
        {
            return read();
        }
        catch (VirtException problem)
        {
            problems.Add(problem);
            return null;
        }
    }
}
