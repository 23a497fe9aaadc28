using VirtSecurity.Resources;

namespace VirtSecurity.Changes;

/// <summary>
/// The changes that cannot be undone: made when everything before them is seen to be in place and the facts, asked again, still allow it. Where the
/// first of them has had no effect, the object is undone; once one may have had, nothing is, and the failure says what is left to do.
/// </summary>
/// <param name="undoer">Asks checks, and undoes.</param>
/// <param name="make">Makes an object's last changes; null: all were made, otherwise why not and how many were begun.</param>
/// <param name="guard">For each set, why it may not go on; null: it may.</param>
internal sealed class LastChanges(
    Undoer undoer, Func<ChangeSet, CancellationToken, Task<(RunFailure Failure, int Attempted)?>> make, Func<Task<IReadOnlyList<VirtException?>>>? guard)
{
    /// <summary>The step that failures found by asking again are of.</summary>
    private const string GuardStep = "check";

    /// <summary>Before anything is changed: objects that may not go on fail.</summary>
    public async Task GuardAsync(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures)
    {
        var refused = await RefusedAsync(sets.Count).ConfigureAwait(false);
        for (var i = 0; i < sets.Count; i++) failures[i] = sets[i].IsEmpty ? null : refused[i];
    }

    /// <summary>Makes the last changes of all objects that have some and have not failed, side by side.</summary>
    public async Task MakeAsync(IReadOnlyList<ChangeSet> sets, RunFailure?[] failures, CancellationToken stop)
    {
        var left = Enumerable.Range(0, sets.Count).Where(i => failures[i] is null && sets[i].Last.Count > 0).ToArray();
        if (left.Length == 0) return;
        var refused = await RefusedAsync(sets.Count).ConfigureAwait(false);
        var made = await Task.WhenAll(left.Select(async i =>
        {
            if ((refused[i] ?? await NotInPlaceAsync(sets[i]).ConfigureAwait(false)) is { } failure) return (i, failure, 0);
            return await make(sets[i], stop).ConfigureAwait(false) is var (failed, attempted) ? (i, failed, attempted) : (i, null, 0);
        })).ConfigureAwait(false);
        await SettleAsync(sets, [.. made.Where(one => one.Item2 is not null).Select(one => (one.i, one.Item2!, one.Item3))], failures, isReadBack: false).ConfigureAwait(false);
    }

    /// <summary>Decides for objects that failed with so many last changes begun: undone, done all the same, or left with what is to do.</summary>
    public async Task SettleAsync(
        IReadOnlyList<ChangeSet> sets, IReadOnlyList<(int Place, RunFailure Failure, int Attempted)> failed, RunFailure?[] failures, bool isReadBack)
    {
        var undo = new List<(int Place, RunFailure Failure)>();
        foreach (var (place, failure, attempted) in failed)
        {
            var left = await LeftAsync(sets[place], attempted).ConfigureAwait(false);
            if (left is null) undo.Add((place, failure));
            // A tool that failed, or whose end was not seen, having done all of it: what is read back decides.
            else if (left.Count > 0 || isReadBack) failures[place] = failure with { IsFinal = true, ToFinish = left };
        }

        foreach (var group in undo.GroupBy(one => one.Failure))
            await undoer.AllAsync(group.Key, sets, [.. group.Select(one => one.Place)], failures).ConfigureAwait(false);
    }

    /// <summary>Command lines that are left to do; null: none of the last changes has had any effect.</summary>
    private async Task<IReadOnlyList<string>?> LeftAsync(ChangeSet set, int attempted)
    {
        var seen = new List<bool?>();
        foreach (var change in set.Last.Take(attempted)) seen.Add(change.Check is { } check ? await undoer.IsInPlaceAsync(check).ConfigureAwait(false) : null);
        if (seen.TrueForAll(isInPlace => isInPlace is false)) return null;

        var (own, rules) = await undoer.LookAsync(set).ConfigureAwait(false);
        var left = set.Own.Where((_, i) => own[i] is false).SelectMany(Lines).ToList();
        if (set.Own.Where((change, i) => change.NeedsReload && own[i] is false).Any()) left.AddRange(Lines(HostCommit.Reload));
        if (rules is not null && rules.Count < set.Rules.Count) left.AddRange(Lines(HostCommit.OfRules([.. set.Rules.Except(rules)])));
        left.AddRange(set.Last.Where((_, i) => i >= seen.Count || seen[i] is not true).SelectMany(Lines));
        return left;
    }

    /// <summary>The first of an object's other changes that is not seen to be in place, as a failure.</summary>
    private async Task<RunFailure?> NotInPlaceAsync(ChangeSet set)
    {
        var (own, rules) = await undoer.LookAsync(set).ConfigureAwait(false);
        var step = set.Own.Where((change, i) => change.Check is not null && own[i] is not true).Select(change => change.Step).FirstOrDefault()
            ?? (set.Rules.Count > 0 && rules?.Count != set.Rules.Count ? "semanage import" : null);
        return step is null ? null : new RunFailure("NotAsAsked", step, Messages.Format("NotInPlace"));
    }

    private async Task<IReadOnlyList<RunFailure?>> RefusedAsync(int count)
    {
        if (guard is null) return new RunFailure?[count];
        try
        {
            var refused = await guard().ConfigureAwait(false);
            return [.. refused.Select(problem => problem is null ? null : new RunFailure(problem.Id, GuardStep, problem.Message))];
        }
        catch (VirtException unreadable)
        {
            return [.. Enumerable.Repeat(new RunFailure(unreadable.Id, GuardStep, unreadable.Message), count)];
        }
    }

    private static IEnumerable<string> Lines(Change change) => change.Do.Where(call => call.Mutating).Select(call => call.ToString());
}
