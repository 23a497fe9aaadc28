using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Domain.Model;
using VirtSecurity.Tools;

namespace VirtSecurity.Tests.Domain;

/// <summary>
/// One run with one fault, and all that must hold of it afterwards. What does not hold is a violation in words, so that a matrix
/// tells all of them at once.
/// </summary>
internal sealed class FaultTrial<TRequest, TFacts, TResult>(
    ChangeFlow<TRequest, TFacts, TResult> flow, Func<ModelMachine> machine, IReadOnlyList<TRequest> requests, Rehearsal rehearsal)
{
    private readonly List<string> violations = [];
    private IReadOnlyList<Made<TResult>> made = [];
    private string before = "";

    /// <summary>Every place of the run where this kind of fault can happen.</summary>
    public static async Task<IReadOnlyList<string>> MatrixAsync(ChangeFlow<TRequest, TFacts, TResult> flow, Scenario<TRequest> scenario, FaultKind kind)
    {
        var rehearsal = await Rehearsal.OfAsync(flow, scenario.Machine, scenario.Requests);
        var violations = new List<string>();
        for (var at = 0; at < rehearsal.Places.Count; at++)
        {
            if (!CanHappen(kind, rehearsal.Places[at])) continue;
            var trial = new FaultTrial<TRequest, TFacts, TResult>(flow, scenario.Machine, scenario.Requests, rehearsal);
            violations.AddRange(await trial.RunAsync(kind, at));
        }

        return violations;
    }

    /// <summary>The last of the run's changes fails, and then each of the calls that undo it all.</summary>
    public static async Task<IReadOnlyList<string>> UndoMatrixAsync(ChangeFlow<TRequest, TFacts, TResult> flow, Scenario<TRequest> scenario, FaultKind kind)
    {
        var rehearsal = await Rehearsal.OfAsync(flow, scenario.Machine, scenario.Requests);
        var violations = new List<string>();
        // What cannot be undone is not what is undone here: the line that announces it is the last that is.
        var last = rehearsal.Places.Index().Where(place => place.Item.Event == "last").Select(place => place.Index).FirstOrDefault(rehearsal.Places.Count - 2);
        for (var at = last + 1; ; at++)
        {
            var trial = new FaultTrial<TRequest, TFacts, TResult>(flow, scenario.Machine, scenario.Requests, rehearsal);
            if (await trial.RunUndoAsync(kind, last, at) is not { } found) return violations;
            violations.AddRange(found);
        }
    }

    private static bool CanHappen(FaultKind kind, Place place) => kind switch
    {
        FaultKind.DiskFull => place.IsJournal,
        FaultKind.ImportsInPart => place.Call.Tool == Semanage.ImportName,
        // Nothing reads back the mode and the attribute of a directory that is mounted over, nor all of a volume; the others are proven.
        FaultKind.ClaimsHavingDone => place.Call.Argv is not (["chattr" or "systemctl", ..] or ["chmod", "0000", ..]) && place.Step != "zero" && !place.IsJournal,
        _ => true,
    };

    private static bool IsUnreachable(FaultKind kind) => kind is FaultKind.UnreachableDoingNothing or FaultKind.UnreachableHavingDone;

    private static bool IsStop(FaultKind kind) => kind is FaultKind.StoppedDoingNothing or FaultKind.StoppedHavingDone or FaultKind.StoppedAsItEnded;

    private async Task<IReadOnlyList<string>> RunAsync(FaultKind kind, int at)
    {
        var place = rehearsal.Places[at];
        using var host = new ModelHost(machine()) { Fault = (kind, at) };
        before = host.Machine.Snapshot();
        made = await FlowRun.OfAsync(flow, host, requests);
        if (kind != FaultKind.DiskFull) Check(host.Unannounced.Count == 0, "no journal line announced: " + string.Join("; ", host.Unannounced));

        if (place.Event == "end") AllIsDone(host);
        else if (place.Event == "last") await LastIsSettledAsync(host, place, kind);
        else if (IsUnreachable(kind)) await CommandLinesGiveItBackAsync(host);
        else if (IsShared(place) || IsStop(kind)) await AllIsUndoneAsync(host, place, kind);
        else await OnlyItsOwnIsUndoneAsync(host, place, kind);

        if (place is { IsJournal: true, Event: "do" }) UnwrittenLinePreventsItsChange(host, at);
        return [.. violations.Select(violation => $"{kind} at call {at} ({(place.IsJournal ? "journal of " : "")}{place.Call.Tool}, step '{place.Step}' of {place.Subject}): {violation}")];
    }

    /// <summary>Null: the run has no call with this number.</summary>
    private async Task<IReadOnlyList<string>?> RunUndoAsync(FaultKind kind, int first, int second)
    {
        using var host = new ModelHost(machine()) { Fault = (FaultKind.FailsHavingDone, first), SecondFault = (kind, second) };
        before = host.Machine.Snapshot();
        made = await FlowRun.OfAsync(flow, host, requests);
        if (second >= host.Mutations.Count) return null;
        var isUndone = host.Machine.Snapshot() == before;
        var left = made.Select(one => one.Failure).OfType<RunFailure>().SelectMany(failure => failure.NotUndone).ToArray();
        // What became of the last call on a host that is gone cannot be known.
        if (isUndone) Check(IsUnreachable(kind) || left.Length == 0, "says that something is not undone, but it is: " + string.Join("; ", left));
        else await CommandLinesGiveItBackAsync(host);
        return [.. violations.Select(violation => $"{kind} while undoing, at call {second} ({host.Mutations[second].Call.Tool}): {violation}")];
    }

    /// <summary>The commit is one subject for all objects, unless there is but one.</summary>
    private bool IsShared(Place place) =>
        (place.Event == "commit" && !place.IsJournal) || (place.IsJournal && !requests.Any(request => flow.Subject(request) == place.Subject));

    private void Check(bool holds, string violation)
    {
        if (!holds) violations.Add(violation);
    }

    /// <summary>Everything was settled when the journal's last line was to be written.</summary>
    private void AllIsDone(ModelHost host)
    {
        Check(made.All(one => one.Failure is null), "an object failed although all of it was made");
        Check(host.Machine.SnapshotOfAnyRun() == rehearsal.After, "the host is not as it is after a run without faults");
    }

    private Task AllIsUndoneAsync(ModelHost host, Place place, FaultKind kind)
    {
        // A relabel of what is labelled right already is rightly claimed to be done.
        if (kind == FaultKind.ClaimsHavingDone && host.Machine.SnapshotOfAnyRun() == rehearsal.After)
        {
            Check(made.All(one => one.Failure is null), "an object failed although all of it was made");
            return Task.CompletedTask;
        }

        foreach (var one in made.Where(one => one.Plan is { IsEmpty: false }))
        {
            if (one.Failure is null) Check(false, "an object is said to be made");
            else NothingIsLeft(one.Failure);
        }

        var failed = made.Where(one => IsShared(place) || one.Plan?.Subject == place.Subject).Select(one => one.Failure).OfType<RunFailure>().ToArray();
        foreach (var failure in failed) Names(failure, place, kind);
        Check(host.Machine.Snapshot() == before, "the host is not as before:\n" + Difference(before, host.Machine.Snapshot()));
        return Task.CompletedTask;
    }

    /// <summary>The object that failed is undone alone; the others are made, as in a run without it.</summary>
    private async Task OnlyItsOwnIsUndoneAsync(ModelHost host, Place place, FaultKind kind)
    {
        var others = requests.Where(request => flow.Subject(request) != place.Subject).ToArray();
        foreach (var (one, request) in made.Zip(requests))
        {
            if (flow.Subject(request) != place.Subject && kind != FaultKind.DiskFull) Check(one.Failure is null, $"{flow.Subject(request)} failed as well: {one.Failure?.Words}");
        }

        var failure = made.Zip(requests).First(pair => flow.Subject(pair.Second) == place.Subject).First.Failure;
        if (failure is null)
        {
            // mkdir -p of a parent that another object has made is rightly claimed to be done.
            Check(kind == FaultKind.ClaimsHavingDone && host.Machine.SnapshotOfAnyRun() == rehearsal.After, "the failure was not noticed");
            return;
        }

        NothingIsLeft(failure);
        Names(failure, place, kind);
        if (kind == FaultKind.DiskFull)
        {
            // A disk that is full stays full: the objects after the first cannot be made either.
            if (others.Length == 0) Check(host.Machine.Snapshot() == before, "the host is not as before:\n" + Difference(before, host.Machine.Snapshot()));
            return;
        }

        using var alone = new ModelHost(machine());
        if (others.Length > 0) await FlowRun.OfAsync(flow, alone, others);
        // A final newline that /etc/fstab lacked may go with whichever object's line was the last.
        foreach (var file in (ModelMachine[])[alone.Machine, host.Machine]) file.Fstab = file.Fstab is [.., (byte)'\n'] ? file.Fstab : [.. file.Fstab, (byte)'\n'];
        var (expected, actual) = (alone.Machine.SnapshotOfAnyRun(), host.Machine.SnapshotOfAnyRun());
        Check(actual == expected, "the host is not as after a run without the failed object:\n" + Difference(expected, actual));
    }

    /// <summary>The host is gone: what the errors name, run once it is back, gives the former state.</summary>
    private async Task CommandLinesGiveItBackAsync(ModelHost host)
    {
        Check(made.Where(one => one.Plan is { IsEmpty: false }).All(one => one.Failure is not null), "an object is said to be made on a host that is gone");
        host.Heal();
        var undos = made.Select(one => one.Plan).OfType<ChangeSet>().SelectMany(UndoCalls).ToLookup(call => call.ToString());
        foreach (var line in made.Select(one => one.Failure).OfType<RunFailure>().SelectMany(failure => failure.NotUndone))
        {
            // Of the commit of all objects only the planned parts are known here; the shared line is theirs together.
            var call = undos[line].FirstOrDefault() ?? SharedUndo().FirstOrDefault(shared => shared.ToString() == line);
            if (call is null) Check(false, $"a command line that is no change's undo: {line}");
            else await host.RunAsync([call], BatchMode.RunAll, CancellationToken.None);
        }

        Check(host.Machine.Snapshot() == before, "the command lines do not give the former state back:\n" + Difference(before, host.Machine.Snapshot()));
    }

    /// <summary>
    /// A fault among the changes that cannot be undone. Each object is done, or is undone, or says what is left to do; where all that the errors
    /// name is run, the host is as after a run with the objects of the first and third kind.
    /// </summary>
    private async Task LastIsSettledAsync(ModelHost host, Place place, FaultKind kind)
    {
        var failure = made.Zip(requests).First(pair => flow.Subject(pair.Second) == place.Subject).First.Failure;
        var isHavingDone = kind is FaultKind.FailsHavingDone or FaultKind.TimesOutHavingDone or FaultKind.LostHavingDone or FaultKind.LostWhileTheRestRan or FaultKind.StoppedAsItEnded;
        if (place.IsJournal && !IsUnreachable(kind)) Check(kind == FaultKind.LostWhileTheRestRan || failure is { IsFinal: false, NotUndone.Count: 0 } || (kind is FaultKind.LostDoingNothing or FaultKind.LostHavingDone && requests.Any(WasWiped)), "nothing that cannot be undone was announced, but the object is not undone");
        else if (kind == FaultKind.Missing) Check(failure is { IsFinal: false, NotUndone.Count: 0 } || place.Step != "wipe", "the tool is not there, but the object is not undone");
        else if (place.Step == "wipe") Check(failure is { IsFinal: true } || IsStop(kind) || kind == FaultKind.ClaimsHavingDone, "it may have been wiped, but is said to be undone or done");
        else if (isHavingDone && !requests.Any(WasWiped)) Check(failure is null, $"what was asked for is done, but has failed: {failure?.Words}");
        else if (!IsUnreachable(kind) && !IsStop(kind) && !requests.Any(WasWiped)) Check(failure is { IsFinal: false, NotUndone.Count: 0 }, "nothing that cannot be undone was done, but the object is not undone");

        host.Heal();
        var undos = made.Select(one => one.Plan).OfType<ChangeSet>().SelectMany(UndoCalls).Concat(SharedUndo()).ToLookup(call => call.ToString());
        var dos = made.Select(one => one.Plan).OfType<ChangeSet>().SelectMany(set => set.AllChanges).SelectMany(change => change.Do).ToLookup(call => call.ToString());
        foreach (var one in made.Where(one => one.Failure is not null))
        {
            foreach (var line in one.Failure!.IsFinal ? one.Failure.ToFinish : one.Failure.NotUndone)
            {
                if ((one.Failure.IsFinal ? dos : undos)[line].FirstOrDefault() is { } call) await host.RunAsync([call], BatchMode.RunAll, CancellationToken.None);
                else Check(false, $"a command line that is nobody's: {line}");
            }
        }

        using var alone = new ModelHost(machine());
        var finished = requests.Where((_, i) => made[i].Failure is null or { IsFinal: true }).ToArray();
        if (finished.Length > 0) await FlowRun.OfAsync(flow, alone, finished);
        var (expected, actual) = (alone.Machine.SnapshotOfAnyRun(), host.Machine.SnapshotOfAnyRun());
        Check(actual == expected, "the host is neither as asked nor as before:\n" + Difference(expected, actual));
    }

    private static bool WasWiped(TRequest request) => request is Storage.VolumeRemovalRequest { Wipe: true };

    private static IEnumerable<ToolCall> UndoCalls(ChangeSet set) => set.Own.SelectMany(change => change.Undo);

    private IEnumerable<ToolCall> SharedUndo()
    {
        var sets = made.Select(one => one.Plan).OfType<ChangeSet>().ToArray();
        // Any of the objects may have reached the commit.
        for (var subset = 1; subset < 1 << sets.Length; subset++)
        {
            var group = sets.Where((_, i) => (subset & (1 << i)) != 0).ToArray();
            var rules = group.SelectMany(set => set.Rules).ToArray();
            var labels = group.SelectMany(set => set.Labels).ToArray();
            if (rules.Length > 0) yield return HostCommit.OfRules(rules).Undo[0];
            foreach (var call in HostCommit.OfLabels(labels).Undo) yield return call;
        }
    }

    private void NothingIsLeft(RunFailure failure) =>
        Check(failure.NotUndone.Count == 0, "says that something is not undone: " + string.Join("; ", failure.NotUndone));

    /// <summary>The outcome names the step, the tool's words, and has a message in the table.</summary>
    private void Names(RunFailure failure, Place place, FaultKind kind)
    {
        var words = kind switch
        {
            FaultKind.FailsDoingNothing or FaultKind.FailsHavingDone or FaultKind.ImportsInPart => ModelHost.Words,
            FaultKind.Missing => "not found",
            FaultKind.TimesOutDoingNothing or FaultKind.TimesOutHavingDone => "no answer within",
            FaultKind.LostDoingNothing or FaultKind.LostHavingDone or FaultKind.LostWhileTheRestRan => "connection was lost",
            FaultKind.DiskFull => "No space left on device",
            _ => "",
        };
        Check(failure.Words.Contains(words, StringComparison.Ordinal), $"its words are '{failure.Words}'");
        // A stop that comes as a step ends is noticed at the next, and a claim when it is read back.
        var isLater = IsStop(kind) || kind == FaultKind.ClaimsHavingDone;
        Check(isLater || failure.Step == place.Step, $"its step is '{failure.Step}'");
        Check(!IsStop(kind) || failure.Id == "Stopped", $"its id is '{failure.Id}'");
        Check(failure.Id is { Length: > 0 } && Messages.Format(failure.Id + Messages.RemedySuffix).Length > 0, "its id has no remedy");
    }

    private void UnwrittenLinePreventsItsChange(ModelHost host, int at)
    {
        var journal = host.Mutations[at];
        if (journal is { Outcome: ToolOutcome.Exited, ExitCode: 0 } or { Outcome: ToolOutcome.Lost }) return;
        var prevented = JournalText.Lines(journal.Call).Where(line => line.Set is not null).SelectMany(line => line.Set!.AllChanges).SelectMany(change => change.Do)
            .Select(call => string.Join(' ', call.Argv)).ToHashSet();
        Check(!host.Mutations.Skip(at).Any(call => call.ExitCode == 0 && prevented.Contains(string.Join(' ', call.Call.Argv))), "the change was made without its journal line");
    }

    private static string Difference(string expected, string actual)
    {
        var (left, right) = (expected.Split('\n'), actual.Split('\n'));
        return string.Join('\n', left.Except(right).Select(line => "    - " + line).Concat(right.Except(left).Select(line => "    + " + line)));
    }
}
