using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.SELinux;

/// <summary>
/// The policy's file contexts, and the lookup over them: which rule gives a path its label. Done as libselinux 3.4 does it
/// (selabel_file(5), label_file.c): equivalences first, then the last matching rule wins, where rules without
/// meta characters come after all others. Immutable, for any number of threads.
/// </summary>
internal sealed class FileContexts
{
    private readonly Dictionary<string, StemRules> stems;

    /// <summary>Puts the files' rules into the order in which they win.</summary>
    /// <param name="rules">In file order: policy, home directories, local.</param>
    /// <param name="equivalences">file_contexts.subs, then file_contexts.subs_dist, each in file order.</param>
    public FileContexts(IReadOnlyList<FileContextRule> rules, IReadOnlyList<IReadOnlyList<Equivalence>> equivalences)
        : this(rules, equivalences, rules.Select((rule, i) => new RankedRule(rule, i)).GroupBy(rule => rule.Stem).ToDictionary(group => group.Key, group => new StemRules([.. group]), StringComparer.Ordinal))
    {
    }

    private FileContexts(IReadOnlyList<FileContextRule> rules, IReadOnlyList<IReadOnlyList<Equivalence>> equivalences, Dictionary<string, StemRules> stems)
    {
        Rules = rules;
        Equivalences = equivalences;
        this.stems = stems;
    }

    /// <summary>All rules, in file order.</summary>
    public IReadOnlyList<FileContextRule> Rules { get; }

    /// <summary>The administrator's equivalences, then the distribution's.</summary>
    public IReadOnlyList<IReadOnlyList<Equivalence>> Equivalences { get; }

    /// <summary>The rule that gives a path its label; null: none matches.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="fileType">As <see cref="FileContextRule.FileType"/>.</param>
    /// <exception cref="VirtException">FileContextNotUnderstood: the pattern of a rule that may match the path, and would win, is not understood. Rules that cannot matter for the path do no harm.</exception>
    public FileContextRule? Lookup(string path, char fileType) => Match(path, fileType).Rule;

    /// <summary>The same, and how it was come to.</summary>
    /// <exception cref="VirtException">FileContextNotUnderstood, as <see cref="Lookup"/>.</exception>
    public FileContextMatch Match(string path, char fileType)
    {
        var (resolved, by) = Follow(Clean(path));
        var bytes = HostText.Encode(resolved);
        var stem = RankedRule.StemOf(resolved);
        var winner = RankedRule.Winner(Find("", bytes, fileType), stem.Length > 0 ? Find(stem, bytes, fileType) : null);
        return winner?.Problem is { } problem
            ? throw FileContextsText.NotUnderstood(winner.Rule.File, winner.Rule.Line, $"{problem} in its pattern", winner.Rule.Text)
            : new FileContextMatch(winner?.Rule, resolved, by);
    }

    /// <summary>The path after the equivalences.</summary>
    public string Resolve(string path) => Follow(path).Path;

    /// <summary>The administrator's rule with exactly this pattern for every file type, as semanage keys it.</summary>
    public FileContextRule? Local(string pattern) => PlaceOf(pattern) is >= 0 and var place ? Rules[place] : null;

    /// <summary>These contexts as they will be once the local file has a rule for all file types: at its end, or in the place of one with the same pattern.</summary>
    public FileContexts With(string pattern, string type)
    {
        var rule = new FileContextRule(pattern, null, new SecurityContext("system_u", "object_r", type, "s0"), RuleSource.Local, pattern);
        var before = PlaceOf(pattern);
        var ranked = new RankedRule(rule, before < 0 ? Rules.Count : before);
        return new FileContexts(
            before < 0 ? [.. Rules, rule] : [.. Rules.Select((other, i) => i == before ? rule : other)],
            Equivalences,
            // Only what has the rule's stem is made anew.
            new Dictionary<string, StemRules>(stems, StringComparer.Ordinal) { [ranked.Stem] = stems.TryGetValue(ranked.Stem, out var same) ? same.With(ranked) : new StemRules([ranked]) });
    }

    /// <summary>These contexts as they will be once the administrator's rules with exactly these patterns for all file types are gone.</summary>
    public FileContexts Without(IReadOnlyCollection<string> patterns) =>
        new([.. Rules.Where(rule => rule.Source != RuleSource.Local || rule.FileType is not null || !patterns.Contains(rule.Pattern))], Equivalences);

    private RankedRule? Find(string stem, byte[] path, char fileType) => stems.TryGetValue(stem, out var rules) ? rules.Find(path, fileType) : null;

    private int PlaceOf(string pattern)
    {
        var place = Rules.Count - 1;
        while (place >= 0 && (Rules[place].Source != RuleSource.Local || Rules[place].FileType is not null || Rules[place].Pattern != pattern)) place--;
        return place;
    }

    /// <summary>Each list once, and of each the last line that covers the path.</summary>
    private (string Path, IReadOnlyList<Equivalence> By) Follow(string path)
    {
        List<Equivalence>? by = null;
        foreach (var list in Equivalences)
        {
            for (var i = list.Count - 1; i >= 0; i--)
            {
                if (!list[i].Covers(path)) continue;
                path = list[i].Apply(path);
                (by ??= []).Add(list[i]);
                break;
            }
        }

        return (path, by ?? (IReadOnlyList<Equivalence>)[]);
    }

    /// <summary>Without slashes that say nothing.</summary>
    private static string Clean(string path)
    {
        while (path.Contains("//", StringComparison.Ordinal)) path = path.Replace("//", "/", StringComparison.Ordinal);
        return path.Length > 1 && path[^1] == '/' ? path[..^1] : path;
    }

    /// <summary>One line of file_contexts.subs or file_contexts.subs_dist: paths at and below Path are looked up as at and below Target.</summary>
    internal sealed record Equivalence(string Path, string Target)
    {
        /// <summary>The name of the file it stands in.</summary>
        public string File { get; init; } = "";

        /// <summary>Its line there, from 1.</summary>
        public int Line { get; init; }

        /// <summary>Whether the path lies at or below this entry's.</summary>
        public bool Covers(string path) =>
            path.StartsWith(Path, StringComparison.Ordinal) && (path.Length == Path.Length || path[Path.Length] == '/');

        /// <summary>What a path that it covers is looked up as.</summary>
        public string Apply(string path) =>
            Target + path[(Target == "/" && path.Length > Path.Length ? Path.Length + 1 : Path.Length)..];
    }
}
