using System.Globalization;
using System.Net;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;

namespace VirtSecurity.Planning;

/// <summary>In what a host and its plan differ: the host, written down as a plan, beside it.</summary>
internal sealed class PlanDifferences
{
    private readonly VirtHost host;
    private readonly DeploymentPlan plan;
    private readonly DeploymentPlan actual;
    private readonly List<DeploymentPlanDifference> found = [];
    private readonly PlanDraft draft;
    private string section = "";
    private bool isPartial;

    private PlanDifferences(VirtHost host, DeploymentPlan plan, PlanDraft draft) => (this.host, this.plan, this.draft, actual) = (host, plan, draft, draft.Plan);

    /// <summary>Compares.</summary>
    /// <param name="plan">A valid plan.</param>
    /// <param name="facts">What the host said.</param>
    /// <param name="today">The day, in UTC.</param>
    /// <exception cref="VirtException">PlanForOtherHypervisor.</exception>
    public static IReadOnlyList<DeploymentPlanDifference> Of(DeploymentPlan plan, PlanFacts facts, DateOnly today)
    {
        if (plan.Hypervisor is { } planned && facts.Hypervisor is { } runs && planned != runs) throw new VirtException("PlanForOtherHypervisor", planned, facts.Name, runs);
        var differences = new PlanDifferences(facts.Name, plan, PlanDraft.Of(facts));
        differences.Compare();
        differences.Waivers(today);
        return differences.found;
    }

    private void Compare()
    {
        void Section(string name, Action compare)
        {
            (section, isPartial) = (name, draft.Partial.ContainsKey(name));
            if (draft.Unknown.TryGetValue(name, out var why) || draft.Partial.TryGetValue(name, out why)) Add("", PlanDifferenceKind.Unknown, "", why);
            if (!draft.Unknown.ContainsKey(name)) compare();
        }

        Section(nameof(plan.Hypervisor), () =>
        {
            if (plan.Hypervisor is { } planned && actual.Hypervisor is null) Add(planned.ToString(), PlanDifferenceKind.Missing, planned.ToString(), "");
        });
        Section(nameof(plan.Services), Services);
        Section(nameof(plan.Sockets), Sockets);
        Section(nameof(plan.Users), () => People(plan.Users, actual.Users, plan.Administrators, actual.Administrators));
        // root is there always, and no ordinary account.
        Section(nameof(plan.Administrators), () => People([.. plan.Administrators.Where(name => name != "root")], actual.Administrators, [], []));
        Section(nameof(plan.Booleans), Booleans);
        Section(nameof(plan.Networks), Networks);
        Section(nameof(plan.Volumes), Volumes);
        Section(nameof(plan.Guests), Guests);
    }

    /// <summary>What a socket starts is planned with its socket; and it is there while its socket is.</summary>
    private void Services()
    {
        var atWork = actual.Services.Select(service => service.Name).ToHashSet();
        var there = draft.Units.Where(unit => atWork.Contains(unit.Name) || unit.TriggeredBy.Any(atWork.Contains)).Select(unit => unit.Name).ToArray();
        foreach (var planned in plan.Services.Where(planned => !Array.Exists(there, name => UnitPattern.IsMatch(planned.Name, name)))) Add(planned.Name, PlanDifferenceKind.Missing, planned.Purpose is "" ? planned.Name : planned.Purpose, "");
        foreach (var unit in draft.Units.Where(unit => atWork.Contains(unit.Name) && !UnitPattern.IsPlanned(plan, unit))) Add(unit.Name, PlanDifferenceKind.Unplanned, "", "it runs");
    }

    private void Sockets()
    {
        static bool IsOf(PlannedSocket planned, PlannedSocket socket) => planned.Protocol == socket.Protocol && socket.Port >= planned.Port && socket.Port <= (planned.LastPort ?? planned.Port);
        static string Name(PlannedSocket socket) => string.Create(CultureInfo.InvariantCulture, $"{socket.Protocol} {socket.Port}{(socket.LastPort is { } last ? $"-{last}" : "")}");
        static string Words(PlannedSocket socket) => $"{socket.Address ?? "any address"}{(socket.Service is "" ? "" : $", {socket.Service}")}";
        foreach (var planned in plan.Sockets)
        {
            // A range is what may listen, such as a migration's ports; one port is what does.
            if (planned.LastPort is null && !actual.Sockets.Any(socket => IsOf(planned, socket))) Add(Name(planned), PlanDifferenceKind.Missing, Words(planned), "");
        }

        foreach (var socket in actual.Sockets)
        {
            var candidates = plan.Sockets.Where(planned => IsOf(planned, socket)).ToArray();
            if (candidates.Length == 0) Add(Name(socket), PlanDifferenceKind.Unplanned, "", Words(socket));
            else if (!Array.Exists(candidates, planned => planned.Address is null || IsSameAddress(planned.Address, socket.Address))) Add(Name(socket), PlanDifferenceKind.Differs, string.Join("; ", candidates.Select(Words)), Words(socket));
        }
    }

    private static bool IsSameAddress(string planned, string? actual) =>
        IPAddress.Parse(planned) is var address && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || (actual is not null && address.Equals(IPAddress.Parse(actual))));

    /// <summary>Who is planned as the one and is the other is told once, among the administrators.</summary>
    private void People(IReadOnlyList<string> planned, IReadOnlyList<string> there, IReadOnlyList<string> plannedElsewhere, IReadOnlyList<string> elsewhere)
    {
        foreach (var name in planned.Except(there).Except(elsewhere))
        {
            if (draft.HasDirectory) Add(name, PlanDifferenceKind.Unknown, name, "it is not listed, and the host has a directory of people that may not list all");
            else Add(name, PlanDifferenceKind.Missing, name, "");
        }

        foreach (var name in there.Except(planned).Except(plannedElsewhere)) Add(name, PlanDifferenceKind.Unplanned, "", name);
    }

    private void Booleans()
    {
        static string Word(bool isOn) => isOn ? "on" : "off";
        foreach (var (name, isOn) in plan.Booleans.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            // What the policy does not have is open to nobody.
            if (!draft.Booleans.TryGetValue(name, out var isNow)) { if (isOn) Add(name, PlanDifferenceKind.Missing, Word(isOn), ""); }
            else if (isNow != isOn) Add(name, PlanDifferenceKind.Differs, Word(isOn), Word(isNow));
        }

        foreach (var (name, isOn) in actual.Booleans.Where(one => !plan.Booleans.ContainsKey(one.Key) && PlanDraft.IsOfVirtualization(one.Key))) Add(name, PlanDifferenceKind.Unplanned, "", Word(isOn));
    }

    private void Networks()
    {
        var byInterface = plan.Networks.SelectMany(network => network.Interfaces.Select(name => (name, network))).DistinctBy(one => one.name).ToDictionary(one => one.name, one => one.network);
        var there = actual.Networks.SelectMany(network => network.Interfaces.Select(name => (Name: name, Network: network))).ToArray();
        foreach (var (name, network) in byInterface.Where(one => !draft.Interfaces.Contains(one.Key)).OrderBy(one => one.Key, StringComparer.Ordinal)) Add(name, PlanDifferenceKind.Missing, $"in the network {network.Name}", "");
        foreach (var (name, network) in there)
        {
            if (!byInterface.TryGetValue(name, out var planned)) Add(name, PlanDifferenceKind.Unplanned, "", $"{network.Name} ({network.Role})");
            else if (planned.Role == NetworkRole.Guest && network.Role == NetworkRole.Guest && planned.IsRouted != network.IsRouted) Add(name, PlanDifferenceKind.Differs, Routing(planned), Routing(network));
        }
    }

    private static string Routing(PlannedNetwork network) => network.IsRouted ? "routed by the host" : "not routed by the host";

    private void Volumes()
    {
        static string Name(PlannedVolume volume) => volume.DevicePath ?? $"{volume.VolumeGroup}/{volume.Name}";
        static string Place(PlannedVolume volume) => volume.MountPoint ?? "a guest's own disk";
        foreach (var planned in plan.Volumes)
        {
            if (actual.Volumes.FirstOrDefault(volume => Name(volume) == Name(planned)) is not { } volume)
            {
                Add(Name(planned), PlanDifferenceKind.Missing, Place(planned), "");
                continue;
            }

            if (volume.MountPoint != planned.MountPoint) Add(Name(planned), PlanDifferenceKind.Differs, Place(planned), Place(volume));
            else if (planned.FileSystem is not null && volume.FileSystem != planned.FileSystem) Add(Name(planned), PlanDifferenceKind.Differs, planned.FileSystem, volume.FileSystem ?? "another");
            // LVM rounds up to whole extents: more is as planned.
            else if (planned.Size is not null && volume.Size is not null && new VolumeSize(volume.Size).Bytes < new VolumeSize(planned.Size).Bytes) Add(Name(planned), PlanDifferenceKind.Differs, planned.Size, volume.Size);
        }

        foreach (var volume in actual.Volumes.Where(volume => !plan.Volumes.Any(planned => Name(planned) == Name(volume)))) Add(Name(volume), PlanDifferenceKind.Unplanned, "", Place(volume));
    }

    private void Guests()
    {
        foreach (var planned in plan.Guests.Where(planned => !actual.Guests.Any(guest => guest.Name == planned.Name))) Add(planned.Name, PlanDifferenceKind.Missing, "a guest", "");
        foreach (var guest in actual.Guests)
        {
            if (plan.Guests.FirstOrDefault(planned => planned.Name == guest.Name) is not { } planned)
            {
                Add(guest.Name, PlanDifferenceKind.Unplanned, "", "a guest");
                continue;
            }

            // What a definition does not show, such as migration, may be planned all the same.
            var more = guest.Needs.Except(planned.Needs).Select(need => need.ToString()).ToArray();
            if (more.Length > 0) Add(guest.Name, PlanDifferenceKind.Differs, planned.Needs.Count == 0 ? "needs nothing" : $"needs {string.Join(", ", planned.Needs)}", $"has {string.Join(", ", more)} too");
            var (wanted, linked) = (Interfaces(plan, planned), Interfaces(actual, guest));
            if (!wanted.SetEquals(linked)) Add(guest.Name, PlanDifferenceKind.Differs, $"in {Listed(planned.Networks)}", $"in {Listed(guest.Networks)}");
        }
    }

    /// <summary>A network has the name that the plan gives it: what it is, its interfaces say; one without any is its name.</summary>
    private static HashSet<string> Interfaces(DeploymentPlan plan, PlannedGuest guest) =>
        [.. guest.Networks.SelectMany(name => plan.Networks.FirstOrDefault(network => network.Name == name)?.Interfaces is { Count: > 0 } interfaces ? interfaces : [name])];

    private static string Listed(IReadOnlyList<string> names) => names.Count == 0 ? "no network" : string.Join(", ", names);

    private void Waivers(DateOnly today)
    {
        (section, isPartial) = (nameof(plan.Waivers), false);
        foreach (var waiver in plan.Waivers.Where(waiver => waiver.Expires < today))
            Add(waiver.Id, PlanDifferenceKind.Expired, $"until {waiver.Expires.ToString(PlanRules.DayFormat, CultureInfo.InvariantCulture)}", $"{waiver.Reason} ({waiver.Owner})");
    }

    private void Add(string name, PlanDifferenceKind kind, string planned, string actually)
    {
        // What was left out of the draft may be the very thing.
        if (kind == PlanDifferenceKind.Missing && isPartial) (kind, actually) = (PlanDifferenceKind.Unknown, "it is not among what could be read");
        found.Add(new DeploymentPlanDifference { VirtHost = host, Section = section, Name = name, Kind = kind, Planned = planned, Actual = actually });
    }
}
