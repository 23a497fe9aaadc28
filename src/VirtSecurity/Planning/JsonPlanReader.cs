using System.Text.Json;
using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>Reads JSON (RFC 8259, without comments or trailing commas) into the neutral tree, with lines.</summary>
internal ref struct JsonPlanReader
{
    private readonly string file;
    private readonly ReadOnlySpan<byte> text;
    private Utf8JsonReader json;
    private int counted;
    private int line;

    private JsonPlanReader(string file, ReadOnlySpan<byte> text)
    {
        this.file = file;
        this.text = text;
        line = 1;
        json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = PlanNode.MostDepth });
    }

    /// <summary>Reads it whole.</summary>
    /// <exception cref="VirtException">PlanNotUnderstood, with file and line: it is no JSON, or nested too deep.</exception>
    public static PlanNode Read(string file, ReadOnlySpan<byte> text)
    {
        var reader = new JsonPlanReader(file, text);
        try
        {
            reader.json.Read();
            var root = reader.Value();
            reader.json.Read();   // what stands behind it is an error
            return root;
        }
        catch (JsonException problem)
        {
            // Its message ends with a line and a position counted from 0.
            var words = problem.Message.Split(" LineNumber:")[0].Split(" Path:")[0];
            throw PlanText.NotUnderstood(file, (int)(problem.LineNumber ?? 0) + 1, words);
        }
    }

    private PlanNode Value()
    {
        var at = Line();
        switch (json.TokenType)
        {
            case JsonTokenType.StartObject:
                var entries = new List<PlanEntry>();
                while (json.Read() && json.TokenType != JsonTokenType.EndObject)
                {
                    var (key, keyLine) = (Text(), Line());
                    json.Read();
                    entries.Add(new PlanEntry(key, Value(), keyLine));
                }

                return new PlanMap(entries, at);
            case JsonTokenType.StartArray:
                var items = new List<PlanNode>();
                while (json.Read() && json.TokenType != JsonTokenType.EndArray) items.Add(Value());
                return new PlanList(items, at);
            case JsonTokenType.String: return new PlanScalar(Text(), at);
            case JsonTokenType.Number: return new PlanScalar(json.TryGetDecimal(out var number) ? number : throw PlanText.NotUnderstood(file, at, "the number is too large"), at);
            case JsonTokenType.True or JsonTokenType.False: return new PlanScalar(json.GetBoolean(), at);
            default: return new PlanScalar(null, at);
        }
    }

    private string Text()
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The bytes are UTF-8, so it is an escape: half of a pair, which stands for nothing.
            throw PlanText.NotUnderstood(file, Line(), "a \\u escape stands for no character");
        }
    }

    /// <summary>The line of the current token, counted from where it was counted last.</summary>
    private int Line()
    {
        var start = (int)json.TokenStartIndex;
        line += text[counted..start].Count((byte)'\n');
        counted = start;
        return line;
    }
}
