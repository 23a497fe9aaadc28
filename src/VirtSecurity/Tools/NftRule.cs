using System.Globalization;
using System.Text.Json;

namespace VirtSecurity.Tools;

/// <summary>One rule of nf_tables. One with a verdict map is one for each of its elements.</summary>
internal static class NftRule
{
    /// <summary>Reads one.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="setOf">The elements of a set or map that has a name; null: it has none.</param>
    public static IEnumerable<FirewallRule> Read(JsonElement rule, Func<string, JsonElement?> setOf)
    {
        var text = rule.TryGetProperty("expr", out var expressions) ? string.Join(' ', expressions.EnumerateArray().Select(Words)) : "";
        var matches = new List<FirewallMatch>();
        var isDecided = false;
        foreach (var expression in expressions.ValueKind == JsonValueKind.Array ? expressions.EnumerateArray().ToArray() : [])
        {
            // A bare name is an expression without arguments: "accept", or what this nft does not know to say.
            var (name, value) = expression.ValueKind == JsonValueKind.String ? (expression.GetString()!, default) : expression.EnumerateObject().Select(one => (one.Name, one.Value)).First();
            if (name == "match") matches.AddRange([.. Implied(value.GetProperty("left")), Match(value, setOf)]);
            else if (name == "limit") matches.Add(new(FirewallField.Rate, [], value.TryGetProperty("inv", out var inverse) && inverse.ValueKind == JsonValueKind.True));
            else if (name == "vmap")
            {
                foreach (var (key, verdict) in Elements(value.GetProperty("data"), setOf).Select(pair => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 ? (pair[0], pair[1]) : throw new FormatException($"'{pair}' is no element of a verdict map")))
                {
                    var (action, target) = Verdict(verdict.EnumerateObject().First().Name, verdict.EnumerateObject().First().Value) ?? (FirewallAction.Unknown, null);
                    yield return new FirewallRule([.. matches, .. Implied(value.GetProperty("key")), new(Field(value.GetProperty("key")), Values(key, setOf))], action, target, text);
                }
            }
            else if (name == "xt" && Xt(value) is var (xtAction, isMatch))
            {
                if (isMatch) matches.Add(new(FirewallField.Other, []));
                else if (xtAction is { } decided) yield return new FirewallRule([.. matches], decided, null, text);
            }
            else if (Verdict(name, value) is { } verdict)
            {
                isDecided = true;
                yield return new FirewallRule([.. matches], verdict.Action, verdict.Target, text);
            }
        }

        if (!isDecided && expressions.ValueKind != JsonValueKind.Array) yield return new FirewallRule([], FirewallAction.Unknown, null, text);
    }

    private static (FirewallAction Action, string? Target)? Verdict(string name, JsonElement value) => name switch
    {
        "accept" => (FirewallAction.Accept, null),
        "drop" or "reject" => (FirewallAction.Deny, null),
        "return" => (FirewallAction.Return, null),
        "jump" => (FirewallAction.Jump, value.GetProperty("target").GetString()),
        "goto" => (FirewallAction.Goto, value.GetProperty("target").GetString()),
        "queue" or "synproxy" or "tproxy" => (FirewallAction.Unknown, null),
        _ => null,
    };

    // What iptables made and nft has no words for: only its name is told, and of old versions not even that.
    private static (FirewallAction? Action, bool IsMatch) Xt(JsonElement value)
    {
        var (type, name) = value.ValueKind == JsonValueKind.Object ? (Text(value, "type"), Text(value, "name")) : ("", "");
        return (type, name) switch
        {
            ("match", "comment") => (null, false),
            ("target", "REJECT") => (FirewallAction.Deny, false),
            ("target" or "watcher", "LOG" or "NFLOG" or "CHECKSUM" or "MARK" or "CONNMARK" or "TCPMSS" or "AUDIT" or "CT" or "SECMARK" or "CONNSECMARK") => (null, false),
            ("target", _) => (FirewallAction.Unknown, false),
            _ => (null, true),
        };
    }

    private static string Text(JsonElement value, string name) => value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";

    private static FirewallMatch Match(JsonElement match, Func<string, JsonElement?> setOf)
    {
        var left = match.GetProperty("left");
        var isNegated = Text(match, "op") == "!=";
        return Text(match, "op") is "==" or "!=" or "in" or "" ? new FirewallMatch(Field(left), Values(match.GetProperty("right"), setOf), isNegated) : new FirewallMatch(FirewallField.Other, []);
    }

    /// <summary>A field of a header is of packets only that have this header.</summary>
    private static IEnumerable<FirewallMatch> Implied(JsonElement left)
    {
        if (left.ValueKind != JsonValueKind.Object || !left.TryGetProperty("payload", out var payload)) return [];
        return Text(payload, "protocol") switch
        {
            ("tcp" or "udp" or "sctp" or "dccp" or "udplite" or "icmp" or "icmpv6" or "esp" or "ah") and var protocol => [new(FirewallField.Protocol, [protocol])],
            "ip" => [new(FirewallField.Family, ["ipv4"])],
            "ip6" => [new(FirewallField.Family, ["ipv6"])],
            _ => [],
        };
    }

    private static FirewallField Field(JsonElement left)
    {
        if (left.ValueKind != JsonValueKind.Object) return FirewallField.Other;
        var of = left.EnumerateObject().First();
        return (of.Name, Text(of.Value, "protocol"), Text(of.Value, "field") + Text(of.Value, "key")) switch
        {
            ("meta", _, "iifname" or "iif") => FirewallField.InInterface,
            ("meta", _, "oifname" or "oif") => FirewallField.OutInterface,
            ("meta", _, "nfproto") => FirewallField.Family,
            ("meta", _, "l4proto") or ("payload", "ip", "protocol") or ("payload", "ip6", "nexthdr") => FirewallField.Protocol,
            ("payload", "ip" or "ip6", "saddr") => FirewallField.Source,
            ("payload", "ip" or "ip6", "daddr") => FirewallField.Destination,
            ("payload", "tcp" or "udp" or "th", "dport") => FirewallField.Port,
            ("ct", _, "state") => FirewallField.State,
            ("ct", _, "status") or ("payload", "icmp" or "icmpv6", _) or ("meta", _, "pkttype") => FirewallField.NeverOfAStranger,
            _ => FirewallField.Other,
        };
    }

    private static IReadOnlyList<string> Values(JsonElement right, Func<string, JsonElement?> setOf) => [.. Elements(right, setOf).Select(Value)];

    private static IEnumerable<JsonElement> Elements(JsonElement value, Func<string, JsonElement?> setOf) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is ['@', .. var name] => setOf(name) is { ValueKind: JsonValueKind.Array } set ? [.. set.EnumerateArray()] : [],
        JsonValueKind.Object when value.TryGetProperty("set", out var set) => set.ValueKind == JsonValueKind.Array ? [.. set.EnumerateArray()] : [set],
        JsonValueKind.Array => [.. value.EnumerateArray()],
        _ => [value],
    };

    private static string Value(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) return element.ToString();
        if (element.TryGetProperty("elem", out var elem)) return Value(elem.ValueKind == JsonValueKind.Object && elem.TryGetProperty("val", out var inside) ? inside : elem);
        if (element.TryGetProperty("prefix", out var prefix)) return string.Create(CultureInfo.InvariantCulture, $"{Text(prefix, "addr")}/{prefix.GetProperty("len").GetInt32()}");
        return element.TryGetProperty("range", out var range) && range.ValueKind == JsonValueKind.Array && range.GetArrayLength() == 2 ? $"{range[0]}-{range[1]}" : element.ToString();
    }

    /// <summary>An expression nearly as nft writes it.</summary>
    private static string Words(JsonElement expression)
    {
        if (expression.ValueKind != JsonValueKind.Object) return expression.ToString();
        var of = expression.EnumerateObject().First();
        if (of.Name == "match")
        {
            var left = of.Value.GetProperty("left");
            var subject = left.ValueKind == JsonValueKind.Object && left.EnumerateObject().First() is var inner && inner.Value.ValueKind == JsonValueKind.Object
                ? $"{(inner.Name == "payload" ? Text(inner.Value, "protocol") : inner.Name == "meta" ? "" : inner.Name)} {Text(inner.Value, "field")}{Text(inner.Value, "key")}".Trim() : left.ToString();
            var right = of.Value.GetProperty("right");
            var values = Elements(right, _ => null).Select(Value).ToArray();
            return $"{subject} {(Text(of.Value, "op") == "!=" ? "!= " : "")}{(right.ValueKind == JsonValueKind.String ? right.GetString() : values.Length == 1 ? values[0] : $"{{ {string.Join(", ", values)} }}")}";
        }

        return of.Name switch
        {
            "jump" or "goto" => $"{of.Name} {Text(of.Value, "target")}",
            "vmap" => "vmap",
            "xt" when of.Value.ValueKind == JsonValueKind.Object => $"xt {Text(of.Value, "type")} {Text(of.Value, "name")}",
            _ => of.Name,
        };
    }
}
