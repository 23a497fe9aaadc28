using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Changes;

/// <summary>A message of the table with its arguments, for a warning.</summary>
internal sealed record Note(string Id, params object?[] Arguments);

/// <summary>
/// What a domain gives to a cmdlet that changes something: how to read facts for many requests in one round trip, and
/// pure functions over them. The flow itself (read, plan, ask, act, read back, write) is the same for all.
/// </summary>
/// <typeparam name="TRequest">One object asked for.</typeparam>
/// <typeparam name="TFacts">What is on the host, as far as it concerns that object.</typeparam>
/// <typeparam name="TResult">The object returned.</typeparam>
/// <param name="Host">The host a request is for.</param>
/// <param name="Subject">The request's object, as messages name it and errors target it.</param>
/// <param name="Keys">What no two requests of one run may share, such as a mount point.</param>
/// <param name="Read">Facts of many requests, each as an answer that may be an error.</param>
/// <param name="Plan">Request, facts and the run's name to changes.</param>
/// <param name="Difference">What is not as asked, in words; null: all is.</param>
/// <param name="Result">The object that the facts show.</param>
/// <param name="Notes">What the user should be warned of, given the facts after the changes and whether rules were changed.</param>
/// <param name="Unfinished">The host's runs that somebody has yet to finish or undo, read with the other facts.</param>
internal sealed record ChangeFlow<TRequest, TFacts, TResult>(
    Func<TRequest, VirtHost> Host,
    Func<TRequest, string> Subject,
    Func<TRequest, IEnumerable<string>> Keys,
    Func<IHost, IReadOnlyList<TRequest>, CancellationToken, Task<IReadOnlyList<Func<TFacts>>>> Read,
    Func<TRequest, TFacts, string, ChangeSet> Plan,
    Func<TRequest, TFacts, string?> Difference,
    Func<TRequest, TFacts, TResult> Result,
    Func<TRequest, TFacts, bool, IEnumerable<Note>> Notes,
    Func<TFacts, IReadOnlyList<JournalRun>> Unfinished)
{
    /// <summary>
    /// Why a request may not go on, given facts read again just before its first change and once more just before the first that cannot be undone;
    /// null: it may. Null itself: nothing is asked again.
    /// </summary>
    public Func<TRequest, TFacts, VirtException?>? Guard { get; init; }

    /// <summary>The object returned where it needs the facts before the changes as well; null: <see cref="Result"/>.</summary>
    public Func<TRequest, TFacts, TFacts, TResult>? ResultOfChange { get; init; }

    /// <summary>A request together with what the first facts say of it, for reading again: what is gone by then cannot be asked where it was.</summary>
    public Func<TRequest, TFacts, TRequest> Resolve { get; init; } = (request, _) => request;

    /// <summary>A directory that no other request of the run may have its own in or above; null: none.</summary>
    public Func<TRequest, string?> Tree { get; init; } = _ => null;

    /// <summary>Name of the message that asks whether to go on.</summary>
    public string Question { get; init; } = "Proceed";

    /// <summary>Asks <see cref="Guard"/>; facts that cannot be had are a reason too.</summary>
    public VirtException? Guarded(TRequest request, Func<TFacts> facts)
    {
        try
        {
            return Guard!(request, facts());
        }
        catch (VirtException unknown)
        {
            return unknown;
        }
    }

    /// <summary>Asks <see cref="Difference"/>; what cannot be read back of one request says nothing of the others.</summary>
    public string? Differing(TRequest request, Func<TFacts> facts)
    {
        try
        {
            return Difference(request, facts());
        }
        catch (VirtException unknown)
        {
            return unknown.Message;
        }
    }

    /// <summary>The changes, unless another run has something in hand that they would touch. A host that is as asked is not touched.</summary>
    /// <exception cref="VirtException">UnfinishedRun, JournalDamaged, JournalNewer, and those of <see cref="Plan"/>.</exception>
    public ChangeSet Changes(TRequest request, TFacts facts, string run)
    {
        // By all names that the facts give it: another run may have been asked for the same thing by another.
        IReadOnlyList<string> keys = [.. Keys(request).Union(Keys(Resolve(request, facts)))];
        var conflict = UnfinishedRuns.Conflict(Unfinished(facts), Host(request), keys, run);
        try
        {
            var changes = Plan(request, facts, run) with { Keys = keys };
            return conflict is null || changes.IsEmpty ? changes : throw conflict;
        }
        catch (VirtException contradiction) when (conflict is not null && contradiction != conflict)
        {
            // What is half made contradicts what is asked for; that it is half made says more.
            throw conflict;
        }
    }
}
