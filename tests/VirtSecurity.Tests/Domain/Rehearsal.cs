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
        var sets = new List<ChangeSet>();
        var steps = new Queue<(string Event, string Subject, string Step)>();
        foreach (var mutation in mutations)
        {
            if (!mutation.IsJournal)
            {
                var next = steps.Dequeue();
                yield return new Place(next.Event, next.Subject, next.Step, false, mutation.Call);
                continue;
            }

            var lines = JournalText.Lines(mutation.Call).ToArray();
            sets.AddRange(lines.Where(line => line.Event == "do").Select(line => line.Set!));
            foreach (var line in lines) foreach (var (subject, change) in Announced(line, sets)) Enqueue(steps, line.Event, subject, change);
            // Where nothing but what cannot be undone is to be done, one call announces the run and that.
            if (lines.FirstOrDefault(line => line.Event == "last") is { } last) yield return new Place(last.Event, string.Join(", ", last.Subjects), "journal", true, mutation.Call);
            else yield return new Place(lines[0].Event, string.Join(", ", lines[0].Event == "do" ? lines.Where(line => line.Event == "do").SelectMany(line => line.Subjects) : lines[0].Subjects), "journal", true, mutation.Call);
        }
    }

    private static IEnumerable<(string Subject, Change Change)> Announced(JournalText line, List<ChangeSet> sets) => line.Event switch
    {
        "do" => line.Set!.Own.Select(change => (line.Set.Subject, change)),
        "commit" => HostCommit.Of([.. sets.Where(set => line.Subjects.Contains(set.Subject))]).Select(change => (string.Join(", ", line.Subjects), change)),
        "last" => sets.Where(set => line.Subjects.Contains(set.Subject)).SelectMany(set => set.Last.Select(change => (set.Subject, change))),
        _ => [],
    };

    private static void Enqueue(Queue<(string, string, string)> steps, string @event, string subject, Change change)
    {
        foreach (var _ in change.Do.Where(call => call.Mutating)) steps.Enqueue((@event, subject, change.Step));
    }
}
