using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.FirewallFacts;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>A firewall stands before the host and denies what is not planned. Of the networks behind it: <see cref="NetworkRules"/>.</summary>
internal static class FirewallRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Firewall";

    /// <summary>The kernel's semantics (nft(8), VERDICT STATEMENTS), as an administrator has to know them to read the verdict.</summary>
    private const string OneDenies = "one base chain of the hook is enough, as a drop is final and what another chain accepts is not saved from it";

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
            Remedy = "Write rules that deny by default and switch their service on: systemctl enable --now firewalld (or nftables). Keep a way in while you do: first see that ssh is allowed. Debian's /etc/nftables.conf flushes libvirt's rules too: afterwards systemctl restart libvirtd (virtnetworkd).",
        },
        Default("FWL-02", "What nobody planned for is denied", HardeningSeverity.High, "ComplianceAsCode configured_firewalld_default_deny, nftables_ensure_default_deny_policy",
            "A rule that allows by default opens the next service that somebody starts, without anybody deciding it.", "ip"),
        Default("FWL-03", "What nobody planned for is denied in IPv6 too", HardeningSeverity.High, "ComplianceAsCode set_ip6tables_default_rule",
            "iptables' rules say nothing of IPv6: the same services are open there, on addresses that every link has.", "ip6"),
        new("FWL-04", "Only planned ports are open")
        {
            Category = Category, Severity = HardeningSeverity.High, Needs = [.. RuleNeeds, Sockets, Questions.LibvirtFiles, Ipv6],
            Source = "RHEL 5 Virtualization Guide, ports for virtualization",
            Why = "libvirt, displays and guests on the move have ports of their own; each of them open to all is a door to guests.",
            Expected = "what strangers reach is in the plan's Sockets, to be reached by anybody, and what rules let in from some networks is planned for these; without a plan, strangers reach ssh only",
            Judge = OnlyPlannedIsOpen,
            Remedy = "Close the port (firewall-cmd --permanent --remove-port=PORT/tcp; firewall-cmd --reload; or take its rule out of /etc/nftables.conf, and systemctl reload nftables), or let in only those who need it and name it in the plan's Sockets.",
        },
        new("FWL-05", "Migration and displays are open to listed hosts only")
        {
            Category = Category, Severity = HardeningSeverity.Medium, Needs = [.. RuleNeeds, Questions.LibvirtFiles, Ipv6],
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
            Expected = $"what comes from outside the guests' networks is dropped or rejected where no rule lets it through, by a policy or a last rule; {OneDenies}",
            Judge = ForwardIsClosed,
            Remedy = "Set the forward chain's policy to drop (nft chain inet filter forward '{ policy drop; }'; iptables -P FORWARD DROP), with rules for the guests' networks; in firewalld every zone does so by itself. Where nothing is to be passed on: sysctl -w net.ipv4.ip_forward=0.",
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
        Expected = $"by whatever interface it comes, a packet that no rule knows is dropped or rejected, by a policy or a last rule; {OneDenies}",
        Judge = host => family == "ip6" && !HasIpv6(host.Facts) ? Verdict.NotApplicable("the host does not speak IPv6") : Denied(Strangers(RulesetOf(host.Facts), family, false)),
        Remedy = family == "ip"
            ? "Set the input chain's policy to drop (nft chain inet filter input '{ policy drop; }', and in /etc/nftables.conf), end INPUT with REJECT (iptables -A INPUT -j REJECT), or give the zone a default or DROP target (firewall-cmd --permanent --zone=ZONE --set-target=default); first see that ssh is allowed."
            : "Put the rules into a table of family inet, or write the same for ip6tables; firewalld does both by itself.",
    };

    private static Verdict Denied(IReadOnlyList<(FirewallFate Fate, string Line)> packets)
    {
        var open = packets.Where(packet => packet.Fate == FirewallFate.Accepted).Select(packet => packet.Line).ToArray();
        var uncertain = packets.Where(packet => packet.Fate == FirewallFate.Uncertain).Select(packet => packet.Line).ToArray();
        if (open.Length > 0) return Verdict.Fail($"let in: {Verdict.Count(open)}", open);
        return uncertain.Length > 0 ? Verdict.Unknown($"what a rule asks for cannot be told from here: {Verdict.Count(uncertain)}", uncertain) : Verdict.Pass("denied", packets.Select(packet => packet.Line));
    }

    /// <summary>Rules that libvirt makes for its own networks let guests in, and keep nobody out.</summary>
    private static bool IsOfAFirewall(FirewallRule rule) => rule.Action != FirewallAction.Continue && rule.Target?.StartsWith("LIBVIRT_", StringComparison.Ordinal) != true;

    private static Verdict FirewallIsOn(Judged host)
    {
        var units = UnitsOf(host.Facts).Where(unit => Firewalls.Contains(Path.GetFileNameWithoutExtension(unit.Name)) && unit.IsEnabled).ToArray();
        if (units.Length == 0 && host.Facts.IsOffline) return Verdict.Fail("no firewall is started at boot", $"links of the boot: none of {string.Join(", ", Firewalls)}");
        var chains = RulesetOf(host.Facts).Chains.Where(chain => chain is { Hook: "input", Kind: "filter" } && (chain.IsDenyPolicy || chain.Rules.Any(IsOfAFirewall))).ToArray();
        string[] evidence = [.. units.Select(unit => unit.ToString()), .. chains.Select(chain => $"{chain}: {chain.Rules.Count} rules, policy {(chain.IsDenyPolicy ? "drop" : "accept")}")];
        if (chains.Length == 0) return Verdict.Fail("the kernel has no rule for what comes in", [.. evidence, "nft list ruleset; iptables-save: no rule and no policy at input, but libvirt's own"]);
        if (units.Length == 0) return Verdict.Fail("there are rules, and nothing makes them again at the next boot", evidence);
        return units.Any(unit => unit.Active is "active") || !IsToldByUnits(host.Facts) ? Verdict.Pass("on, now and at boot", evidence) : Verdict.Fail("what is enabled does not run", evidence);
    }

    private static Verdict OnlyPlannedIsOpen(Judged host)
    {
        var (ruleset, families) = (RulesetOf(host.Facts), Families(host.Facts));
        var listening = SocketsOf(host.Facts).Where(socket => !socket.IsLoopback).ToLookup(socket => (socket.Protocol, socket.Port), socket => socket.Process ?? "no process");
        // What fares alike is told together.
        int[] bounds = [.. ruleset.PortBounds, .. listening.SelectMany(one => new[] { one.Key.Port, one.Key.Port + 1 }), .. (host.Plan?.Sockets ?? []).SelectMany(one => new[] { one.Port, (one.LastPort ?? one.Port) + 1 })];
        var known = KnownPorts(host.Facts);
        var ports = known.Append(new PortRange(22, 22, "ssh")).SelectMany(range => Pieces(range, bounds)).Select(piece => (Protocol: "tcp", Ports: piece))
            .Concat(listening.Select(one => (one.Key.Protocol, Ports: new PortRange(one.Key.Port, one.Key.Port, "")))).DistinctBy(one => (one.Protocol, one.Ports.First)).OrderBy(one => one.Ports.First).ThenBy(one => one.Protocol, StringComparer.Ordinal);
        var (wrong, unsure, open) = (new List<string>(), new List<string>(), new List<string>());
        var mere = true;
        if (host.Plan is not null && ruleset.Sources.Count > MostSources) unsure.Add($"rules name {ruleset.Sources.Count} networks; whether each of them is planned is not looked at");
        foreach (var (protocol, piece) in ports)
        {
            var decision = Worst(ruleset, families, protocol, piece.First);
            var planned = host.Plan?.Sockets.Where(one => one.Protocol == protocol && one.Port <= piece.First && piece.First <= (one.LastPort ?? one.Port)).ToArray() ?? [];
            var isForAll = planned.Any(one => one.From.Count == 0) || (host.Plan is null && protocol == "tcp" && piece.First == 22);
            var source = "";
            // A plan says who is to be let in; without one, whoever wrote a rule for some knew them.
            if (decision.Fate == FirewallFate.Denied && host.Plan is not null && !isForAll && ruleset.Sources.Count <= MostSources && LetInBesides(ruleset, families, protocol, piece.First, [.. planned.SelectMany(one => one.From)]).FirstOrDefault() is (not null, _) besides)
                (source, decision) = ($" from {besides.Source}", besides.Decision);
            if (decision.Fate == FirewallFate.Denied) continue;
            string[] names = [.. new[] { piece.Name }.Where(name => name.Length > 0), .. listening[(protocol, piece.First)].Distinct().DefaultIfEmpty("nothing listens now")];
            var line = $"{protocol} {piece} ({string.Join(", ", names)}): {decision.Fate.ToString().ToLowerInvariant()}{source} by {decision.By}";
            if (isForAll) open.Add(line);
            else if (decision.Fate == FirewallFate.Uncertain) unsure.Add(line);
            else
            {
                mere &= piece.Name.Length == 0;
                wrong.Add(planned.Length > 0 ? $"{line}; planned for {string.Join(", ", planned.SelectMany(one => one.From))} only" : line);
            }
        }

        if (wrong.Count > 0) return host.Plan is null && mere ? Verdict.Warn($"no plan says that they are to be open: {Verdict.Count(wrong)}", wrong) : Verdict.Fail(Verdict.Count(wrong), wrong);
        return unsure.Count > 0 ? Verdict.Unknown($"what a rule asks for cannot be told from here: {Verdict.Count(unsure)}", unsure)
            : Verdict.Pass(open.Count > 0 ? "only what is planned" : "nothing is open to strangers", open.Count > 0 ? open : ["nft list ruleset; iptables-save: what listens, and every port of virtualization, is denied to strangers"]);
    }

    private static Verdict ConsolesAreListed(Judged host)
    {
        var (ruleset, families) = (RulesetOf(host.Facts), Families(host.Facts));
        var (open, listed, unsure) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var piece in KnownPorts(host.Facts).SelectMany(range => Pieces(range, ruleset.PortBounds)))
        {
            var (stranger, named) = (Worst(ruleset, families, "tcp", piece.First), Worst(ruleset, families, "tcp", piece.First, true));
            (stranger.Fate switch { FirewallFate.Accepted => open, FirewallFate.Uncertain => unsure, _ => named.Fate == FirewallFate.Denied ? [] : listed }).Add($"tcp {piece} ({piece.Name}): {(stranger.Fate == FirewallFate.Denied ? named : stranger).By}");
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
