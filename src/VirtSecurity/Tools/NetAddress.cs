using System.Globalization;
using System.Net;

namespace VirtSecurity.Tools;

/// <summary>Addresses as settings name them.</summary>
internal static class NetAddress
{
    /// <summary>Whether only the host itself reaches what listens there.</summary>
    /// <param name="address">An address, or a name, perhaps in brackets; xl writes a display's number behind it.</param>
    public static bool IsLoopback(string address)
    {
        var host = address.Count(letter => letter == ':') == 1 ? address.Split(':')[0] : address;
        return host is "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IsLoopback(ip));
    }

    /// <summary>Whether only the host itself reaches it; an IPv4 address may be written as one of IPv6.</summary>
    public static bool IsLoopback(IPAddress address) => IPAddress.IsLoopback(Plain(address));

    /// <summary>The first address of what rules and plans write: an address, a network with its prefix's length, or <c>first-last</c>; null: it is none.</summary>
    public static IPAddress? First(string range) => IPAddress.TryParse(range.Split('/', '-')[0], out var first) ? first : null;

    /// <summary>Whether an address is one of those that a rule or a plan writes.</summary>
    public static bool IsIn(string range, IPAddress address)
    {
        if (First(range) is not { } first || first.AddressFamily != address.AddressFamily) return false;
        var (bytes, from) = (address.GetAddressBytes(), first.GetAddressBytes());
        if (range.Split('-') is [_, var end]) return IPAddress.TryParse(end, out var last) && Compare(from, bytes) <= 0 && Compare(bytes, last.GetAddressBytes()) <= 0;
        var bits = bytes.Length * 8;
        if (range.Split('/') is [_, var length] && !(int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out bits) && bits <= bytes.Length * 8)) return false;
        return Enumerable.Range(0, bits).All(bit => ((bytes[bit / 8] ^ from[bit / 8]) & (0x80 >> (bit % 8))) == 0);
    }

    private static int Compare(byte[] one, byte[] other) => one.AsSpan().SequenceCompareTo(other);

    /// <summary>An address as people write it: that of an IPv4 socket which the kernel has among those of IPv6 is one of IPv4.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
