using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>Writes a plan in either language; what is written is read back as the same plan.</summary>
internal static class PlanWriter
{
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The bytes of a file of that name.</summary>
    /// <exception cref="VirtException">PlanFormatUnknown.</exception>
    public static byte[] Write(string file, DeploymentPlan plan)
    {
        var tree = PlanTree.Of(plan);
        return PlanText.IsPowerShell(file) ? Encoding.UTF8.GetBytes(Psd1Writer.Write(tree)) : Json(tree);
    }

    private static byte[] Json(PlanNode tree)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, Readable)) Write(writer, tree);
        text.WriteByte((byte)'\n');
        return text.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, PlanNode node)
    {
        switch (node)
        {
            case PlanMap map:
                writer.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    writer.WritePropertyName(entry.Key);
                    Write(writer, entry.Value);
                }

                writer.WriteEndObject();
                break;
            case PlanList list:
                writer.WriteStartArray();
                foreach (var item in list.Items) Write(writer, item);
                writer.WriteEndArray();
                break;
            case PlanScalar { Value: string text }: writer.WriteStringValue(text); break;
            case PlanScalar { Value: decimal number }: writer.WriteNumberValue(number); break;
            case PlanScalar { Value: bool flag }: writer.WriteBooleanValue(flag); break;
            default: writer.WriteNullValue(); break;
        }
    }
}
