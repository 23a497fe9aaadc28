using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Planning;

/// <summary>
/// What is on a host, as far as a plan speaks of it. Each part is read when it is wanted, and what it cannot be had for is its own error: FactUnknown or ToolNotFound.
/// </summary>
/// <param name="Name">The host.</param>
/// <param name="Hypervisor">What it runs; null: neither KVM nor Xen.</param>
/// <param name="Units">Services and sockets of systemd's.</param>
/// <param name="Sockets">What listens.</param>
/// <param name="Accounts">People who can log in.</param>
/// <param name="Booleans">SELinux booleans; none where SELinux is off.</param>
/// <param name="Networks">Its networks.</param>
/// <param name="Volumes">Guest storage.</param>
/// <param name="Guests">The guests.</param>
internal sealed record PlanFacts(
    VirtHost Name,
    Hypervisor? Hypervisor,
    Func<IReadOnlyList<UnitState>> Units,
    Func<IReadOnlyList<ListeningSocket>> Sockets,
    Func<AccountsFact> Accounts,
    Func<IReadOnlyDictionary<string, SELinuxBoolean>> Booleans,
    Func<HostNetworks> Networks,
    Func<IReadOnlyList<SecureGuestVolume>> Volumes,
    Func<GuestsFact> Guests);

/// <summary>The guests that are defined or run, and what tells what their images lie on.</summary>
/// <param name="Definitions">What their definitions ask of the host, each guest once; those that are not understood are <paramref name="Problems"/>.</param>
/// <param name="Images">Their images.</param>
/// <param name="Problems">The files that were not read or not understood, with the reason.</param>
/// <param name="Disks">The nodes of whole disks.</param>
/// <param name="Links">Other names of devices.</param>
/// <param name="Mounts">What is mounted.</param>
internal sealed record GuestsFact(
    IReadOnlyList<GuestTraits> Definitions, IReadOnlyList<GuestImage> Images, IReadOnlyList<string> Problems, IReadOnlySet<string> Disks, DeviceLinks Links, IReadOnlyList<MountFact> Mounts);

/// <summary>Reads all of it in one round trip.</summary>
internal static class PlanFactsReader
{
    private const string WholeDisks = "whole-disks";

    /// <summary>Reads a host.</summary>
    /// <exception cref="VirtException">NotPrivileged, PrivateMountNamespace, FactUnknown.</exception>
    public static async Task<PlanFacts> ReadAsync(IHost host, CancellationToken stop)
    {
        var batch = new FactBatch();
        var storage = HostStorage.Ask(batch, host.Name);
        var probe = batch.Ask(HostProbe.Look(HostFacts.Tools), HostProbe.Read);
        var selinux = batch.Ask(SELinuxFs.Read(), SELinuxFs.ReadFact);
        var units = batch.Ask(UnitStates.Look(), FactUnknown.Unless(result => UnitStates.Read(result.Stdout)));
        var sockets = batch.Ask(ListeningSockets.Look(), FactUnknown.Unless(ListeningSockets.Read));
        var accounts = batch.Ask(Tools.Accounts.Look(), FactUnknown.Unless(Tools.Accounts.Read));
        var booleans = batch.Ask(SELinuxBooleans.Read(), FactUnknown.Unless(SELinuxBooleans.ReadValues));
        var networks = batch.Ask(HostNetworks.Look(), FactUnknown.Unless(HostNetworks.Read));
        var definitions = batch.Ask(GuestDefinitions.Read(), FactUnknown.Unless(GuestDefinitions.ReadFiles));
        var links = batch.Ask(DeviceLinks.Find(), FactUnknown.Unless(DeviceLinks.Read));
        var mounts = batch.Ask(Mount.Table(), FactUnknown.Unless(Mount.ReadTable));
        var disks = batch.Ask(HostFiles.Look("", [new FileSet(WholeDisks, ["/sys/block/*/device"])]), FactUnknown.Unless(HostFiles.ReadFiles));
        await batch.ReadAsync(host, stop).ConfigureAwait(false);

        HostFacts.RequireReadable(host.Name, probe.Value);
        return new PlanFacts(
            host.Name,
            probe.Value.IsXenDom0 ? Facts.Hypervisor.Xen : probe.Value.IsKvm ? Facts.Hypervisor.Kvm : null,
            () => units.Value,
            () => sockets.Value,
            () => accounts.Value,
            () => selinux.Value.Mode == SELinuxMode.Disabled ? new Dictionary<string, SELinuxBoolean>() : booleans.Value,
            () => networks.Value,
            () => [.. StoreInventory.Find(storage(facts => facts.RequireReadable())).Select(SecureGuestVolume.From)],
            () => Guests(definitions.Value, disks.Value[WholeDisks], links.Value, mounts.Value));
    }

    private static GuestsFact Guests(IReadOnlyList<DefinitionFile> files, IReadOnlyList<HostFile> disks, DeviceLinks links, IReadOnlyList<MountFact> mounts)
    {
        // A snapshot's definition is what the guest was, not what it is.
        var current = files.Where(file => !file.Path.Contains("/snapshot/", StringComparison.Ordinal)).ToArray();
        var images = ImageDefinitions.From(current);
        var (guests, problems) = (new List<GuestTraits>(), images.Problems.Select(problem => problem.Message).ToList());
        foreach (var file in current)
        {
            try
            {
                if (GuestTraits.Of(file) is { } guest) guests.Add(guest);
            }
            catch (FormatException problem)
            {
                problems.Add(new VirtException(problem, "DefinitionNotUnderstood", file.Path, problem.Message).Message);
            }
        }

        return new GuestsFact(
            [.. guests.GroupBy(guest => guest.Guest).Select(GuestTraits.Together).OrderBy(guest => guest.Guest, StringComparer.Ordinal)], images.Images, [.. problems.Distinct()],
            // The kernel writes "!" in sysfs for the "/" in a device's name.
            disks.Select(disk => "/dev/" + disk.Path.Split('/')[3].Replace('!', '/')).ToHashSet(), links, mounts);
    }
}
