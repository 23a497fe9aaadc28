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

    /// <summary>It is from any address that a rule asks for: whether somebody is let in at all.</summary>
    public bool IsFromAnybodyNamed { get; init; }
}

/// <summary>What becomes of a packet.</summary>
internal enum FirewallFate
{
    /// <summary>It is dropped or refused.</summary>
    Denied,

    /// <summary>It gets through.</summary>
    Accepted,

    /// <summary>Depends on a rule whose condition cannot be told from here.</summary>
    Uncertain,
}

/// <summary>What becomes of a packet, and by what.</summary>
/// <param name="Fate">What becomes of it.</param>
/// <param name="By">The chain with its rule or policy that decides.</param>
internal sealed record FirewallDecision(FirewallFate Fate, string By);

/// <summary>
/// Follows a packet through the chains as the kernel does. A packet that one base chain of a hook denies is denied, whatever the others say; one that a base
/// chain accepts goes on to the next (nft(8), VERDICT STATEMENT). So default deny is a policy or a last rule of one of them, and a chain that accepts beside it opens nothing.
/// </summary>
internal sealed class FirewallWalk(FirewallRuleset ruleset, FirewallProbe probe)
{
    // The kernel allows 16 jumps in a row; text that is not a kernel's must not cost more.
    private const int MostDepth = 64;
    private const int MostSteps = 200_000;

    private readonly Dictionary<(string, string, string), FirewallChain> chains = ruleset.Chains.DistinctBy(chain => (chain.Family, chain.Table, chain.Name)).ToDictionary(chain => (chain.Family, chain.Table, chain.Name));
    private string? doubt;
    private int steps;

    /// <summary>What becomes of a packet at some hooks.</summary>
    /// <exception cref="FormatException">The rules lead nowhere.</exception>
    public static FirewallDecision Of(FirewallRuleset ruleset, FirewallProbe probe)
    {
        string[] hooks = ["prerouting", probe.OutInterface is null ? "input" : "forward"];
        var accepted = (FirewallDecision?)null;
        var uncertain = (FirewallDecision?)null;
        foreach (var chain in hooks.SelectMany(hook => ruleset.At(hook, probe.Family)))
        {
            var decision = new FirewallWalk(ruleset, probe).Base(chain);
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
            if (Matches(rule) is not { } match) continue;
            var isSure = match;
            var by = $"{chain}: {rule.Text}";
            switch (rule.Action)
            {
                case FirewallAction.Accept when isSure: return (true, by);
                case FirewallAction.Deny when isSure: return (false, by);
                case FirewallAction.Return when isSure: return null;
                case FirewallAction.Accept or FirewallAction.Unknown or FirewallAction.Return: doubt ??= by; break;
                case FirewallAction.Jump or FirewallAction.Goto:
                    var called = chains.GetValueOrDefault((chain.Family, chain.Table, rule.Target!)) ?? throw new FormatException($"{by}: there is no chain {rule.Target}");
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
            bool? one = match.Field switch
            {
                FirewallField.InInterface => match.Values.Any(name => IsInterface(name, probe.InInterface)),
                FirewallField.OutInterface => probe.OutInterface is { } name && match.Values.Any(value => IsInterface(value, name)),
                FirewallField.Family => match.Values.Any(value => value == (probe.Family == "ip" ? "ipv4" : "ipv6")),
                FirewallField.Protocol => match.Values.Any(value => value == probe.Protocol || value is "all" or "0" || value == (probe.Protocol == "tcp" ? "6" : "17")),
                FirewallField.Source => probe.IsFromAnybodyNamed ? !match.IsNegated : match.Values.Any(IsEverywhere),
                FirewallField.Destination => match.Values.Any(IsTheHost),
                FirewallField.Port => match.Values.Any(IsPort),
                FirewallField.State => match.Values.Any(value => value.Equals("new", StringComparison.OrdinalIgnoreCase)),
                FirewallField.NeverOfAStranger => false,
                // While it lasts, what a limit lets through is let through.
                FirewallField.Rate => match.IsNegated ? null : rule.Action == FirewallAction.Accept ? true : null,
                _ => null,
            };
            if (one is null) isSure = false;
            else if (one == match.IsNegated) return null;
        }

        return isSure;
    }

    private static bool IsInterface(string pattern, string name) =>
        pattern is "*" or "+" || pattern == name || (pattern is [.. var start, '*' or '+'] && name.StartsWith(start, StringComparison.Ordinal));

    /// <summary>Whether an address range is so wide that it means everybody.</summary>
    private bool IsEverywhere(string value) => value.Split('/') is [_, var length] ? int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits < (probe.Family == "ip" ? 8 : 4) : value is "0.0.0.0-255.255.255.255";

    /// <summary>A packet for the host itself has one of its addresses, not a group's; where one is sent through it, it has a stranger's too.</summary>
    private bool IsTheHost(string value)
    {
        if (probe.OutInterface is not null) return IsEverywhere(value);
        var text = value.Split('/', '-')[0];
        if (!IPAddress.TryParse(text, out var address)) return true;
        if (IsEverywhere(value)) return true;
        var bytes = address.GetAddressBytes();
        var isV4 = bytes.Length == 4;
        if (isV4 != (probe.Family == "ip")) return false;
        return isV4 ? bytes[0] is not (>= 224 or 127) : !address.IsIPv6Multicast && !address.IsIPv6LinkLocal && !IPAddress.IsLoopback(address);
    }

    private bool IsPort(string value)
    {
        static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
        return value.Split('-') switch
        {
            [var one] => Number(one) == probe.Port,
            [var first, var last] => Number(first) <= probe.Port && probe.Port <= Number(last) && Number(first) >= 0,
            _ => false,
        };
    }
}
