using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>
/// Takes changes back, newest first. Each is checked first (is it there, and is it what this run made?) and afterwards (is it gone?); what
/// could not be taken back is named with the command lines that would. No stop reaches it.
/// </summary>
internal sealed class Undoer(IHost host, Journal journal)
{
    /// <summary>Takes back an object's own changes, of which so many were begun.</summary>
    public async Task<RunFailure> OwnAsync(RunFailure failure, ChangeSet set, int attempted)
    {
        var undone = failure.Undone.ToList();
        var notUndone = failure.NotUndone.ToList();
        foreach (var change in set.Own.Take(attempted).Reverse().Where(change => change.Undo.Count > 0))
        {
            switch (await TakeBackAsync(set.Subject, change).ConfigureAwait(false))
            {
                case true: undone.Add(change.Step); break;
                case false: notUndone.AddRange(change.Undo.Select(call => call.ToString())); break;
            }
        }

        return failure with { Undone = undone, NotUndone = notUndone };
    }

    /// <summary>Takes back a commit's part and the own changes of the objects at these places.</summary>
    public async Task AllAsync(RunFailure failure, IReadOnlyList<ChangeSet> sets, IReadOnlyList<int> places, RunFailure?[] failures)
    {
        var shared = await CommitAsync([.. places.Select(i => sets[i])], failure).ConfigureAwait(false);
        foreach (var i in places.Reverse()) failures[i] = await OwnAsync(shared, sets[i], sets[i].Own.Count).ConfigureAwait(false);
    }

    private async Task<RunFailure> CommitAsync(IReadOnlyList<ChangeSet> sets, RunFailure failure)
    {
        var subject = string.Join(", ", sets.Select(set => set.Subject));
        var rules = sets.SelectMany(set => set.Rules).DistinctBy(rule => rule.Pattern).ToArray();
        var labels = PolicyCommit.OfLabels([.. sets.SelectMany(set => set.Labels).DistinctBy(label => label.Path)]);
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
                await RunAsync([journal.Undoing(subject, change), .. change.Undo]).ConfigureAwait(false);
                if (await InPlaceAsync(rules).ConfigureAwait(false) is { Count: 0 }) undone.Add(change.Step);
                else notUndone.Add(change.Undo[0].ToString());
            }
        }

        if (labels.Undo.Count > 0)
        {
            var results = await RunAsync([journal.Undoing(subject, labels), .. labels.Undo]).ConfigureAwait(false);
            if (results is [.., { Succeeded: true }]) undone.Add(labels.Step);
            else notUndone.Add(labels.Undo[0].ToString());
        }

        return failure with { Undone = undone, NotUndone = notUndone };
    }

    /// <summary>True: taken back. False: it is still there, or may be. Null: there was nothing to take back.</summary>
    private async Task<bool?> TakeBackAsync(string subject, Change change)
    {
        if (change.Check is { } check)
        {
            var before = await RunAsync([check]).ConfigureAwait(false);
            var inPlace = before is [var seen] ? Change.IsInPlace(seen) : null;
            if (inPlace is not true) return inPlace is null ? false : null;
        }

        var results = await RunAsync([journal.Undoing(subject, change), .. change.Undo, .. change.Check is { } again ? new[] { again } : []]).ConfigureAwait(false);
        if (results.Count == 0) return false;
        return change.Check is null ? results.Skip(1).All(result => result.Succeeded) : Change.IsInPlace(results[^1]) is false;
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
