using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>What is on a host, as far as one raw volume asked for is concerned.</summary>
internal sealed record RawFacts(HostStorage Storage, IReadOnlyList<VolumeGroupFact> Groups, IReadOnlyList<ThinFact> Thin)
{
    /// <summary>The host.</summary>
    public HostFacts Host => Storage.Host;
}

/// <summary>Reads the facts of many raw volumes of a host in one round trip.</summary>
internal static class RawReader
{
    private static readonly string[] Tools = ["lvs", "vgs", "lvcreate", "lvremove", "lvchange", "lsblk", "udevadm", "cmp"];

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static async Task<IReadOnlyList<Func<RawFacts>>> ReadAsync(IHost host, IReadOnlyList<RawVolumeRequest> requests, CancellationToken stop)
    {
        var batch = new FactBatch();
        var groups = batch.Ask(Lvm.Groups(), FactUnknown.Unless(Lvm.ReadGroups));
        var storage = HostStorage.Ask(batch, host.Name);
        var answers = requests.Select(request =>
        {
            var thin = request.Volume.ThinPool is null ? null : batch.Ask(Lvm.Thin(), FactUnknown.Unless(Lvm.ReadThin));
            return (Func<RawFacts>)(() => new RawFacts(storage(facts => facts.RequireReady(Tools)), groups.Value, thin?.Value ?? []));
        }).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }
}
