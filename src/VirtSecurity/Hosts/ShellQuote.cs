using System.Text;

namespace VirtSecurity.Hosts;

/// <summary>Quoting for POSIX sh: of bytes for the scripts we send, of text for the command lines we print.</summary>
internal static class ShellQuote
{
    private const string Plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";

    /// <summary>One word in single quotes, with each quote in it closed, escaped and opened again. NUL cannot be in a word.</summary>
    /// <exception cref="ArgumentException">The bytes contain NUL.</exception>
    public static void Word(Stream output, ReadOnlySpan<byte> word)
    {
        if (word.Contains((byte)0)) throw new ArgumentException("A word cannot contain NUL.", nameof(word));
        output.WriteByte((byte)'\'');
        foreach (var value in word)
        {
            if (value == (byte)'\'') output.Write(@"'\''"u8);
            else output.WriteByte(value);
        }

        output.WriteByte((byte)'\'');
    }

    /// <summary>
    /// One word for print: as it is where that is safe to paste, in single quotes otherwise. A byte that is no text, <see cref="HostText"/>, is
    /// printed as what makes it in any POSIX shell: <c>"$(printf '\377')"</c>.
    /// </summary>
    public static string Word(string word)
    {
        if (word.Length > 0 && word.All(c => Plain.Contains(c, StringComparison.Ordinal))) return word;
        if (!HostText.HasBytes(word)) return Quoted(word);
        var printed = new StringBuilder();
        for (var i = 0; i < word.Length;)
        {
            var isByte = HostText.IsByteAt(word, i);
            var end = i + 1;
            while (end < word.Length && HostText.IsByteAt(word, end) == isByte) end++;
            printed.Append(isByte ? $"\"$(printf '{Octal(word[i..end])}')\"" : Quoted(word[i..end]));
            i = end;
        }

        return printed.ToString();
    }

    /// <summary>A command line for print.</summary>
    public static string Line(IEnumerable<string> argv) =>
        new StringBuilder().AppendJoin(' ', argv.Select(Word)).ToString();

    private static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string Octal(string bytes) => string.Concat(HostText.Encode(bytes).Select(value => "\\" + Convert.ToString(value, 8)));
}
