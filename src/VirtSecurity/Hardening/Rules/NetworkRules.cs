using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.FirewallFacts;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Firewall about the networks of guests: apart, and nobody in them speaks for another.</summary>
internal static class NetworkRules
{
    private const string NetworkTree = "/etc/libvirt/qemu/networks/";
    private const string FilterTree = "/etc/libvirt/nwfilter/";

    /// <summary>libvirt's own filters that keep a guest from another's hardware address, or have one in them that does.</summary>
    private static readonly string[] SpoofFilters = ["no-mac-spoofing", "clean-traffic", "clean-traffic-gateway"];

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("FWL-07", "The host is a router only if it is planned to be one")
        {
            Category = FirewallRules.Category, Severity = HardeningSeverity.Low, Needs = [Forwarding, Networks],
            Source = "RHEL 5 Virtualization Guide, networks; ComplianceAsCode sysctl_net_ipv4_ip_forward",
            Why = "A bridge needs no routing; a host that routes without need joins the networks that it is in.",
            Expected = "ip_forward is 1 where the plan has a routed network, otherwise 0",
            Judge = RoutesAsPlanned,
            Remedy = "Write net.ipv4.ip_forward = 0 (and net.ipv6.conf.all.forwarding = 0) to /etc/sysctl.d/ and load it (sysctl --system); NAT and routed networks of libvirt's need it: say IsRouted in the plan.",
        },
        new("FWL-08", "Guests on a bridge cannot take another's address")
        {
            Category = FirewallRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [.. GuestFiles.Needs, Networks, Questions.LibvirtFiles],
            Source = "libvirt, network filters; ComplianceAsCode kubevirt-enforce-bridge-mac-spoof",
            Why = "On a bridge any guest may send as any other, and answer for the gateway, unless its card is filtered.",
            Expected = "each card on a bridge has a filter with no-mac-spoofing (clean-traffic), or qemu.conf has mac_filter = 1",
            Judge = CardsAreFiltered,
            Remedy = "Add <filterref filter='clean-traffic'/> to the guest's <interface> (virsh edit GUEST).",
        },
        new("FWL-09", "Management, storage and guests have networks of their own")
        {
            Category = FirewallRules.Category, Severity = HardeningSeverity.Medium, Needs = [Links, Addresses], NeedsPlan = true,
            Source = "XenServer security recommendations",
            Why = "A guest in the management network reaches the host's doors, and one in the storage network other guests' images on their way.",
            Expected = "no interface and no bridge is in networks of two roles, each planned interface is there, and a guest network that is not routed has no address of the host's",
            Judge = NetworksAreApart,
            Remedy = "Give each role an interface or a VLAN of its own, put only the guests' into their bridge, and take the host's address off it.",
        },
        new("FWL-10", "What a bridge passes on does not run through the host's own rules")
        {
            Category = FirewallRules.Category, Severity = HardeningSeverity.Low, Needs = [BridgeCalls],
            Source = "libvirt wiki, bridge-nf-call and bridged networks",
            Why = "With it guests' frames are judged by rules that were written for the host: they are cut off by the one, or let through by the other.",
            Expected = "bridge-nf-call-iptables, -ip6tables and -arptables are 0, or br_netfilter is not loaded",
            Judge = BridgesAreBridges,
            Remedy = "Write net.bridge.bridge-nf-call-iptables = 0 (and ip6tables, arptables) to /etc/sysctl.d/, loaded after the module; filter guests by libvirt's network filters. Where it is wanted, waive the check in the plan.",
        },
    ];

    private static IEnumerable<(string Path, LibvirtNetwork Network)> LibvirtNetworks(Judged host) =>
        host.Facts.Files(Networks).Where(file => file.Path.StartsWith(NetworkTree, StringComparison.Ordinal)).Select(file => (file.Path, LibvirtNetwork.Parse(file.Text)));

    private static Verdict RoutesAsPlanned(Judged host)
    {
        var on = new[] { "ip", "ip6" }.Where(family => Forwards(host.Facts, family)).Select(family => family == "ip" ? "/proc/sys/net/ipv4/ip_forward: 1" : "/proc/sys/net/ipv6/conf/all/forwarding: 1").ToArray();
        if (host.Plan is { } plan)
        {
            var routed = plan.Networks.Where(network => network.IsRouted).Select(network => network.Name).ToArray();
            if (routed.Length == 0) return Verdict.Unless(on, "it routes nothing, as planned", "/proc/sys/net/ipv4/ip_forward: 0");
            return on.Length > 0 ? Verdict.Pass($"it routes, for {string.Join(", ", routed)}", on) : Verdict.Fail($"{string.Join(", ", routed)} is to be routed, and is not", "/proc/sys/net/ipv4/ip_forward: 0");
        }

        if (on.Length == 0) return Verdict.Pass("it routes nothing", "/proc/sys/net/ipv4/ip_forward: 0");
        var needs = LibvirtNetworks(host).Where(file => file.Network.IsRouted).Select(file => $"{file.Path}: forward mode {file.Network.Mode}").ToArray();
        return needs.Length > 0 ? Verdict.Warn("it routes, as networks of libvirt's need; no plan says that they are wanted", [.. on, .. needs]) : Verdict.Fail("it routes, and nothing needs it", on);
    }

    private static Verdict CardsAreFiltered(Judged host)
    {
        var bridged = LibvirtNetworks(host).Where(file => file.Network.Mode == "bridge").Select(file => file.Network.Name).ToHashSet();
        var cards = GuestFiles.Domains(host.Facts).SelectMany(file => file.Domain.Cards.Select(card => (Card: card, Line: $"{file.Path}: {file.Domain.Name}: {card.Kind} {card.Source}: {(card.Filters.Count > 0 ? string.Join(", ", card.Filters) : "no filter")}")))
            .Where(one => one.Card.Kind == "bridge" || (one.Card.Kind == "network" && bridged.Contains(one.Card.Source))).ToArray();
        if (cards.Length == 0) return Verdict.NotApplicable("no guest has a card on a bridge of the host's");
        var conf = Conf(host.Facts, "qemu");
        if (conf.Number("mac_filter") is > 0) return Verdict.Pass("libvirt filters each by its hardware address", [conf.Line("mac_filter"), .. cards.Select(one => one.Line)]);
        var filters = host.Facts.Files(Networks).Where(file => file.Path.StartsWith(FilterTree, StringComparison.Ordinal)).Select(file => DomainXml.Load(file.Text)).Where(filter => filter.Name.LocalName == "filter")
            .DistinctBy(filter => (string?)filter.Attribute("name")).ToDictionary(filter => (string?)filter.Attribute("name") ?? "", filter => filter.Elements("filterref").Select(one => (string?)one.Attribute("filter") ?? "").ToArray());
        return Verdict.Unless([.. cards.Where(one => !one.Card.Filters.Any(name => IsAgainstSpoofing(name, filters, []))).Select(one => one.Line)], "each is filtered", cards.Select(one => one.Line));
    }

    private static bool IsAgainstSpoofing(string name, Dictionary<string, string[]> filters, HashSet<string> seen) =>
        seen.Add(name) && (name == SpoofFilters[0] || (filters.TryGetValue(name, out var inside) ? inside.Any(one => IsAgainstSpoofing(one, filters, seen)) : SpoofFilters.Contains(name)));

    private static Verdict NetworksAreApart(Judged host)
    {
        var networks = host.Plan!.Networks;
        if (networks.Select(network => network.Role).Distinct().Count() < 2) return Verdict.NotApplicable("the plan names no networks of different roles to keep apart");
        var paths = host.Facts.Files(Links).Select(file => file.Path).ToArray();
        var there = paths.Select(path => path.Split('/')[4]).ToHashSet();
        var bridges = HostNetworks.BridgesOf(paths);
        var addresses = host.Facts.Text(Addresses).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words is [_, _, "inet" or "inet6", ..] && !words[3].StartsWith("fe80:", StringComparison.OrdinalIgnoreCase)).Select(words => (Interface: words[1].Split('@')[0], Address: words[3])).ToArray();
        var uses = networks.SelectMany(network => network.Interfaces.Concat(network.Interfaces.SelectMany(name => bridges.GetValueOrDefault(name, []).Where(port => !IsOfGuests(port)))).Distinct().Select(name => (Name: name, Network: network))).ToArray();
        var wrong = uses.GroupBy(use => use.Name).Where(same => same.Select(use => use.Network.Role).Distinct().Count() > 1).Select(same => $"{same.Key}: in {string.Join(" and ", same.Select(use => $"{use.Network.Name} ({use.Network.Role})"))}").ToList();
        wrong.AddRange(networks.SelectMany(network => network.Interfaces.Where(name => !there.Contains(name)).Select(name => $"/sys/class/net/{name}: not there; planned in {network.Name}")));
        wrong.AddRange(networks.Where(network => network is { Role: NetworkRole.Guest, IsRouted: false }).SelectMany(network => addresses.Where(address => network.Interfaces.Contains(address.Interface)).Select(address => $"{address.Interface}: has {address.Address}, an address of the host's in {network.Name}")));
        return Verdict.Unless(wrong, "apart", networks.Select(network => $"{network.Name} ({network.Role}): {string.Join(", ", network.Interfaces)}"));
    }

    private static Verdict BridgesAreBridges(Judged host)
    {
        var files = host.Facts.Files(BridgeCalls);
        if (files.Count == 0) return Verdict.NotApplicable("br_netfilter is not loaded: no bridge hands frames to the host's rules");
        var lines = files.Select(file => (IsOn: file.Text.Trim() switch { "0" => false, "1" => true, var other => throw new FormatException($"{file.Path} is '{other}'") }, Line: $"{file.Path}: {file.Text.Trim()}")).ToArray();
        return Verdict.Unless([.. lines.Where(line => line.IsOn).Select(line => line.Line)], "they do not", lines.Select(line => line.Line));
    }
}
