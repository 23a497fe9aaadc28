using System.Text.Json;

namespace VirtSecurity.Tools;

/// <summary>One rule of nf_tables. One with a verdict map is one for each of its elements, one that asks for pairs of values one for each pair.</summary>
internal static class NftRule
{
    /// <summary>Reads one.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="setOf">The elements of a set or map that has a name; null: it has none.</param>
    public static IEnumerable<FirewallRule> Read(JsonElement rule, Func<string, JsonElement?> setOf)
    {
        if (!rule.TryGetProperty("expr", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            yield return new FirewallRule([], FirewallAction.Unknown, null, "");
            yield break;
        }

        var text = string.Join(' ', list.EnumerateArray().Select(Words));
        IReadOnlyList<FirewallMatch[]> kinds = [[]];
        foreach (var expression in list.EnumerateArray())
        {
            // A bare name is an expression without arguments: "accept", or what this nft does not know to say.
            var (name, value) = expression.ValueKind == JsonValueKind.String ? (expression.GetString()!, default) : expression.EnumerateObject().Select(one => (one.Name, one.Value)).First();
            if (name == "vmap")
            {
                foreach (var (key, verdict) in NftMatch.Elements(value.GetProperty("data"), setOf).Select(pair => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 ? (pair[0], pair[1]) : throw new FormatException($"'{pair}' is no element of a verdict map")))
                {
                    var of = verdict.EnumerateObject().First();
                    var (action, target) = Verdict(of.Name, of.Value) ?? (FirewallAction.Unknown, null);
                    foreach (var kind in With(kinds, NftMatch.Of(value.GetProperty("key"), [key], false, setOf))) yield return new FirewallRule(kind, action, target, text);
                }
            }
            else if (Verdict(name, value) is { } verdict)
            {
                foreach (var kind in kinds) yield return new FirewallRule(kind, verdict.Action, verdict.Target, text);
            }
            else kinds = With(kinds, NftMatch.Read(name, value, setOf));
        }
    }

    private static IReadOnlyList<FirewallMatch[]> With(IReadOnlyList<FirewallMatch[]> kinds, IReadOnlyList<FirewallMatch[]> also) => [.. kinds.SelectMany(kind => also.Select(one => (FirewallMatch[])[.. kind, .. one]))];

    private static (FirewallAction Action, string? Target)? Verdict(string name, JsonElement value) => name switch
    {
        "accept" => (FirewallAction.Accept, null),
        "drop" or "reject" => (FirewallAction.Deny, null),
        "return" => (FirewallAction.Return, null),
        "continue" => (FirewallAction.Continue, null),
        "jump" => (FirewallAction.Jump, value.GetProperty("target").GetString()),
        "goto" => (FirewallAction.Goto, value.GetProperty("target").GetString()),
        "queue" or "synproxy" or "tproxy" => (FirewallAction.Unknown, null),
        // What iptables made and nft has no words for: only its name is told, and of old versions not even that.
        "xt" when NftMatch.Text(value, "type") == "target" => NftMatch.Text(value, "name") switch
        {
            "REJECT" => (FirewallAction.Deny, null),
            "LOG" or "NFLOG" or "CHECKSUM" or "MARK" or "CONNMARK" or "TCPMSS" or "AUDIT" or "CT" or "SECMARK" or "CONNSECMARK" => (FirewallAction.Continue, null),
            _ => (FirewallAction.Unknown, null),
        },
        _ => null,
    };

    /// <summary>An expression nearly as nft writes it.</summary>
    private static string Words(JsonElement expression)
    {
        if (expression.ValueKind != JsonValueKind.Object) return expression.ToString();
        var of = expression.EnumerateObject().First();
        if (of.Name == "match")
        {
            var right = of.Value.GetProperty("right");
            var values = NftMatch.Elements(right, _ => null).Select(NftMatch.Value).ToArray();
            var operation = NftMatch.Text(of.Value, "op") is var sign and ("!=" or "!") ? sign + " " : "";
            return $"{NftMatch.Left(of.Value.GetProperty("left"))} {operation}{(right.ValueKind == JsonValueKind.String ? right.GetString() : values.Length == 1 ? values[0] : $"{{ {string.Join(", ", values)} }}")}";
        }

        return of.Name switch
        {
            "jump" or "goto" => $"{of.Name} {NftMatch.Text(of.Value, "target")}",
            "xt" when of.Value.ValueKind == JsonValueKind.Object => $"xt {NftMatch.Text(of.Value, "type")} {NftMatch.Text(of.Value, "name")}",
            _ => of.Name,
        };
    }
}
