namespace VirtSecurity.SELinux;

/// <summary>The places of many patterns, numbered through. Bytes that all of them treat alike are one kind.</summary>
internal sealed class PlaceTable
{
    private readonly int[] owners;
    private readonly int[] firstAfter;
    private readonly int[] after;
    private readonly bool[] ends;
    private readonly ByteSet[] sets;
    private readonly int[] setOf;
    private readonly byte[] kindOf = new byte[256];
    private readonly List<byte> samples = [0];

    /// <summary>Numbers them.</summary>
    public PlaceTable(IReadOnlyList<PathExpression> patterns)
    {
        Count = patterns.Sum(pattern => pattern.Sets.Count);
        Begins = new int[patterns.Count];
        owners = new int[Count];
        firstAfter = new int[Count + 1];
        ends = new bool[Count];
        setOf = new int[Count];
        var allAfter = new List<int>(Count);
        var numbers = new Dictionary<ByteSet, int>();
        var place = 0;
        for (var owner = 0; owner < patterns.Count; owner++)
        {
            var pattern = patterns[owner];
            var begin = Begins[owner] = place;
            for (var i = 0; i < pattern.Sets.Count; i++, place++)
            {
                owners[place] = owner;
                ends[place] = pattern.Ends[i];
                if (!numbers.TryGetValue(pattern.Sets[i], out setOf[place])) numbers[pattern.Sets[i]] = setOf[place] = numbers.Count;
                foreach (var next in pattern.Next[i]) allAfter.Add(begin + next);
                firstAfter[place + 1] = allAfter.Count;
            }
        }

        after = [.. allAfter];
        sets = [.. numbers.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        foreach (var set in sets) Split(set);
    }

    /// <summary>How many places there are.</summary>
    public int Count { get; }

    /// <summary>Each pattern's first place, which stands before every byte.</summary>
    public int[] Begins { get; }

    /// <summary>How many kinds of bytes there are.</summary>
    public int Kinds => samples.Count;

    /// <summary>A byte's kind.</summary>
    public int KindOf(byte value) => kindOf[value];

    /// <summary>The places that may come after one.</summary>
    public ReadOnlySpan<int> After(int place) => after.AsSpan(firstAfter[place]..firstAfter[place + 1]);

    /// <summary>Whether a place matches bytes of a kind.</summary>
    public bool Matches(int place, int kind) => sets[setOf[place]].Has(samples[kind]);

    /// <summary>Whether a match may end with a place.</summary>
    public bool IsEnd(int place) => ends[place];

    /// <summary>The number of the pattern a place is of.</summary>
    public int OwnerOf(int place) => owners[place];

    /// <summary>Makes of each kind of which only a part is in the set two.</summary>
    private void Split(ByteSet set)
    {
        var inner = new Dictionary<byte, byte>();
        for (var value = 0; value < kindOf.Length; value++)
        {
            var kind = kindOf[value];
            if (set.Has((byte)value) == set.Has(samples[kind])) continue;
            if (!inner.TryGetValue(kind, out var other))
            {
                inner[kind] = other = (byte)samples.Count;
                samples.Add((byte)value);
            }

            kindOf[value] = other;
        }
    }
}
