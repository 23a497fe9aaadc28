using System.Globalization;

namespace VirtSecurity.Tools;

/// <summary>A device's number as the kernel's files write it: <c>major:minor</c>, decimal.</summary>
internal static class DeviceNumber
{
    /// <summary>From st_dev as glibc's makedev(3) packs it, which stat and find print.</summary>
    public static string FromPacked(ulong device) =>
        string.Create(CultureInfo.InvariantCulture, $"{((device >> 8) & 0xFFF) | ((device >> 32) & ~0xFFFUL)}:{(device & 0xFF) | ((device >> 12) & ~0xFFUL)}");

    /// <summary>From stat's <c>%t:%T</c>, hexadecimal.</summary>
    public static string FromHex(string text) =>
        string.Join(':', text.Split(':').Select(part => int.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)));
}
