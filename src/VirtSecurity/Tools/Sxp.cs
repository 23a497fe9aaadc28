using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>An S-expression of xend's: a list, or an atom.</summary>
/// <param name="Text">The atom, without its quotes; null: it is a list.</param>
/// <param name="Children">What is in the list.</param>
internal sealed partial record Sxp(string? Text, IReadOnlyList<Sxp> Children)
{
    private const int MostDepth = 64;

    /// <summary>A list's first atom; null: it is empty, or begins with a list.</summary>
    public string? Head => Children.Count > 0 ? Children[0].Text : null;

    /// <summary>Reads a file: a list of what is in it. A # at a word's beginning begins a comment.</summary>
    /// <exception cref="FormatException">A parenthesis is not closed, or was not opened.</exception>
    public static Sxp Parse(string text)
    {
        var top = new List<Sxp>();
        var open = new Stack<List<Sxp>>([top]);
        foreach (Match word in Words().Matches(text))
        {
            switch (word.Value)
            {
                case "(":
                    if (open.Count > MostDepth) throw new FormatException("its parentheses are nested too deep");
                    var list = new List<Sxp>();
                    open.Peek().Add(new Sxp(null, list));
                    open.Push(list);
                    break;
                case ")":
                    if (open.Count == 1) throw new FormatException("a parenthesis closes that was not opened");
                    open.Pop();
                    break;
                case ['#', ..]: break;
                default:
                    open.Peek().Add(new Sxp(Unquoted(word.Value), []));
                    break;
            }
        }

        return open.Count == 1 ? new Sxp(null, top) : throw new FormatException("a parenthesis is not closed");
    }

    /// <summary>The lists in it that begin with an atom.</summary>
    public IEnumerable<Sxp> All(string head) => Children.Where(child => child.Head == head);

    /// <summary>The atom that follows the head of the first such list; null: there is none.</summary>
    public string? Value(string head) => All(head).FirstOrDefault() is { Children: [_, { Text: { } text }, ..] } ? text : null;

    private static string Unquoted(string word) => word.Length > 1 && word[0] is '\'' or '"' && word[^1] == word[0] ? Escape().Replace(word[1..^1], "$1") : word;

    [GeneratedRegex(@"[()]|\#[^\n]*|'(?>(?:[^'\\]|\\.)*)'|""(?>(?:[^""\\]|\\.)*)""|[^\s()]+", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Words();

    [GeneratedRegex(@"\\(.)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Escape();
}
