using System.Xml.Linq;

namespace VirtSecurity.Tools;

/// <summary>A display of a guest.</summary>
/// <param name="Kind">vnc or spice.</param>
/// <param name="Listen">What it listens on: addresses, or <c>network NAME</c>; empty: as qemu.conf says. One that only listens on a socket in the file system has none, and is not listed.</param>
/// <param name="HasPassword">It asks for a password.</param>
internal sealed record GuestDisplay(string Kind, IReadOnlyList<string> Listen, bool HasPassword);

/// <summary>A network card of a guest.</summary>
/// <param name="Kind">bridge, network, direct ...</param>
/// <param name="Source">The bridge, network or interface; empty: none.</param>
/// <param name="Filters">Names of the filters on it.</param>
/// <param name="IsIsolated">Its port reaches no other port that is isolated.</param>
internal sealed record GuestCard(string Kind, string Source, IReadOnlyList<string> Filters, bool IsIsolated);

/// <summary>What a definition says of the guest's confinement.</summary>
internal sealed partial class DomainXml
{
    private static readonly XNamespace Qemu = "http://libvirt.org/schemas/domain/qemu/1.0";

    private IEnumerable<XElement> Devices(string name) => domain.Elements("devices").Elements(name);

    /// <summary>Labels that are none, chosen by hand, or not given to images, as evidence; users and groups (the model dac) are no labels.</summary>
    public IEnumerable<string> OwnLabels => domain.Elements("seclabel").Select(label => (label, Place: "the guest"))
        .Concat(Devices("disk").Elements("source").Elements("seclabel").Select(label => (label, Place: "a disk")))
        .Where(one => (string?)one.label.Attribute("model") is null or "selinux" or "apparmor")
        .Select(one => (Type: (string?)one.label.Attribute("type"), Relabel: (string?)one.label.Attribute("relabel"), one.Place))
        .Where(one => one.Type is "none" or "static" || one.Relabel == "no")
        .Select(one => $"{one.Place}: <seclabel{(one.Type is null ? "" : $" type='{one.Type}'")}{(one.Relabel is null ? "" : $" relabel='{one.Relabel}'")}/>");

    /// <summary>How many arguments and variables QEMU is given behind libvirt's back.</summary>
    public int QemuArguments => domain.Elements(Qemu + "commandline").Elements().Count() + domain.Elements(Qemu + "override").Descendants().Count(element => !element.HasElements);

    /// <summary>The guest's memory is asked to be in a dump of QEMU's.</summary>
    public bool DumpsMemory => domain.Elements("memory").Any(memory => (string?)memory.Attribute("dumpCore") == "on");

    /// <summary>Displays that may be reached by a network.</summary>
    public IEnumerable<GuestDisplay> Displays => Devices("graphics").Where(graphics => (string?)graphics.Attribute("type") is "vnc" or "spice").Select(graphics =>
    {
        var listens = graphics.Elements("listen").Where(listen => (string?)listen.Attribute("type") is not ("socket" or "none")).ToArray();
        if (graphics.Attribute("socket") is not null || (graphics.Elements("listen").Any() && listens.Length == 0)) return null;
        var addresses = listens.Select(listen => (string?)listen.Attribute("address") ?? ((string?)listen.Attribute("network") is { } network ? $"network {network}" : null)).Append((string?)graphics.Attribute("listen")).OfType<string>().Distinct();
        return new GuestDisplay((string)graphics.Attribute("type")!, [.. addresses], (string?)graphics.Attribute("passwd") is { Length: > 0 });
    }).OfType<GuestDisplay>();

    /// <summary>Its network cards.</summary>
    public IEnumerable<GuestCard> Cards => Devices("interface").Select(card => new GuestCard(
        (string?)card.Attribute("type") ?? "", new[] { "bridge", "network", "dev" }.Select(name => (string?)card.Element("source")?.Attribute(name)).FirstOrDefault(name => name is not null) ?? "",
        [.. card.Elements("filterref").Select(filter => (string?)filter.Attribute("filter")).OfType<string>()], (string?)card.Element("port")?.Attribute("isolated") == "yes"));
}
