using System.Text;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>Bytes and texts that are as bad as they can be for a shell, the same in each run.</summary>
internal sealed class RandomText(int seed)
{
    // What shells, here-documents and dash's own escapes (0x81 to 0x88) stumble over comes more often than chance has it.
    private static readonly byte[] Nasty = [.. "'\"\\$`\n\r\t !*?[]{}()<>|&;#~=%-"u8, 0x01, 0x07, 0x1b, 0x7f, 0x81, 0x82, 0x88, 0xc3, 0xa4, 0xff, 0xfe];
    // The last three are bytes that are text with nothing beside them.
    private static readonly string[] Pieces = ["'", "\"", "\\", "$HOME", "`id`", "\n", "\r\n", " ", "$(id)", "ä", "漢字", "\U0001F512", "\u0001", "-n", "--", "%s", "\\0", "\\'", "x", ".\n", "EOF\n", "\udcff", "\udc81", "\udc88"];
    private readonly Random random = new(seed);

    /// <summary>Up to so many bytes, none of them NUL.</summary>
    public byte[] Bytes(int most) =>
        [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => random.Next(3) == 0 ? Nasty[random.Next(Nasty.Length)] : (byte)random.Next(1, 256))];

    /// <summary>Up to so many bytes of any value.</summary>
    public byte[] Data(int most)
    {
        var data = new byte[random.Next(most + 1)];
        random.NextBytes(data);
        return data;
    }

    /// <summary>A text without NUL, as an argument can be.</summary>
    public string Text(int mostPieces) => new StringBuilder().AppendJoin("", Enumerable.Range(0, random.Next(mostPieces + 1)).Select(_ => Pieces[random.Next(Pieces.Length)])).ToString();

    public int Below(int limit) => random.Next(limit);
}
