using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.SELinux;

/// <summary>
/// The policy's file contexts, and the lookup over them: which rule gives a path its label. Done as libselinux does it
/// (selabel_file(5), label_file.c): equivalences first, then the last matching rule wins, where rules without
/// meta characters come after all others. Matching is over bytes: paths and patterns are held as Latin-1.
/// </summary>
internal sealed class FileContexts
{
    private static readonly SearchValues<char> Meta = SearchValues.Create(".^$?*+|[({");
    private static readonly SearchValues<char> MetaOrEscape = SearchValues.Create(@"\.^$?*+|[({");
    private readonly List<CompiledRule> lastFirst;

    /// <summary>Puts the files' rules into the order in which they win.</summary>
    /// <param name="rules">In file order: policy, home directories, local.</param>
    /// <param name="equivalences">file_contexts.subs, then file_contexts.subs_dist: path prefix to the prefix it is looked up as.</param>
    public FileContexts(IReadOnlyList<FileContextRule> rules, IReadOnlyList<IReadOnlyList<Equivalence>> equivalences)
    {
        Rules = rules;
        Equivalences = equivalences;
        lastFirst = [.. rules.Where(rule => HasMeta(rule.Pattern)).Concat(rules.Where(rule => !HasMeta(rule.Pattern))).Reverse().Select(rule => new CompiledRule(rule))];
    }

    /// <summary>All rules, in file order.</summary>
    public IReadOnlyList<FileContextRule> Rules { get; }

    /// <summary>The administrator's equivalences, then the distribution's.</summary>
    public IReadOnlyList<IReadOnlyList<Equivalence>> Equivalences { get; }

    /// <summary>The rule that gives a path its label; null: none matches.</summary>
    /// <param name="path">Absolute and canonical.</param>
    /// <param name="fileType">As <see cref="FileContextRule.FileType"/>.</param>
    public FileContextRule? Lookup(string path, char fileType)
    {
        var bytes = Latin1(Resolve(path));
        return lastFirst.Find(rule => rule.Matches(bytes, fileType))?.Rule;
    }

    /// <summary>The path after the equivalences, each list's first match once.</summary>
    public string Resolve(string path) => Equivalences.Aggregate(path, (current, list) =>
        list.FirstOrDefault(entry => entry.Covers(current)) is { } entry ? entry.Target + current[entry.Path.Length..] : current);

    /// <summary>The administrator's rule with exactly this pattern for every file type, as semanage keys it.</summary>
    public FileContextRule? Local(string pattern) =>
        Rules.LastOrDefault(rule => rule.Source == RuleSource.Local && rule.FileType is null && rule.Pattern == pattern);

    /// <summary>These contexts as they will be once the local file has a rule for all file types: at its end, or in the place of one with the same pattern.</summary>
    public FileContexts With(string pattern, string type)
    {
        var rule = new FileContextRule(pattern, null, new SecurityContext("system_u", "object_r", type, "s0"), RuleSource.Local, pattern);
        var before = Local(pattern);
        return new FileContexts(before is null ? [.. Rules, rule] : [.. Rules.Select(other => other == before ? rule : other)], Equivalences);
    }

    internal static string Latin1(string text) => Encoding.Latin1.GetString(HostText.Encode(text));

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

    /// <summary>One line of file_contexts.subs: paths at and below Path are looked up as at and below Target.</summary>
    internal sealed record Equivalence(string Path, string Target)
    {
        /// <summary>Whether the path lies at or below this entry's.</summary>
        public bool Covers(string path) =>
            path.StartsWith(Path, StringComparison.Ordinal) && (path.Length == Path.Length || path[Path.Length] == '/');
    }

    private sealed class CompiledRule(FileContextRule rule)
    {
        private readonly string prefix = LiteralPrefix(rule.Pattern);
        private Regex? regex;

        public FileContextRule Rule => rule;

        public bool Matches(string path, char fileType)
        {
            if (rule.FileType is { } type && type != fileType) return false;
            if (!path.StartsWith(prefix, StringComparison.Ordinal)) return false;
            // PCRE with DOTALL, anchored at both ends; \z, as .NET's $ also matches before a final newline.
            regex ??= Compile();
            return regex.IsMatch(path);
        }

        private Regex Compile()
        {
            try
            {
                return new Regex(@"\A(?:" + Latin1(rule.Pattern) + @")\z", RegexOptions.Singleline | RegexOptions.CultureInvariant);
            }
            catch (ArgumentException problem)
            {
                throw new VirtException(problem, "FileContextNotUnderstood", rule.Text);
            }
        }

        /// <summary>What every match begins with: up to the first meta character, less one character that a quantifier may take away.</summary>
        private static string LiteralPrefix(string pattern)
        {
            var end = pattern.AsSpan().IndexOfAny(MetaOrEscape);
            if (end < 0) return Latin1(pattern);
            return pattern.Contains('|', StringComparison.Ordinal) && TopLevelAlternation(pattern) ? "" : Latin1(pattern[..Math.Max(0, end - 1)]);
        }

        private static bool TopLevelAlternation(string pattern)
        {
            var depth = 0;
            for (var i = 0; i < pattern.Length; i++)
            {
                switch (pattern[i])
                {
                    case '\\': i++; break;
                    case '(' or '[': depth++; break;
                    case ')' or ']': depth--; break;
                    case '|' when depth == 0: return true;
                }
            }

            return false;
        }
    }
}
