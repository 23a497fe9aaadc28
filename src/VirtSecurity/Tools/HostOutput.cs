using System.Text;

namespace VirtSecurity.Tools;

/// <summary>Paths and texts of a host as bytes, and as our strings.</summary>
internal static class HostOutput
{
    /// <summary>The text of bytes from a host.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>The bytes of a text for a host.</summary>
    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A list for standard input, each path ended by NUL.</summary>
    public static byte[] Records(IEnumerable<string> texts) => Bytes(string.Concat(texts.Select(text => text + "\0")));
}
