using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>What is done about past runs: how it differs between undoing and finishing them.</summary>
/// <param name="NewestFirst">The order in which runs of one host are taken.</param>
/// <param name="IsSettled">Nothing is left to be done.</param>
/// <param name="Refusal">Why it cannot be done; null: it can.</param>
/// <param name="Lines">The command lines that may be run for an object.</param>
/// <param name="Destroys">It takes something away for good: then nobody may use it.</param>
/// <param name="Act">Does it.</param>
/// <param name="Question">The name of the message that asks.</param>
/// <param name="Message">The name of the message about an object that could not be dealt with.</param>
internal sealed record PastRunVerb(
    bool NewestFirst,
    Func<JournalRun, bool> IsSettled,
    Func<VirtHost, JournalRun, VirtException?> Refusal,
    Func<ChangeSet, IEnumerable<string>> Lines,
    Func<JournalRun, bool> Destroys,
    Func<PastRun, CancellationToken, Task<IReadOnlyList<PastFailure>>> Act,
    string Question,
    string Message);

/// <summary>The way of Undo-VirtChange and Resume-VirtChange: read the journals side by side, ask once a run, act, read the journals again, write.</summary>
internal sealed class PastRunPipeline(VirtCommand cmdlet, PastRunVerb verb)
{
    private readonly List<(VirtHost Host, string Run)> asked = [];

    /// <summary>Takes a run.</summary>
    public void Add(VirtHost host, string run)
    {
        if (!JournalFiles.IsRunName(run)) cmdlet.WriteProblem(new VirtException("RunNotFound", run, host), run);
        else if (!asked.Contains((host, run))) asked.Add((host, run));
    }

    /// <summary>Does it all.</summary>
    public void Run()
    {
        var hosts = asked.GroupBy(one => one.Host, one => one.Run).Select(group => new HostWork(group.Key, [.. group])).ToArray();
        cmdlet.Pump(pump => cmdlet.SideBySide(hosts, host => host.ReadAsync(pump, cmdlet.Stop)));
        foreach (var host in hosts) Ask(host);
        try
        {
            cmdlet.Pump(pump => cmdlet.SideBySide(hosts, host => host.ActAsync(verb, pump, cmdlet.MyInvocation.MyCommand.Name, cmdlet.Stop)));
        }
        finally
        {
            // Once the pipeline is stopped nothing can be written to it, and what is unfinished must be said all the same.
            if (cmdlet.Stop.IsCancellationRequested)
                foreach (var (problem, _) in hosts.SelectMany(host => host.Problems)) cmdlet.Host.UI.WriteWarningLine(problem.Message);
        }

        foreach (var host in hosts)
        {
            foreach (var (problem, target) in host.Problems) cmdlet.WriteProblem(problem, target);
            foreach (var run in host.After) cmdlet.WriteObject(VirtChange.From(host.Name, run));
        }
    }

    private void Ask(HostWork host)
    {
        if (host.Unreachable is { } problem)
        {
            foreach (var run in host.Runs) cmdlet.WriteProblem(problem, run);
            return;
        }

        foreach (var run in host.Runs.Where(run => !host.Before.Any(found => found.Run == run))) cmdlet.WriteProblem(new VirtException("RunNotFound", run, host.Name), run);
        foreach (var run in verb.NewestFirst ? host.Before.Reverse() : host.Before)
        {
            if (verb.Refusal(host.Name, run) is { } refusal)
            {
                cmdlet.WriteProblem(refusal, run.Run);
                continue;
            }

            var lines = run.Subjects.SelectMany(subject => verb.Lines(subject.Set));
            var description = $"run {run.Run} ({run.Command} by {run.User}) on {host.Name.Name}:\n  {string.Join("\n  ", lines)}";
            var question = $"{description}\n{Messages.Format(verb.Question, run.Run, host.Name)}";
            if (verb.IsSettled(run) || cmdlet.ShouldProcess(description, question, cmdlet.MyInvocation.MyCommand.Name)) host.Accepted.Add(run.Run);
        }
    }

    /// <summary>One host's part.</summary>
    private sealed class HostWork(VirtHost name, IReadOnlyList<string> runs)
    {
        public VirtHost Name => name;
        public IReadOnlyList<string> Runs => runs;
        public IReadOnlyList<JournalRun> Before { get; private set; } = [];
        public IReadOnlyList<JournalRun> After { get; private set; } = [];
        public VirtException? Unreachable { get; private set; }
        public List<string> Accepted { get; } = [];
        public List<(VirtException Problem, string Target)> Problems { get; } = [];

        public async Task<bool> ReadAsync(Pump pump, CancellationToken stop)
        {
            try
            {
                Before = await JournalReader.ReadAsync(HostFactory.Open(name, pump), JournalFiles.Some(runs), stop).ConfigureAwait(false);
            }
            catch (VirtException problem)
            {
                Unreachable = problem;
            }

            pump.Done(name);
            return true;
        }

        public async Task<bool> ActAsync(PastRunVerb verb, Pump pump, string command, CancellationToken stop)
        {
            if (Accepted.Count == 0) return true;
            try
            {
                foreach (var run in Accepted.TakeWhile(_ => !stop.IsCancellationRequested)) await ActAsync(verb, pump, command, run, stop).ConfigureAwait(false);
                After = await JournalReader.ReadAsync(HostFactory.Open(name, pump), JournalFiles.Some(Accepted), CancellationToken.None).ConfigureAwait(false);
            }
            catch (VirtException problem)
            {
                Problems.AddRange(Accepted.Select(run => (problem, run)));
            }

            pump.Done(name);
            return true;
        }

        private async Task ActAsync(PastRunVerb verb, Pump pump, string command, string name, CancellationToken stop)
        {
            // Time has passed since it was read: somebody else may have dealt with it, or be at it.
            var found = await JournalReader.ReadAsync(HostFactory.Open(Name, pump), JournalFiles.Some([name]), stop).ConfigureAwait(false);
            if (found is not [var run] || verb.IsSettled(run)) return;
            var refusal = verb.Refusal(Name, run) ?? (verb.Destroys(run) ? await PastRunUseReader.ReadAsync(HostFactory.Open(Name, pump), run, stop).ConfigureAwait(false) : null);
            if (refusal is not null)
            {
                Problems.Add((refusal, name));
                return;
            }

            var past = new PastRun(HostFactory.Open(Name, pump, name), new Journal(name, command), run);
            foreach (var failure in await verb.Act(past, stop).ConfigureAwait(false)) Problems.Add((Problem(verb, name, failure), failure.Subject));
        }

        private VirtException Problem(PastRunVerb verb, string run, PastFailure past)
        {
            var failure = past.Failure;
            string List(IReadOnlyList<string> items) => items.Count == 0 ? Messages.Format("NothingUndone") : string.Join("; ", items);
            return VirtException.OfStep(failure.Id, verb.Message, past.Subject, Name, run, failure.Step, failure.Words, List(failure.Undone), List(failure.NotUndone));
        }
    }
}
