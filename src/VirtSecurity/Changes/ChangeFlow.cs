using VirtSecurity.Hosts;

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
/// <param name="Tree">A directory that no other request of the run may have its own in or above; null: none.</param>
/// <param name="Read">Facts of many requests, each as an answer that may be an error.</param>
/// <param name="Plan">Request, facts and the run's name to changes.</param>
/// <param name="Difference">What is not as asked, in words; null: all is.</param>
/// <param name="Result">The object that the facts show.</param>
/// <param name="Notes">What the user should be warned of, given the facts after the changes and whether rules were changed.</param>
internal sealed record ChangeFlow<TRequest, TFacts, TResult>(
    Func<TRequest, VirtHost> Host,
    Func<TRequest, string> Subject,
    Func<TRequest, IEnumerable<string>> Keys,
    Func<TRequest, string?> Tree,
    Func<IHost, IReadOnlyList<TRequest>, CancellationToken, Task<IReadOnlyList<Func<TFacts>>>> Read,
    Func<TRequest, TFacts, string, ChangeSet> Plan,
    Func<TRequest, TFacts, string?> Difference,
    Func<TRequest, TFacts, TResult> Result,
    Func<TRequest, TFacts, bool, IEnumerable<Note>> Notes);
