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

    /// <summary>An address as people write it: that of an IPv4 socket which the kernel has among those of IPv6 is one of IPv4.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
