using System.Text;
using System.Text.Json;
using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Model;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>What one changing call of a run without faults belongs to, as the journal line before it says.</summary>
internal sealed record Place(string Event, string Subject, string Step, bool IsJournal, ToolCall Call);

/// <summary>A run without faults: which changing calls it makes, and what the host is afterwards.</summary>
internal sealed record Rehearsal(IReadOnlyList<Place> Places, string After)
{
    public static async Task<Rehearsal> OfAsync<TRequest, TFacts, TResult>(
        ChangeFlow<TRequest, TFacts, TResult> flow, Func<ModelMachine> machine, IReadOnlyList<TRequest> requests)
    {
        using var host = new ModelHost(machine());
        var made = await FlowRun.OfAsync(flow, host, requests);
        Assert.All(made, one => Assert.Null(one.Failure));
        Assert.All(made, one => Assert.Null(one.Refusal));
        Assert.Empty(host.Warnings);
        return new Rehearsal([.. Walk(host.Mutations)], host.Machine.SnapshotOfAnyRun());
    }

    private static IEnumerable<Place> Walk(IReadOnlyList<Mutation> mutations)
    {
        var line = default(JsonElement);
        var steps = new Queue<string>();
        foreach (var mutation in mutations)
        {
            if (mutation.IsJournal)
            {
                line = JsonDocument.Parse(Encoding.UTF8.GetString(mutation.Call.Stdin!)).RootElement;
                steps = line.TryGetProperty("changes", out var changes)
                    ? new(changes.EnumerateArray().SelectMany(change => Enumerable.Repeat(Text(change, "step"), change.GetProperty("do").GetArrayLength())))
                    : new();
            }

            yield return new Place(Text(line, "event"), Text(line, "subject"), mutation.IsJournal ? "journal" : steps.Dequeue(), mutation.IsJournal, mutation.Call);
        }
    }

    private static string Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString()! : "";
}
