using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>What became of taking changes back.</summary>
/// <param name="Undone">Steps taken back and seen to be gone.</param>
/// <param name="NotUndone">Command lines of those that remain, or may.</param>
/// <param name="Gone">Steps that were not in place.</param>
/// <param name="Failure">The first step that could not be taken back, and why.</param>
internal sealed record Undoing(List<string> Undone, List<string> NotUndone, List<string> Gone, (string Step, string Words)? Failure);

/// <summary>
/// Takes changes back, newest first. Each is checked first (is it there, and is it what this run made?) and afterwards (is it gone?); what
/// could not be taken back is named with the command lines that would. No stop reaches it.
/// </summary>
internal sealed class Undoer(IHost host, Journal journal, SharedChanges shared)
{
    private readonly PolicyState policy = new(host);

    /// <summary>Takes back an object's own changes, of which so many were begun.</summary>
    public async Task<RunFailure> OwnAsync(RunFailure failure, ChangeSet set, int attempted)
    {
        if (attempted > 0) await RunAsync([journal.Undoing([set.Subject])]).ConfigureAwait(false);
        return Losing(With(failure, await OwnAsync(set, attempted, false).ConfigureAwait(false)), set, attempted);
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
        await RunAsync([journal.Undoing(places.Select(i => sets[i].Subject))]).ConfigureAwait(false);
        // What restorecon has made of a label is this run's, whatever type it is.
        var commit = await CommitAsync([.. places.Select(i => sets[i])], (label, now) => now != label.Before && now?.HasCategories != true).ConfigureAwait(false);
        var common = With(failure, commit);
        foreach (var i in places.Reverse()) failures[i] = Losing(With(common, await OwnAsync(sets[i], sets[i].Own.Count, false).ConfigureAwait(false)), sets[i], sets[i].Own.Count);
    }

    /// <summary>Takes back an object's own changes.</summary>
    /// <param name="set">The object.</param>
    /// <param name="attempted">How many of them were begun.</param>
    /// <param name="refusing">The first that cannot be taken back ends it: what lies beneath stays too.</param>
    public async Task<Undoing> OwnAsync(ChangeSet set, int attempted, bool refusing)
    {
        var undoing = new Undoing([], [], [], null);
        var remains = false;
        for (var i = set.Own.Count - 1; i >= 0; i--)
        {
            var change = set.Own[i];
            if (shared.Release(change, i < attempted, remains) is not { } newerRemains || change.Undo.Count == 0) continue;
            var (isUndone, words) = await TakeBackAsync(change, newerRemains).ConfigureAwait(false);
            switch (isUndone)
            {
                case true: undoing.Undone.Add(change.Step); break;
                case null: undoing.Gone.Add(change.Step); break;
                case false:
                    remains = true;
                    undoing = undoing with { Failure = undoing.Failure ?? (change.Step, words) };
                    if (!shared.Leave(change)) undoing.NotUndone.AddRange(change.Undo.Select(call => call.ToString()));
                    if (refusing) return undoing;
                    break;
            }
        }

        return undoing;
    }

    /// <summary>Takes back what is in place of the objects' rules and labels.</summary>
    /// <param name="sets">The objects.</param>
    /// <param name="isOurs">Whether a label, as it is now, is this run's.</param>
    public async Task<Undoing> CommitAsync(IReadOnlyList<ChangeSet> sets, Func<Relabel, SecurityContext?, bool> isOurs)
    {
        var rules = sets.SelectMany(set => set.Rules).DistinctBy(rule => rule.Pattern).ToArray();
        var labels = sets.SelectMany(set => set.Labels).Where(label => label.Before is not null).DistinctBy(label => label.Path).ToArray();
        var undoing = new Undoing([], [], [], null);

        // An import may have been made in part (policycoreutils 3.5 uses two transactions), and one deletion of a
        // rule that is not there would abort the whole batch: only what is in place is taken back.
        undoing = await PartAsync(undoing, rules, () => policy.InPlaceAsync(rules), HostCommit.OfRules).ConfigureAwait(false);

        // A guest may have started since: its image's label is libvirt's now, and giving the old one back would cut it off.
        return await PartAsync(undoing, labels, ChangedAsync, HostCommit.OfLabels).ConfigureAwait(false);

        async Task<IReadOnlyList<Relabel>?> ChangedAsync() => await policy.LabelsAsync(labels).ConfigureAwait(false) is { } now
            ? [.. labels.Where(label => now.TryGetValue(label.Path, out var context) && isOurs(label, context))]
            : null;
    }

    private async Task<Undoing> PartAsync<T>(Undoing undoing, IReadOnlyList<T> all, Func<Task<IReadOnlyList<T>?>> inPlace, Func<IReadOnlyCollection<T>, Change> changeOf)
    {
        if (all.Count == 0) return undoing;
        var there = await inPlace().ConfigureAwait(false);
        var change = changeOf(there is { Count: > 0 } ? there : all);
        if (there is { Count: 0 })
        {
            undoing.Gone.Add(change.Step);
            return undoing;
        }

        var results = there is null ? [] : await RunAsync(change.Undo).ConfigureAwait(false);
        if (there is not null && await inPlace().ConfigureAwait(false) is { Count: 0 })
        {
            undoing.Undone.Add(change.Step);
            return undoing;
        }

        undoing.NotUndone.AddRange(change.Undo.Select(call => call.ToString()));
        return undoing with { Failure = undoing.Failure ?? (change.Step, WordsOf(results)) };
    }

    /// <summary>True: taken back. False: it is still there, or may be. Null: there was nothing to take back.</summary>
    /// <param name="change">A change with an undo.</param>
    /// <param name="newerRemains">A newer change could not be taken back, and may hide this one: below a mount that stays, no directory is seen.</param>
    private async Task<(bool? IsUndone, string Words)> TakeBackAsync(Change change, bool newerRemains)
    {
        if (change.Check is { } check && await IsInPlaceAsync(check).ConfigureAwait(false) is not true and var inPlace)
            return (inPlace is null || newerRemains ? false : null, "whether it is in place could not be told");

        var results = await RunAsync([.. change.Undo, .. change.Check is { } again ? new[] { again } : []]).ConfigureAwait(false);
        var words = WordsOf(results.Take(change.Undo.Count));
        if (change.Check is null) return (results.Count > 0 && results.All(result => result.Succeeded), words);

        // Where the connection broke just now, what became of it can be asked once more.
        var after = results.Count > 0 ? Change.IsInPlace(results[^1]) : null;
        return ((after ?? await IsInPlaceAsync(change.Check).ConfigureAwait(false)) is false, words);
    }

    /// <summary>What is gone for good of an object; a guard that refused has lost nothing.</summary>
    private static RunFailure Losing(RunFailure failure, ChangeSet set, int attempted)
    {
        var lost = set.Own.Take(attempted).Where((change, i) => change.Loss is not null && !(i == attempted - 1 && failure.Step == change.Step && DeviceGuard.IsRefusal(failure.Id)));
        return failure with { Lost = [.. lost.Select(change => change.Loss!)] };
    }

    private static RunFailure With(RunFailure failure, Undoing undoing) =>
        failure with { Undone = [.. failure.Undone, .. undoing.Undone], NotUndone = [.. failure.NotUndone, .. undoing.NotUndone] };

    private static string WordsOf(IEnumerable<ToolResult> results) =>
        results.FirstOrDefault(result => !result.Succeeded) is { } failed ? ToolFailure.Of(failed).Words : "it is still in place afterwards";

    /// <summary>Asks a change's check.</summary>
    public async Task<bool?> IsInPlaceAsync(ToolCall check) =>
        await RunAsync([check]).ConfigureAwait(false) is [var seen] ? Change.IsInPlace(seen) : null;

    /// <summary>Which of an object's own changes and rules are in place, in one round trip; null: not known, or it has no check.</summary>
    public async Task<(IReadOnlyList<bool?> Own, IReadOnlyList<RuleEdit>? Rules)> LookAsync(ChangeSet set)
    {
        var checks = set.Own.Select(change => change.Check).OfType<ToolCall>().ToArray();
        var results = await RunAsync([.. checks, SELinuxFs.Read()]).ConfigureAwait(false);
        if (results.Count == 0) return ([.. set.Own.Select(_ => (bool?)null)], null);
        var next = 0;
        bool?[] seen = [.. set.Own.Select(change => change.Check is null ? null : Change.IsInPlace(results[next++]))];
        bool?[] own = [.. set.Own.Select((change, i) => change.Check is null ? null : Change.IsInPlace(set.Own, seen, i))];
        if (results[^1] is not { Succeeded: true } result) return (own, null);
        var contexts = SELinuxFs.ReadFact(result).FileContexts;
        return (own, [.. set.Rules.Where(rule => rule.IsInPlace(contexts))]);
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
