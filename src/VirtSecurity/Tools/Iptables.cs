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
                    chain.Rules.Add(IptablesRule.Read([.. words.Skip(2)], line, target => chains.ContainsKey((table, target))));
                    break;
                default: throw new FormatException($"'{line}' is no rule");
            }
        }

        return chains.Values.Select(chain => chain.Chain with { Rules = chain.Rules });
    }

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|\S+
        """)]
    private static partial Regex Word();
}
