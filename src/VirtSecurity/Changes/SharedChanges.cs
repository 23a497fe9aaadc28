namespace VirtSecurity.Changes;

/// <summary>
/// Changes that several objects of a run ask for alike, such as a directory above all their mount points, or the bits that let
/// QEMU pass it. Such a change stays while one of them needs it, and the last of them to be undone takes it back.
/// </summary>
internal sealed class SharedChanges(IEnumerable<ChangeSet> sets)
{
    private readonly object gate = new();
    private readonly HashSet<string> begun = [];
    private readonly HashSet<string> below = [];
    private readonly List<Change> left = [];
    private readonly Dictionary<string, int> holders = Count(sets);
    private readonly Dictionary<string, int> sharers = Count(sets);

    /// <summary>Command lines of those that could not be taken back.</summary>
    public IReadOnlyList<string> NotUndone
    {
        get
        {
            lock (gate) return [.. left.SelectMany(change => change.Undo).Select(call => call.ToString())];
        }
    }

    /// <summary>An object that is being undone lets its change go.</summary>
    /// <param name="change">One of the object's own.</param>
    /// <param name="wasBegun">Whether this object began it.</param>
    /// <param name="newerRemains">Whether a newer change of this object could not be taken back.</param>
    /// <returns>Null: it stays, as others need it, or nobody began it. Otherwise it is to be taken back, and whether anything newer remains.</returns>
    public bool? Release(Change change, bool wasBegun, bool newerRemains)
    {
        lock (gate)
        {
            var key = Key(change);
            if (wasBegun) begun.Add(key);
            if (newerRemains) below.Add(key);
            return --holders[key] == 0 && begun.Contains(key) ? below.Contains(key) : null;
        }
    }

    /// <summary>Remembers a change that could not be taken back, if it is of several objects.</summary>
    public bool Leave(Change change)
    {
        lock (gate)
        {
            if (sharers[Key(change)] == 1) return false;
            left.Add(change);
            return true;
        }
    }

    private static Dictionary<string, int> Count(IEnumerable<ChangeSet> sets) =>
        sets.SelectMany(set => set.Own.Select(Key).Distinct()).GroupBy(key => key).ToDictionary(group => group.Key, group => group.Count());

    private static string Key(Change change) => string.Join('\n', change.Do.Select(call => string.Join('\0', call.Argv)));
}
