using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Tests.Domain.Model;

/// <summary>One object of a run: what was planned, what became of it, and what a cmdlet would write.</summary>
internal sealed record Made<TResult>(ChangeSet? Plan, RunFailure? Failure, VirtException? Refusal, TResult? Result);

/// <summary>A run as the cmdlets make it: read, plan, act, read back. The asking and the writing are PowerShell's.</summary>
internal static class FlowRun
{
    public static async Task<IReadOnlyList<Made<TResult>>> OfAsync<TRequest, TFacts, TResult>(
        ChangeFlow<TRequest, TFacts, TResult> flow, ModelHost host, IReadOnlyList<TRequest> requests)
    {
        var journal = new Journal(Journal.NewRun(), "Test-Model");
        var facts = await flow.Read(host, requests, host.Stop);
        var made = requests.Select((request, i) => Plan(flow, request, facts[i], journal.Run)).ToArray();
        var accepted = Enumerable.Range(0, made.Length).Where(i => made[i].Plan is not null).ToArray();
        var after = accepted.Select(i => facts[i]).ToArray();
        var sets = accepted.Select(i => made[i].Plan!).ToArray();
        var outcomes = sets.Select(set => new RunOutcome(set, null)).ToArray();
        if (!sets.All(set => set.IsEmpty))
        {
            outcomes = [.. await new ChangeRunner(host, journal).RunAsync(sets, ReadBackAsync, host.Stop, flow.Guard is null ? null : GuardAsync)];
        }

        for (var i = 0; i < accepted.Length; i++)
        {
            var failure = outcomes[i].Failure;
            made[accepted[i]] = made[accepted[i]] with
            {
                Failure = failure,
                Result = failure is not null ? default
                    : flow.ResultOfChange is { } both ? both(requests[accepted[i]], facts[accepted[i]](), after[i]()) : flow.Result(requests[accepted[i]], after[i]()),
            };
        }

        return made;

        async Task<IReadOnlyList<VirtException?>> GuardAsync()
        {
            var now = await flow.Read(host, [.. accepted.Select(i => flow.Resolve(requests[i], facts[i]()))], CancellationToken.None);
            return [.. accepted.Select((place, i) => flow.Guarded(requests[place], now[i]))];
        }

        async Task<IReadOnlyList<string?>> ReadBackAsync()
        {
            after = [.. await flow.Read(host, [.. accepted.Select(i => flow.Resolve(requests[i], facts[i]()))], CancellationToken.None)];
            return [.. accepted.Select((place, i) => flow.Difference(requests[place], after[i]()))];
        }
    }

    /// <summary>A run that is cut off; false: it came to its end.</summary>
    public static async Task<bool> DiesAsync<TRequest, TFacts, TResult>(ChangeFlow<TRequest, TFacts, TResult> flow, ModelHost host, IReadOnlyList<TRequest> requests)
    {
        try
        {
            await OfAsync(flow, host, requests);
            return false;
        }
        catch (ClientDied)
        {
            return true;
        }
    }

    private static Made<TResult> Plan<TRequest, TFacts, TResult>(ChangeFlow<TRequest, TFacts, TResult> flow, TRequest request, Func<TFacts> facts, string run)
    {
        try
        {
            return new(flow.Changes(request, facts(), run), null, null, default);
        }
        catch (VirtException refusal)
        {
            return new(null, null, refusal, default);
        }
    }
}
