using System.Buffers;

namespace VirtSecurity.SELinux;

/// <summary>A rule, where it stands in the order in which rules win, and its pattern as far as it is understood; that is read when first asked for.</summary>
/// <param name="rule">The rule.</param>
/// <param name="place">Its number among all, in file order.</param>
internal sealed class RankedRule(FileContextRule rule, int place)
{
    private static readonly SearchValues<char> Meta = SearchValues.Create(".^$?*+|[({");

    private readonly Lazy<(PathExpression Expression, string? Problem)> read = new(() => Read(rule.Pattern));

    /// <summary>The rule.</summary>
    public FileContextRule Rule => rule;

    /// <summary>Its number among all, in file order.</summary>
    public int Place => place;

    /// <summary>Of the rules that match a path the one with the highest rank gives the label: rules without meta characters come after all others.</summary>
    public long Rank { get; } = (HasMeta(rule.Pattern) ? 0 : 1L << 32) + place;

    /// <summary>
    /// The first name of every path it is tried for, with the slash before it; empty: it is tried for all. As libselinux has it (label_file.h,
    /// get_stem_from_spec), text is not unescaped for it: a rule for <c>/vm\x2ddata/x</c> is tried for no path below /vm-data.
    /// </summary>
    public string Stem { get; } = StemOf(rule.Pattern) is var stem && stem.AsSpan().IndexOfAny(Meta) < 0 ? stem : "";

    /// <summary>Its pattern; where that is not understood, what matches everything.</summary>
    public PathExpression Expression => read.Value.Expression;

    /// <summary>Why its pattern is not understood; null: it is.</summary>
    public string? Problem => read.Value.Problem;

    /// <summary>A path's or a pattern's text up to its second slash; empty: it has none.</summary>
    public static string StemOf(string path) => path.Length > 1 && path.IndexOf('/', 1) is > 0 and var slash ? path[..slash] : "";

    /// <summary>The one of two that wins; null: neither is there.</summary>
    public static RankedRule? Winner(RankedRule? one, RankedRule? other) => other is null || one?.Rank > other.Rank ? one : other;

    /// <summary>As libselinux's spec_hasMetaChars: an escaped character is none.</summary>
    private static bool HasMeta(string pattern)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\') i++;
            else if (Meta.Contains(pattern[i])) return true;
        }

        return false;
    }

    private static (PathExpression, string?) Read(string pattern)
    {
        try
        {
            return (PatternParser.Parse(pattern), null);
        }
        catch (FormatException problem)
        {
            return (PathExpression.Anything, problem.Message);
        }
    }
}

/// <summary>The rules with one stem.</summary>
internal sealed class StemRules(IReadOnlyList<RankedRule> rules)
{
    private readonly Lazy<RuleAutomaton> automaton = new(() => new RuleAutomaton(rules));

    /// <summary>The one that wins for a path; null: none matches.</summary>
    /// <param name="path">The path's bytes.</param>
    /// <param name="fileType">As <see cref="FileContextRule.FileType"/>.</param>
    public RankedRule? Find(ReadOnlySpan<byte> path, char fileType) => automaton.Value.Find(path, fileType);

    /// <summary>These and one more, which takes the place of the one that has it now.</summary>
    public StemRules With(RankedRule rule) => new([.. rules.Where(other => other.Place != rule.Place), rule]);
}
