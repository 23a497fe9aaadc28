using System.Globalization;

namespace VirtSecurity.Planning;

/// <summary>From a plan to the neutral tree, as both writers take it: what says nothing is left out, but for the plan's own keys.</summary>
internal static class PlanTree
{
    /// <summary>The plan's tree, without lines.</summary>
    public static PlanMap Of(DeploymentPlan plan) => Map(
        (nameof(plan.FormatVersion), Value(plan.FormatVersion)),
        (nameof(plan.Hypervisor), Value(plan.Hypervisor?.ToString())),
        (nameof(plan.Services), List(plan.Services, Of)),
        (nameof(plan.Sockets), List(plan.Sockets, Of)),
        (nameof(plan.Users), Texts(plan.Users)),
        (nameof(plan.Administrators), Texts(plan.Administrators)),
        (nameof(plan.Booleans), Map([.. (plan.Booleans ?? new Dictionary<string, bool>()).OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => (one.Key, (PlanNode?)new PlanScalar(one.Value, 0)))])),
        (nameof(plan.Networks), List(plan.Networks, Of)),
        (nameof(plan.Volumes), List(plan.Volumes, Of)),
        (nameof(plan.Guests), List(plan.Guests, Of)),
        (nameof(plan.Waivers), List(plan.Waivers, Of)));

    private static PlanMap Of(PlannedService service) => Map((nameof(service.Name), Value(service.Name)), (nameof(service.Purpose), Value(service.Purpose)));

    private static PlanMap Of(PlannedSocket socket) => Map(
        (nameof(socket.Port), Value(socket.Port)), (nameof(socket.LastPort), Value(socket.LastPort)), (nameof(socket.Protocol), Value(socket.Protocol)),
        (nameof(socket.Service), Value(socket.Service)), (nameof(socket.Address), Value(socket.Address)), (nameof(socket.From), Some(Texts(socket.From))));

    private static PlanMap Of(PlannedNetwork network) => Map(
        (nameof(network.Name), Value(network.Name)), (nameof(network.Role), Value(network.Role.ToString())),
        (nameof(network.Interfaces), Some(Texts(network.Interfaces))), (nameof(network.IsRouted), network.IsRouted ? new PlanScalar(true, 0) : null));

    private static PlanMap Of(PlannedVolume volume) => Map(
        (nameof(volume.VolumeGroup), Value(volume.VolumeGroup)), (nameof(volume.Name), Value(volume.Name)), (nameof(volume.DevicePath), Value(volume.DevicePath)),
        (nameof(volume.MountPoint), Value(volume.MountPoint)), (nameof(volume.Size), Value(volume.Size)), (nameof(volume.FileSystem), Value(volume.FileSystem)));

    private static PlanMap Of(PlannedGuest guest) => Map(
        (nameof(guest.Name), Value(guest.Name)), (nameof(guest.Services), Some(List(guest.Services, Of))),
        (nameof(guest.Needs), Some(Texts(guest.Needs?.Select(need => need.ToString())))), (nameof(guest.Networks), Some(Texts(guest.Networks))));

    private static PlanMap Of(Waiver waiver) => Map(
        (nameof(waiver.Id), Value(waiver.Id)), (nameof(waiver.Reason), Value(waiver.Reason)), (nameof(waiver.Owner), Value(waiver.Owner)),
        (nameof(waiver.Expires), Value(waiver.Expires.ToString(PlanRules.DayFormat, CultureInfo.InvariantCulture))));

    private static PlanMap Map(params (string Key, PlanNode? Value)[] entries) => new([.. entries.Where(entry => entry.Value is not null).Select(entry => new PlanEntry(entry.Key, entry.Value!, 0))], 0);

    private static PlanScalar? Value(string? text) => string.IsNullOrEmpty(text) ? null : new PlanScalar(text, 0);

    private static PlanScalar? Value(int? number) => number is { } some ? new PlanScalar((decimal)some, 0) : null;

    // PowerShell can put a null where none may be; it says as little as an empty list.
    private static PlanList Texts(IEnumerable<string>? texts) => new([.. (texts ?? []).Select(text => new PlanScalar(text, 0))], 0);

    private static PlanList List<T>(IEnumerable<T>? items, Func<T, PlanMap> of) => new([.. (items ?? []).Select(of)], 0);

    private static PlanList? Some(PlanList list) => list.Items.Count == 0 ? null : list;
}
