using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Changes;

/// <summary>
/// Changes as the journal's JSON, and back: what is read is what was written. A text of a host with bytes in it that are no UTF-8 would not pass as a JSON
/// string; it is an object with those bytes.
/// </summary>
internal static class JournalData
{
    /// <summary>Paths and command lines as they are, not as escapes.</summary>
    public static JsonSerializerOptions Plain { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string Bytes = "bytes";

    private static readonly Dictionary<SubjectState, string> Words = new()
    {
        [SubjectState.Done] = "done",
        [SubjectState.Undone] = "undone",
        [SubjectState.NotUndone] = "not undone",
        [SubjectState.NotFinished] = "not finished",
    };

    /// <summary>All that one object asks for.</summary>
    public static JsonObject Of(ChangeSet set) => new()
    {
        ["subject"] = Of(set.Subject),
        ["keys"] = List(set.Keys),
        ["changes"] = new JsonArray([.. set.Own.Select(Of)]),
        ["rules"] = new JsonArray([.. set.Rules.Select(rule => new JsonObject { ["pattern"] = Of(rule.Pattern), ["type"] = rule.Type, ["before"] = rule.Before?.ToString() })]),
        ["labels"] = new JsonArray([.. set.Labels.Select(label => new JsonObject { ["path"] = Of(label.Path), ["type"] = label.Type, ["before"] = label.Before?.ToString() })]),
        ["last"] = new JsonArray([.. set.Last.Select(Of)]),
    };

    /// <summary>How it ended for one object.</summary>
    public static JsonObject Of(SubjectEnd end) =>
        new() { ["subject"] = Of(end.Subject), ["outcome"] = Words[end.State], ["left"] = List(end.Left), ["gone"] = List(end.Gone) };

    /// <summary>Texts.</summary>
    public static JsonArray List(IEnumerable<string> texts) => new([.. texts.Select(Of)]);

    /// <summary>Reads <see cref="Of(ChangeSet)"/>; of a line of version 1 there is neither rule nor label nor key.</summary>
    public static ChangeSet ReadSet(JsonElement line) => new(
        Text(line, "subject"),
        [.. line.GetProperty("changes").EnumerateArray().Select(ReadChange)],
        [.. Items(line, "rules").Select(rule => new RuleEdit(Text(rule, "pattern"), Optional(rule, "type"), Context(rule)))],
        [.. Items(line, "labels").Select(label => new Relabel(Text(label, "path"), Context(label), Text(label, "type")))])
    {
        Keys = ReadList(line, "keys"),
        Last = [.. Items(line, "last").Select(ReadChange)],
    };

    /// <summary>Reads <see cref="Of(SubjectEnd)"/>; version 1 wrote what was left behind the outcome.</summary>
    public static SubjectEnd ReadEnd(JsonElement end)
    {
        var outcome = Text(end, "outcome").Split(": ", 2);
        var state = Words.Where(pair => pair.Value == outcome[0]).Select(pair => (SubjectState?)pair.Key).FirstOrDefault()
            ?? throw new JsonException($"'{outcome[0]}' is no outcome");
        return new(Text(end, "subject"), state, outcome.Length > 1 ? [outcome[1]] : ReadList(end, "left"), ReadList(end, "gone"));
    }

    /// <summary>Reads a list of texts; none where there is no such property.</summary>
    public static IReadOnlyList<string> ReadList(JsonElement line, string name) => [.. Items(line, name).Select(ReadText)];

    /// <summary>A text that must be there.</summary>
    public static string Text(JsonElement line, string name) => line.GetProperty(name) is { ValueKind: not JsonValueKind.Null } text ? ReadText(text) : throw new JsonException($"'{name}' is null");

    private static JsonObject Of(Change change) => new()
    {
        ["step"] = change.Step,
        ["hiddenBy"] = change.HiddenBy,
        ["loss"] = Of(change.Loss),
        ["reload"] = change.NeedsReload,
        ["do"] = new JsonArray([.. change.Do.Select(Of)]),
        ["check"] = change.Check is null ? null : Of(change.Check),
        ["undo"] = new JsonArray([.. change.Undo.Select(Of)]),
    };

    private static JsonObject Of(ToolCall call) => new()
    {
        ["argv"] = List(call.Argv),
        ["stdin"] = call.Stdin is null ? null : Convert.ToBase64String(call.Stdin),
        ["display"] = Of(call.Display),
        ["seconds"] = call.TimeLimit.TotalSeconds,
        ["letFinish"] = call.Stop == StopPolicy.LetFinish,
        ["mutating"] = call.Mutating,
    };

    private static Change ReadChange(JsonElement change) => new(
        Text(change, "step"),
        [.. change.GetProperty("do").EnumerateArray().Select(call => ReadCall(call, true))],
        change.GetProperty("check") is { ValueKind: JsonValueKind.Object } check ? ReadCall(check, false) : null,
        [.. change.GetProperty("undo").EnumerateArray().Select(call => ReadCall(call, true))])
    {
        HiddenBy = Optional(change, "hiddenBy"),
        Loss = Optional(change, "loss"),
        NeedsReload = change.TryGetProperty("reload", out var reload) && reload.GetBoolean(),
    };

    private static ToolCall ReadCall(JsonElement call, bool mutating)
    {
        var read = new ToolCall([.. call.GetProperty("argv").EnumerateArray().Select(ReadText)]) { Mutating = call.TryGetProperty("mutating", out var changes) ? changes.GetBoolean() : mutating };
        return read with
        {
            Stdin = Optional(call, "stdin") is { } stdin ? Convert.FromBase64String(stdin) : null,
            Display = Optional(call, "display"),
            TimeLimit = call.TryGetProperty("seconds", out var seconds) ? TimeSpan.FromSeconds(seconds.GetDouble()) : read.TimeLimit,
            Stop = call.TryGetProperty("letFinish", out var let) && let.GetBoolean() ? StopPolicy.LetFinish : StopPolicy.Interrupt,
        };
    }

    private static SecurityContext? Context(JsonElement item) => Optional(item, "before") is { } before
        ? SecurityContext.Parse(before) ?? throw new JsonException($"'{before}' is no security context")
        : null;

    private static string? Optional(JsonElement item, string name) => item.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? ReadText(value) : null;

    private static JsonNode? Of(string? text) => text switch
    {
        null => null,
        _ when HostText.HasBytes(text) => new JsonObject { [Bytes] = Convert.ToBase64String(HostText.Encode(text)) },
        _ => JsonValue.Create(text),
    };

    private static string ReadText(JsonElement text) =>
        text.ValueKind == JsonValueKind.Object ? HostText.Decode(text.GetProperty(Bytes).GetBytesFromBase64()) : text.GetString() ?? throw new JsonException("a text is null");

    private static IEnumerable<JsonElement> Items(JsonElement line, string name) => line.TryGetProperty(name, out var items) ? items.EnumerateArray() : [];
}
