using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace VirtSecurity.Hardening.Reports;

/// <summary>
/// A page with places to fill in, in the part of Mustache that a report needs: <c>{{name}}</c> is text and always escaped; <c>{{#name}}...{{/name}}</c> is there
/// once an item of a list, or if a text is not empty; <c>{{^name}}...{{/name}}</c> if it is; <c>{{{name}}}</c> is one of the page's own parts, such as its style.
/// </summary>
internal sealed partial class HtmlTemplate
{
    private readonly IReadOnlyList<Node> nodes;

    /// <summary>Reads a template.</summary>
    /// <exception cref="FormatException">A section is not closed, or another one is.</exception>
    public HtmlTemplate(string text)
    {
        var tags = new Queue<Match>(Tag().Matches(text));
        var place = 0;
        nodes = Read(text, tags, ref place, null);
    }

    /// <summary>The page.</summary>
    /// <param name="fields">A text (or what becomes one), or a list of fields for each of its items, by name. Inner names hide outer ones.</param>
    /// <param name="parts">The page's own parts, which are not escaped: never text from elsewhere.</param>
    /// <exception cref="KeyNotFoundException">The template has a name that is not there.</exception>
    public string Fill(IReadOnlyDictionary<string, object> fields, IReadOnlyDictionary<string, string> parts)
    {
        var page = new StringBuilder();
        Write(page, nodes, [fields], parts);
        return page.ToString();
    }

    private static List<Node> Read(string text, Queue<Match> tags, ref int place, string? open)
    {
        var found = new List<Node>();
        while (tags.TryDequeue(out var tag))
        {
            found.Add(new Node(Kind.Plain, text[place..tag.Index], []));
            place = tag.Index + tag.Length;
            var name = tag.Groups["name"].Value;
            switch (tag.Groups["sign"].Value)
            {
                case "": found.Add(new Node(Kind.Text, name, [])); break;
                case "{": found.Add(new Node(Kind.Part, name, [])); break;
                case "#": found.Add(new Node(Kind.Each, name, Read(text, tags, ref place, name))); break;
                case "^": found.Add(new Node(Kind.Unless, name, Read(text, tags, ref place, name))); break;
                default: return name == open ? found : throw new FormatException($"{{{{/{name}}}}} closes {open ?? "nothing"}.");
            }
        }

        if (open is not null) throw new FormatException($"{{{{#{open}}}}} is not closed.");
        found.Add(new Node(Kind.Plain, text[place..], []));
        return found;
    }

    private static void Write(StringBuilder page, IReadOnlyList<Node> nodes, ImmutableStack<IReadOnlyDictionary<string, object>> scopes, IReadOnlyDictionary<string, string> parts)
    {
        foreach (var node in nodes)
        {
            switch (node.Kind)
            {
                case Kind.Plain: page.Append(node.Name); break;
                case Kind.Part: page.Append(parts[node.Name]); break;
                case Kind.Text: page.Append(Escape(Find(scopes, node.Name).ToString()!)); break;
                case Kind.Each when Find(scopes, node.Name) is IEnumerable<IReadOnlyDictionary<string, object>> items:
                    foreach (var item in items) Write(page, node.Inner, scopes.Push(item), parts);
                    break;
                case Kind.Each when !IsEmpty(Find(scopes, node.Name)):
                case Kind.Unless when IsEmpty(Find(scopes, node.Name)):
                    Write(page, node.Inner, scopes, parts);
                    break;
            }
        }
    }

    private static bool IsEmpty(object value) => value is IEnumerable<object> items ? !items.Any() : value.ToString()!.Length == 0;

    private static object Find(ImmutableStack<IReadOnlyDictionary<string, object>> scopes, string name)
    {
        foreach (var scope in scopes)
        {
            if (scope.TryGetValue(name, out var value)) return value;
        }

        throw new KeyNotFoundException($"The page's template has {name}, and nothing to fill in there.");
    }

    /// <summary>Text as it may stand in an element and in a quoted attribute.</summary>
    private static string Escape(string text) => WebUtility.HtmlEncode(ReportText.Visible(text));

    [GeneratedRegex(@"\{\{(?<sign>[#^/{]?)(?<name>[a-zA-Z]+)\}\}\}?", RegexOptions.ExplicitCapture)]
    private static partial Regex Tag();

    private enum Kind
    {
        Plain,
        Text,
        Part,
        Each,
        Unless,
    }

    private sealed record Node(Kind Kind, string Name, IReadOnlyList<Node> Inner);
}
