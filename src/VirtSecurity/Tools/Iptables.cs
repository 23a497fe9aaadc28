using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>
/// The rules of iptables and ip6tables, as iptables-save(8) prints them: of the old tables in the kernel, and of those that iptables keeps in nf_tables, where nft
/// knows only half of what it put there.
/// </summary>
internal static partial class Iptables
{
    private const string Mark = "@";

    // iptables-save for tables that are not there would load them; names that the kernel lists are there. The old tool and the new are never mistaken for each other.
    // Files of /proc have no size: whether there is something in them only reading tells.
    private const string Script = NftRuleset.HasModule + """
        n=
        if has nft_compat; then n=1
        elif has nf_tables && ! command -v nft >/dev/null; then n=1
        fi
        for v in ip ip6; do
          if [ -n "$(cat "/proc/net/${v}_tables_names" 2>/dev/null)" ]; then
            t="${v}tables-legacy-save"
            command -v "$t" >/dev/null || t="${v}tables-save"
            command -v "$t" >/dev/null || exit 127
            printf '@%s legacy\n' "$v"
            "$t" || exit 1
          fi
          if [ -n "$n" ] && command -v "${v}tables-nft-save" >/dev/null; then
            printf '@%s nft\n' "$v"
            "${v}tables-nft-save" 2>/dev/null || exit 1
          fi
        done
        printf '@end\n'
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Save() => ToolCall.Script("iptables-rules", Script) with { Display = "iptables-save; ip6tables-save" };

    /// <summary>Reads <see cref="Save"/>, and puts nft's beside it: of tables that both show, iptables' own words count.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static FirewallRuleset Together(FirewallRuleset nft, string text)
    {
        if (!text.EndsWith($"{Mark}end\n", StringComparison.Ordinal)) throw new FormatException("its end is missing");
        var chains = nft.Chains.ToList();
        foreach (var section in text.Split('\n').Aggregate(new List<(string Head, List<string> Lines)>(), (all, line) =>
        {
            if (line.StartsWith(Mark, StringComparison.Ordinal)) all.Add((line[1..], []));
            else if (all.Count > 0) all[^1].Lines.Add(line);
            else throw new FormatException($"'{line}' is of no table");
            return all;
        }).Where(section => section.Head != "end"))
        {
            if (section.Head.Split(' ') is not [("ip" or "ip6") and var family, ("legacy" or "nft") and var kind]) throw new FormatException($"'{section.Head}' is no family");
            var own = Tables(family, kind == "nft" ? "" : " (legacy)", section.Lines).ToArray();
            if (kind == "nft") chains.RemoveAll(chain => own.Any(one => one.Family == chain.Family && one.Table == chain.Table));
            chains.AddRange(own);
        }

        return new FirewallRuleset(chains);
    }

    private static IEnumerable<FirewallChain> Tables(string family, string suffix, IEnumerable<string> lines)
    {
        var table = "";
        var chains = new Dictionary<(string Table, string Name), (FirewallChain Chain, List<FirewallRule> Rules)>();
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] != '#' && line != "COMMIT"))
        {
            var words = Word().Matches(line).Select(match => match.Value is ['"', .. var inside, '"'] ? inside : match.Value).ToList();
            // With counters: [packets:bytes] -A ...
            if (words.Count > 0 && words[0].StartsWith('[')) words.RemoveAt(0);
            switch (words)
            {
                case [['*', .. var name], ..]:
                    table = name;
                    break;
                case [[':', .. var name], var policy, ..] when table.Length > 0:
                    var hook = policy == "-" ? null : name switch { "INPUT" => "input", "FORWARD" => "forward", "OUTPUT" => "output", "PREROUTING" => "prerouting", "POSTROUTING" => "postrouting", _ => null };
                    chains[(table, name)] = (new FirewallChain(family, table + suffix, name) { Hook = hook, Kind = table == "nat" ? "nat" : "filter", IsDenyPolicy = policy is "DROP" or "REJECT" }, []);
                    break;
                case ["-A", var name, ..] when chains.TryGetValue((table, name), out var chain):
                    chain.Rules.Add(Rule([.. words.Skip(2)], line, target => chains.ContainsKey((table, target))));
                    break;
                default: throw new FormatException($"'{line}' is no rule");
            }
        }

        return chains.Values.Select(chain => chain.Chain with { Rules = chain.Rules });
    }

    private static FirewallRule Rule(string[] words, string line, Func<string, bool> isChain)
    {
        var matches = new List<FirewallMatch>();
        var (action, target) = (FirewallAction.Continue, (string?)null);
        var isNegated = false;
        for (var i = 0; i < words.Length; i++)
        {
            string Next() => ++i < words.Length ? words[i] : throw new FormatException($"'{line}' ends in the middle");
            void Add(FirewallField field, IEnumerable<string> values) => matches.Add(new(field, [.. values], isNegated));
            switch (words[i])
            {
                case "!": isNegated = true; continue;
                case "-i" or "--in-interface": Add(FirewallField.InInterface, [Next()]); break;
                case "-o" or "--out-interface": Add(FirewallField.OutInterface, [Next()]); break;
                case "-s" or "--source": Add(FirewallField.Source, [Next()]); break;
                case "--src-range": Add(FirewallField.Source, [Next()]); break;
                case "-d" or "--destination": Add(FirewallField.Destination, [Next()]); break;
                case "-p" or "--protocol": Add(FirewallField.Protocol, [Next() is "ipv6-icmp" or "icmpv6" ? "icmpv6" : words[i]]); break;
                case "--dport" or "--destination-port": Add(FirewallField.Port, [Range(Next())]); break;
                case "--dports" or "--ports": Add(FirewallField.Port, Next().Split(',').Select(Range)); break;
                case "--state" or "--ctstate": Add(FirewallField.State, Next().Split(',')); break;
                case "--ctstatus" or "--icmp-type" or "--icmpv6-type" or "--pkt-type" or "--ctdir": Add(FirewallField.NeverOfAStranger, [Next()]); break;
                case "--limit": Add(FirewallField.Rate, [Next()]); break;
                case "--comment" or "--limit-burst" or "--reject-with" or "--log-prefix" or "--log-level": Next(); break;
                case "-m" or "--match":
                    // What these look for, their own options say; of all others it is not known.
                    if (Next() is not ("tcp" or "udp" or "state" or "conntrack" or "multiport" or "comment" or "limit" or "iprange" or "icmp" or "icmp6" or "pkttype")) matches.Add(new(FirewallField.Other, []));
                    break;
                case "-j" or "--jump":
                    target = Next();
                    action = Action(target, isChain);
                    break;
                case "-g" or "--goto":
                    target = Next();
                    action = FirewallAction.Goto;
                    break;
                case "--tcp-flags":
                    Next();
                    Next();
                    matches.Add(new(FirewallField.Other, []));
                    break;
                case "--sport" or "--sports" or "--source-port": Next(); matches.Add(new(FirewallField.Other, [])); break;
                case "--syn": break;
                // The options of a target, or of a match that is Other already.
                default: break;
            }

            isNegated = false;
        }

        return new FirewallRule(matches, action, action is FirewallAction.Jump or FirewallAction.Goto ? target : null, line);
    }

    private static FirewallAction Action(string target, Func<string, bool> isChain) => target switch
    {
        "ACCEPT" => FirewallAction.Accept,
        "DROP" or "REJECT" => FirewallAction.Deny,
        "RETURN" => FirewallAction.Return,
        _ when isChain(target) => FirewallAction.Jump,
        "LOG" or "NFLOG" or "ULOG" or "MARK" or "CONNMARK" or "CHECKSUM" or "TCPMSS" or "AUDIT" or "CT" or "NOTRACK" or "SECMARK" or "CONNSECMARK" or "SET" or "TRACE" or "DSCP" or "TOS" => FirewallAction.Continue,
        _ => FirewallAction.Unknown,
    };

    private static string Range(string ports) => ports.Replace(':', '-');

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|\S+
        """)]
    private static partial Regex Word();
}
