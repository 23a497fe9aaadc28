using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>The rules that the kernel has in nf_tables, as <c>nft -j list ruleset</c> shows them (libnftables-json(5)).</summary>
internal static class NftRuleset
{
    /// <summary>
    /// Shell: whether the kernel has a module now. Tools of the firewall load what they ask about, so they are asked only about what is there; a kernel without a list of
    /// what is built into it has no modules to load.
    /// </summary>
    internal const string HasModule = """
        has() {
          b=/lib/modules/$(uname -r)/modules.builtin
          [ -e "/sys/module/$1" ] || [ ! -r "$b" ] || grep -q "/$1\.ko" "$b"
        }

        """;

    private const string Script = HasModule + """
        if ! has nf_tables; then printf '{"nftables": []}\n'; exit 0; fi
        command -v nft >/dev/null || exit 127
        exec nft -j list ruleset
        """;

    /// <summary>Asks.</summary>
    public static ToolCall List() => ToolCall.Script("nft-ruleset", Script) with { Display = "nft -j list ruleset" };

    /// <summary>Reads <see cref="List"/>.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static FirewallRuleset Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return Read(document.RootElement);
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException($"nft's rules are not understood: {problem.Message}", problem);
        }
    }

    private static FirewallRuleset Read(JsonElement root)
    {
        var chains = new Dictionary<(string, string, string), FirewallChain>();
        var sets = new Dictionary<(string, string, string), JsonElement>();
        var rules = new List<(FirewallChain Chain, JsonElement Rule)>();
        var asleep = new HashSet<(string, string)>();
        foreach (var entry in root.GetProperty("nftables").EnumerateArray().SelectMany(one => one.EnumerateObject()))
        {
            var of = entry.Value;
            string Word(string name) => of.TryGetProperty(name, out var word) && word.ValueKind == JsonValueKind.String ? word.GetString()! : "";
            if (entry.Name == "table" && of.TryGetProperty("flags", out var flags) && !NftMatch.Elements(flags, _ => null).All(flag => NftMatch.Value(flag) is "owner" or "persist")) asleep.Add((Word("family"), Word("name")));
            else if (entry.Name == "chain")
            {
                var chain = new FirewallChain(Word("family"), Word("table"), Word("name")) { Hook = Word("hook") is { Length: > 0 } hook ? hook : null, Kind = Word("type") is { Length: > 0 } kind ? kind : "filter", IsDenyPolicy = Word("policy") == "drop" };
                chains[(chain.Family, chain.Table, chain.Name)] = chain;
            }
            else if (entry.Name is "set" or "map" && of.TryGetProperty("elem", out var elements)) sets[(Word("family"), Word("table"), Word("name"))] = elements;
            else if (entry.Name == "rule") rules.Add((new(Word("family"), Word("table"), Word("chain")), of));
        }

        var byChain = rules.ToLookup(rule => (rule.Chain.Family, rule.Chain.Table, rule.Chain.Name), rule => rule.Rule);
        // nft(8): the chains of a dormant table are not called. nft 1.0.6 writes any word in place of its flag, or breaks off.
        return new FirewallRuleset([.. chains.Where(chain => !asleep.Contains((chain.Key.Item1, chain.Key.Item2))).Select(chain => chain.Value with { Rules = [.. byChain[chain.Key].SelectMany(rule => NftRule.Read(rule, name => sets.TryGetValue((chain.Key.Item1, chain.Key.Item2, name), out var set) ? set : null))] })]);
    }
}
