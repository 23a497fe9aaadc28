using System.Globalization;
using System.Text;
using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>The words of a PowerShell data file.</summary>
internal sealed class Psd1Scanner(string file, string text)
{
    /// <summary>PowerShell takes typographic quotes for quotes (about_Quoting_Rules).</summary>
    public const string SingleQuotes = "'\u2018\u2019\u201a\u201b";

    private const string DoubleQuotes = "\"\u201c\u201d\u201e";

    private static readonly (string Suffix, decimal Factor)[] Multipliers =
        [("kb", 1L << 10), ("mb", 1L << 20), ("gb", 1L << 30), ("tb", 1L << 40), ("pb", 1L << 50)];

    private int next;

    /// <summary>The line of what comes next.</summary>
    public int Line { get; private set; } = 1;

    /// <summary>Nothing comes.</summary>
    public bool IsAtEnd => next == text.Length;

    /// <summary>A new line, a semicolon, or a comment that ends with one comes.</summary>
    public bool IsAtSeparator => !IsAtEnd && text[next] is '\n' or '\r' or ';' or '#';

    /// <summary>Whether this comes.</summary>
    public bool IsAt(string word) => string.CompareOrdinal(text, next, word, 0, word.Length) == 0;

    /// <summary>The error at what comes.</summary>
    public VirtException Unexpected(string rule)
    {
        var rest = text.AsSpan(next);
        var end = rest.IndexOfAny('\n', '\r');
        var seen = IsAtEnd ? "the file ends here" : end == 0 ? "the line ends here" : $"it goes on with {PlanText.Shown((end < 0 ? rest : rest[..end]).ToString())}";
        return PlanText.NotUnderstood(file, Line, $"{rule}, and {seen}");
    }

    /// <summary>Passes over blanks and comments that end in the line.</summary>
    public void SkipBlanks()
    {
        while (!IsAtEnd)
        {
            if (text[next] is ' ' or '\t') next++;
            else if (!SkipBlockComment()) return;
        }
    }

    /// <summary>The same, and over ends of lines and the comments before them.</summary>
    public void SkipLines() => Skip("\n\r");

    /// <summary>The same, and over semicolons.</summary>
    public void SkipSeparators() => Skip("\n\r;");

    /// <summary>Takes this, if it comes.</summary>
    public bool TryTake(string word)
    {
        if (!IsAt(word)) return false;
        next += word.Length;
        return true;
    }

    /// <summary>A key without quotes; null: something else comes.</summary>
    public string? TakeWord()
    {
        if (IsAtEnd || !(char.IsAsciiLetter(text[next]) || text[next] == '_')) return null;
        return Run(char.IsAsciiLetterOrDigit, '_');
    }

    /// <summary>$true, $false or $null.</summary>
    public bool TakeConstant(out object? value)
    {
        value = null;
        if (!IsAt("$")) return false;
        var start = next++;
        var word = Run(char.IsAsciiLetterOrDigit, '_').ToUpperInvariant();
        value = word switch { "TRUE" => true, "FALSE" => false, _ => null };
        if (word is "TRUE" or "FALSE" or "NULL" && IsAtDelimiter) return true;
        next = start;
        return false;
    }

    /// <summary>A whole number, or one with a multiplier, such as 5GB; null: something else comes.</summary>
    public decimal? TakeNumber()
    {
        var start = next;
        var isNegative = TryTake("-");
        var digits = Run(char.IsAsciiDigit, '.');
        var suffix = Run(char.IsAsciiLetter, '\0');
        var factor = suffix.Length == 0 ? 1 : Array.Find(Multipliers, one => one.Suffix.Equals(suffix, StringComparison.OrdinalIgnoreCase)).Factor;
        // A number from a point on, or to it, is one for PowerShell too; nobody writes a port or a size so.
        if (digits.Length > 0 && digits.Length <= (factor == 1 ? 18 : 12) && digits[0] != '.' && digits[^1] != '.' && factor > 0 && IsAtDelimiter
            && decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return (isNegative ? -number : number) * factor;
        next = start;
        return null;
    }

    /// <summary>A text in quotes in which nothing is to be worked out; null: something else comes.</summary>
    public string? TakeText()
    {
        if (IsAtEnd) return null;
        var (quotes, isPlain) = SingleQuotes.Contains(text[next], StringComparison.Ordinal) ? (SingleQuotes, true) : (DoubleQuotes, false);
        if (!quotes.Contains(text[next], StringComparison.Ordinal)) return null;
        var begun = next++;
        var taken = new StringBuilder();
        for (; !IsAtEnd; next++)
        {
            var c = text[next];
            if (quotes.Contains(c, StringComparison.Ordinal))
            {
                // Two of them are one; of two different ones the second.
                if (++next == text.Length || !quotes.Contains(text[next], StringComparison.Ordinal)) return taken.ToString();
                c = text[next];
            }
            else if (c is '\n' or '\r' or '\0')
            {
                throw Unexpected("a text ends in the line it begins in");
            }
            else if (!isPlain && c == '$')
            {
                throw Unexpected("nothing is filled in: write '...' or `$");
            }
            else if (!isPlain && c == '`')
            {
                if (++next == text.Length || !"`$\"'".Contains(text[next], StringComparison.Ordinal)) throw Unexpected("of escapes there are `` `$ `\" and `'");
                c = text[next];
            }

            taken.Append(c);
        }

        next = begun;
        throw Unexpected("a text ends with the quote it begins with");
    }

    /// <summary>A word or number ends where one of these stands; anything else would make it another one for PowerShell.</summary>
    private bool IsAtDelimiter => IsAtEnd || text[next] is ' ' or '\t' or '\n' or '\r' or ';' or ',' or ')' or '}';

    private string Run(Func<char, bool> belongs, char also)
    {
        var start = next;
        while (!IsAtEnd && (belongs(text[next]) || text[next] == also)) next++;
        return text[start..next];
    }

    private void Skip(string separators)
    {
        for (SkipBlanks(); !IsAtEnd; SkipBlanks())
        {
            if (text[next] == '#')
            {
                while (!IsAtEnd && text[next] is not ('\n' or '\r')) next++;
            }
            else if (separators.Contains(text[next], StringComparison.Ordinal))
            {
                TakeCounted();
            }
            else
            {
                return;
            }
        }
    }

    private bool SkipBlockComment()
    {
        if (!IsAt("<#")) return false;
        var end = text.IndexOf("#>", next + 2, StringComparison.Ordinal);
        if (end < 0) throw Unexpected("a comment that begins with <# ends with #>");
        while (next < end + 2) TakeCounted();
        return true;
    }

    /// <summary>One character; a line ends with a line feed, or a carriage return without one.</summary>
    private void TakeCounted()
    {
        var c = text[next++];
        if (c == '\n' || (c == '\r' && (IsAtEnd || text[next] != '\n'))) Line++;
    }
}
