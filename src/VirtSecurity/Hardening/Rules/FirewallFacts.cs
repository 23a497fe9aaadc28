using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Questions about the firewall and the networks behind it.</summary>
internal static class FirewallFacts
{
    /// <summary>A host's own end of a guest's network, or of its card.</summary>
    private static readonly string[] GuestInterfaces = ["virbr", "vnet", "tap", "vif", "macvtap"];

    /// <summary>Rules that name more networks than these were made by a program.</summary>
    public const int MostSources = 200;

    /// <summary>nf_tables' rules.</summary>
    public static FactQuestion Nft { get; } = FactQuestion.Run("nft-ruleset", NftRuleset.List());

    /// <summary>iptables' rules, old and new.</summary>
    public static FactQuestion Rules { get; } = FactQuestion.Run("iptables-rules", Iptables.Save());

    /// <summary>Whether the host speaks IPv6.</summary>
    public static FactQuestion Ipv6 { get; } = FactQuestion.Files("ipv6", "/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/net/if_inet6");

    /// <summary>Whether the host passes packets on.</summary>
    public static FactQuestion Forwarding { get; } = FactQuestion.Files("ip-forward", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding");

    /// <summary>Whether what a bridge passes on goes through the rules for packets.</summary>
    public static FactQuestion BridgeCalls { get; } = FactQuestion.Files("bridge-nf-call", "/proc/sys/net/bridge/bridge-nf-call-*");

    /// <summary>libvirt's networks, and its filters for guests' cards.</summary>
    public static FactQuestion Networks { get; } = FactQuestion.Files("libvirt-networks", "/etc/libvirt/qemu/networks/*.xml", "/etc/libvirt/nwfilter/*.xml");

    /// <summary>Interfaces, and the ports of bridges.</summary>
    public static FactQuestion Links { get; } = FactQuestion.Look("network-links", "/sys/class/net/*", "/sys/class/net/*/brif/*");

    /// <summary>The host's addresses.</summary>
    public static FactQuestion Addresses { get; } = FactQuestion.Run("addresses", new("ip", "-o", "addr", "show"));

    /// <summary>The questions behind <see cref="RulesetOf"/>.</summary>
    public static IReadOnlyList<FactQuestion> RuleNeeds { get; } = [Nft, Rules];

    /// <summary>All rules of the host.</summary>
    /// <exception cref="FormatException">Not all of them can be shown.</exception>
    public static FirewallRuleset RulesetOf(HardeningFacts facts)
    {
        var iptables = facts.TextOrMissing(Rules) ?? throw new FormatException("the kernel has iptables' rules, and no iptables-save is there to show them");
        if (facts.TextOrMissing(Nft) is { } nft) return Iptables.Together(NftRuleset.Read(nft), iptables);
        return iptables.Contains(" nft\n", StringComparison.Ordinal) ? Iptables.Together(new FirewallRuleset([]), iptables) : throw new FormatException("the kernel has nf_tables, and no nft is there to show its rules");
    }

    /// <summary>Whether the host speaks IPv6: an interface has an address of it, or may yet have one.</summary>
    public static bool HasIpv6(HardeningFacts facts)
    {
        var files = facts.Files(Ipv6);
        // proc_net(5), if_inet6: address, number, prefix, scope, flags, interface.
        return files.Where(file => file.Path.EndsWith("/if_inet6", StringComparison.Ordinal)).SelectMany(file => file.Lines).Any(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, .., not "lo"])
            || files.Any(file => file.Path.EndsWith("/disable_ipv6", StringComparison.Ordinal) && file.Text.Trim() != "1");
    }

    /// <summary>Whether packets of a family are passed on.</summary>
    public static bool Forwards(HardeningFacts facts, string family) =>
        facts.File(Forwarding, family == "ip" ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding")?.Text.Trim() switch
        {
            null when family == "ip6" => false,
            "0" => false,
            "1" or "2" => true,
            var other => throw new FormatException($"/proc/sys/net: forwarding of {family} is '{other}'"),
        };

    /// <summary>Whether an interface is a guest's or its network's.</summary>
    public static bool IsOfGuests(string name) => GuestInterfaces.Any(start => name.StartsWith(start, StringComparison.Ordinal));

    /// <summary>Where a stranger's packet may come in: by any interface that a rule names, and by any that none does.</summary>
    public static IEnumerable<string> Doors(FirewallRuleset ruleset, bool withGuests) => ruleset.Interfaces.Select(name => name.TrimEnd('*', '+')).Where(name => name.Length > 0 && (withGuests || !IsOfGuests(name))).Prepend("").Distinct();

    /// <summary>The families that the host speaks.</summary>
    public static string[] Families(HardeningFacts facts) => HasIpv6(facts) ? ["ip", "ip6"] : ["ip"];

    /// <summary>What becomes of a packet that nobody planned for, by any of some doors: the worst of it, one line a door.</summary>
    public static IReadOnlyList<(FirewallFate Fate, string Line)> Strangers(FirewallRuleset ruleset, string family, bool isForward) =>
        [.. Doors(ruleset, !isForward).SelectMany(door => new[] { ("tcp", 1027), ("tcp", 61027), ("udp", 1027), ("udp", 61027) }.Select(packet => (
            Door: door, Packet: packet,
            Decision: FirewallWalk.Of(ruleset, new FirewallProbe(family, packet.Item1, packet.Item2, door) { OutInterface = isForward ? "" : null }))))
            .GroupBy(one => (one.Decision.Fate, one.Decision.By))
            .Select(same => (same.Key.Fate, string.Create(CultureInfo.InvariantCulture, $"{family}, {same.First().Packet.Item1} to port {same.First().Packet.Item2} by {(same.First().Door.Length > 0 ? same.First().Door : "any interface")}: {same.Key.Fate.ToString().ToLowerInvariant()} ({same.Key.By})")))];

    /// <summary>The worst that becomes of a packet for a port, by any family and door.</summary>
    /// <param name="ruleset">The rules.</param>
    /// <param name="families">The families that the host speaks.</param>
    /// <param name="protocol">tcp or udp.</param>
    /// <param name="port">The port.</param>
    /// <param name="isNamed">It is from an address that a rule lets in.</param>
    /// <param name="sender">The address it is from; null: a stranger's.</param>
    public static FirewallDecision Worst(FirewallRuleset ruleset, IEnumerable<string> families, string protocol, int port, bool isNamed = false, IPAddress? sender = null) =>
        families.SelectMany(family => Doors(ruleset, false).Select(door => FirewallWalk.Of(ruleset, new FirewallProbe(family, protocol, port, door) { IsFromAnybodyNamed = isNamed, From = sender }))).MaxBy(decision => decision.Fate)!;

    /// <summary>The networks, of at most <see cref="MostSources"/>, that rules name, and whose packets for a port are let in, but those that are to be: what the firewall knows and the plan does not.</summary>
    /// <param name="ruleset">The rules.</param>
    /// <param name="families">The families that the host speaks.</param>
    /// <param name="protocol">tcp or udp.</param>
    /// <param name="port">The port.</param>
    /// <param name="planned">The networks that are to be let in.</param>
    public static IEnumerable<(string Source, FirewallDecision Decision)> LetInBesides(FirewallRuleset ruleset, string[] families, string protocol, int port, IReadOnlyList<string> planned) =>
        from source in ruleset.Sources
        let first = NetAddress.First(source)
        where first is not null && !IPAddress.IsLoopback(first) && !planned.Any(range => NetAddress.IsIn(range, first))
        let family = first.AddressFamily == AddressFamily.InterNetwork ? "ip" : "ip6"
        where families.Contains(family)
        let decision = Worst(ruleset, [family], protocol, port, sender: first)
        where decision.Fate == FirewallFate.Accepted
        select (source, decision);

    /// <summary>The ports that virtualization has, by the settings of the host: libvirt's, those of displays and of guests on the move, xend's, and the management agent's.</summary>
    public static IReadOnlyList<PortRange> KnownPorts(HardeningFacts facts)
    {
        var conf = ServiceFacts.Conf(facts, "qemu");
        int Port(string name, long byItself) => (int)Math.Clamp(conf.Number(name) ?? byItself, 1, 65535);
        // The last port of displays is 65535 by itself: as many guests as a host can have take fewer.
        PortRange Of(string name, string kind, int first, int last, int most)
        {
            var min = Port($"{kind}_min", first);
            return new PortRange(min, Math.Max(min, Math.Min(Port($"{kind}_max", last), min + most - 1)), name);
        }

        return
        [
            new(16509, 16509, "libvirt, plain TCP"), new(16514, 16514, "libvirt, TLS"), Of("displays by websocket", "remote_websocket_port", 5700, 65535, 200), Of("displays", "remote_display_port", 5900, 65535, 1000),
            Of("migration", "migration_port", 49152, 49215, 65535), new(8002, 8002, "xend's relocation"), new(54321, 54321, "management agent"),
        ];
    }

    /// <summary>A range in pieces that begin where something begins or ends.</summary>
    public static IEnumerable<PortRange> Pieces(PortRange range, IEnumerable<int> bounds)
    {
        int[] begins = [range.First, .. bounds.Where(bound => bound > range.First && bound <= range.Last).Distinct().Order()];
        return begins.Select((begin, i) => range with { First = begin, Last = i + 1 < begins.Length ? begins[i + 1] - 1 : range.Last });
    }
}

/// <summary>Ports next to each other.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="Name">What they are for; empty: not known.</param>
internal sealed record PortRange(int First, int Last, string Name)
{
    /// <summary>As evidence shows it.</summary>
    public override string ToString() => First == Last ? First.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");
}
