using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>
/// Takes changes back, newest first. Each is checked first (is it there, and is it what this run made?) and afterwards (is it gone?); what
/// could not be taken back is named with the command lines that would. No stop reaches it.
/// </summary>
internal sealed class Undoer(IHost host, Journal journal, SharedChanges shared)
{
    /// <summary>Takes back an object's own changes, of which so many were begun.</summary>
    public async Task<RunFailure> OwnAsync(RunFailure failure, ChangeSet set, int attempted)
    {
        var undone = failure.Undone.ToList();
        var notUndone = failure.NotUndone.ToList();
        var remains = false;
        if (attempted > 0) await RunAsync([journal.Undoing(set.Subject)]).ConfigureAwait(false);
        for (var i = set.Own.Count - 1; i >= 0; i--)
        {
            var change = set.Own[i];
            if (shared.Release(change, i < attempted, remains) is not { } newerRemains || change.Undo.Count == 0) continue;
            var isUndone = await TakeBackAsync(change, newerRemains).ConfigureAwait(false);
            remains |= isUndone is false;
            switch (isUndone)
            {
                case true: undone.Add(change.Step); break;
                case false when shared.Leave(change): break;
                case false: notUndone.AddRange(change.Undo.Select(call => call.ToString())); break;
            }
        }

        return failure with { Undone = undone, NotUndone = notUndone };
    }

    /// <summary>What objects share and could not be taken back is named by the last error: after the command lines of all of them.</summary>
    public void NameWhatIsShared(RunFailure?[] failures)
    {
        if (shared.NotUndone is { Count: > 0 } lines && Array.FindLastIndex(failures, failure => failure is not null) is >= 0 and var last)
            failures[last] = failures[last]! with { NotUndone = [.. failures[last]!.NotUndone, .. lines] };
    }

    /// <summary>Takes back a commit's part and the own changes of the objects at these places.</summary>
    public async Task AllAsync(RunFailure failure, IReadOnlyList<ChangeSet> sets, IReadOnlyList<int> places, RunFailure?[] failures)
    {
        var common = await CommitAsync([.. places.Select(i => sets[i])], failure).ConfigureAwait(false);
        foreach (var i in places.Reverse()) failures[i] = await OwnAsync(common, sets[i], sets[i].Own.Count).ConfigureAwait(false);
    }

    private async Task<RunFailure> CommitAsync(IReadOnlyList<ChangeSet> sets, RunFailure failure)
    {
        var subject = string.Join(", ", sets.Select(set => set.Subject));
        var rules = sets.SelectMany(set => set.Rules).DistinctBy(rule => rule.Pattern).ToArray();
        var labels = sets.SelectMany(set => set.Labels).Where(label => label.Before is not null).DistinctBy(label => label.Path).ToArray();
        var undone = new List<string>();
        var notUndone = new List<string>();

        if (rules.Length > 0)
        {
            // An import may have been made in part (policycoreutils 3.5 uses two transactions), and one deletion of a
            // rule that is not there would abort the whole batch: only what is in place is taken back.
            var there = await InPlaceAsync(rules).ConfigureAwait(false);
            if (there is null) notUndone.Add(PolicyCommit.OfRules(rules).Undo[0].ToString());
            else if (there.Count > 0)
            {
                var change = PolicyCommit.OfRules(there);
                await RunAsync([journal.Undoing(subject), .. change.Undo]).ConfigureAwait(false);
                if (await InPlaceAsync(rules).ConfigureAwait(false) is { Count: 0 }) undone.Add(change.Step);
                else notUndone.Add(change.Undo[0].ToString());
            }
        }

        if (labels.Length > 0)
        {
            // A guest may have started since: its image's label is libvirt's now, and giving the old one back would cut it off.
            var changed = await RelabelledAsync(labels).ConfigureAwait(false);
            if (changed is null) notUndone.Add(PolicyCommit.OfLabels(labels).Undo[0].ToString());
            else if (changed.Count > 0)
            {
                var change = PolicyCommit.OfLabels(changed);
                await RunAsync([journal.Undoing(subject), .. change.Undo]).ConfigureAwait(false);
                if (await RelabelledAsync(labels).ConfigureAwait(false) is { Count: 0 }) undone.Add(change.Step);
                else notUndone.Add(change.Undo[0].ToString());
            }
        }

        return failure with { Undone = undone, NotUndone = notUndone };
    }

    /// <summary>True: taken back. False: it is still there, or may be. Null: there was nothing to take back.</summary>
    /// <param name="change">A change with an undo.</param>
    /// <param name="newerRemains">A newer change could not be taken back, and may hide this one: below a mount that stays, no directory is seen.</param>
    private async Task<bool?> TakeBackAsync(Change change, bool newerRemains)
    {
        if (change.Check is { } check && await IsInPlaceAsync(check).ConfigureAwait(false) is not true and var inPlace)
            return inPlace is null || newerRemains ? false : null;

        var results = await RunAsync([.. change.Undo, .. change.Check is { } again ? new[] { again } : []]).ConfigureAwait(false);
        if (change.Check is null) return results.Count > 0 && results.All(result => result.Succeeded);

        // Where the connection broke just now, what became of it can be asked once more.
        var after = results.Count > 0 ? Change.IsInPlace(results[^1]) : null;
        return (after ?? await IsInPlaceAsync(change.Check).ConfigureAwait(false)) is false;
    }

    private async Task<bool?> IsInPlaceAsync(ToolCall check) =>
        await RunAsync([check]).ConfigureAwait(false) is [var seen] ? Change.IsInPlace(seen) : null;

    /// <summary>Those whose label is not the one they had, except what a running guest's categories are on now. Null: not known.</summary>
    private async Task<IReadOnlyList<Relabel>?> RelabelledAsync(IReadOnlyList<Relabel> labels)
    {
        var results = await RunAsync([Restorecon.Look([.. labels.Select(label => label.Path)])]).ConfigureAwait(false);
        if (results is not [{ Outcome: ToolOutcome.Exited } result]) return null;
        var now = Restorecon.ReadLook(result);
        return [.. labels.Where(label => now.TryGetValue(label.Path, out var context) && context != label.Before && context?.HasCategories != true)];
    }

    private async Task<IReadOnlyList<RuleEdit>?> InPlaceAsync(IReadOnlyList<RuleEdit> rules)
    {
        var results = await RunAsync([SELinuxFs.Read()]).ConfigureAwait(false);
        if (results is not [{ Succeeded: true } result]) return null;
        FileContexts contexts = SELinuxFs.ReadFact(result).FileContexts;
        return [.. rules.Where(rule => rule.IsInPlace(contexts))];
    }

    /// <summary>An unreachable host answers nothing, which every caller reads as "not undone".</summary>
    private async Task<IReadOnlyList<ToolResult>> RunAsync(IReadOnlyList<ToolCall> calls)
    {
        try
        {
            return await host.RunAsync(calls, BatchMode.RunAll, CancellationToken.None).ConfigureAwait(false);
        }
        catch (VirtException)
        {
            return [];
        }
    }
}
