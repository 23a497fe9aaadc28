using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>
/// Makes the changes of many objects on one host: (A) each object's own, side by side, an object that fails undone alone; (B) one policy
/// commit and one relabel for all that are left; (C) all of it read back. A failure or a stop undoes what this
/// run made, newest first, only where it is still that thing.
/// </summary>
internal sealed class ChangeRunner(IHost host, Journal journal)
{
    /// <summary>Objects whose own changes run at once: LVM has its own lock, and sshd allows ten sessions a connection.</summary>
    private const int SideBySide = 4;

    /// <summary>Makes the changes.</summary>
    /// <param name="sets">One an object; an empty one is done already.</param>
    /// <param name="readBack">For each set, what is not as asked; null: all is.</param>
    /// <param name="stop">The user's stop: what is not settled by then is undone.</param>
    /// <returns>One outcome a set, in that order. Tools' failures are outcomes, never exceptions.</returns>
    public async Task<IReadOnlyList<RunOutcome>> RunAsync(
        IReadOnlyList<ChangeSet> sets, Func<Task<IReadOnlyList<string?>>> readBack, CancellationToken stop)
    {
        var failures = new RunFailure?[sets.Count];
        if (sets.All(set => set.IsEmpty)) return Outcomes(sets, failures);

        var undoer = new Undoer(host, journal, new SharedChanges(sets));
        await OwnAsync(undoer, sets, failures, stop).ConfigureAwait(false);
        await CommitAsync(undoer, sets, failures, stop).ConfigureAwait(false);
        await ReadBackAsync(undoer, sets, failures, readBack).ConfigureAwait(false);
        undoer.NameWhatIsShared(failures);
        await EndAsync(sets, failures).ConfigureAwait(false);
        return Outcomes(sets, failures);
    }

    private static IReadOnlyList<RunOutcome> Outcomes(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures) =>
        [.. sets.Select((set, i) => new RunOutcome(set, failures[i]))];

    private async Task OwnAsync(Undoer undoer, IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, CancellationToken stop)
    {
        using var places = new SemaphoreSlim(SideBySide);
        await Task.WhenAll(sets.Select(async (set, i) =>
        {
            await places.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                if (await MakeAsync(set.Subject, set.Own, stop).ConfigureAwait(false) is var (failure, attempted))
                    failures[i] = await undoer.OwnAsync(failure, set, attempted).ConfigureAwait(false);
            }
            finally
            {
                places.Release();
            }
        })).ConfigureAwait(false);
    }

    private async Task CommitAsync(Undoer undoer, IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, CancellationToken stop)
    {
        var left = Enumerable.Range(0, sets.Count).Where(i => failures[i] is null && !sets[i].IsEmpty).ToArray();
        var rules = left.SelectMany(i => sets[i].Rules).DistinctBy(rule => rule.Pattern).ToArray();
        var labels = left.SelectMany(i => sets[i].Labels).DistinctBy(label => label.Path).ToArray();
        var changes = new List<Change>();
        if (rules.Length > 0) changes.Add(PolicyCommit.OfRules(rules));
        if (labels.Length > 0) changes.Add(PolicyCommit.OfLabels(labels));
        if (left.Length == 0) return;

        // With nothing to commit a stop still counts: an object is done when all of the run is.
        var subject = string.Join(", ", left.Select(i => sets[i].Subject));
        var failure = changes.Count > 0 ? (await MakeAsync(subject, changes, stop).ConfigureAwait(false))?.Failure : null;
        if (failure is null && stop.IsCancellationRequested) failure = new RunFailure("Stopped", "commit", "stopped by the user");
        if (failure is not null) await undoer.AllAsync(failure, sets, left, failures).ConfigureAwait(false);
    }

    private static async Task ReadBackAsync(Undoer undoer, IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, Func<Task<IReadOnlyList<string?>>> readBack)
    {
        var left = Enumerable.Range(0, sets.Count).Where(i => failures[i] is null).ToArray();
        if (left.Length == 0) return;
        IReadOnlyList<string?> wrong;
        try
        {
            wrong = await readBack().ConfigureAwait(false);
        }
        catch (VirtException unreadable)
        {
            wrong = [.. sets.Select(_ => unreadable.Message)];
        }

        foreach (var group in left.Where(i => wrong[i] is not null && !sets[i].IsEmpty).GroupBy(i => wrong[i]))
            await undoer.AllAsync(new RunFailure("NotAsAsked", "read back", group.Key!), sets, [.. group], failures).ConfigureAwait(false);
    }

    private async Task EndAsync(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures)
    {
        var outcomes = sets.Select((set, i) => (set.Subject, failures[i] switch
        {
            null => "done",
            { NotUndone.Count: 0 } => "undone",
            var failure => "not undone: " + string.Join("; ", failure.NotUndone),
        }));
        try
        {
            var results = await host.RunAsync([journal.Ended(outcomes)], BatchMode.RunAll, CancellationToken.None).ConfigureAwait(false);
            if (results.FirstOrDefault(result => !result.Succeeded) is { } failed) host.Log.Warn(host.Name, "JournalNotEnded", ToolFailure.Of(failed).Words);
        }
        catch (VirtException unreachable)
        {
            host.Log.Warn(host.Name, "JournalNotEnded", unreachable.Message);
        }
    }

    /// <summary>Runs changes in one round trip, their journal line in front of them. Null: all were made.</summary>
    private async Task<(RunFailure Failure, int Attempted)?> MakeAsync(string subject, IReadOnlyList<Change> changes, CancellationToken stop)
    {
        if (changes.Count == 0) return stop.IsCancellationRequested ? (new RunFailure("Stopped", "begin", "stopped by the user"), 0) : null;
        var calls = changes.SelectMany((change, i) => change.Do.Select(call => (Change: i, Call: call))).Prepend((Change: 0, Call: journal.Doing(subject, changes))).ToArray();
        IReadOnlyList<ToolResult> results;
        try
        {
            results = await host.RunAsync([.. calls.Select(call => call.Call)], BatchMode.StopAtFailure, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return (new RunFailure("Stopped", changes[0].Step, "stopped by the user"), 0);
        }
        catch (VirtException unreachable)
        {
            // What ran before the host went away is not known: all of it is checked before it is undone.
            return (new RunFailure(unreachable.Id, changes[0].Step, unreachable.Message), changes.Count);
        }

        foreach (var signature in results.Where(result => result.Call.Tool == "lvcreate").SelectMany(Lvm.WipedSignatures))
            host.Log.Warn(host.Name, "SignatureWiped", signature, subject);

        var bad = results.Select((result, i) => (result, i)).FirstOrDefault(entry => !entry.result.Succeeded);
        if (bad.result is null) return null;
        var (change, call) = calls[bad.i];
        var isJournal = bad.i == 0;
        var failure = ToolFailure.Of(bad.result);
        var id = isJournal && failure.Id == "ToolFailed" ? "JournalFailed" : failure.Id;
        var started = !isJournal && (bad.result.Started || call != changes[change].Do[0]);
        // After a lost connection the host may have gone on with the rest of the batch before it noticed.
        var attempted = bad.result.Outcome == ToolOutcome.Lost ? changes.Count : started ? change + 1 : change;
        return (new RunFailure(id, isJournal ? "journal" : changes[change].Step, failure.Words), attempted);
    }
}
