using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Tests.Domain.Model;

namespace VirtSecurity.Tests.Domain;

/// <summary>What is done about a run that was cut off.</summary>
public enum Remedy
{
    /// <summary>Undo-VirtChange: the host is as before.</summary>
    Undo,

    /// <summary>Resume-VirtChange: the host is as asked.</summary>
    Resume,
}

/// <summary>One run cut off at one instant, and what becomes of the host after each remedy.</summary>
internal sealed class KilledTrial<TRequest, TFacts, TResult>(ChangeFlow<TRequest, TFacts, TResult> flow, Scenario<TRequest> scenario)
{
    private readonly List<string> violations = [];
    private readonly Dictionary<(bool Made, bool Rebooted), string> expected = [];

    /// <summary>Every call of the run, and where asked for every call of the remedy as well.</summary>
    public async Task<IReadOnlyList<string>> MatrixAsync(Death death, Remedy remedy, Death? second)
    {
        var calls = (await Rehearsal.OfAsync(flow, scenario.Machine, scenario.Requests)).Places.Count;
        for (var at = 0; at < calls; at++)
        {
            if (second is null) await RunAsync(death, at, remedy, null);
            else for (var again = 0; await RunAsync(death, at, remedy, (second.Value, again)); again++) ;
        }

        return violations;
    }

    private static bool IsPower(Death death) => death is Death.PowerBeforeTheCall or Death.PowerAfterTheCall;

    /// <summary>False: the remedy has no call with that number.</summary>
    private async Task<bool> RunAsync(Death death, int at, Remedy remedy, (Death Kind, int At)? again)
    {
        var machine = scenario.Machine();
        using (var host = new ModelHost(machine) { Death = (death, at) })
        {
            if (await FlowRun.DiesAsync(flow, host, scenario.Requests) is false) throw new InvalidOperationException("The rehearsal had more calls than the run.");
        }

        var rebooted = IsPower(death);
        var reached = true;
        if (again is { } second)
        {
            // The remedy itself is cut off, and the remedy is asked for again.
            using var host = new ModelHost(machine) { Death = second };
            reached = await DiesAsync(host, remedy);
            rebooted |= reached && IsPower(second.Kind);
        }

        using var fresh = new ModelHost(machine);
        var found = await UnfinishedAsync(fresh);
        var failures = new List<PastFailure>();
        var isMixed = false;
        var isUndoing = found.Any(run => run.Subjects.Any(subject => subject.State == SubjectState.Undoing));
        foreach (var run in found) failures.AddRange(await RemedyAsync(fresh, run, remedy));
        void Check(bool holds, string words)
        {
            if (!holds) violations.Add($"{death} at call {at}{(again is { } two ? $", {two.Kind} at call {two.At} of the remedy" : "")}: {words}");
        }

        if (remedy == Remedy.Undo && failures.Count > 0)
        {
            // What cannot be undone has begun: that is said, and finishing is left.
            Check(failures.TrueForAll(failure => failure.Failure.Words.Contains("can only be finished", StringComparison.Ordinal)), "not undone: " + string.Join("; ", failures.Select(failure => failure.Failure)));
            foreach (var run in await UnfinishedAsync(fresh)) Check((await RemedyAsync(fresh, run, Remedy.Resume)).Count == 0, "neither undone nor finished");
            remedy = Remedy.Resume;
            isMixed = found.Any(run => run.Subjects.Count > 1);
        }
        else if (remedy == Remedy.Resume && failures.Count > 0)
        {
            // A boot that mounts what the run had found unmounted, or the other way round, is said, and undo is left.
            Check(rebooted && BootMountsOtherwise(), "not finished: " + string.Join("; ", failures.Select(failure => failure.Failure)));
            foreach (var run in await UnfinishedAsync(fresh)) Check((await RemedyAsync(fresh, run, Remedy.Undo)).Count == 0, "neither finished nor undone");
            remedy = Remedy.Undo;
        }
        else
        {
            Check(failures.Count == 0, "failed: " + string.Join("; ", failures.Select(failure => $"{failure.Failure.Step}: {failure.Failure.Words}")));
        }

        Check((await UnfinishedAsync(fresh)).Count == 0, "the run is unfinished still");
        Check(fresh.Unannounced.Count == 0, "not announced: " + string.Join("; ", fresh.Unannounced));
        // After a power cut a mount may be there that the boot has made, or be missing where nothing makes it at boot; both are right.
        string[] before = [await ExpectedAsync(false, rebooted), await ExpectedAsync(false, false)];
        string[] after = [await ExpectedAsync(true, rebooted), await ExpectedAsync(true, false)];
        var actual = machine.SnapshotOfAnyRun();
        // Nothing was begun, or all of it was settled: there is nothing to finish or to undo.
        if (found.Count == 0) Check(before.Contains(actual) || after.Contains(actual), "neither as before nor as asked, and no run is unfinished");
        else if (!isMixed) Check((remedy == Remedy.Resume && !isUndoing ? after : before).Contains(actual), "the host is not as it should be:\n" + Difference((remedy == Remedy.Resume ? after : before)[0], actual));
        return reached;
    }

    private bool BootMountsOtherwise()
    {
        var machine = scenario.Machine();
        string[] before = [.. machine.Mounts.Select(mount => mount.Point).Order()];
        machine.Reboot();
        return !before.SequenceEqual(machine.Mounts.Select(mount => mount.Point).Order());
    }

    private async Task<string> ExpectedAsync(bool made, bool rebooted)
    {
        if (expected.TryGetValue((made, rebooted), out var known)) return known;
        var machine = scenario.Machine();
        using var host = new ModelHost(machine);
        if (made) await FlowRun.OfAsync(flow, host, scenario.Requests);
        if (rebooted) machine.Reboot();
        return expected[(made, rebooted)] = machine.SnapshotOfAnyRun();
    }

    private static Task<IReadOnlyList<JournalRun>> UnfinishedAsync(ModelHost host) => JournalReader.ReadAsync(host, JournalFiles.Unfinished(), CancellationToken.None);

    private static Task<IReadOnlyList<PastFailure>> RemedyAsync(ModelHost host, JournalRun run, Remedy remedy)
    {
        var past = new PastRun(host, new Journal(run.Run, "Test-Model"), run);
        return remedy == Remedy.Undo ? past.UndoAsync() : past.ResumeAsync(CancellationToken.None);
    }

    private static async Task<bool> DiesAsync(ModelHost host, Remedy remedy)
    {
        try
        {
            foreach (var run in await UnfinishedAsync(host)) await RemedyAsync(host, run, remedy);
            return false;
        }
        catch (ClientDied)
        {
            return true;
        }
    }

    private static string Difference(string expected, string actual)
    {
        var (left, right) = (expected.Split('\n'), actual.Split('\n'));
        return string.Join('\n', left.Except(right).Select(line => "    - " + line).Concat(right.Except(left).Select(line => "    + " + line)));
    }
}
