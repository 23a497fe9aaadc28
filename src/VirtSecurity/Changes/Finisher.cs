using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>Makes what is missing of objects that were begun. Each step is looked at right before: in place, to be made, or not to be told.</summary>
internal sealed class Finisher(IHost host, Journal journal)
{
    private readonly ChangeMaker maker = new(host);
    private readonly PolicyState policy = new(host);

    /// <summary>Finishes objects, one after another, and then their rules and labels; reads all of it back.</summary>
    /// <returns>Why an object could not be finished, by its name.</returns>
    public async Task<IReadOnlyDictionary<string, RunFailure>> FinishAsync(IReadOnlyList<ChangeSet> sets, CancellationToken stop)
    {
        var failures = new Dictionary<string, RunFailure>();
        foreach (var set in sets)
        {
            if (await MakeAsync(set, set.Own, null, stop).ConfigureAwait(false) is { } failure) failures[set.Subject] = failure;
        }

        await CommitAsync([.. sets.Where(set => !failures.ContainsKey(set.Subject))], failures, stop).ConfigureAwait(false);
        foreach (var set in sets.Where(set => !failures.ContainsKey(set.Subject)))
        {
            // What cannot be undone is begun when all else is seen to be in place.
            var failure = await MissingAsync(set).ConfigureAwait(false)
                ?? await MakeAsync(set, set.Last, journal.Ending([set.Subject]), stop).ConfigureAwait(false)
                ?? Missing(set.Last, await LookAsync(set.Last).ConfigureAwait(false));
            if (failure is not null) failures[set.Subject] = failure;
        }

        return failures;
    }

    /// <summary>In order; what has been looked at holds until something is changed.</summary>
    private async Task<RunFailure?> MakeAsync(ChangeSet set, IReadOnlyList<Change> changes, ToolCall? announcing, CancellationToken stop)
    {
        var seen = await LookAsync(changes).ConfigureAwait(false);
        for (var i = 0; i < changes.Count; i++)
        {
            var (inPlace, words) = InPlace(changes, seen, i);
            if (inPlace is null) return new RunFailure("FactUnknown", changes[i].Step, words);
            // The run may have been cut off between a change and what only tells systemd of it; nothing else is ever run again.
            var rest = inPlace is true ? changes[i] with { Do = [.. changes[i].Do.Where(Systemctl.IsReload)] } : changes[i];
            if (rest.Do.Count == 0) continue;
            if (await maker.MakeAsync(set.Subject, announcing is null ? [] : [announcing], [rest], stop).ConfigureAwait(false) is var (failure, _)) return failure;
            announcing = null;
            if (inPlace is true) continue;
            seen = await LookAsync(changes).ConfigureAwait(false);
            // What comes next may rest on it. One that a later step hides is judged when all is made.
            if (changes[i].Check is not null && changes[i].HiddenBy is null && seen[i].InPlace is not true) return new RunFailure("NotAsAsked", changes[i].Step, seen[i].Words);
        }

        return null;
    }

    /// <summary>What each step's own check says, in one round trip.</summary>
    private async Task<IReadOnlyList<(bool? InPlace, string Words)>> LookAsync(IReadOnlyList<Change> changes)
    {
        var checks = changes.Select(change => change.Check).OfType<ToolCall>().ToArray();
        if (checks.Length == 0) return [.. changes.Select(_ => ((bool?)false, ""))];
        var answers = new Queue<(bool?, string)>();
        try
        {
            foreach (var seen in await host.RunAsync(checks, BatchMode.RunAll, CancellationToken.None).ConfigureAwait(false))
                answers.Enqueue(Change.IsInPlace(seen) is { } inPlace ? (inPlace, $"not in place, says {seen.Call}") : (null, ToolFailure.Of(seen).Words));
        }
        catch (VirtException unreachable)
        {
            return [.. changes.Select(_ => ((bool?)null, unreachable.Message))];
        }

        return [.. changes.Select(change => change.Check is null ? (false, "") : answers.Dequeue())];
    }

    /// <summary>By its own check, or by a later step's.</summary>
    private static (bool? InPlace, string Words) InPlace(IReadOnlyList<Change> changes, IReadOnlyList<(bool? InPlace, string Words)> seen, int place) =>
        Change.IsInPlace(changes, [.. seen.Select(one => one.InPlace)], place) is true ? (true, "") : seen[place];

    /// <summary>The first step that is not in place after all; null: all are, as far as they can be asked.</summary>
    private static RunFailure? Missing(IReadOnlyList<Change> changes, IReadOnlyList<(bool? InPlace, string Words)> seen)
    {
        for (var i = 0; i < changes.Count; i++)
        {
            if (changes[i].Check is null) continue;
            var (inPlace, words) = InPlace(changes, seen, i);
            if (inPlace is not true) return new RunFailure(inPlace is null ? "FactUnknown" : "NotAsAsked", changes[i].Step, words);
        }

        return null;
    }

    private async Task CommitAsync(IReadOnlyList<ChangeSet> sets, Dictionary<string, RunFailure> failures, CancellationToken stop)
    {
        if (HostCommit.Of(sets).Count == 0) return;
        if (await policy.RulesAsync().ConfigureAwait(false) is not { } contexts || await policy.LabelsAsync(sets.SelectMany(set => set.Labels)).ConfigureAwait(false) is not { } labels)
        {
            foreach (var set in sets) failures[set.Subject] = new RunFailure("FactUnknown", "commit", "the host's rules or labels could not be read");
            return;
        }

        foreach (var set in sets)
        {
            if (Changed(set, contexts, labels) is { } words) failures[set.Subject] = new RunFailure("NotAsAsked", "commit", words);
        }

        var left = sets.Where(set => !failures.ContainsKey(set.Subject)).ToArray();
        var changes = HostCommit.Of(
            left.Any(set => set.NeedsReload),
            [.. left.SelectMany(set => set.Rules).DistinctBy(rule => rule.Pattern).Where(rule => !rule.Holds(contexts))],
            [.. left.SelectMany(set => set.Labels).DistinctBy(label => label.Path).Where(label => NeedsLabel(label, labels))]);
        if (changes.Count == 0) return;
        var subjects = left.Select(set => set.Subject).ToArray();
        if (await maker.MakeAsync(string.Join(", ", subjects), [journal.Committing(subjects)], changes, stop).ConfigureAwait(false) is not var (failure, _)) return;
        foreach (var subject in subjects) failures[subject] = failure;
    }

    /// <summary>A rule or label that is neither as it was when the run began nor as it was to become is somebody else's now. Null: there is none.</summary>
    private static string? Changed(ChangeSet set, FileContexts contexts, IReadOnlyDictionary<string, SecurityContext?> labels)
    {
        foreach (var rule in set.Rules)
        {
            var now = contexts.Local(rule.Pattern)?.Context;
            if (now?.Type != rule.Type && now?.Type != rule.Before?.Type) return $"the rule {rule.Pattern} has been changed since, to {now?.ToString() ?? "none"}";
        }

        foreach (var label in set.Labels.Where(label => label.Before is not null && NeedsLabel(label, labels)))
        {
            if (labels[label.Path] != label.Before) return $"{label.Path} has been labelled {labels[label.Path]?.ToString() ?? "otherwise"} since";
        }

        return null;
    }

    /// <summary>What is gone needs no label, and what a running guest holds is left alone.</summary>
    private static bool NeedsLabel(Relabel label, IReadOnlyDictionary<string, SecurityContext?> labels) =>
        labels.TryGetValue(label.Path, out var now) && label.IsMissing(now);

    /// <summary>What is not in place after all; null: everything is.</summary>
    private async Task<RunFailure?> MissingAsync(ChangeSet set)
    {
        if (Missing(set.Own, await LookAsync(set.Own).ConfigureAwait(false)) is { } missing) return missing;
        if (await policy.RulesAsync().ConfigureAwait(false) is not { } contexts || await policy.LabelsAsync(set.Labels).ConfigureAwait(false) is not { } labels)
            return new RunFailure("FactUnknown", "read back", "the host's rules or labels could not be read");
        if (set.Rules.FirstOrDefault(rule => !rule.Holds(contexts)) is { } rule)
            return new RunFailure("NotAsAsked", "read back", $"the rule {rule.Pattern} does not give {rule.Type ?? "way"}");
        return set.Labels.FirstOrDefault(label => NeedsLabel(label, labels)) is { } wrong
            ? new RunFailure("NotAsAsked", "read back", $"{wrong.Path} is labelled {labels[wrong.Path]?.ToString() ?? "not at all"}, not {wrong.Type}")
            : null;
    }
}
