using System.Globalization;
using System.Text.Json;

namespace VirtSecurity.Tools;

/// <summary>What an expression of nf_tables asks of a packet (libnftables-json(5)): conditions, all of which it must meet; where it asks for pairs of values, those for each pair.</summary>
internal static class NftMatch
{
    /// <summary>Expressions that decide nothing and hold nothing back.</summary>
    private static readonly string[] Statements =
    [
        "counter", "log", "mangle", "notrack", "dup", "flow", "ct helper", "ct timeout", "ct expectation", "secmark", "set", "map", "snat", "dnat", "masquerade", "redirect", "last", "reset",
    ];

    /// <summary>Those that hold back what is too much, or too many.</summary>
    private static readonly string[] Limits = ["limit", "quota", "ct count"];

    /// <summary>More pairs than these are no rule that somebody wrote by hand.</summary>
    private const int MostPairs = 1000;

    /// <summary>Reads an expression that is no verdict.</summary>
    public static IReadOnlyList<FirewallMatch[]> Read(string name, JsonElement value, Func<string, JsonElement?> setOf) => name switch
    {
        "match" => Match(value, setOf),
        _ when Limits.Contains(name) => [[Limit(value)]],
        // A meter, and what is added to a set, may have a limit for each of its elements.
        "meter" or "set" or "map" when Inner(value).FirstOrDefault(inner => Limits.Contains(inner.Name)) is (not null, var limit) => [[Limit(limit)]],
        "xt" => Text(value, "name") == "comment" || Text(value, "type") == "watcher" ? [[]] : [[FirewallMatch.Other]],
        _ => Statements.Contains(name) || name == "meter" ? [[]] : [[FirewallMatch.Other]],
    };

    /// <summary>A condition: what is on the left is one of some values, or none of them.</summary>
    public static IReadOnlyList<FirewallMatch[]> Of(JsonElement left, IReadOnlyList<JsonElement> values, bool isNegated, Func<string, JsonElement?> setOf)
    {
        if (Child(left, "concat") is { ValueKind: JsonValueKind.Array } parts)
        {
            var pairs = values.Select(Bare).Where(value => Child(value, "concat") is { ValueKind: JsonValueKind.Array } all && all.GetArrayLength() == parts.GetArrayLength()).Select(value => Child(value, "concat")!.Value).ToArray();
            if (isNegated || pairs.Length != values.Count || pairs.Length > MostPairs) return [[.. Implied(left), FirewallMatch.Other]];
            return pairs.Length == 0 ? [FirewallMatch.Known(false)] : [.. pairs.Select(pair => (FirewallMatch[])[.. Enumerable.Range(0, parts.GetArrayLength()).SelectMany(i => Of(parts[i], [pair[i]], false, setOf)[0])])];
        }

        var words = values.Select(Value).ToArray();
        return Subject(left) switch
        {
            ("ct", "direction") => [FirewallMatch.Known(words.Contains("original") != isNegated)],
            ("meta", "pkttype") => [[new(FirewallField.Destination, [.. words.Select(word => word == "unicast" ? "host" : word)], isNegated)]],
            _ => [[.. Implied(left), new(Field(left), words, isNegated)]],
        };
    }

    /// <summary>The elements of a set, named or not, or of a list of flags; of anything else, itself.</summary>
    public static IReadOnlyList<JsonElement> Elements(JsonElement value, Func<string, JsonElement?> setOf) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is ['@', .. var name] => setOf(name) is { ValueKind: JsonValueKind.Array } set ? [.. set.EnumerateArray()] : [],
        JsonValueKind.Array => [.. value.EnumerateArray()],
        _ when Child(value, "set") is { } set => set.ValueKind == JsonValueKind.Array ? [.. set.EnumerateArray()] : [set],
        _ when Child(value, "|") is { ValueKind: JsonValueKind.Array } flags => [.. flags.EnumerateArray().SelectMany(flag => Elements(flag, setOf))],
        _ => [value],
    };

    /// <summary>A value as rules write it: an address with its prefix, a range as <c>first-last</c>, a pair with a dot between.</summary>
    public static string Value(JsonElement element)
    {
        var value = Bare(element);
        if (Child(value, "concat") is { ValueKind: JsonValueKind.Array } pair) return string.Join(" . ", pair.EnumerateArray().Select(Value));
        if (Child(value, "prefix") is { } prefix) return string.Create(CultureInfo.InvariantCulture, $"{Text(prefix, "addr")}/{prefix.GetProperty("len").GetInt32()}");
        return Child(value, "range") is { ValueKind: JsonValueKind.Array } range && range.GetArrayLength() == 2 ? $"{range[0]}-{range[1]}" : value.ToString();
    }

    /// <summary>What a condition looks at, nearly as nft writes it.</summary>
    public static string Left(JsonElement left)
    {
        if (Child(left, "concat") is { ValueKind: JsonValueKind.Array } parts) return string.Join(" . ", parts.EnumerateArray().Select(Left));
        if (Child(left, "&") is { ValueKind: JsonValueKind.Array } masked && masked.GetArrayLength() == 2) return $"{Left(masked[0])} & ({string.Join('|', Elements(masked[1], _ => null).Select(Value))})";
        return Subject(left) switch { ("", "") => left.ToString(), ("meta", var key) => key, var (of, key) => $"{of} {key}" };
    }

    /// <summary>A text in an object; empty: there is none.</summary>
    public static string Text(JsonElement value, string name) => Child(value, name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    private static IReadOnlyList<FirewallMatch[]> Match(JsonElement match, Func<string, JsonElement?> setOf)
    {
        var (left, right, operation) = (match.GetProperty("left"), match.GetProperty("right"), Text(match, "op"));
        var masked = Child(left, "&") is { ValueKind: JsonValueKind.Array } parts && parts.GetArrayLength() == 2 ? parts : (JsonElement?)null;
        if (Subject(masked is { } both ? both[0] : left) is ("tcp", "flags")) return Flags(masked is { } mask ? Bits(mask[1]) : null, right, operation);
        return operation is "==" or "!=" or "in" or "" && masked is null
            ? Of(left, Elements(right, setOf), operation == "!=", setOf)
            : [[.. Implied(masked is { } of ? of[0] : left), FirewallMatch.Other]];
    }

    /// <summary>Flags of TCP: of all of them, or of those of a mask.</summary>
    private static IReadOnlyList<FirewallMatch[]> Flags(IReadOnlyList<string>? mask, JsonElement right, string operation)
    {
        JsonElement[] all = Child(right, "set") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [right];
        var sets = all.Select(Bits).ToArray();
        var isSo = operation switch
        {
            "==" or "!=" => sets.Any(set => FirewallMatch.IsFirstOfTcp(mask ?? ["syn"], set)) == (operation == "=="),
            "in" or "" or "!" when mask is null => sets.Any(set => set.Contains("syn")) == (operation != "!"),
            _ => (bool?)null,
        };
        return [[new(FirewallField.Protocol, ["tcp"]), .. isSo is { } known ? FirewallMatch.Known(known) : [FirewallMatch.Other]]];
    }

    /// <summary>Flags by their names; 0: none.</summary>
    private static IReadOnlyList<string> Bits(JsonElement flags) => flags is { ValueKind: JsonValueKind.Number } && flags.ToString() == "0" ? [] : [.. Elements(flags, _ => null).Select(Value)];

    /// <summary>A limit may be one with a name, of which is not told here whether it is about what is over it.</summary>
    private static FirewallMatch Limit(JsonElement limit) => new(FirewallField.Rate, [], Child(limit, "inv") is { ValueKind: JsonValueKind.True });

    /// <summary>The statements in one; without any, an empty list.</summary>
    private static IEnumerable<(string Name, JsonElement Value)> Inner(JsonElement value) => Child(value, "stmt") switch
    {
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.Object).SelectMany(one => one.EnumerateObject()).Select(one => (one.Name, one.Value)),
        { ValueKind: JsonValueKind.Object } one => one.EnumerateObject().Select(inner => (inner.Name, inner.Value)),
        _ => [],
    };

    /// <summary>A field of a header is of packets only that have this header.</summary>
    private static IEnumerable<FirewallMatch> Implied(JsonElement left) => Child(left, "concat") is { ValueKind: JsonValueKind.Array } parts ? parts.EnumerateArray().SelectMany(Implied) : (Child(left, "payload") is { } payload ? Text(payload, "protocol") : "") switch
    {
        ("tcp" or "udp" or "sctp" or "dccp" or "udplite" or "icmp" or "icmpv6" or "esp" or "ah") and var protocol => [new(FirewallField.Protocol, [protocol])],
        "ip" => [new(FirewallField.Family, ["ipv4"])],
        "ip6" => [new(FirewallField.Family, ["ipv6"])],
        _ => [],
    };

    /// <summary>What an expression looks at: a header and its field, or meta, ct or fib and its key.</summary>
    private static (string Of, string Key) Subject(JsonElement left)
    {
        if (left.ValueKind != JsonValueKind.Object) return ("", "");
        var of = left.EnumerateObject().First();
        return of.Name switch
        {
            "payload" => (Text(of.Value, "protocol"), Text(of.Value, "field")),
            "fib" => ("fib", $"{Text(of.Value, "result")} of {string.Join(' ', Child(of.Value, "flags") is { } flags ? Elements(flags, _ => null).Select(Value) : [])}"),
            _ => (of.Name, Text(of.Value, "key")),
        };
    }

    private static FirewallField Field(JsonElement left) => Subject(left) switch
    {
        ("meta", "iifname" or "iif") => FirewallField.InInterface,
        ("meta", "oifname" or "oif") => FirewallField.OutInterface,
        ("meta", "nfproto" or "protocol") or ("ether", "type") => FirewallField.Family,
        ("meta", "l4proto") or ("ip", "protocol") or ("ip6", "nexthdr") => FirewallField.Protocol,
        ("ip" or "ip6", "saddr") => FirewallField.Source,
        ("ip" or "ip6", "daddr") => FirewallField.Destination,
        ("fib", var key) when key.StartsWith("type of daddr", StringComparison.Ordinal) => FirewallField.Destination,
        ("tcp" or "udp" or "th", "dport") => FirewallField.Port,
        ("tcp" or "udp" or "th", "sport") => FirewallField.SourcePort,
        ("ct", "state") => FirewallField.State,
        ("ct", "status") or ("icmp" or "icmpv6", _) => FirewallField.NeverOfAStranger,
        _ => FirewallField.Other,
    };

    /// <summary>An element of a set without its comment and its time.</summary>
    private static JsonElement Bare(JsonElement element) => Child(element, "elem") is { } elem ? Bare(Child(elem, "val") ?? elem) : element;

    private static JsonElement? Child(JsonElement value, string name) => value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var child) ? child : null;
}
