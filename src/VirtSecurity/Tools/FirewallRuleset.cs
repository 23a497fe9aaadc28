using System.Globalization;

namespace VirtSecurity.Tools;

/// <summary>What a condition of a rule looks at.</summary>
internal enum FirewallField
{
    /// <summary>The interface a packet came in by.</summary>
    InInterface,

    /// <summary>The interface it will leave by.</summary>
    OutInterface,

    /// <summary>ipv4 or ip, ipv6 or ip6.</summary>
    Family,

    /// <summary>tcp, udp, icmp ...</summary>
    Protocol,

    /// <summary>Where it is from.</summary>
    Source,

    /// <summary>Where it is for: addresses, or what they are to the host: <c>local</c>, <c>unicast</c> (another's), broadcast ...; <c>host</c>: it is sent to the host's own card.</summary>
    Destination,

    /// <summary>The port it is for.</summary>
    Port,

    /// <summary>What connection tracking says of it: new, established ...</summary>
    State,

    /// <summary>Something that a stranger's first packet is not: a translated address, an answer, one that a bridge passes on.</summary>
    NeverOfAStranger,

    /// <summary>The port it is from, which the sender chooses.</summary>
    SourcePort,

    /// <summary>How much of it there is: a limit; negated: it is over the limit.</summary>
    Rate,

    /// <summary>Something else, of which it cannot be told whether it is so.</summary>
    Other,
}

/// <summary>A condition of a rule: one of some values, or none of them.</summary>
/// <param name="Field">What it looks at.</param>
/// <param name="Values">The values, as the tool writes them; ranges as <c>first-last</c>.</param>
/// <param name="IsNegated">It is none of them.</param>
internal sealed record FirewallMatch(FirewallField Field, IReadOnlyList<string> Values, bool IsNegated = false)
{
    private const string Syn = "syn";

    /// <summary>Something of which it cannot be told whether it is so.</summary>
    public static FirewallMatch Other { get; } = new(FirewallField.Other, []);

    /// <summary>Something that is known of a stranger's first packet: no condition, or one that it never meets.</summary>
    public static FirewallMatch[] Known(bool isSo) => isSo ? [] : [new(FirewallField.NeverOfAStranger, [])];

    /// <summary>The flags of TCP of a first packet are SYN alone: whether that is what is asked for of some of them.</summary>
    /// <param name="mask">The flags that are looked at.</param>
    /// <param name="set">Those of them that are to be set.</param>
    public static bool IsFirstOfTcp(IEnumerable<string> mask, IEnumerable<string> set)
    {
        string[] seen = mask.Contains(Syn, StringComparer.OrdinalIgnoreCase) ? [Syn] : [];
        return seen.SequenceEqual(set.Distinct(), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The ports that a value stands for: <c>first-last</c>, or one; null: it is none.</summary>
    public static (int First, int Last)? Ports(string value)
    {
        static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
        var words = value.Split('-');
        var (first, last) = (Number(words[0]), Number(words[^1]));
        return words.Length <= 2 && first >= 0 && last >= first ? (first, last) : null;
    }
}

/// <summary>What a rule does with a packet.</summary>
internal enum FirewallAction
{
    /// <summary>Nothing that decides: it counts, logs, marks.</summary>
    Continue,

    /// <summary>Lets it through this chain.</summary>
    Accept,

    /// <summary>Drops it, or refuses it with an answer.</summary>
    Deny,

    /// <summary>Goes on in another chain, and comes back.</summary>
    Jump,

    /// <summary>Goes on in another chain, and does not come back to this one.</summary>
    Goto,

    /// <summary>Goes back to where the chain was called.</summary>
    Return,

    /// <summary>Leaves it to somebody else, such as a program.</summary>
    Unknown,
}

/// <summary>A rule.</summary>
/// <param name="Matches">What a packet must be; all of it.</param>
/// <param name="Action">What is done then.</param>
/// <param name="Target">The chain to go on in; null: none.</param>
/// <param name="Text">The rule as evidence shows it.</param>
internal sealed record FirewallRule(IReadOnlyList<FirewallMatch> Matches, FirewallAction Action, string? Target, string Text);

/// <summary>A chain of rules.</summary>
/// <param name="Family">ip, ip6, or inet for both.</param>
/// <param name="Table">Its table.</param>
/// <param name="Name">Its name.</param>
internal sealed record FirewallChain(string Family, string Table, string Name)
{
    /// <summary>Where the kernel calls it: input, forward, prerouting ...; null: only rules do.</summary>
    public string? Hook { get; init; }

    /// <summary>Its kind, filter, nat or route, where the kernel calls it.</summary>
    public string Kind { get; init; } = "filter";

    /// <summary>What becomes of a packet that no rule decided on: it is dropped.</summary>
    public bool IsDenyPolicy { get; init; }

    /// <summary>The rules, in their order.</summary>
    public IReadOnlyList<FirewallRule> Rules { get; init; } = [];

    /// <summary>As evidence names it.</summary>
    public override string ToString() => $"{Family} {Table} {Name}";
}

/// <summary>All chains of a host, from all its tools.</summary>
/// <param name="Chains">The chains.</param>
internal sealed record FirewallRuleset(IReadOnlyList<FirewallChain> Chains)
{
    private readonly Dictionary<(string, string, string), FirewallChain> byName = Chains.DistinctBy(chain => (chain.Family, chain.Table, chain.Name)).ToDictionary(chain => (chain.Family, chain.Table, chain.Name));

    /// <summary>Whether a rule is about some destinations only.</summary>
    public bool NamesDestinations { get; } = Chains.Any(chain => chain.Rules.Any(rule => rule.Matches.Any(match => match.Field == FirewallField.Destination)));

    /// <summary>A chain of the same table; null: there is none.</summary>
    public FirewallChain? Find(FirewallChain from, string name) => byName.GetValueOrDefault((from.Family, from.Table, name));

    /// <summary>The chains that the kernel calls at a hook for packets of a family and that filter.</summary>
    public IEnumerable<FirewallChain> At(string hook, string family) => Chains.Where(chain => chain.Hook == hook && chain.Kind == "filter" && (chain.Family == family || chain.Family == "inet"));

    /// <summary>The ports at which some rule begins or ends to speak of ports: between two of them all ports fare alike.</summary>
    public IReadOnlyList<int> PortBounds { get; } = [.. Chains.SelectMany(chain => chain.Rules).SelectMany(rule => rule.Matches).Where(match => match.Field == FirewallField.Port)
        .SelectMany(match => match.Values).Select(FirewallMatch.Ports).OfType<(int First, int Last)>().SelectMany(ports => new[] { ports.First, ports.Last + 1 }).Distinct().Order()];

    /// <summary>The addresses and networks that rules name which do not simply deny.</summary>
    public IReadOnlyList<string> Sources { get; } = [.. Chains.SelectMany(chain => chain.Rules).Where(rule => rule.Action != FirewallAction.Deny).SelectMany(rule => rule.Matches).Where(match => match.Field == FirewallField.Source).SelectMany(match => match.Values).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The interfaces that rules name, but the loopback; a name may end with * or +.</summary>
    public IReadOnlyList<string> Interfaces { get; } = [.. Chains.SelectMany(chain => chain.Rules).SelectMany(rule => rule.Matches).Where(match => match.Field is FirewallField.InInterface or FirewallField.OutInterface)
        .SelectMany(match => match.Values).Where(name => name is not ("lo" or "*" or "+" or "")).Distinct().Order(StringComparer.Ordinal)];
}
