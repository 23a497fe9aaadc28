using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>
/// Makes the changes of many objects on one host: (A) each object's own, side by side, an object that fails undone alone; (B) one policy
/// commit and one relabel for all that are left, then what cannot be undone, for each object; (C) all of it read back. A failure or a stop
/// undoes what this run made, newest first, only where it is still that thing. All that is asked for is in the journal before the first
/// change.
/// </summary>
internal sealed class ChangeRunner(IHost host, Journal journal)
{
    /// <summary>Objects whose own changes run at once: LVM has its own lock, and sshd allows ten sessions a connection.</summary>
    private const int SideBySide = 4;

    private readonly ChangeMaker maker = new(host);

    /// <summary>What announces the run and has not been written yet; it goes in front of the first changes.</summary>
    private ToolCall? announcement;

    /// <summary>Makes the changes.</summary>
    /// <param name="sets">One an object; an empty one is done already.</param>
    /// <param name="readBack">For each set, what is not as asked; null: all is.</param>
    /// <param name="stop">The user's stop: what is not settled by then is undone.</param>
    /// <param name="guard">For each set, why it may not go on, by facts read just now; null: it may. Asked before anything is changed, and before what cannot be undone.</param>
    /// <returns>One outcome a set, in that order. Tools' failures are outcomes, never exceptions.</returns>
    public async Task<IReadOnlyList<RunOutcome>> RunAsync(
        IReadOnlyList<ChangeSet> sets, Func<Task<IReadOnlyList<string?>>> readBack, CancellationToken stop,
        Func<Task<IReadOnlyList<VirtException?>>>? guard = null)
    {
        var failures = new RunFailure?[sets.Count];
        if (sets.All(set => set.IsEmpty)) return Outcomes(sets, failures);

        var undoer = new Undoer(host, journal, new SharedChanges(sets));
        var last = new LastChanges(undoer, (set, end) => MakeAsync(set.Subject, journal.Ending([set.Subject]), set.Last, end), guard);
        await last.GuardAsync(sets, failures).ConfigureAwait(false);
        await AnnounceAsync(sets, failures, stop).ConfigureAwait(false);
        await OwnAsync(undoer, sets, failures, stop).ConfigureAwait(false);
        await CommitAsync(undoer, sets, failures, stop).ConfigureAwait(false);
        await last.MakeAsync(sets, failures, stop).ConfigureAwait(false);
        await ReadBackAsync(undoer, last, sets, failures, readBack).ConfigureAwait(false);
        undoer.NameWhatIsShared(failures);
        await EndAsync(sets, failures).ConfigureAwait(false);
        return Outcomes(sets, failures);
    }

    private static IReadOnlyList<RunOutcome> Outcomes(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures) =>
        [.. sets.Select((set, i) => new RunOutcome(set, failures[i]))];

    /// <summary>Where several objects begin side by side the journal is written before; otherwise in the round trip of the first change.</summary>
    private async Task AnnounceAsync(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, CancellationToken stop)
    {
        var begun = sets.Where((set, i) => failures[i] is null && !set.IsEmpty).ToArray();
        if (begun.Length == 0) return;
        announcement = journal.Doing(begun);
        if (begun.Count(set => set.Own.Count > 0) < 2) return;
        var failed = await maker.MakeAsync("", [announcement], [], stop).ConfigureAwait(false);
        announcement = null;
        if (failed is null) return;
        for (var i = 0; i < sets.Count; i++) failures[i] ??= sets[i].IsEmpty ? null : failed.Value.Failure;
    }

    private async Task OwnAsync(Undoer undoer, IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, CancellationToken stop)
    {
        using var places = new SemaphoreSlim(SideBySide);
        await Task.WhenAll(sets.Select(async (set, i) =>
        {
            if (failures[i] is not null) return;
            await places.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                if (await MakeAsync(set.Subject, null, set.Own, stop).ConfigureAwait(false) is var (failure, attempted))
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
        if (left.Length == 0) return;
        var subjects = left.Select(i => sets[i].Subject).ToArray();
        var changes = HostCommit.Of([.. left.Select(i => sets[i])]);
        // What systemd reads has nothing to do with the policy: each takes seconds, and neither waits for the other.
        Change[] beside = [.. changes.Skip(1).Where(change => change == HostCommit.Reload)];
        // With nothing to commit a stop still counts: an object is done when all of the run is.
        var committing = changes.Count > 0 ? MakeAsync(string.Join(", ", subjects), journal.Committing(subjects), [.. changes.Except(beside)], stop) : null;
        var reloading = maker.MakeAsync("", [], beside, stop);
        var failed = committing is null ? null : await committing.ConfigureAwait(false);
        var failedToo = await reloading.ConfigureAwait(false);
        var failure = (failed ?? failedToo)?.Failure;
        if (failure is null && stop.IsCancellationRequested) failure = new RunFailure("Stopped", "commit", "stopped by the user");
        if (failure is not null) await undoer.AllAsync(failure, sets, left, failures).ConfigureAwait(false);
    }

    private static async Task ReadBackAsync(Undoer undoer, LastChanges last, IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, Func<Task<IReadOnlyList<string?>>> readBack)
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

        foreach (var group in left.Where(i => wrong[i] is not null && !sets[i].IsEmpty).GroupBy(i => (Why: wrong[i], HasLast: sets[i].Last.Count > 0)))
        {
            var failure = new RunFailure("NotAsAsked", "read back", group.Key.Why!);
            if (group.Key.HasLast) await last.SettleAsync(sets, [.. group.Select(i => (i, failure, sets[i].Last.Count))], failures, isReadBack: true).ConfigureAwait(false);
            else await undoer.AllAsync(failure, sets, [.. group], failures).ConfigureAwait(false);
        }
    }

    private async Task EndAsync(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures)
    {
        SubjectEnd[] ends = [.. sets.Select((set, i) => (set, failure: failures[i])).Where(entry => !entry.set.IsEmpty).Select(entry => entry.failure switch
        {
            null => new SubjectEnd(entry.set.Subject, SubjectState.Done, [], []),
            { IsFinal: true, ToFinish: var rest } => new SubjectEnd(entry.set.Subject, SubjectState.NotFinished, rest, []),
            { NotUndone: var left } => new SubjectEnd(entry.set.Subject, left.Count == 0 ? SubjectState.Undone : SubjectState.NotUndone, left, []),
        })];
        try
        {
            var results = await host.RunAsync([journal.Ended(ends)], BatchMode.RunAll, CancellationToken.None).ConfigureAwait(false);
            if (results.FirstOrDefault(result => !result.Succeeded) is { } failed) host.Log.Warn(host.Name, "JournalNotEnded", ToolFailure.Of(failed).Words);
        }
        catch (VirtException unreachable)
        {
            host.Log.Warn(host.Name, "JournalNotEnded", unreachable.Message);
        }
    }

    private async Task<(RunFailure Failure, int Attempted)?> MakeAsync(string subject, ToolCall? announcing, IReadOnlyList<Change> changes, CancellationToken stop)
    {
        if (changes.Count == 0) return stop.IsCancellationRequested ? (new RunFailure("Stopped", "begin", "stopped by the user"), 0) : null;
        var line = announcement is not null && announcing is not null ? Journal.Together(announcement, announcing) : announcement ?? announcing;
        var failed = await maker.MakeAsync(subject, line is null ? [] : [line], changes, stop).ConfigureAwait(false);
        // Where the announcement itself failed, the objects after this one have yet to make it.
        if (failed?.Failure.Step != Journal.CallName) announcement = null;
        return failed;
    }
}
