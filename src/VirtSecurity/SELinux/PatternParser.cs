using VirtSecurity.Hosts;

namespace VirtSecurity.SELinux;

/// <summary>
/// Reads a pattern as libselinux has PCRE read it (label_file.h, regex.c; pcre2pattern(3)): over bytes, with DOTALL, and with <c>^</c> put before it and
/// <c>$</c> behind it as text, so that of <c>/a|/b</c> the first half is bound to the beginning only, and the second to the end. What PCRE knows
/// and this does not, such as look-around and back references, is an error, never a guess.
/// </summary>
internal sealed class PatternParser
{
    private const int MostPlaces = 20_000;
    private const int MostDepth = 250;
    private const int MostRepeats = 65_535;

    private readonly byte[] text;
    private readonly List<ByteSet> sets = [default];
    private readonly List<HashSet<int>> next = [[]];
    private int at;

    private PatternParser(string pattern) => text = HostText.Encode($"^{pattern}$");

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FormatException">It is not understood; the message says why.</exception>
    public static PathExpression Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        var whole = parser.Whole();
        parser.next[0].UnionWith(whole.First);
        var ends = new bool[parser.sets.Count];
        foreach (var place in whole.Last) ends[place] = true;
        ends[0] = whole.IsOptional;
        return new PathExpression(parser.sets, [.. parser.next.Select(places => places.ToArray())], ends);
    }

    private Part Whole()
    {
        var whole = Branch();
        while (Take('|')) whole = whole.Or(Branch());
        return at == text.Length ? whole : throw new FormatException("a ')' closes nothing");
    }

    /// <summary>One of the alternatives that stand outside all groups: only here an anchor is understood, at either end.</summary>
    private Part Branch()
    {
        var fromBeginning = false;
        var toEnd = false;
        while (Take('^')) fromBeginning = true;
        var branch = Sequence(0);
        while (Take('$')) toEnd = true;
        if (at < text.Length && text[at] is not ((byte)'|' or (byte)')')) throw new FormatException("'$' inside a pattern");
        if (!fromBeginning) branch = Then(Anything(), branch);
        return toEnd ? branch : Then(branch, Anything());
    }

    private Part Sequence(int depth)
    {
        var sequence = Part.Empty;
        while (at < text.Length && text[at] is not ((byte)'|' or (byte)')') && !(depth == 0 && text[at] == '$')) sequence = Then(sequence, Quantified(depth));
        return sequence;
    }

    private Part Quantified(int depth)
    {
        var start = at;
        var part = Atom(depth);
        if (ReadQuantifier() is not { } range) return part;
        var end = at;
        if (Take('+')) throw new FormatException("a possessive quantifier");
        // Lazy or greedy, what matches is the same.
        if (Take('?')) end = at;
        if (IsAtQuantifier()) throw new FormatException("a quantifier follows another");
        var repeated = Repeated(part, range.Least, range.Most, () =>
        {
            at = start;
            return Atom(depth);
        });
        at = end;
        return repeated;
    }

    /// <summary>What a quantifier makes of a part; its copies are read anew, as each is places of its own.</summary>
    private Part Repeated(Part part, int least, int? most, Func<Part> copy)
    {
        if (most == 0) return Part.Empty;
        var whole = Part.Empty;
        for (var i = 0; i < (most ?? Math.Max(least, 1)); i++)
        {
            var one = i == 0 ? part : copy();
            if (most is null && i == Math.Max(least, 1) - 1) Link(one.Last, one.First);
            whole = Then(whole, i < least ? one : one with { IsOptional = true });
        }

        return whole;
    }

    private Part Atom(int depth)
    {
        switch ((char)text[at])
        {
            case '(':
                at++;
                return Group(depth + 1);
            case '[':
                at++;
                return Place(ByteClass.Read(text, ref at));
            case '.':
                at++;
                return Place(ByteSet.All);
            case '\\':
                at++;
                return Place(ByteClass.ReadEscape(text, ref at, isInClass: false));
            case '$' when at == text.Length - 1:
                throw new FormatException("a '(' is not closed");
            case '^' or '$':
                throw new FormatException($"'{(char)text[at]}' inside a pattern");
            case '*' or '+' or '?':
                throw new FormatException("a quantifier follows nothing");
            case '{' when IsAtQuantifier():
                throw new FormatException("a quantifier follows nothing");
            default:
                return Place(ByteSet.Of(text[at++]));
        }
    }

    private Part Group(int depth)
    {
        if (depth > MostDepth) throw new FormatException("groups are nested too deeply");
        if (at < text.Length && text[at] is (byte)'*') throw new FormatException("'(*'");
        if (Take('?') && !Take(':')) throw new FormatException("a group that begins with '(?'");
        var group = Sequence(depth);
        while (Take('|')) group = group.Or(Sequence(depth));
        return Take(')') ? group : throw new FormatException("a '(' is not closed");
    }

    private bool IsAtQuantifier()
    {
        var before = at;
        var range = ReadQuantifier();
        at = before;
        return range is not null;
    }

    /// <summary>Null: what stands here is no quantifier.</summary>
    private (int Least, int? Most)? ReadQuantifier()
    {
        if (Take('*')) return (0, null);
        if (Take('+')) return (1, null);
        if (Take('?')) return (0, 1);
        var before = at;
        if (!Take('{')) return null;
        var least = Number();
        var isRange = Take(',');
        var most = isRange ? Number() : least;
        if (!Take('}') || (least ?? most) is null)
        {
            at = before;
            return null;
        }

        // "{,n}" is text to PCRE2 before 10.43, and a quantifier from then on.
        if (least is null) throw new FormatException("'{,'");
        return least > MostRepeats || most > MostRepeats || most < least ? throw new FormatException("a quantifier out of range") : (least.Value, most);
    }

    private int? Number()
    {
        int? number = null;
        for (; at < text.Length && char.IsAsciiDigit((char)text[at]); at++) number = Math.Min(MostRepeats + 1, ((number ?? 0) * 10) + text[at] - '0');
        return number;
    }

    private bool Take(char sign)
    {
        if (at >= text.Length || text[at] != sign) return false;
        at++;
        return true;
    }

    private Part Anything()
    {
        var one = Place(ByteSet.All);
        Link(one.Last, one.First);
        return one with { IsOptional = true };
    }

    private Part Place(ByteSet set)
    {
        if (sets.Count > MostPlaces) throw new FormatException("it is too large");
        sets.Add(set);
        next.Add([]);
        return new Part(false, [sets.Count - 1], [sets.Count - 1]);
    }

    private Part Then(Part one, Part other)
    {
        Link(one.Last, other.First);
        return new Part(
            one.IsOptional && other.IsOptional,
            one.IsOptional ? [.. one.First, .. other.First] : one.First,
            other.IsOptional ? [.. one.Last, .. other.Last] : other.Last);
    }

    private void Link(IReadOnlyList<int> from, IReadOnlyList<int> to)
    {
        foreach (var place in from) next[place].UnionWith(to);
    }

    /// <summary>A part of the pattern: whether it may match nothing, and the places it may begin and end with.</summary>
    private sealed record Part(bool IsOptional, IReadOnlyList<int> First, IReadOnlyList<int> Last)
    {
        public static Part Empty { get; } = new(true, [], []);

        public Part Or(Part other) => new(IsOptional || other.IsOptional, [.. First, .. other.First], [.. Last, .. other.Last]);
    }
}
