using VirtSecurity.Facts;

namespace VirtSecurity.Planning;

/// <summary>The one judge of plans: from the neutral tree to the plan, or to all that is wrong with it.</summary>
internal sealed class PlanBinder
{
    /// <summary>Read and passed over: editors take the published schema from it.</summary>
    private const string SchemaKey = "$schema";

    private const int Version = 1;
    private const int MostPorts = 65535;

    private static readonly string[] PlanKeys =
    [
        nameof(DeploymentPlan.FormatVersion), nameof(DeploymentPlan.Hypervisor), nameof(DeploymentPlan.Services), nameof(DeploymentPlan.Sockets), nameof(DeploymentPlan.Users),
        nameof(DeploymentPlan.Administrators), nameof(DeploymentPlan.Booleans), nameof(DeploymentPlan.Networks), nameof(DeploymentPlan.Volumes), nameof(DeploymentPlan.Guests), nameof(DeploymentPlan.Waivers),
    ];

    private static readonly string[] ServiceKeys = [nameof(PlannedService.Name), nameof(PlannedService.Purpose)];

    private static readonly string[] SocketKeys =
        [nameof(PlannedSocket.Port), nameof(PlannedSocket.LastPort), nameof(PlannedSocket.Protocol), nameof(PlannedSocket.Service), nameof(PlannedSocket.Address), nameof(PlannedSocket.From)];

    private static readonly string[] NetworkKeys = [nameof(PlannedNetwork.Name), nameof(PlannedNetwork.Role), nameof(PlannedNetwork.Interfaces), nameof(PlannedNetwork.IsRouted)];

    private static readonly string[] VolumeKeys =
        [nameof(PlannedVolume.MountPoint), nameof(PlannedVolume.VolumeGroup), nameof(PlannedVolume.Name), nameof(PlannedVolume.DevicePath), nameof(PlannedVolume.Size), nameof(PlannedVolume.FileSystem)];

    private static readonly string[] GuestKeys = [nameof(PlannedGuest.Name), nameof(PlannedGuest.Services), nameof(PlannedGuest.Needs), nameof(PlannedGuest.Networks)];

    private static readonly string[] WaiverKeys = [nameof(Waiver.Id), nameof(Waiver.Reason), nameof(Waiver.Owner), nameof(Waiver.Expires)];

    private static readonly string[] Protocols = ["tcp", "udp"];

    private readonly IReadOnlyCollection<string>? checks;

    private PlanBinder(IReadOnlyCollection<string>? checks) => this.checks = checks;

    /// <summary>Judges a plan.</summary>
    /// <param name="document">The plan as it was given.</param>
    /// <param name="checks">The ids that a waiver may have; null: any that looks like one.</param>
    public static PlanReading Bind(PlanDocument document, IReadOnlyCollection<string>? checks)
    {
        var problems = new PlanProblems(document);
        if (document.Root is not PlanMap map)
        {
            problems.Wrong(document.Root.Line, "the plan", $"it is a table of keys, not {document.Root.Kind}");
            return new PlanReading(null, problems.InOrder);
        }

        // What a later version has in it is unknown here: each of its keys would be said to be wrong.
        var version = map.Entries.FirstOrDefault(entry => problems.Comparer.Equals(entry.Key, nameof(DeploymentPlan.FormatVersion)));
        if (version?.Value is PlanScalar { Value: decimal number } && number > Version)
        {
            problems.Newer(version.Line, number);
            return new PlanReading(null, problems.InOrder);
        }

        var plan = new PlanBinder(checks).Plan(new PlanFields(problems, map, "", [.. PlanKeys, SchemaKey]));
        return problems.InOrder is { Count: > 0 } all ? new PlanReading(null, all) : new PlanReading(plan, []);
    }

    private DeploymentPlan Plan(PlanFields fields)
    {
        fields.Number(nameof(DeploymentPlan.FormatVersion), Version, Version);
        fields.Text(SchemaKey, PlanRules.Text);
        var administrators = fields.Texts(nameof(DeploymentPlan.Administrators), PlanRules.Account);
        var users = fields.Texts(nameof(DeploymentPlan.Users), PlanRules.Account);
        if (users.Intersect(administrators).FirstOrDefault() is { } both) fields.Wrong(nameof(DeploymentPlan.Users), $"{both} is among the administrators already");
        var networks = Named(fields, nameof(DeploymentPlan.Networks), NetworkKeys, Network, network => network.Name);
        return new DeploymentPlan
        {
            Hypervisor = fields.Word<Hypervisor>(nameof(DeploymentPlan.Hypervisor)),
            Services = Named(fields, nameof(DeploymentPlan.Services), ServiceKeys, HostService, service => service.Name),
            Sockets = Sockets(fields),
            Users = users,
            Administrators = administrators,
            Booleans = fields.Flags(nameof(DeploymentPlan.Booleans), PlanRules.Boolean),
            Networks = networks,
            Volumes = Volumes(fields),
            Guests = Named(fields, nameof(DeploymentPlan.Guests), GuestKeys, guest => Guest(guest, [.. networks.Select(network => network.Name)]), guest => guest.Name),
            Waivers = Named(fields, nameof(DeploymentPlan.Waivers), WaiverKeys, ReadWaiver, waiver => waiver.Id),
        };
    }

    private static PlannedService HostService(PlanFields fields) => new(fields.NeededText(nameof(PlannedService.Name), PlanRules.Unit), fields.Text(nameof(PlannedService.Purpose), PlanRules.Text) ?? "");

    private static PlannedService GuestService(PlanFields fields) => new(fields.NeededText(nameof(PlannedService.Name), PlanRules.Name), fields.Text(nameof(PlannedService.Purpose), PlanRules.Text) ?? "");

    private static IReadOnlyList<PlannedSocket> Sockets(PlanFields fields)
    {
        var planned = new HashSet<(int, string, string?)>();
        return fields.Tables(nameof(DeploymentPlan.Sockets), SocketKeys, one =>
        {
            var socket = Socket(one);
            if (one.Has(nameof(PlannedSocket.Port)) && !planned.Add((socket.Port, socket.Protocol, socket.Address))) one.Wrong(nameof(PlannedSocket.Port), $"{socket.Protocol} {socket.Port} is planned already");
            return socket;
        });
    }

    private static PlannedSocket Socket(PlanFields fields)
    {
        var socket = new PlannedSocket(
            fields.NeededNumber(nameof(PlannedSocket.Port), 1, MostPorts), fields.NeededWord(nameof(PlannedSocket.Protocol), Protocols), fields.Text(nameof(PlannedSocket.Service), PlanRules.Text) ?? "")
        {
            LastPort = fields.Number(nameof(PlannedSocket.LastPort), 1, MostPorts),
            Address = fields.Text(nameof(PlannedSocket.Address), PlanRules.Address),
            From = fields.Texts(nameof(PlannedSocket.From), PlanRules.Source),
        };
        if (socket.LastPort < socket.Port) fields.Wrong(nameof(PlannedSocket.LastPort), $"the range begins with {socket.Port} and cannot end before it");
        return socket;
    }

    private static PlannedNetwork Network(PlanFields fields) => new(fields.NeededText(nameof(PlannedNetwork.Name), PlanRules.Name), fields.NeededWord<NetworkRole>(nameof(PlannedNetwork.Role)))
    {
        Interfaces = fields.Texts(nameof(PlannedNetwork.Interfaces), PlanRules.Interface),
        IsRouted = fields.Flag(nameof(PlannedNetwork.IsRouted)),
    };

    private static IReadOnlyList<PlannedVolume> Volumes(PlanFields fields)
    {
        var (volumes, places) = (new HashSet<string>(), new HashSet<string>());
        return fields.Tables(nameof(DeploymentPlan.Volumes), VolumeKeys, one =>
        {
            var volume = Volume(one);
            var (key, subject) = volume.DevicePath is { } device ? (nameof(PlannedVolume.DevicePath), device) : (nameof(PlannedVolume.Name), $"{volume.VolumeGroup}/{volume.Name}");
            if (one.Has(key) && !volumes.Add(subject)) one.Wrong(key, $"{PlanText.Shown(subject)} is planned already");
            if (volume.MountPoint is { } place && !places.Add(place)) one.Wrong(nameof(PlannedVolume.MountPoint), $"{PlanText.Shown(place)} is planned already");
            return volume;
        });
    }

    private static PlannedVolume Volume(PlanFields fields)
    {
        var volume = new PlannedVolume(fields.Text(nameof(PlannedVolume.MountPoint), PlanRules.MountPoint))
        {
            VolumeGroup = fields.Text(nameof(PlannedVolume.VolumeGroup), PlanRules.LvmName),
            Name = fields.Text(nameof(PlannedVolume.Name), PlanRules.LvmName),
            DevicePath = fields.Text(nameof(PlannedVolume.DevicePath), PlanRules.Device),
            Size = fields.Size(nameof(PlannedVolume.Size)),
            FileSystem = fields.Word(nameof(PlannedVolume.FileSystem), PlanRules.FileSystems),
        };
        string[] ofVolume = [nameof(PlannedVolume.VolumeGroup), nameof(PlannedVolume.Name)];
        if (fields.Has(nameof(PlannedVolume.DevicePath)))
        {
            foreach (var key in ofVolume.Append(nameof(PlannedVolume.Size)).Where(fields.Has)) fields.Wrong(key, "a device has neither volume group, name nor size of its own");
            if (!fields.Has(nameof(PlannedVolume.MountPoint))) fields.Missing(nameof(PlannedVolume.MountPoint));
        }
        else
        {
            foreach (var key in ofVolume.Where(key => !fields.Has(key))) fields.Missing(key);
            if (volume is { VolumeGroup: { } group, Name: { } name } && PlanRules.LvmNames(group, name) is { } why) fields.Wrong(nameof(PlannedVolume.Name), why);
            if (!fields.Has(nameof(PlannedVolume.MountPoint)) && fields.Has(nameof(PlannedVolume.FileSystem)))
                fields.Wrong(nameof(PlannedVolume.FileSystem), "what has no mount point is a guest's own disk, and has no file system of the host's");
        }

        return volume;
    }

    private static PlannedGuest Guest(PlanFields fields, IReadOnlyCollection<string> networks)
    {
        string? Planned(string name) => PlanRules.Name(name) ?? (networks.Contains(name) ? null
            : networks.Count == 0 ? "the plan has no Networks" : $"the plan has no network {PlanText.Shown(name)}; {NearestWord.Advice(name, networks)}");
        return new PlannedGuest(fields.NeededText(nameof(PlannedGuest.Name), PlanRules.Name))
        {
            Services = Named(fields, nameof(PlannedGuest.Services), ServiceKeys, GuestService, service => service.Name),
            Needs = fields.Words<GuestNeed>(nameof(PlannedGuest.Needs)),
            Networks = fields.Texts(nameof(PlannedGuest.Networks), Planned),
        };
    }

    private Waiver ReadWaiver(PlanFields fields)
    {
        string? Known(string id) => PlanRules.Check(id) ?? (checks is null || checks.Contains(id) ? null : $"there is no check {id}; {NearestId(id, checks)}");
        return new Waiver(
            fields.NeededText(nameof(Waiver.Id), Known), fields.NeededText(nameof(Waiver.Reason), PlanRules.Text),
            fields.NeededText(nameof(Waiver.Owner), PlanRules.Text), fields.NeededDay(nameof(Waiver.Expires)));
    }

    /// <summary>Of more than a hundred ids not all are told.</summary>
    private static string NearestId(string id, IEnumerable<string> checks) => NearestWord.Of(id, checks) is { } nearest ? $"the nearest is {nearest}" : "Get-Dom0HardeningRule lists them";

    /// <summary>Tables that have a name, each its own.</summary>
    private static IReadOnlyList<T> Named<T>(PlanFields fields, string key, string[] keys, Func<PlanFields, T> read, Func<T, string> nameOf)
    {
        var names = new HashSet<string>();
        return fields.Tables(key, keys, one =>
        {
            var item = read(one);
            if (nameOf(item) is { Length: > 0 } name && !names.Add(name)) one.Wrong(keys[0], $"{PlanText.Shown(name)} is planned already");
            return item;
        });
    }
}
