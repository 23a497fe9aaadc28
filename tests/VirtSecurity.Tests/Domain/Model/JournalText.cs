using System.Text;
using System.Text.Json;
using VirtSecurity.Changes;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Model;

/// <summary>A line as a call writes it into the journal.</summary>
internal sealed record JournalText(string Event, IReadOnlyList<string> Subjects, ChangeSet? Set)
{
    public static IEnumerable<JournalText> Lines(ToolCall call) =>
        Encoding.UTF8.GetString(call.Stdin!).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Of);

    public static JournalText Of(string text)
    {
        using var line = JsonDocument.Parse(text);
        var name = JournalData.Text(line.RootElement, "event");
        var set = name == "do" ? JournalData.ReadSet(line.RootElement) : null;
        return new(name, set is null ? JournalData.ReadList(line.RootElement, "subjects") : [set.Subject], set);
    }
}
