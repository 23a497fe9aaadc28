using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Changes;

/// <summary>An object of a past run that could not be finished, or not be undone.</summary>
internal sealed record PastFailure(string Subject, RunFailure Failure);

/// <summary>A run that the journal tells of, to be undone or finished from its lines alone.</summary>
internal sealed class PastRun(IHost host, Journal journal, JournalRun run)
{
    private readonly ChangeMaker maker = new(host);

    /// <summary>Why nothing can be done about a run; null: something can.</summary>
    public static VirtException? Unreadable(VirtHost host, JournalRun run)
    {
        if (run.Problem is not null) return run.Problem;
        if (run.IsWorking) return new VirtException("RunIsWorking", run.Run, host);
        return run.IsOld ? new VirtException("JournalTooOld", run.Run, host) : null;
    }

    /// <summary>Why a run cannot be finished; null: it can. One that is being undone can only be undone further.</summary>
    public static VirtException? NotToBeFinished(VirtHost host, JournalRun run)
    {
        if (Unreadable(host, run) is { } problem) return problem;
        if (run.Subjects.Any(subject => subject.IsToBeFinished) || run.Subjects.All(subject => subject.State == SubjectState.Done)) return null;
        return new VirtException("NotToBeFinished", run.Run, host);
    }

    /// <summary>
    /// Takes the run back: each object's own changes, newest first, and then the rules and labels of those that could be. An object in
    /// use keeps all it has: the first step that cannot be taken back ends it. Where something has gone for good nothing is begun.
    /// </summary>
    public async Task<IReadOnlyList<PastFailure>> UndoAsync()
    {
        var left = run.Subjects.Where(subject => subject.State != SubjectState.Undone).ToArray();
        var final = new List<PastFailure>();
        foreach (var subject in left)
        {
            if (await GoneForGoodAsync(subject).ConfigureAwait(false) is { } step)
                final.Add(new(subject.Set.Subject, new RunFailure("ChangeNotUndone", step, subject.State == SubjectState.Done ? "it is done, and cannot be taken back" : "it has begun, and cannot be taken back; the run can only be finished")));
        }

        left = [.. left.Where(subject => !final.Exists(failure => failure.Subject == subject.Set.Subject))];
        if (left.Length == 0) return final;
        if (await maker.MakeAsync("", [journal.Undoing(left.Select(subject => subject.Set.Subject))], [], CancellationToken.None).ConfigureAwait(false) is var (failure, _))
            return [.. final, .. left.Select(subject => new PastFailure(subject.Set.Subject, failure))];
        return [.. final, .. await EndAsync(await UndoAsync(left).ConfigureAwait(false)).ConfigureAwait(false)];
    }

    /// <summary>
    /// Finishes the run: in order, what is in place is passed over and the rest is made; what was being undone is undone further. All
    /// of it is read back, and an object of which a step is not in place has failed and stays unfinished.
    /// </summary>
    public async Task<IReadOnlyList<PastFailure>> ResumeAsync(CancellationToken stop)
    {
        var undoing = run.Subjects.Where(subject => subject.State == SubjectState.Undoing).ToArray();
        var open = run.Subjects.Where(subject => subject.IsToBeFinished).Select(subject => subject.Set).ToArray();
        if (await maker.MakeAsync("", [journal.Resuming(open.Select(set => set.Subject))], [], stop).ConfigureAwait(false) is var (unwritten, _))
            return [.. open.Select(set => new PastFailure(set.Subject, unwritten))];

        var ends = await UndoAsync(undoing).ConfigureAwait(false);
        var failures = await new Finisher(host, journal).FinishAsync(open, stop).ConfigureAwait(false);
        var done = open.Where(set => !failures.ContainsKey(set.Subject)).Select(set => (new SubjectEnd(set.Subject, SubjectState.Done, [], []), (RunFailure?)null));
        return [.. failures.Select(entry => new PastFailure(entry.Key, entry.Value)), .. await EndAsync([.. ends, .. done]).ConfigureAwait(false)];
    }

    /// <summary>The change that cannot be undone and has begun; null: none has had any effect.</summary>
    private async Task<string?> GoneForGoodAsync(JournalSubject subject)
    {
        if (!subject.LastBegun) return null;
        foreach (var change in subject.Set.Last)
        {
            if (change.Check is null) return change.Step;
            try
            {
                if (await host.RunAsync([change.Check], BatchMode.RunAll, CancellationToken.None).ConfigureAwait(false) is not [var seen] || Change.IsInPlace(seen) is not false) return change.Step;
            }
            catch (VirtException)
            {
                return change.Step;
            }
        }

        return null;
    }

    private async Task<IReadOnlyList<(SubjectEnd End, RunFailure? Failure)>> UndoAsync(IReadOnlyList<JournalSubject> subjects)
    {
        var shared = new SharedChanges(subjects.Select(subject => subject.Set));
        var undoer = new Undoer(host, journal, shared);
        var undoings = new Undoing[subjects.Count];
        for (var i = subjects.Count - 1; i >= 0; i--) undoings[i] = await undoer.OwnAsync(subjects[i].Set, subjects[i].Set.Own.Count, true).ConfigureAwait(false);

        var free = subjects.Where((subject, i) => undoings[i].Failure is null && subject.CommitBegun).Select(subject => subject.Set).ToArray();
        var commit = await undoer.CommitAsync(free, (label, now) => label.IsInPlace(now)).ConfigureAwait(false);
        return [.. subjects.Select((subject, i) => EndOf(subject, undoings[i], free.Contains(subject.Set) ? commit : null, shared))];
    }

    private static (SubjectEnd, RunFailure?) EndOf(JournalSubject subject, Undoing own, Undoing? commit, SharedChanges shared)
    {
        var undone = own.Undone.Concat(commit?.Undone ?? []).ToArray();
        var left = own.NotUndone.Concat(commit?.NotUndone ?? []).Concat(own.Failure is null ? [] : shared.NotUndone).ToArray();
        var gone = own.Gone.Concat(commit?.Gone ?? []).ToArray();
        if ((own.Failure ?? commit?.Failure) is not var (step, words))
        {
            // What was overwritten does not come back with the rest.
            var lost = subject.Set.Losses;
            return (new(subject.Set.Subject, lost.Count == 0 ? SubjectState.Undone : SubjectState.NotUndone, lost, gone), null);
        }

        // An object that was whole, and of which nothing could be taken back, is whole still.
        var state = subject.State == SubjectState.Done && undone.Length == 0 ? SubjectState.Done : SubjectState.NotUndone;
        var failure = new RunFailure("ChangeNotUndone", step, words) { Undone = undone, NotUndone = left };
        return (new(subject.Set.Subject, state, state == SubjectState.Done ? [] : left, gone), failure);
    }

    /// <summary>A line that says how it ended is for a run of which nothing is open any more: otherwise it would not be found again.</summary>
    private async Task<IReadOnlyList<PastFailure>> EndAsync(IReadOnlyList<(SubjectEnd End, RunFailure? Failure)> ends)
    {
        var isSettled = run.Subjects.All(subject => !(subject.IsOpen || subject.IsToBeFinished) || ends.Any(end => end.End.Subject == subject.Set.Subject));
        if (isSettled && await maker.MakeAsync("", [journal.Ended([.. ends.Select(end => end.End)])], [], CancellationToken.None).ConfigureAwait(false) is var (failure, _))
            host.Log.Warn(host.Name, "JournalNotEnded", failure.Words);
        return [.. ends.Where(end => end.Failure is not null).Select(end => new PastFailure(end.End.Subject, end.Failure!))];
    }
}
