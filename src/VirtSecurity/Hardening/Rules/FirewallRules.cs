using System.Globalization;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.FirewallFacts;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>A firewall stands before the host and denies what is not planned. Of the networks behind it: <see cref="NetworkRules"/>.</summary>
internal static class FirewallRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Firewall";

    private static readonly string[] Firewalls = ["firewalld", "nftables", "iptables", "ip6tables", "netfilter-persistent", "ufw", "shorewall", "ferm"];

    private static IReadOnlyList<HardeningRule> Own { get; } =
    [
        new("FWL-01", "A firewall is there, and will be after the next boot")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [.. RuleNeeds, .. UnitNeeds],
            Source = "RHEL 5 Virtualization Guide, deploying a host; ComplianceAsCode service_firewalld_enabled",
            Why = "Services that only the host itself or its neighbours need listen to everybody by default.",
            Expected = "firewalld, nftables or iptables is enabled, and the kernel has rules for what comes in",
            Judge = FirewallIsOn,
            Remedy = "Write rules that deny by default and switch their service on: systemctl enable --now firewalld (or nftables). Keep a way in while you do: first see that ssh is allowed.",
        },
        Default("FWL-02", "What nobody planned for is denied", HardeningSeverity.High, "ComplianceAsCode configured_firewalld_default_deny, nftables_ensure_default_deny_policy",
            "A rule that allows by default opens the next service that somebody starts, without anybody deciding it.", "ip"),
        Default("FWL-03", "What nobody planned for is denied in IPv6 too", HardeningSeverity.High, "ComplianceAsCode set_ip6tables_default_rule",
            "iptables' rules say nothing of IPv6: the same services are open there, on addresses that every link has.", "ip6"),
        new("FWL-04", "Only planned ports are open")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [.. RuleNeeds, Sockets, LibvirtFiles, Ipv6],
            Source = "RHEL 5 Virtualization Guide, ports for virtualization",
            Why = "libvirt, displays and guests on the move have ports of their own; each of them open to all is a door to guests.",
            Expected = "what strangers reach is in the plan's Sockets, to be reached by anybody; without a plan, only ssh",
            Judge = OnlyPlannedIsOpen,
            Remedy = "Close the port (firewall-cmd --permanent --remove-port=PORT/tcp; firewall-cmd --reload), or let in only those who need it and name it in the plan's Sockets.",
        },
        new("FWL-05", "Migration and displays are open to listed hosts only")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [.. RuleNeeds, LibvirtFiles, Ipv6],
            Source = "libvirt, secure usage of QEMU; RHEL 5 Virtualization Guide, Xen live migration",
            Why = "Hosts that exchange guests, and administrators who watch them, are few and known: nobody else has to reach these ports.",
            Expected = "rules that open these ports name the addresses they are for",
            Judge = ConsolesAreListed,
            Remedy = "Name the source in the rule: firewall-cmd --permanent --add-rich-rule='rule family=ipv4 source address=NETWORK port port=49152-49215 protocol=tcp accept'.",
        },
        new("FWL-06", "What the host passes on is denied by default")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [.. RuleNeeds, Forwarding],
            Source = "ComplianceAsCode set_iptables_default_rule_forward",
            Why = "A host that forwards is a router: without rules, one guest network and the next, and the management network, are one.",
            Expected = "the forward chains drop or reject what no rule lets through; libvirt's own networks excepted",
            Judge = ForwardIsClosed,
            Remedy = "Set the forward chain's policy to drop, with rules for the guests' networks; in firewalld every zone does so by itself.",
        },
    ];

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } = [.. Own.Concat(NetworkRules.All).OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    private static HardeningRule Default(string id, string title, HardeningSeverity severity, string source, string why, string family) => new(id, title)
    {
        Category = Category,
        Severity = severity,
        Needs = family == "ip" ? RuleNeeds : [.. RuleNeeds, Ipv6],
        Source = source,
        Why = why,
        Expected = "by whatever interface it comes, a packet that no rule knows is dropped or rejected, by a policy or a last rule",
        Judge = host => family == "ip6" && !HasIpv6(host.Facts) ? Verdict.NotApplicable("the host does not speak IPv6") : Denied(Strangers(RulesetOf(host.Facts), family, false)),
        Remedy = family == "ip"
            ? "Set the input chain's policy to drop (nftables), end INPUT with REJECT (iptables), or give the zone a default or DROP target (firewalld); first see that ssh is allowed."
            : "Put the rules into a table of family inet, or write the same for ip6tables; firewalld does both by itself.",
    };

    private static Verdict Denied(IReadOnlyList<(FirewallFate Fate, string Line)> packets)
    {
        var open = packets.Where(packet => packet.Fate == FirewallFate.Accepted).Select(packet => packet.Line).ToArray();
        var uncertain = packets.Where(packet => packet.Fate == FirewallFate.Uncertain).Select(packet => packet.Line).ToArray();
        if (open.Length > 0) return Verdict.Fail($"let in: {Verdict.Count(open)}", open);
        return uncertain.Length > 0 ? Verdict.Unknown($"what a rule asks for cannot be told from here: {Verdict.Count(uncertain)}", uncertain) : Verdict.Pass("denied", packets.Select(packet => packet.Line));
    }

    private static Verdict FirewallIsOn(Judged host)
    {
        var units = UnitsOf(host.Facts).Where(unit => Firewalls.Contains(Path.GetFileNameWithoutExtension(unit.Name)) && unit.IsEnabled).ToArray();
        if (units.Length == 0 && host.Facts.IsOffline) return Verdict.Fail("no firewall is started at boot", $"links of the boot: none of {string.Join(", ", Firewalls)}");
        var chains = RulesetOf(host.Facts).Chains.Where(chain => chain is { Hook: "input", Kind: "filter" } && (chain.IsDenyPolicy || chain.Rules.Count > 0)).ToArray();
        string[] evidence = [.. units.Select(unit => unit.ToString()), .. chains.Select(chain => $"{chain}: {chain.Rules.Count} rules, policy {(chain.IsDenyPolicy ? "drop" : "accept")}")];
        if (chains.Length == 0) return Verdict.Fail("the kernel has no rule for what comes in", [.. evidence, "nft list ruleset; iptables-save: no rule and no policy at input"]);
        if (units.Length == 0) return Verdict.Fail("there are rules, and nothing makes them again at the next boot", evidence);
        return units.Any(unit => unit.Active is "active" or "") ? Verdict.Pass("on, now and at boot", evidence) : Verdict.Fail("what is enabled does not run", evidence);
    }

    /// <summary>Ports that virtualization has, by the settings of the host; of a range the ends and some between.</summary>
    private static IEnumerable<(int Port, string Name)> KnownPorts(HardeningFacts facts)
    {
        var conf = Conf(facts, "qemu");
        int Port(string name, int byItself) => (int)Math.Clamp(conf.Number(name) ?? byItself, 1, 65535);
        var (display, socket, move, last) = (Port("remote_display_port_min", 5900), Port("remote_websocket_port_min", 5700), Port("migration_port_min", 49152), Port("migration_port_max", 49215));
        return [(16509, "libvirt, plain TCP"), (16514, "libvirt, TLS"), (socket, "displays by websocket"), (display, "displays"), (Math.Min(display + 1, 65535), "displays"), (Math.Min(display + 10, 65535), "displays"), (move, "migration"), ((move + last) / 2, "migration"), (last, "migration"), (8002, "xend's relocation"), (54321, "management agent")];
    }

    private static Verdict OnlyPlannedIsOpen(Judged host)
    {
        var ruleset = RulesetOf(host.Facts);
        var known = KnownPorts(host.Facts).DistinctBy(one => one.Port).ToDictionary(one => one.Port, one => one.Name);
        var listening = SocketsOf(host.Facts).Where(socket => !socket.IsLoopback).GroupBy(socket => (socket.Protocol, socket.Port)).ToDictionary(same => same.Key, same => same.First());
        var wrong = new List<string>();
        var (unsure, open) = (new List<string>(), new List<string>());
        var mere = true;
        foreach (var (protocol, port) in known.Keys.Select(port => ("tcp", port)).Concat(listening.Keys).Append(("tcp", 22)).Distinct().Order())
        {
            var decision = Worst(host, ruleset, protocol, port);
            if (decision.Fate == FirewallFate.Denied) continue;
            var socket = listening.GetValueOrDefault((protocol, port));
            var line = string.Create(CultureInfo.InvariantCulture, $"{protocol} {port} ({socket?.Process ?? known.GetValueOrDefault(port, port == 22 ? "ssh" : "")}{(socket is null ? ", nothing listens now" : "")}): {decision.Fate.ToString().ToLowerInvariant()} by {decision.By}");
            var planned = host.Plan?.Sockets.Where(one => one.Protocol == protocol && one.Port <= port && port <= (one.LastPort ?? one.Port)).ToArray() ?? [];
            if (host.Plan is null && (protocol, port) == ("tcp", 22)) open.Add(line);
            else if (planned.Any(one => one.From.Count == 0)) open.Add(line);
            else if (decision.Fate == FirewallFate.Uncertain) unsure.Add(line);
            // The door itself is FWL-02's: a port that is neither known nor listens is not told again here.
            else if (known.ContainsKey(port) || socket is not null)
            {
                mere &= !known.ContainsKey(port);
                wrong.Add(planned.Length > 0 ? $"{line}; planned for {string.Join(", ", planned.SelectMany(one => one.From))} only" : line);
            }
        }

        if (wrong.Count > 0) return host.Plan is null && mere ? Verdict.Warn($"no plan says that they are to be open: {Verdict.Count(wrong)}", wrong) : Verdict.Fail(Verdict.Count(wrong), wrong);
        return unsure.Count > 0 ? Verdict.Unknown($"what a rule asks for cannot be told from here: {Verdict.Count(unsure)}", unsure)
            : Verdict.Pass(open.Count > 0 ? "only what is planned" : "nothing is open to strangers", open.Count > 0 ? open : ["nft list ruleset; iptables-save: every known port is denied to strangers"]);
    }

    private static FirewallDecision Worst(Judged host, FirewallRuleset ruleset, string protocol, int port, bool isNamed = false) =>
        (HasIpv6(host.Facts) ? new[] { "ip", "ip6" } : ["ip"]).SelectMany(family => Doors(ruleset, false).Select(door => FirewallWalk.Of(ruleset, new FirewallProbe(family, protocol, port, door) { IsFromAnybodyNamed = isNamed })))
            .OrderByDescending(decision => decision.Fate switch { FirewallFate.Accepted => 2, FirewallFate.Uncertain => 1, _ => 0 }).First();

    private static Verdict ConsolesAreListed(Judged host)
    {
        var ruleset = RulesetOf(host.Facts);
        var (open, listed, unsure) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var (port, name) in KnownPorts(host.Facts).DistinctBy(one => one.Port))
        {
            var (stranger, named) = (Worst(host, ruleset, "tcp", port), Worst(host, ruleset, "tcp", port, true));
            (stranger.Fate switch { FirewallFate.Accepted => open, FirewallFate.Uncertain => unsure, _ => named.Fate == FirewallFate.Denied ? [] : listed }).Add(string.Create(CultureInfo.InvariantCulture, $"tcp {port} ({name}): {(stranger.Fate == FirewallFate.Denied ? named : stranger).By}"));
        }

        if (open.Count > 0) return Verdict.Fail($"open to all: {Verdict.Count(open)}", open);
        if (unsure.Count > 0) return Verdict.Unknown($"what a rule asks for cannot be told from here: {Verdict.Count(unsure)}", unsure);
        return listed.Count > 0 ? Verdict.Pass("open to listed addresses only", listed) : Verdict.NotApplicable("no port of migration or displays is open to anybody");
    }

    private static Verdict ForwardIsClosed(Judged host)
    {
        var families = new[] { "ip", "ip6" }.Where(family => Forwards(host.Facts, family)).ToArray();
        if (families.Length == 0) return Verdict.NotApplicable("the host passes nothing on (ip_forward is 0)");
        var ruleset = RulesetOf(host.Facts);
        return Denied([.. families.SelectMany(family => Strangers(ruleset, family, true))]);
    }
}
