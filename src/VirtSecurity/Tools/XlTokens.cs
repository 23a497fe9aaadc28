using System.Text;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What a word of xl.cfg is.</summary>
internal enum XlTokenKind
{
    /// <summary>A name, or a word of Python's.</summary>
    Word,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A text in quotes, its escapes read.</summary>
    Text,

    /// <summary>The end of a line.</summary>
    Newline,

    /// <summary>Any other sign; <c>+=</c> is one.</summary>
    Sign,

    /// <summary>A text that has no end.</summary>
    Broken,
}

/// <summary>A word of xl.cfg, the line it stands on, and whether that line begins with it.</summary>
internal readonly record struct XlToken(XlTokenKind Kind, string Text, int Line, bool BeginsLine)
{
    /// <summary>Whether it is that sign.</summary>
    public bool Is(string sign) => Kind == XlTokenKind.Sign && Text == sign;
}

/// <summary>Cuts xl.cfg(5), and the files of xm, which are Python that looks alike, into words. It takes any text.</summary>
internal static class XlTokens
{
    private const string Escapes = "abfnrtv";
    private const string Escaped = "\a\b\f\n\r\t\v";

    /// <summary>The words, without comments and blanks.</summary>
    public static IReadOnlyList<XlToken> Of(string text)
    {
        var tokens = new List<XlToken>();
        var (line, lineStart) = (1, 0);
        for (var i = 0; i < text.Length;)
        {
            var (start, c) = (i, text[i]);
            switch (c)
            {
                case '\n':
                    tokens.Add(new(XlTokenKind.Newline, "\n", line++, false));
                    lineStart = ++i;
                    break;
                case ' ' or '\t' or '\r' or '\f':
                    i++;
                    break;
                case '#':
                    while (i < text.Length && text[i] != '\n') i++;
                    break;
                case '"' or '\'':
                    var content = Quoted(text, ref i);
                    tokens.Add(new(content is null ? XlTokenKind.Broken : XlTokenKind.Text, content ?? text[start..i], line, start == lineStart));
                    break;
                case '+' when i + 1 < text.Length && text[i + 1] == '=':
                    i += 2;
                    tokens.Add(new(XlTokenKind.Sign, "+=", line, false));
                    break;
                default:
                    while (i < text.Length && (char.IsAsciiLetterOrDigit(text[i]) || text[i] == '_')) i++;
                    if (i == start) i++;
                    var kind = char.IsAsciiDigit(c) ? XlTokenKind.Number : char.IsAsciiLetter(c) || c == '_' ? XlTokenKind.Word : XlTokenKind.Sign;
                    tokens.Add(new(kind, text[start..i], line, start == lineStart));
                    break;
            }
        }

        return tokens;
    }

    /// <summary>What is between quotes on one line; null, and behind what there is of it, where the line ends first.</summary>
    private static string? Quoted(string text, ref int i)
    {
        var quote = text[i++];
        var content = new StringBuilder();
        while (i < text.Length && text[i] != '\n')
        {
            var c = text[i++];
            if (c == quote) return HostText.Decode(HostText.Encode(content.ToString()));   // escaped bytes may be UTF-8 together
            if (c != '\\' || i == text.Length || text[i] == '\n')
            {
                content.Append(c);
                continue;
            }

            var escape = text[i++];
            var known = Escapes.IndexOf(escape, StringComparison.Ordinal);
            if (known >= 0) content.Append(Escaped[known]);
            else if (escape == 'x' && i + 1 < text.Length && char.IsAsciiHexDigit(text[i]) && char.IsAsciiHexDigit(text[i + 1])) content.Append(HostText.Decode([Convert.ToByte(text[i..(i += 2)], 16)]));
            else if (escape is '\'' or '"' or '\\') content.Append(escape);
            else content.Append('\\').Append(escape);
        }

        return null;
    }
}
