using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// The way of every cmdlet that changes something, once for all of them: read all hosts side by side, plan, ask once an object, act,
/// read back, and only then write.
/// </summary>
internal sealed class ChangePipeline<TRequest, TFacts, TResult>(VirtCommand cmdlet, ChangeFlow<TRequest, TFacts, TResult> flow)
{
    private readonly List<TRequest> requests = [];
    private readonly HashSet<(VirtHost, string)> keys = [];
    private readonly List<(VirtHost Host, string Path)> trees = [];

    /// <summary>Takes a request that has been checked.</summary>
    /// <exception cref="VirtException">AskedTwice: an earlier request of this run wants the same name or place; NestedMountPoint: it lies in another's.</exception>
    public void Add(TRequest request)
    {
        var host = flow.Host(request);
        var taken = flow.Keys(request).FirstOrDefault(key => keys.Contains((host, key)));
        if (taken is not null) throw new VirtException("AskedTwice", taken);
        if (flow.Tree(request) is { } tree)
        {
            var other = trees.Find(other => other.Host == host && (HostPath.IsAtOrBelow(tree, other.Path) || HostPath.IsAtOrBelow(other.Path, tree)));
            if (other.Path is not null) throw new VirtException("NestedMountPoint", tree, other.Path);
            trees.Add((host, tree));
        }

        keys.UnionWith(flow.Keys(request).Select(key => (host, key)));
        requests.Add(request);
    }

    /// <summary>Does it all.</summary>
    public void Run()
    {
        if (requests.Count == 0) return;
        var hosts = requests.GroupBy(flow.Host).Select(group => new HostWork(group.Key, [.. group])).ToArray();
        cmdlet.Pump(pump => cmdlet.SideBySide(hosts, host => host.ReadAsync(flow, pump, cmdlet.Stop)));
        foreach (var host in hosts) Ask(host);
        try
        {
            cmdlet.Pump(pump => cmdlet.SideBySide(hosts, host => host.ActAsync(flow, pump, cmdlet.MyInvocation.MyCommand.Name, cmdlet.Stop)));
        }
        finally
        {
            // Once the pipeline is stopped nothing can be written to it, and what was undone must be said all the same.
            if (cmdlet.Stop.IsCancellationRequested)
            {
                foreach (var line in hosts.SelectMany(host => host.Problems(flow)).Select(problem => problem.Problem.Message)) cmdlet.Host.UI.WriteWarningLine(line);
            }
        }

        foreach (var host in hosts) host.Write(cmdlet, flow);
    }

    private void Ask(HostWork host)
    {
        if (host.Unreachable is { } problem)
        {
            foreach (var request in host.Requests) cmdlet.WriteProblem(problem, flow.Subject(request));
            return;
        }

        for (var i = 0; i < host.Requests.Count; i++)
        {
            var request = host.Requests[i];
            try
            {
                var changes = flow.Changes(request, host.Facts[i](), host.Run);
                if (changes.IsEmpty || (cmdlet.ShouldProcess(Description(host, changes), Question(host, changes), cmdlet.MyInvocation.MyCommand.Name) && MayLose(host, changes)))
                    host.Accepted.Add((request, host.Facts[i], changes));
            }
            catch (VirtException contradiction)
            {
                cmdlet.WriteProblem(contradiction, flow.Subject(request));
            }
        }
    }

    /// <summary>
    /// What destroys data has a high impact, whatever the cmdlet's own is: asked about once an object, unless the user has been asked
    /// already or has said that there is nothing to ask.
    /// </summary>
    private bool MayLose(HostWork host, ChangeSet changes)
    {
        var isAsked = cmdlet.MyInvocation.BoundParameters.ContainsKey("Confirm") || cmdlet.GetVariableValue("ConfirmPreference")?.ToString() is not "High";
        return changes.Losses.Count == 0 || isAsked || cmdlet.ShouldContinue(Question(host, changes), cmdlet.MyInvocation.MyCommand.Name);
    }

    private static string Description(HostWork host, ChangeSet changes) =>
        $"{changes.Subject} on {host.Name.Name}:\n  {string.Join("\n  ", [.. changes.CommandLines, .. changes.Losses])}";

    private string Question(HostWork host, ChangeSet changes) =>
        $"{Description(host, changes)}\n{Messages.Format(flow.Question, changes.Subject, host.Name)}";

    /// <summary>One host's part of the run.</summary>
    private sealed class HostWork(VirtHost name, IReadOnlyList<TRequest> requests)
    {
        private IReadOnlyList<RunOutcome> outcomes = [];
        private IReadOnlyList<Func<TFacts>> after = [];

        public VirtHost Name => name;
        public string Run { get; } = Journal.NewRun();
        public IReadOnlyList<TRequest> Requests => requests;
        public IReadOnlyList<Func<TFacts>> Facts { get; private set; } = [];
        public VirtException? Unreachable { get; private set; }
        public List<(TRequest Request, Func<TFacts> Facts, ChangeSet Changes)> Accepted { get; } = [];

        public async Task<bool> ReadAsync(ChangeFlow<TRequest, TFacts, TResult> flow, Pump pump, CancellationToken stop)
        {
            try
            {
                Facts = await flow.Read(HostFactory.Open(name, pump), requests, stop).ConfigureAwait(false);
            }
            catch (VirtException problem)
            {
                Unreachable = problem;
            }

            pump.Done(name);
            return true;
        }

        public async Task<bool> ActAsync(ChangeFlow<TRequest, TFacts, TResult> flow, Pump pump, string command, CancellationToken stop)
        {
            if (Accepted.Count == 0) return true;
            var host = HostFactory.Open(name, pump, Run);
            var accepted = Accepted.Select(entry => entry.Request).ToArray();
            if (Accepted.TrueForAll(entry => entry.Changes.IsEmpty))
            {
                // The host is as asked: what was read a moment ago is what is returned, and nothing is run.
                after = [.. Accepted.Select(entry => entry.Facts)];
                outcomes = [.. Accepted.Select(entry => new RunOutcome(entry.Changes, null))];
                return true;
            }

            var resolved = Accepted.Select(entry => flow.Resolve(entry.Request, entry.Facts())).ToArray();

            async Task<IReadOnlyList<string?>> ReadBack()
            {
                after = await flow.Read(host, resolved, CancellationToken.None).ConfigureAwait(false);
                return [.. accepted.Select((request, i) => flow.Differing(request, after[i]))];
            }

            async Task<IReadOnlyList<VirtException?>> Guard()
            {
                var now = await flow.Read(host, resolved, CancellationToken.None).ConfigureAwait(false);
                return [.. accepted.Select((request, i) => flow.Guarded(request, now[i]))];
            }

            outcomes = await new ChangeRunner(host, new Journal(Run, command))
                .RunAsync([.. Accepted.Select(entry => entry.Changes)], ReadBack, stop, flow.Guard is null ? null : Guard).ConfigureAwait(false);
            pump.Done(name);
            return true;
        }

        public IEnumerable<(VirtException Problem, string Target)> Problems(ChangeFlow<TRequest, TFacts, TResult> flow) => outcomes
            .Select((outcome, i) => (outcome.Failure, Subject: flow.Subject(Accepted[i].Request)))
            .Where(entry => entry.Failure is not null)
            .Select(entry => (Problem(entry.Subject, entry.Failure!), entry.Subject));

        public void Write(VirtCommand cmdlet, ChangeFlow<TRequest, TFacts, TResult> flow)
        {
            foreach (var (problem, target) in Problems(flow)) cmdlet.WriteProblem(problem, target);
            // What concerns the host is said once, however many objects it concerns.
            var said = new HashSet<string>();
            for (var i = 0; i < outcomes.Count; i++)
            {
                if (outcomes[i].Failure is not null) continue;
                var request = Accepted[i].Request;
                var facts = after[i]();
                foreach (var warning in flow.Notes(request, facts, outcomes[i].Changes.Rules.Count > 0).Select(note => Messages.Format(note.Id, note.Arguments)).Where(said.Add)) cmdlet.WriteWarning(warning);
                cmdlet.WriteObject(flow.ResultOfChange is { } both ? both(request, Accepted[i].Facts(), facts) : flow.Result(request, facts));
            }
        }

        private VirtException Problem(string subject, RunFailure failure)
        {
            string List(IReadOnlyList<string> items) => items.Count == 0 ? Messages.Format("Nothing") : string.Join("; ", items);
            if (failure.IsFinal)
            {
                var left = failure.ToFinish.Count == 0 ? Messages.Format("NothingLeft") : string.Join("; ", failure.ToFinish);
                return VirtException.OfStep(failure.Id, "StepFailedFinal", subject, name.Name, failure.Step, failure.Words, left);
            }

            var undone = List(failure.Undone) + (failure.Lost.Count == 0 ? "" : Messages.Format("NeverUndone", List(failure.Lost)));
            return failure.NotUndone.Count == 0
                ? VirtException.OfStep(failure.Id, "StepFailed", subject, name.Name, failure.Step, failure.Words, undone)
                : VirtException.OfStep(failure.Id, "StepFailedNotUndone", subject, name.Name, failure.Step, failure.Words, undone, List(failure.NotUndone));
        }
    }
}
