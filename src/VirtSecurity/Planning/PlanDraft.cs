using System.Net;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Planning;

/// <summary>A host written down as a plan: what it runs now, as if that were what it is for.</summary>
/// <param name="Plan">The plan; it is valid.</param>
/// <param name="Unknown">The keys that could not be filled in, and why. What is not known is not there, and not "none".</param>
/// <param name="Partial">Those that could not be filled in wholly, and why.</param>
internal sealed record PlanDraft(DeploymentPlan Plan, IReadOnlyDictionary<string, string> Unknown, IReadOnlyDictionary<string, string> Partial)
{
    /// <summary>The units of the host, at work or not, in the plan or not.</summary>
    public IReadOnlyList<UnitState> Units { get; private init; } = [];

    /// <summary>All interfaces of the host, in the plan or not; and the bridges that libvirt makes when it starts a network.</summary>
    public IReadOnlyList<string> Interfaces { get; private init; } = [];

    /// <summary>All booleans of the policy, in the plan or not.</summary>
    public IReadOnlyDictionary<string, bool> Booleans { get; private init; } = new Dictionary<string, bool>();

    /// <summary>There may be people that the host knows and does not list.</summary>
    public bool HasDirectory { get; private init; }

    /// <summary>Groups that sudo and polkit take for administrators, as distributions set them up.</summary>
    private static readonly string[] AdminGroups = ["root", "sudo", "wheel", "admin"];

    /// <summary>File systems on which an image has no label of its own.</summary>
    private static readonly string[] Unlabelled = ["nfs", "nfs4", "cifs", "smb3", "vfat", "9p", "ceph", "glusterfs"];

    /// <summary>Writes a host down.</summary>
    public static PlanDraft Of(PlanFacts facts)
    {
        var (unknown, partial) = (new SortedDictionary<string, string>(StringComparer.Ordinal), new SortedDictionary<string, string>(StringComparer.Ordinal));
        T? Known<T>(string key, Func<T> read)
            where T : class
        {
            try
            {
                return read();
            }
            catch (VirtException problem)
            {
                unknown[key] = problem.Message;
                return null;
            }
        }

        var listed = Known(nameof(DeploymentPlan.Administrators), facts.Accounts);
        var accounts = listed?.People ?? [];
        if (unknown.TryGetValue(nameof(DeploymentPlan.Administrators), out var why)) unknown[nameof(DeploymentPlan.Users)] = why;
        var guests = Known(nameof(DeploymentPlan.Guests), facts.Guests);
        if (guests?.Problems.Count > 0) partial[nameof(DeploymentPlan.Guests)] = string.Join("; ", guests.Problems);
        var host = Known(nameof(DeploymentPlan.Networks), facts.Networks);
        var booleans = (Known(nameof(DeploymentPlan.Booleans), facts.Booleans) ?? new Dictionary<string, SELinuxBoolean>()).ToDictionary(one => one.Key, one => one.Value.IsOn);
        var networks = host is null ? [] : Networks(host, guests?.Definitions ?? []);
        var units = Known(nameof(DeploymentPlan.Services), facts.Units) ?? [];
        var plan = new DeploymentPlan
        {
            Hypervisor = facts.Hypervisor,
            Services = [.. units.Where(unit => unit is { IsAtWork: true, IsPassing: false, IsOfSession: false })
                .Select(unit => unit.Name).Distinct().Where(name => PlanRules.Unit(name) is null).Select(name => new PlannedService(name))],
            Sockets = Sockets(Known(nameof(DeploymentPlan.Sockets), facts.Sockets) ?? []),
            Administrators = [.. accounts.Where(IsAdministrator).Select(account => account.Name)],
            Users = [.. accounts.Where(account => !IsAdministrator(account)).Select(account => account.Name)],
            Booleans = new SortedDictionary<string, bool>(booleans.Where(one => one.Value && IsOfVirtualization(one.Key)).ToDictionary(), StringComparer.Ordinal),
            Networks = networks,
            Volumes = [.. (Known(nameof(DeploymentPlan.Volumes), facts.Volumes) ?? []).Where(volume => volume.IsRaw || volume.MountPoint is not null).Select(Volume).DistinctBy(volume => (volume.VolumeGroup, volume.Name, volume.DevicePath))],
            Guests = [.. (guests?.Definitions ?? []).Select(guest => Guest(guest, guests!, host, networks))],
        };
        return new PlanDraft(Valid(plan, partial), unknown, partial) { Units = units, Interfaces = host is null ? [] : [.. host.Interfaces.Union(host.Libvirt.Select(network => network.Bridge).OfType<string>())], Booleans = booleans, HasDirectory = listed?.HasDirectory == true };
    }

    /// <summary>Whether a boolean is one that opens or closes something for guests, and is not expected to be on.</summary>
    public static bool IsOfVirtualization(string name) => name != SELinuxBooleans.Usb
        && (name.StartsWith("virt_", StringComparison.Ordinal) || name.StartsWith("xen_", StringComparison.Ordinal) || name.StartsWith("xend_", StringComparison.Ordinal) || name.EndsWith("_use_svirt", StringComparison.Ordinal));

    /// <summary>A host may have names that no plan can: what the validator refuses is left out, and said.</summary>
    private static DeploymentPlan Valid(DeploymentPlan plan, SortedDictionary<string, string> partial)
    {
        IReadOnlyList<T> Fit<T>(string key, IReadOnlyList<T> items, Func<T, DeploymentPlan> alone)
        {
            var fit = new List<T>();
            foreach (var item in items)
            {
                var reading = PlanBinder.Bind(new PlanDocument(key, PlanTree.Of(alone(item)), false), null);
                if (reading.Plan is not null) fit.Add(item);
                else partial[key] = $"{(partial.TryGetValue(key, out var before) ? before + "; " : "")}{string.Join("; ", reading.Problems.Select(problem => problem.Message))}";
            }

            return fit;
        }

        var networks = Fit(nameof(plan.Networks), plan.Networks, one => new DeploymentPlan { Networks = [one] });
        return plan with
        {
            Sockets = Fit(nameof(plan.Sockets), plan.Sockets, one => new DeploymentPlan { Sockets = [one] }),
            Administrators = Fit(nameof(plan.Administrators), plan.Administrators, one => new DeploymentPlan { Administrators = [one] }),
            Users = Fit(nameof(plan.Users), plan.Users, one => new DeploymentPlan { Users = [one] }),
            Networks = networks,
            Volumes = Fit(nameof(plan.Volumes), plan.Volumes, one => new DeploymentPlan { Volumes = [one] }),
            Guests = Fit(nameof(plan.Guests), plan.Guests, one => new DeploymentPlan { Guests = [one], Networks = networks }),
        };
    }

    private static bool IsAdministrator(LoginAccount account) => account.HasSudo || account.Groups.Any(group => AdminGroups.Contains(group) || Passwd.RootGroups.Contains(group));

    /// <summary>What others reach; of one that is bound to any address of both families, one.</summary>
    private static IReadOnlyList<PlannedSocket> Sockets(IEnumerable<ListeningSocket> sockets) =>
    [
        .. sockets.Where(socket => !socket.IsLoopback).GroupBy(socket => (socket.Port, socket.Protocol, Address: Written(socket.Address)))
            .Select(same => new PlannedSocket(same.Key.Port, same.Key.Protocol, same.Select(socket => socket.Process).OfType<string>().FirstOrDefault(name => PlanRules.Text(name) is null) ?? "") { Address = same.Key.Address }),
    ];

    private static string? Written(IPAddress? address) => address is null ? null : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : new IPAddress(address.GetAddressBytes())).ToString();

    /// <summary>
    /// The administrators' network is that of the default route; a network of guests is one that a definition links a guest to, or that libvirt keeps. Which carries storage, no fact tells.
    /// </summary>
    private static IReadOnlyList<PlannedNetwork> Networks(HostNetworks host, IReadOnlyList<GuestTraits> guests)
    {
        var used = guests.SelectMany(guest => guest.Links).Select(link => NameOf(link, host)).ToHashSet();
        var ofLibvirt = host.Libvirt.Select(network => new PlannedNetwork(network.Name, NetworkRole.Guest) { Interfaces = network.Bridge is { } bridge ? [bridge] : [], IsRouted = network.IsRouted });
        var kept = ofLibvirt.SelectMany(network => network.Interfaces).ToHashSet();
        var bridges = host.Interfaces.Where(name => used.Contains(name) && !kept.Contains(name)).Select(name => new PlannedNetwork(name, NetworkRole.Guest) { Interfaces = [name] });
        var management = host.DefaultRoute.Where(name => !used.Contains(name) && !kept.Contains(name)).ToArray();
        PlannedNetwork[] first = management.Length == 0 ? [] : [new PlannedNetwork("management", NetworkRole.Management) { Interfaces = management }];
        return [.. first.Concat(ofLibvirt).Concat(bridges).DistinctBy(network => network.Name)];
    }

    /// <summary>The network of the plan that a guest's card is in: libvirt's by its name, any other by its bridge.</summary>
    private static string NameOf(GuestLink link, HostNetworks host) => link.IsNetwork ? link.Name : host.Libvirt.FirstOrDefault(network => network.Bridge == link.Name)?.Name ?? link.Name;

    private static PlannedVolume Volume(SecureGuestVolume volume) => new(volume.IsRaw ? null : volume.MountPoint)
    {
        VolumeGroup = volume.VolumeGroup,
        Name = volume.Name,
        DevicePath = volume.Name is null ? volume.DevicePath : null,
        Size = volume.Name is null || volume.Size <= 0 ? null : new VolumeSize(volume.Size).ToString(),
        FileSystem = !volume.IsRaw && PlanRules.FileSystems.Contains(volume.FileSystem) ? volume.FileSystem : null,
    };

    private static PlannedGuest Guest(GuestTraits guest, GuestsFact facts, HostNetworks? host, IReadOnlyList<PlannedNetwork> networks)
    {
        var images = facts.Images.Where(image => image.Guest == guest.Guest).Select(image => image.Use).ToArray();
        bool IsUnlabelled(string path) => facts.Mounts.Where(mount => HostPath.IsAtOrBelow(path, mount.MountPoint)).MaxBy(mount => mount.MountPoint.Length) is { } mount && Unlabelled.Contains(mount.FileSystem);
        (GuestNeed Need, bool Is)[] needs =
        [
            (GuestNeed.PciPassthrough, guest.HasPciDevice), (GuestNeed.Nested, guest.IsNested), (GuestNeed.SharedDisk, Array.Exists(images, image => image.IsShareable && !image.IsReadOnly)),
            (GuestNeed.WholeDisk, Array.Exists(images, image => facts.Disks.Contains(facts.Links.Resolve(image.Path)))), (GuestNeed.NetworkImages, Array.Exists(images, image => IsUnlabelled(image.Path))),
            (GuestNeed.QemuArguments, guest.HasQemuArguments), (GuestNeed.OwnLabel, guest.HasOwnLabel), (GuestNeed.RemoteDisplay, guest.HasRemoteDisplay),
        ];
        return new PlannedGuest(guest.Guest)
        {
            Needs = [.. needs.Where(one => one.Is).Select(one => one.Need)],
            Networks = host is null ? [] : [.. guest.Links.Select(link => NameOf(link, host)).Distinct().Where(name => networks.Any(network => network.Name == name))],
        };
    }
}
