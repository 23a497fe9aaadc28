using System.Text;
using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Tests.Domain.Model;

/// <summary>A call that changed, or was to change, the host: which one it was in the run, and how it went.</summary>
internal sealed record Mutation(ToolCall Call, ToolOutcome Outcome, int ExitCode)
{
    public bool IsJournal => Call.Tool == Journal.CallName;
}

/// <summary>The model machine behind the interface that everything runs through, with one fault at one call.</summary>
internal sealed class ModelHost(ModelMachine machine) : IHost, IHostLog, IDisposable
{
    public const string Words = "the model was told to fail here";
    public const string LostWords = "no route to host";

    private readonly CancellationTokenSource stop = new();
    private bool unreachable;
    private bool dead;
    private bool diskFull;

    public VirtHost Name { get; } = new("model");

    public IHostLog Log => this;

    public ModelMachine Machine => machine;

    /// <summary>What goes wrong, and with which of the run's changing calls, counted from 0.</summary>
    public (FaultKind Kind, int At)? Fault { get; init; }

    /// <summary>A second thing that goes wrong.</summary>
    public (FaultKind Kind, int At)? SecondFault { get; init; }

    /// <summary>Who dies, and at which of the run's changing calls, counted from 0. From then on nobody sends anything.</summary>
    public (Death Kind, int At)? Death { get; init; }

    /// <summary>Calls that fail whenever they come.</summary>
    public Func<ToolCall, bool> FailOn { get; init; } = _ => false;

    /// <summary>Whether those have done their work all the same.</summary>
    public bool FailHavingDone { get; init; }

    /// <summary>The user's stop.</summary>
    public CancellationToken Stop => stop.Token;

    /// <summary>Every changing call that was reached, in order.</summary>
    public List<Mutation> Mutations { get; } = [];

    /// <summary>Changing calls that did their work although no journal line had announced them.</summary>
    public List<ToolCall> Unannounced { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>Called before a call runs; a batch waits for it, so that a test decides what happens in which order.</summary>
    public Func<ToolCall, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>The host answers again, and nothing more goes wrong.</summary>
    public void Heal() => unreachable = diskFull = false;

    public async Task<IReadOnlyList<ToolResult>> RunAsync(IReadOnlyList<ToolCall> batch, BatchMode mode, CancellationToken stop)
    {
        var results = new List<ToolResult>(batch.Count);
        var over = false;
        foreach (var call in batch)
        {
            if (dead) throw new ClientDied();
            if (unreachable) throw new VirtException("ConnectionLost", Name, LostWords);
            if (over || stop.IsCancellationRequested)
            {
                results.Add(ToolResult.Of(call, ToolOutcome.NotRun));
                continue;
            }

            await Before(call);
            var result = call.Mutating ? Change(call, batch.Skip(results.Count + 1)) : Work(call);
            results.Add(result);
            over = result.Outcome == ToolOutcome.Lost || (mode == BatchMode.StopAtFailure && !result.Succeeded);
        }

        return results;
    }

    public void Sending(VirtHost host, IReadOnlyList<ToolCall> batch)
    {
    }

    public void Started(VirtHost host, ToolCall call)
    {
    }

    public void Ended(VirtHost host, ToolResult result)
    {
    }

    public void Warn(VirtHost host, string id, params object?[] arguments) => Warnings.Add(id);

    public void Dispose() => stop.Dispose();

    private ToolResult Change(ToolCall call, IEnumerable<ToolCall> rest)
    {
        var number = Mutations.Count;
        if (Death?.At == number) Die(Death.Value.Kind, call, rest);
        var fault = Fault?.At == number ? Fault : SecondFault?.At == number ? SecondFault : null;
        diskFull |= fault?.Kind == FaultKind.DiskFull;
        var result = diskFull && call.Tool == Journal.CallName ? Fail(call, 1, "sync: error syncing: No space left on device")
            : FailOn(call) ? Go(FailHavingDone ? FaultKind.FailsHavingDone : FaultKind.FailsDoingNothing, call, rest)
            : fault is null ? Work(call)
            : Go(fault.Value.Kind, call, rest);
        Mutations.Add(new Mutation(call, result.Outcome, result.ExitCode));
        return result;
    }

    private void Die(Death kind, ToolCall call, IEnumerable<ToolCall> rest)
    {
        dead = true;
        if (kind is not (Model.Death.ClientBeforeTheCall or Model.Death.PowerBeforeTheCall) && Work(call).Succeeded && kind == Model.Death.ClientWhileTheRestRan)
            _ = rest.TakeWhile(next => Work(next).Succeeded).Count();
        if (kind is Model.Death.PowerBeforeTheCall or Model.Death.PowerAfterTheCall) machine.Reboot();
        throw new ClientDied();
    }

    private ToolResult Go(FaultKind kind, ToolCall call, IEnumerable<ToolCall> rest)
    {
        switch (kind)
        {
            case FaultKind.FailsHavingDone or FaultKind.TimesOutHavingDone or FaultKind.LostHavingDone or FaultKind.UnreachableHavingDone or FaultKind.StoppedHavingDone:
                Work(call);
                break;
            case FaultKind.LostWhileTheRestRan:
                if (Work(call).Succeeded) _ = rest.TakeWhile(next => Work(next).Succeeded).Count();
                break;
            case FaultKind.ImportsInPart:
                machine.ImportInPart(call.Stdin!);
                break;
        }

        switch (kind)
        {
            case FaultKind.FailsDoingNothing or FaultKind.FailsHavingDone or FaultKind.ImportsInPart:
                return Fail(call, 1, Words);
            case FaultKind.Missing:
                return ToolResult.Of(call, ToolOutcome.NotFound) with { ExitCode = 127 };
            case FaultKind.TimesOutDoingNothing or FaultKind.TimesOutHavingDone:
                return ToolResult.Of(call, ToolOutcome.TimedOut) with { ExitCode = 124 };
            case FaultKind.LostDoingNothing or FaultKind.LostHavingDone or FaultKind.LostWhileTheRestRan:
                return ToolResult.Of(call, ToolOutcome.Lost);
            case FaultKind.UnreachableDoingNothing or FaultKind.UnreachableHavingDone:
                unreachable = true;
                Mutations.Add(new Mutation(call, ToolOutcome.Lost, -1));
                throw new VirtException("ConnectionLost", Name, LostWords);
            case FaultKind.StoppedDoingNothing or FaultKind.StoppedHavingDone or FaultKind.StoppedAsItEnded:
                stop.Cancel();
                return kind == FaultKind.StoppedAsItEnded || call.Stop == StopPolicy.LetFinish ? Finish(kind, call) : ToolResult.Of(call, ToolOutcome.Stopped) with { ExitCode = 130 };
            case FaultKind.ClaimsHavingDone:
                return new ToolResult(call, ToolOutcome.Exited, 0, [], []);
            default:
                return Work(call);
        }
    }

    /// <summary>A tool that is let finish does its work, if it has not done it yet.</summary>
    private ToolResult Finish(FaultKind kind, ToolCall call) =>
        kind == FaultKind.StoppedHavingDone ? new ToolResult(call, ToolOutcome.Exited, 0, [], []) : Work(call);

    private ToolResult Work(ToolCall call)
    {
        if (call.Mutating && call.Tool != Journal.CallName && !machine.Journal.Any(line => Announces(line, call))) Unannounced.Add(call);
        var said = machine.Run(call);
        return new ToolResult(call, ToolOutcome.Exited, said.Code, said.Output, Encoding.UTF8.GetBytes(said.Error));
    }

    /// <summary>A line that was written before a change holds the very arguments of its calls, and of those that take it back.</summary>
    private static bool Announces(string line, ToolCall call)
    {
        return JournalText.Of(line).Set is { } set
            && set.AllChanges.SelectMany(change => change.Do.Concat(change.Undo)).Any(announced => announced.Argv.SequenceEqual(call.Argv));
    }

    private static ToolResult Fail(ToolCall call, int code, string words) => new(call, ToolOutcome.Exited, code, [], Encoding.UTF8.GetBytes(words));
}
