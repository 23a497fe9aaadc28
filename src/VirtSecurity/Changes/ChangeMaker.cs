using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>Runs changes in one round trip, what announces them in front of them.</summary>
internal sealed class ChangeMaker(IHost host)
{
    /// <summary>Makes them. Null: all were made.</summary>
    /// <param name="subject">The object, for warnings.</param>
    /// <param name="announcing">Calls that write the journal; none of the changes is begun unless they succeed.</param>
    /// <param name="changes">In order; the first that fails is the last that is begun.</param>
    /// <param name="stop">The user's stop.</param>
    /// <returns>Why they were not all made, and how many of them may have been begun.</returns>
    public async Task<(RunFailure Failure, int Attempted)?> MakeAsync(
        string subject, IReadOnlyList<ToolCall> announcing, IReadOnlyList<Change> changes, CancellationToken stop)
    {
        var calls = announcing.Select(call => (Change: -1, Call: call)).Concat(changes.SelectMany((change, i) => change.Do.Select(call => (Change: i, Call: call)))).ToArray();
        if (calls.Length == 0) return null;
        IReadOnlyList<ToolResult> results;
        try
        {
            results = await host.RunAsync([.. calls.Select(call => call.Call)], BatchMode.StopAtFailure, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return (new RunFailure("Stopped", StepOf(calls[0].Change), "stopped by the user"), 0);
        }
        catch (VirtException unreachable)
        {
            // What ran before the host went away is not known: all of it is checked before it is undone.
            return (new RunFailure(unreachable.Id, StepOf(changes.Count > 0 ? 0 : -1), unreachable.Message), changes.Count);
        }

        foreach (var signature in results.Where(result => result.Call.Tool == "lvcreate").SelectMany(Lvm.WipedSignatures))
            host.Log.Warn(host.Name, "SignatureWiped", signature, subject);

        var bad = results.Select((result, i) => (result, i)).FirstOrDefault(entry => !entry.result.Succeeded);
        if (bad.result is null) return null;
        var (change, call) = calls[bad.i];
        var failure = ToolFailure.Of(bad.result);
        var id = change < 0 && failure.Id == "ToolFailed" ? "JournalFailed" : failure.Id;
        var started = change >= 0 && ((bad.result.Started && call.Mutating) || changes[change].Do.TakeWhile(earlier => !ReferenceEquals(earlier, call)).Any(earlier => earlier.Mutating));
        // After a lost connection the host may have gone on with the rest of the batch before it noticed.
        var attempted = bad.result.Outcome == ToolOutcome.Lost ? changes.Count : started ? change + 1 : Math.Max(change, 0);
        return (new RunFailure(id, StepOf(change), failure.Words), attempted);

        string StepOf(int change) => change < 0 ? Journal.CallName : changes[change].Step;
    }
}
