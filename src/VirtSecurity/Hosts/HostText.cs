using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace VirtSecurity.Hosts;

/// <summary>
/// Text of a host, such as paths and labels, which there is bytes. What is valid UTF-8 is read as it is; every other byte is a lone low surrogate,
/// U+DC00 + byte, as Python's surrogateescape (PEP 383) has it: so every path has a text of its own, and the text gives the path back.
/// </summary>
internal static class HostText
{
    private const char Base = '\udc00';

    /// <summary>The text of bytes; of any.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes)) return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        Span<char> units = stackalloc char[2];
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var count) == OperationStatus.Done)
            {
                text.Append(units[..rune.EncodeToUtf16(units)]);
            }
            else
            {
                foreach (var value in bytes[..count]) text.Append((char)(Base + value));
            }

            bytes = bytes[count..];
        }

        return text.ToString();
    }

    /// <summary>
    /// The bytes of a text; those it was read from, whatever they were. A lone surrogate that stands for no byte becomes three bytes that are no
    /// valid UTF-8 either, so that it never names what other text names.
    /// </summary>
    public static byte[] Encode(string text)
    {
        if (!HasSurrogates(text)) return Encoding.UTF8.GetBytes(text);
        var bytes = new List<byte>(text.Length + 16);
        Span<byte> units = stackalloc byte[4];
        for (var i = 0; i < text.Length; i++)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var count) == OperationStatus.Done)
            {
                bytes.AddRange(units[..rune.EncodeToUtf8(units)]);
                i += count - 1;
            }
            else if (IsByte(text[i]))
            {
                bytes.Add((byte)(text[i] - Base));
            }
            else
            {
                bytes.AddRange([(byte)(0xe0 | (text[i] >> 12)), (byte)(0x80 | ((text[i] >> 6) & 0x3f)), (byte)(0x80 | (text[i] & 0x3f))]);
            }
        }

        return [.. bytes];
    }

    /// <summary>The bytes of a list for standard input, each text ended by NUL.</summary>
    public static byte[] EncodeRecords(IEnumerable<string> texts) => Encode(string.Concat(texts.Select(text => text + "\0")));

    /// <summary>Whether a text has a byte in it that is not part of valid UTF-8, and so cannot be an argument of a process that .NET starts.</summary>
    public static bool HasBytes(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (IsByteAt(text, i)) return true;
        }

        return false;
    }

    /// <summary>Whether what stands at an index is such a byte.</summary>
    public static bool IsByteAt(string text, int index) => IsByte(text[index]) && (index == 0 || !char.IsHighSurrogate(text[index - 1]));

    private static bool IsByte(char unit) => unit is >= '\udc80' and <= '\udcff';

    private static bool HasSurrogates(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') >= 0;
}
