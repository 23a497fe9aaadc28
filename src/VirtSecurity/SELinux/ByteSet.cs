namespace VirtSecurity.SELinux;

/// <summary>A set of bytes: what one place of a pattern matches. Immutable, equal by value.</summary>
internal readonly record struct ByteSet(ulong Low, ulong Ascii, ulong High, ulong Highest)
{
    /// <summary>Every byte.</summary>
    public static ByteSet All => new(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);

    /// <summary>One byte.</summary>
    public static ByteSet Of(byte value)
    {
        var bit = 1UL << (value & 63);
        return (value >> 6) switch { 0 => new(bit, 0, 0, 0), 1 => new(0, bit, 0, 0), 2 => new(0, 0, bit, 0), _ => new(0, 0, 0, bit) };
    }

    /// <summary>All bytes from one to another, both included.</summary>
    public static ByteSet Of(int first, int last) => Where(value => value >= first && value <= last);

    /// <summary>All bytes of which something is true.</summary>
    public static ByteSet Where(Func<int, bool> isIn)
    {
        Span<ulong> words = stackalloc ulong[4];
        for (var value = 0; value < 256; value++)
        {
            if (isIn(value)) words[value >> 6] |= 1UL << (value & 63);
        }

        return new(words[0], words[1], words[2], words[3]);
    }

    /// <summary>Whether a byte is in it.</summary>
    public bool Has(byte value) => (((value >> 6) switch { 0 => Low, 1 => Ascii, 2 => High, _ => Highest } >> (value & 63)) & 1) != 0;

    /// <summary>What is in either.</summary>
    public static ByteSet operator |(ByteSet one, ByteSet other) => new(one.Low | other.Low, one.Ascii | other.Ascii, one.High | other.High, one.Highest | other.Highest);

    /// <summary>What is not in it.</summary>
    public static ByteSet operator ~(ByteSet set) => new(~set.Low, ~set.Ascii, ~set.High, ~set.Highest);
}
