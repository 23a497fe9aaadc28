using System.Buffers;
using System.Globalization;
using System.Text;

namespace VirtSecurity.Hardening.Reports;

/// <summary>
/// Text of hosts for files that others read. What hosts say may be anything: bytes that are no text, escape sequences, signs that turn the direction of
/// the line around or cannot be seen. All of these are shown by their numbers, so that nothing is hidden, and what is left is legal in JSON, XML and HTML.
/// </summary>
internal static class ReportText
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(sign => (char)sign)) + "\n\t");

    /// <summary>The text with everything in it to be seen; lines and tabs stay.</summary>
    public static string Visible(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain)) return text;
        var visible = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                // A lone surrogate: the host's byte, or a half of a sign.
                var unit = text[i++];
                visible.Append(unit is >= '\udc80' and <= '\udcff' ? Number(unit - 0xdc00) : Number(unit));
                continue;
            }

            i += rune.Utf16SequenceLength;
            if (rune.Value == '\r' && i < text.Length && text[i] == '\n') continue;
            if (IsShown(rune)) visible.Append(text, i - rune.Utf16SequenceLength, rune.Utf16SequenceLength);
            else visible.Append(Number(rune.Value));
        }

        return visible.ToString();
    }

    /// <summary>The lines of a text, without empty ones at its end.</summary>
    public static IReadOnlyList<string> Lines(string text) => text.Length == 0 ? [] : Visible(text).TrimEnd('\n').Split('\n');

    private static string Number(int value) => value switch
    {
        < 0x100 => string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
        < 0x10000 => string.Create(CultureInfo.InvariantCulture, $"\\u{value:x4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\U{value:x8}"),
    };

    private static bool IsShown(Rune rune) => rune.Value is '\n' or '\t' || (!IsNoCharacter(rune) && Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate));

    // U+FFFE and U+FFFF, and the same of each plane, are no characters; XML forbids the first two.
    private static bool IsNoCharacter(Rune rune) => (rune.Value & 0xfffe) == 0xfffe || rune.Value is >= 0xfdd0 and <= 0xfdef;
}
