namespace VirtSecurity.SELinux;

/// <summary>
/// Many rules as one automaton: a path's bytes are gone through once, however many rules there are. Its states are sets of places of the rules' patterns.
/// They are made when a path first comes to them, as paths come to few of them; beyond a limit they are forgotten and made anew. Any number
/// of threads may ask at the same time.
/// </summary>
internal sealed class RuleAutomaton
{
    private const int MostStates = 16_384;
    private const string FileTypes = "-dlbcps";

    private readonly IReadOnlyList<RankedRule> rules;
    private readonly PlaceTable places;
    private readonly int[] begins;
    private readonly object gate = new();
    private readonly Dictionary<int[], State> states = new(new SamePlaces());
    private readonly int[] seen;
    private int round;
    private volatile State start;

    /// <summary>Puts the rules' patterns side by side.</summary>
    public RuleAutomaton(IReadOnlyList<RankedRule> rules)
    {
        this.rules = rules;
        places = new PlaceTable([.. rules.Select(rule => rule.Expression)]);
        begins = places.Begins;
        seen = new int[places.Count];
        start = Known(begins);
    }

    /// <summary>The rule that wins for a path; null: none matches.</summary>
    /// <param name="path">The path's bytes.</param>
    /// <param name="fileType">As <see cref="FileContextRule.FileType"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">No file has that type.</exception>
    public RankedRule? Find(ReadOnlySpan<byte> path, char fileType)
    {
        var type = FileTypes.IndexOf(fileType, StringComparison.Ordinal);
        ArgumentOutOfRangeException.ThrowIfNegative(type, nameof(fileType));
        var winner = Winners(Walk(path))[type];
        // PCRE's $ also matches before a newline that ends the path.
        return path is [.. var before, (byte)'\n'] ? RankedRule.Winner(winner, Winners(Walk(before))[type]) : winner;
    }

    private State Walk(ReadOnlySpan<byte> path)
    {
        var state = start;
        foreach (var value in path)
        {
            var kind = places.KindOf(value);
            state = Volatile.Read(ref state.Next[kind]) ?? Step(state, kind);
            if (state.Places.Length == 0) break;
        }

        return state;
    }

    private State Step(State state, int kind)
    {
        lock (gate)
        {
            if (state.Next[kind] is { } known) return known;
            round++;
            var reached = new List<int>();
            foreach (var place in state.Places)
            {
                foreach (var next in places.After(place))
                {
                    if (seen[next] == round || !places.Matches(next, kind)) continue;
                    seen[next] = round;
                    reached.Add(next);
                }
            }

            reached.Sort();
            if (states.Count >= MostStates)
            {
                // Whoever is on the way through the old ones finds the way from there.
                states.Clear();
                start = Known(begins);
            }

            var made = Known([.. reached]);
            Volatile.Write(ref state.Next[kind], made);
            return made;
        }
    }

    private State Known(int[] reached)
    {
        if (!states.TryGetValue(reached, out var state)) states[reached] = state = new State(reached, places.Kinds);
        return state;
    }

    /// <summary>By file type, the rule that wins where a path ends with this state.</summary>
    private RankedRule?[] Winners(State state)
    {
        if (state.Winners is { } known) return known;
        var winners = new RankedRule?[FileTypes.Length];
        foreach (var place in state.Places.Where(places.IsEnd))
        {
            var rule = rules[places.OwnerOf(place)];
            for (var type = 0; type < winners.Length; type++)
            {
                if (rule.Rule.FileType is null || rule.Rule.FileType == FileTypes[type]) winners[type] = RankedRule.Winner(winners[type], rule);
            }
        }

        return state.Winners = winners;
    }

    private sealed class State(int[] places, int kinds)
    {
        public int[] Places => places;

        /// <summary>By kind of byte, the state it leads to; null: no path has come there yet.</summary>
        public State?[] Next { get; } = new State?[kinds];

        public RankedRule?[]? Winners { get; set; }
    }

    private sealed class SamePlaces : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? one, int[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(int[] places)
        {
            var hash = default(HashCode);
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(places.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
