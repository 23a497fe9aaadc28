using System.Text;

namespace VirtSecurity.SELinux;

/// <summary>What stands for one byte of several: <c>[...]</c> and a backslash with what follows it, as PCRE reads them in the C locale (pcre2pattern(3)).</summary>
internal static class ByteClass
{
    private static readonly ByteSet Digit = Where(char.IsAsciiDigit);
    private static readonly ByteSet Word = Where(c => char.IsAsciiLetterOrDigit(c) || c == '_');
    private static readonly ByteSet Space = Where(c => c is ' ' or (>= '\t' and <= '\r'));

    private static readonly Dictionary<string, ByteSet> Posix = new(StringComparer.Ordinal)
    {
        ["alpha"] = Where(char.IsAsciiLetter),
        ["digit"] = Digit,
        ["alnum"] = Where(char.IsAsciiLetterOrDigit),
        ["upper"] = Where(char.IsAsciiLetterUpper),
        ["lower"] = Where(char.IsAsciiLetterLower),
        ["space"] = Space,
        ["blank"] = Where(c => c is ' ' or '\t'),
        ["punct"] = Where(c => c is > ' ' and < '\x7f' && !char.IsAsciiLetterOrDigit(c)),
        ["print"] = Where(c => c is >= ' ' and < '\x7f'),
        ["graph"] = Where(c => c is > ' ' and < '\x7f'),
        ["cntrl"] = Where(c => c is < ' ' or '\x7f'),
        ["xdigit"] = Where(char.IsAsciiHexDigit),
        ["word"] = Word,
        ["ascii"] = Where(c => c < '\x80'),
    };

    /// <summary>Reads a class.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="at">Behind its <c>[</c>; afterwards behind its <c>]</c>.</param>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static ByteSet Read(byte[] text, ref int at)
    {
        var isNegated = at < text.Length && text[at] == '^';
        if (isNegated) at++;
        var set = default(ByteSet);
        // A ']' that comes first is one of the class.
        for (var first = at; ;)
        {
            if (at >= text.Length) throw new FormatException("a '[' is not closed");
            if (text[at] == ']' && at > first) break;
            set |= Item(text, ref at);
        }

        at++;
        return isNegated ? ~set : set;
    }

    /// <summary>Reads what a backslash begins.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="at">Behind the backslash; afterwards behind all that belongs to it.</param>
    /// <param name="isInClass">It stands in a class.</param>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static ByteSet ReadEscape(byte[] text, ref int at, bool isInClass)
    {
        var sign = (char)text[at++];
        return sign switch
        {
            'd' => Digit,
            'D' => ~Digit,
            'w' => Word,
            'W' => ~Word,
            's' => Space,
            'S' => ~Space,
            'a' => ByteSet.Of(0x07),
            'b' when isInClass => ByteSet.Of(0x08),
            't' => ByteSet.Of((byte)'\t'),
            'n' => ByteSet.Of((byte)'\n'),
            'f' => ByteSet.Of((byte)'\f'),
            'r' => ByteSet.Of((byte)'\r'),
            'e' => ByteSet.Of(0x1b),
            'x' => ByteSet.Of(Hex(text, ref at)),
            _ when char.IsAsciiLetterOrDigit(sign) => throw new FormatException($"'\\{sign}'"),
            _ => ByteSet.Of((byte)sign),
        };
    }

    /// <summary>One byte, a range, or a named set.</summary>
    private static ByteSet Item(byte[] text, ref int at)
    {
        if (text[at] == '[' && at + 1 < text.Length && text[at + 1] is (byte)':' or (byte)'.' or (byte)'=') return Named(text, ref at);
        var low = One(text, ref at);
        if (at + 1 >= text.Length || text[at] != '-' || text[at + 1] == ']') return low;
        at++;
        if (text[at] == '[' && at + 1 < text.Length && text[at + 1] is (byte)':' or (byte)'.' or (byte)'=') throw new FormatException("a range that ends with a named class");
        var high = One(text, ref at);
        return Single(low) is { } from && Single(high) is { } to && from <= to ? ByteSet.Of(from, to) : throw new FormatException("a range that is none");
    }

    private static ByteSet One(byte[] text, ref int at)
    {
        if (text[at] != '\\') return ByteSet.Of(text[at++]);
        at++;
        return at < text.Length ? ReadEscape(text, ref at, isInClass: true) : throw new FormatException("a '[' is not closed");
    }

    private static ByteSet Named(byte[] text, ref int at)
    {
        var end = text.AsSpan(at + 2).IndexOf(":]"u8);
        var name = end < 0 ? "" : Encoding.ASCII.GetString(text, at + 2, end);
        var isNegated = name.StartsWith('^');
        if (text[at + 1] != ':' || !Posix.TryGetValue(isNegated ? name[1..] : name, out var set)) throw new FormatException($"'[{(char)text[at + 1]}' in a class");
        at += end + 4;
        return isNegated ? ~set : set;
    }

    /// <summary>One or two digits, or any number of them in braces.</summary>
    private static byte Hex(byte[] text, ref int at)
    {
        var isBraced = at < text.Length && text[at] == '{';
        if (isBraced) at++;
        var value = 0;
        var digits = 0;
        for (; at < text.Length && char.IsAsciiHexDigit((char)text[at]) && (isBraced || digits < 2) && value <= byte.MaxValue; at++, digits++)
            value = (value << 4) | Convert.ToInt32(((char)text[at]).ToString(), 16);
        if (digits == 0 || value > byte.MaxValue || (isBraced && (at >= text.Length || text[at++] != '}'))) throw new FormatException(@"'\x'");
        return (byte)value;
    }

    private static byte? Single(ByteSet set)
    {
        var members = Enumerable.Range(0, 256).Where(value => set.Has((byte)value)).Take(2).ToArray();
        return members is [var only] ? (byte)only : null;
    }

    private static ByteSet Where(Func<char, bool> isIn) => ByteSet.Where(value => isIn((char)value));
}
