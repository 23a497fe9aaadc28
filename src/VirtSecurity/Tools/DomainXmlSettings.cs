using System.Globalization;
using System.Xml.Linq;

namespace VirtSecurity.Tools;

/// <summary>A display of a guest.</summary>
/// <param name="Kind">vnc or spice.</param>
/// <param name="Listen">What it listens on: addresses, or <c>network NAME</c>; empty: as qemu.conf says. One that only listens on a socket in the file system has none, and is not listed.</param>
/// <param name="HasPassword">It asks for a password.</param>
internal sealed record GuestDisplay(string Kind, IReadOnlyList<string> Listen, bool HasPassword)
{
    /// <summary>The ports it is given; those that are chosen when the guest starts are not among them.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [];

    /// <summary>SPICE: it takes nobody without encryption.</summary>
    public bool IsEncryptedOnly { get; init; }
}

/// <summary>A network card of a guest.</summary>
/// <param name="Kind">bridge, network, direct ...</param>
/// <param name="Source">The bridge, network or interface; empty: none.</param>
/// <param name="Filters">Names of the filters on it.</param>
internal sealed record GuestCard(string Kind, string Source, IReadOnlyList<string> Filters);

/// <summary>What a definition says of the guest's confinement.</summary>
internal sealed partial class DomainXml
{
    private static readonly XNamespace Qemu = "http://libvirt.org/schemas/domain/qemu/1.0";

    private IEnumerable<XElement> Devices(string name) => domain.Elements("devices").Elements(name);

    /// <summary>
    /// Labels that are none, chosen by hand, or not given to images, as evidence; users and groups (the model dac) are no labels
    /// (https://libvirt.org/formatdomain.html#security-label).
    /// </summary>
    public IEnumerable<string> OwnLabels => domain.Elements("seclabel").Select(label => (label, Place: "the guest"))
        .Concat(domain.Elements("devices").Elements().SelectMany(device => device.Descendants("seclabel").Select(label => (label, Place: $"a {device.Name.LocalName}"))))
        .Where(one => (string?)one.label.Attribute("model") is null or "selinux" or "apparmor")
        .Select(one => (Type: (string?)one.label.Attribute("type"), Relabel: (string?)one.label.Attribute("relabel"), one.Place))
        .Where(one => one.Type is "none" or "static" || one.Relabel == "no")
        .Select(one => $"{one.Place}: <seclabel{(one.Type is null ? "" : $" type='{one.Type}'")}{(one.Relabel is null ? "" : $" relabel='{one.Relabel}'")}/>");

    /// <summary>How many arguments and variables QEMU is given behind libvirt's back.</summary>
    public int QemuArguments => domain.Elements(Qemu + "commandline").Elements().Count() + domain.Elements(Qemu + "override").Descendants().Count(element => !element.HasElements);

    /// <summary>Devices of the host that are no PCI devices, such as usb, scsi or mdev, by their kind.</summary>
    public IEnumerable<string> OtherDevices => Devices("hostdev").Select(device => (string?)device.Attribute("type") ?? "(no type)").Where(kind => kind != "pci");

    /// <summary>The guest's memory is asked to be in a dump of QEMU's.</summary>
    public bool DumpsMemory => domain.Elements("memory").Any(memory => (string?)memory.Attribute("dumpCore") == "on");

    /// <summary>Its processor is asked for with the extensions that guests of its own need.</summary>
    public bool IsNested => domain.Elements("cpu").Elements("feature").Any(feature => (string?)feature.Attribute("name") is "vmx" or "svm" && (string?)feature.Attribute("policy") is null or "require" or "force");

    /// <summary>Displays that may be reached by a network.</summary>
    public IEnumerable<GuestDisplay> Displays => Devices("graphics").Where(graphics => (string?)graphics.Attribute("type") is "vnc" or "spice").Select(graphics =>
    {
        var listens = graphics.Elements("listen").Where(listen => (string?)listen.Attribute("type") is not ("socket" or "none")).ToArray();
        if (graphics.Attribute("socket") is not null || (graphics.Elements("listen").Any() && listens.Length == 0)) return null;
        var addresses = listens.Select(listen => (string?)listen.Attribute("address") ?? ((string?)listen.Attribute("network") is { } network ? $"network {network}" : null)).Append((string?)graphics.Attribute("listen")).OfType<string>().Where(address => address.Length > 0).Distinct();
        int Port(string name) => int.TryParse((string?)graphics.Attribute(name), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0;
        return new GuestDisplay((string)graphics.Attribute("type")!, [.. addresses], (string?)graphics.Attribute("passwd") is { Length: > 0 })
        {
            Ports = [.. new[] { Port("port"), Port("tlsPort"), Port("websocket") }.Where(port => port > 0)],
            IsEncryptedOnly = (string?)graphics.Attribute("defaultMode") == "secure" || ((string?)graphics.Attribute("autoport") != "yes" && Port("port") == 0 && Port("tlsPort") > 0),
        };
    }).OfType<GuestDisplay>();

    /// <summary>Its network cards.</summary>
    public IEnumerable<GuestCard> Cards => Devices("interface").Select(card => (card, Kind: (string?)card.Attribute("type") ?? "")).Select(one => new GuestCard(
        // What runs names its network's bridge too.
        one.Kind, (string?)one.card.Element("source")?.Attribute(one.Kind switch { "network" => "network", "bridge" => "bridge", _ => "dev" }) ?? "",
        [.. one.card.Elements("filterref").Select(filter => (string?)filter.Attribute("filter")).OfType<string>()]));
}
