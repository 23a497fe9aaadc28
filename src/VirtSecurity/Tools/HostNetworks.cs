using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A network that libvirt keeps.</summary>
/// <param name="Name">Its name, as guests' definitions have it.</param>
/// <param name="Bridge">The bridge it is; null: it has none.</param>
/// <param name="Mode">How its packets get out: nat, route, open, bridge ...; empty: they do not.</param>
internal sealed record LibvirtNetwork(string Name, string? Bridge, string Mode)
{
    /// <summary>The host forwards its packets.</summary>
    public bool IsRouted => Mode is "nat" or "route" or "open";

    /// <summary>Reads a definition, https://libvirt.org/formatnetwork.html: forward without a mode is NAT, and without it there is no way out.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static LibvirtNetwork Parse(string text)
    {
        var network = DomainXml.Load(text).DescendantsAndSelf("network").FirstOrDefault() ?? throw new FormatException("it has no network");
        return new LibvirtNetwork(
            network.Element("name")?.Value ?? throw new FormatException("its network has no name"), (string?)network.Element("bridge")?.Attribute("name"),
            network.Element("forward") is { } forward ? (string?)forward.Attribute("mode") ?? "nat" : "");
    }
}

/// <summary>The networks of a host.</summary>
/// <param name="Interfaces">All interfaces but the loopback, by name.</param>
/// <param name="Bridges">Those that are bridges, each with the interfaces in it.</param>
/// <param name="DefaultRoute">The interfaces by which the host reaches others.</param>
/// <param name="Forwards">The kernel forwards packets of IPv4.</param>
/// <param name="Libvirt">The networks that libvirt keeps.</param>
internal sealed record HostNetworks(
    IReadOnlyList<string> Interfaces, IReadOnlyDictionary<string, IReadOnlyList<string>> Bridges, IReadOnlyList<string> DefaultRoute, bool Forwards, IReadOnlyList<LibvirtNetwork> Libvirt)
{
    private const string Links = "links";
    private const string Ports = "ports";
    private const string Routes = "routes";
    private const string Forward = "forward";
    private const string Definitions = "definitions";
    private const string Loopback = "lo";

    /// <summary>Asks.</summary>
    public static ToolCall Look() => HostFiles.Read("", "",
    [
        new(Links, ["/sys/class/net/*/address"]), new(Ports, ["/sys/class/net/*/bridge/root_id", "/sys/class/net/*/brif/*/port_no"]), new(Routes, ["/proc/net/route", "/proc/net/ipv6_route"]),
        new(Forward, ["/proc/sys/net/ipv4/ip_forward"]), new(Definitions, ["/etc/libvirt/qemu/networks/*.xml", "/run/libvirt/network/*.xml"]),
    ]);

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">The answer is not whole.</exception>
    public static HostNetworks Read(ToolResult result)
    {
        var files = HostFiles.ReadFiles(result);
        return new HostNetworks(
            [.. files[Links].Select(file => file.Path.Split('/')[4]).Where(name => name != Loopback).Order(StringComparer.Ordinal)],
            BridgesOf(files[Ports].Select(file => file.Path)),
            [.. files[Routes].SelectMany(file => file.Path.EndsWith("/route", StringComparison.Ordinal) ? DefaultRoutes(file.Lines) : DefaultRoutes6(file.Lines)).Where(name => name != Loopback).Distinct()],
            files[Forward] is [var forward, ..] && forward.Text.Trim() == "1",
            [.. files[Definitions].Select(file => LibvirtNetwork.Parse(file.Text)).DistinctBy(network => network.Name)]);
    }

    /// <summary>Bridges, each with the interfaces in it, from the paths of <c>/sys/class/net/BRIDGE/bridge/...</c> and <c>/sys/class/net/BRIDGE/brif/PORT...</c>.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> BridgesOf(IEnumerable<string> paths)
    {
        var ports = paths.Select(path => path.Split('/')).Where(path => path.Length > 6 && path[5] is "bridge" or "brif").ToArray();
        return ports.Select(path => path[4]).Distinct().ToDictionary(bridge => bridge, bridge => (IReadOnlyList<string>)[.. ports.Where(path => path[4] == bridge && path[5] == "brif").Select(path => path[6])]);
    }

    // proc_net(5): interface, destination, gateway, flags, ... mask; all in hexadecimal.
    private static IEnumerable<string> DefaultRoutes(IEnumerable<string> lines) =>
        lines.Skip(1).Select(Words).Where(words => words is [_, "00000000", _, _, _, _, _, "00000000", ..]).Select(words => words[0]);

    // Destination, prefix length, source, its length, next hop, metric, counts, flags, interface. RTF_REJECT is a route that leads nowhere.
    private static IEnumerable<string> DefaultRoutes6(IEnumerable<string> lines) =>
        lines.Select(Words).Where(words => words is [_, "00", _, _, _, _, _, _, var flags, _] && words[0].All(digit => digit == '0')
            && (uint.Parse(flags, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) & 0x0200) == 0).Select(words => words[9]);

    private static string[] Words(string line) => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
}
