using System.Globalization;
using System.Net;

namespace VirtSecurity.Tools;

/// <summary>The first packet of somebody that no rule knows: what a firewall is there for.</summary>
/// <param name="Family">ip or ip6.</param>
/// <param name="Protocol">tcp or udp.</param>
/// <param name="Port">The port it is for.</param>
/// <param name="InInterface">The interface it came in by; empty: one that no rule names.</param>
internal sealed record FirewallProbe(string Family, string Protocol, int Port, string InInterface = "")
{
    /// <summary>The interface it will leave by; empty: one that no rule names; null: it is for the host itself.</summary>
    public string? OutInterface { get; init; }

    /// <summary>It is from any address that a rule lets in: whether somebody is let in at all.</summary>
    public bool IsFromAnybodyNamed { get; init; }

    /// <summary>The address it is from; null: one that no rule names.</summary>
    public IPAddress? From { get; init; }
}

/// <summary>What becomes of a packet; the greater, the worse.</summary>
internal enum FirewallFate
{
    /// <summary>It is dropped or refused.</summary>
    Denied,

    /// <summary>Depends on a rule whose condition cannot be told from here.</summary>
    Uncertain,

    /// <summary>It gets through.</summary>
    Accepted,
}

/// <summary>What becomes of a packet, and by what.</summary>
/// <param name="Fate">What becomes of it.</param>
/// <param name="By">The chain with its rule or policy that decides.</param>
internal sealed record FirewallDecision(FirewallFate Fate, string By);

/// <summary>
/// Follows a packet through the chains as the kernel does. A packet that one base chain of a hook denies is denied, whatever the others say; one that a base
/// chain accepts goes on to the next, whatever their priorities (nft(8), VERDICT STATEMENTS). So default deny is a policy or a last rule of one of them, and a
/// chain that accepts beside it opens nothing. What the sender chooses, the port it is from or one of the host's addresses, it chooses for the worst; a rule that denies only perhaps is not counted on.
/// </summary>
internal sealed class FirewallWalk
{
    // The kernel allows 16 jumps in a row; text that is not a kernel's must not cost more.
    private const int MostDepth = 64;
    private const int MostSteps = 200_000;

    /// <summary>Words for addresses that are no host's own: fib(8) and iptables-extensions(8), addrtype and pkttype.</summary>
    private static readonly string[] NotOurs = ["broadcast", "multicast", "anycast", "other", "otherhost", "blackhole", "unreachable", "prohibit", "throw", "nat", "unspec", "xresolve", "loopback", "outgoing"];

    private readonly FirewallRuleset ruleset;
    private readonly FirewallProbe probe;
    private readonly bool isForNamedAddress;
    private string? doubt;
    private int steps;

    private FirewallWalk(FirewallRuleset ruleset, FirewallProbe probe, bool isForNamedAddress) => (this.ruleset, this.probe, this.isForNamedAddress) = (ruleset, probe, isForNamedAddress);

    /// <summary>What becomes of a packet at the hooks on its way.</summary>
    /// <exception cref="FormatException">The rules lead nowhere.</exception>
    public static FirewallDecision Of(FirewallRuleset ruleset, FirewallProbe probe)
    {
        // The host has several addresses, and rules may be about one of them: a packet for it, and one for another.
        var decision = Of(ruleset, probe, false);
        return decision.Fate == FirewallFate.Accepted || probe.OutInterface is not null || !ruleset.NamesDestinations ? decision : new[] { decision, Of(ruleset, probe, true) }.MaxBy(one => one.Fate)!;
    }

    private static FirewallDecision Of(FirewallRuleset ruleset, FirewallProbe probe, bool isForNamedAddress)
    {
        string[] hooks = ["prerouting", probe.OutInterface is null ? "input" : "forward"];
        FirewallDecision? accepted = null, uncertain = null;
        foreach (var chain in hooks.SelectMany(hook => ruleset.At(hook, probe.Family)))
        {
            var decision = new FirewallWalk(ruleset, probe, isForNamedAddress).Base(chain);
            if (decision.Fate == FirewallFate.Denied) return decision;
            if (decision.Fate == FirewallFate.Uncertain) uncertain ??= decision;
            else if (chain.Hook == hooks[1] || accepted is null) accepted = decision;
        }

        return uncertain ?? accepted ?? new FirewallDecision(FirewallFate.Accepted, $"no chain filters {hooks[1]} of {probe.Family}");
    }

    private FirewallDecision Base(FirewallChain chain)
    {
        var (isAccepted, by) = Follow(chain, 0) ?? (!chain.IsDenyPolicy, $"{chain}: policy {(chain.IsDenyPolicy ? "drop" : "accept")}");
        return isAccepted ? new(FirewallFate.Accepted, by) : doubt is null ? new(FirewallFate.Denied, by) : new(FirewallFate.Uncertain, doubt);
    }

    /// <summary>Null: its end was reached.</summary>
    private (bool IsAccepted, string By)? Follow(FirewallChain chain, int depth)
    {
        if (depth > MostDepth) throw new FormatException($"{chain}: the chains call each other in a circle");
        foreach (var rule in chain.Rules)
        {
            if (++steps > MostSteps) throw new FormatException("there is no end to the rules");
            if (rule.Action == FirewallAction.Continue || Matches(rule) is not { } isSure) continue;
            var by = $"{chain}: {rule.Text}";
            switch (rule.Action)
            {
                case FirewallAction.Accept when isSure: return (true, by);
                case FirewallAction.Deny when isSure: return (false, by);
                case FirewallAction.Return when isSure: return null;
                case FirewallAction.Accept or FirewallAction.Unknown or FirewallAction.Return: doubt ??= by; break;
                case FirewallAction.Jump or FirewallAction.Goto:
                    var called = ruleset.Find(chain, rule.Target!) ?? throw new FormatException($"{by}: there is no chain {rule.Target}");
                    if (Follow(called, depth + 1) is { } decision)
                    {
                        if (isSure) return decision;
                        if (decision.IsAccepted) doubt ??= decision.By;
                    }
                    else if (rule.Action == FirewallAction.Goto)
                    {
                        if (isSure) return null;
                        doubt ??= by;
                    }

                    break;
            }
        }

        return null;
    }

    /// <summary>Null: it does not match; false: perhaps.</summary>
    private bool? Matches(FirewallRule rule)
    {
        var isSure = true;
        foreach (var match in rule.Matches)
        {
            var isSo = match.Field switch
            {
                FirewallField.InInterface => match.Values.Any(name => IsInterface(name, probe.InInterface)),
                FirewallField.OutInterface => probe.OutInterface is { } name && match.Values.Any(value => IsInterface(value, name)),
                FirewallField.Family => match.Values.Any(value => value is "ipv4" or "ip" ? probe.Family == "ip" : value is "ipv6" or "ip6" && probe.Family == "ip6"),
                FirewallField.Protocol => match.Values.Any(value => value == probe.Protocol || value is "all" or "0" || value == (probe.Protocol == "tcp" ? "6" : "17")),
                FirewallField.Source => probe.IsFromAnybodyNamed ? Chosen(rule, match) : match.Values.Any(value => IsEverywhere(value) || (probe.From is { } from && NetAddress.IsIn(value, from))),
                FirewallField.Destination => Any(match.Values.Select(IsDestination)),
                FirewallField.Port => match.Values.Any(value => FirewallMatch.Ports(value) is { } ports && ports.First <= probe.Port && probe.Port <= ports.Last),
                FirewallField.State => match.Values.Any(value => value.Equals("new", StringComparison.OrdinalIgnoreCase)),
                FirewallField.NeverOfAStranger => false,
                FirewallField.SourcePort => Chosen(rule, match),
                // While it lasts, what a limit lets through is let through; what is over it comes after other packets.
                FirewallField.Rate when rule.Action != FirewallAction.Accept || !match.IsNegated => Chosen(rule, match),
                _ => (bool?)null,
            };
            if (isSo is null) isSure = false;
            else if (isSo == match.IsNegated) return null;
        }

        return isSure;
    }

    /// <summary>What the sender chooses fits a rule that lets in, and none that denies; with one that goes on elsewhere it cannot be told.</summary>
    private static bool? Chosen(FirewallRule rule, FirewallMatch match) => rule.Action switch
    {
        FirewallAction.Accept => !match.IsNegated,
        FirewallAction.Deny => match.IsNegated,
        _ => null,
    };

    private static bool? Any(IEnumerable<bool?> all)
    {
        var known = all.ToArray();
        return known.Contains(true) ? true : known.Contains(null) ? null : false;
    }

    private static bool IsInterface(string pattern, string name) =>
        pattern is "*" or "+" || pattern == name || (pattern is [.. var start, '*' or '+'] && name.StartsWith(start, StringComparison.Ordinal));

    /// <summary>Whether an address range is so wide that it means everybody.</summary>
    private bool IsEverywhere(string value) => value.Split('/') is [_, var length] ? int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits < (probe.Family == "ip" ? 8 : 4) : value is "0.0.0.0-255.255.255.255";

    /// <summary>A packet for the host itself has one of its addresses, not a group's; one that is sent through it has a stranger's. Null: what it means is not known.</summary>
    private bool? IsDestination(string value)
    {
        if (value is "host" || IsEverywhere(value)) return true;
        if (value is "local" or "unicast") return (value is "local") == probe.OutInterface is null;
        if (NotOurs.Contains(value)) return false;
        if (!IPAddress.TryParse(value.Split('/', '-')[0], out var address)) return null;
        var bytes = address.GetAddressBytes();
        var isOfFamily = (bytes.Length == 4) == (probe.Family == "ip");
        var isOfGroup = bytes.Length == 4 ? bytes[0] is >= 224 or 127 : address.IsIPv6Multicast || address.IsIPv6LinkLocal || IPAddress.IsLoopback(address);
        return isForNamedAddress && isOfFamily && !isOfGroup;
    }
}
