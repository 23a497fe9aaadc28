using System.Globalization;
using System.Text.RegularExpressions;
using VirtSecurity.Resources;

namespace VirtSecurity.Storage;

/// <summary>
/// A size in bytes. A number is bytes (<c>5GB</c> typed in PowerShell is the number 5368709120); a text, as a CSV
/// has it, may carry a unit: K, M, G, T, each also with B or iB, all powers of 1024.
/// </summary>
public readonly partial record struct VolumeSize
{
    private const string Units = "KMGT";

    /// <summary>So many bytes.</summary>
    /// <exception cref="VirtException">InvalidSize: not more than zero.</exception>
    public VolumeSize(long bytes)
    {
        if (bytes <= 0) throw new VirtException("InvalidSize", bytes);
        Bytes = bytes;
    }

    /// <summary>So many bytes, as PowerShell's 1.5GB gives them.</summary>
    /// <exception cref="VirtException">InvalidSize: not a whole number above zero.</exception>
    public VolumeSize(double bytes)
        : this(bytes is > 0 and < long.MaxValue && Math.Floor(bytes) == bytes ? (long)bytes : throw new VirtException("InvalidSize", bytes))
    {
    }

    /// <summary>A text such as <c>5GB</c>, <c>5G</c>, <c>1.5 GiB</c>, <c>5368709120</c>; the same in every culture.</summary>
    /// <exception cref="VirtException">InvalidSize: not such a text.</exception>
    public VolumeSize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var match = Shape().Match(text.Trim());
        if (!match.Success) throw new VirtException("InvalidSize", text);
        var unit = match.Groups["unit"].Value.ToUpperInvariant();
        var power = unit.Length == 0 ? 0 : Units.IndexOf(unit[0], StringComparison.Ordinal) + 1;
        var bytes = decimal.Parse(match.Groups["number"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) * (1L << (10 * power));
        if (bytes is <= 0 or > long.MaxValue || decimal.Floor(bytes) != bytes) throw new VirtException("InvalidSize", text);
        Bytes = (long)bytes;
    }

    /// <summary>Bytes.</summary>
    public long Bytes { get; }

    /// <summary>In the largest unit that leaves a whole number.</summary>
    public override string ToString()
    {
        var power = 0;
        var rest = Bytes;
        while (power < Units.Length && rest != 0 && rest % 1024 == 0)
        {
            rest /= 1024;
            power++;
        }

        return rest.ToString(CultureInfo.InvariantCulture) + (power == 0 ? "" : $"{Units[power - 1]}B");
    }

    [GeneratedRegex(@"\A(?<number>[0-9]{1,18}(\.[0-9]{1,9})?)\s*((?<unit>[KMGTkmgt])(i?[Bb])?|[Bb])?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Shape();
}
