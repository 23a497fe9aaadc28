using VirtSecurity.Facts;
using VirtSecurity.Hosts;

namespace VirtSecurity.Storage;

/// <summary>What is on a host, as far as one volume to be repaired is concerned.</summary>
/// <param name="State">The volume.</param>
/// <param name="Place">Its mount point; null: it is a guest's own disk.</param>
internal sealed record RepairFacts(VolumeState State, PlaceFacts? Place);

/// <summary>Reads them: the host's storage, and then the mount points, which may be known only from fstab.</summary>
internal static class RepairReader
{
    private static readonly string[] Tools = ["mount", "umount", "findmnt", "lsblk", "semanage", "restorecon", "flock"];

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static async Task<IReadOnlyList<Func<RepairFacts>>> ReadAsync(IHost host, IReadOnlyList<RepairRequest> requests, CancellationToken stop)
    {
        var first = new FactBatch();
        var storage = HostStorage.Ask(first, host.Name);
        await first.ReadAsync(host, stop).ConfigureAwait(false);

        var points = new HashSet<string>();
        Func<string, PlaceFacts>? places = null;
        var answers = requests.Select(request =>
        {
            try
            {
                var state = request.Find(storage(facts => facts.RequireReady(Tools)));
                if (!state.IsRaw) points.Add(state.MountPoint!);
                return (Func<RepairFacts>)(() => new RepairFacts(state, state.IsRaw ? null : places!(state.MountPoint!)));
            }
            catch (Resources.VirtException problem)
            {
                return () => throw problem;
            }
        }).ToArray();
        if (points.Count == 0) return answers;
        var second = new FactBatch();
        places = PlaceFacts.Ask(second, points);
        await second.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }
}
