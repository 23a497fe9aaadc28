using System.Net;
using System.Xml.Linq;

namespace VirtSecurity.Tools;

/// <summary>What a guest's definition asks of the host, besides images.</summary>
/// <param name="Guest">The guest's name.</param>
/// <param name="Links">The bridges and interfaces of the host that it is linked to, and libvirt's networks, by name.</param>
internal sealed record GuestTraits(string Guest, IReadOnlyList<GuestLink> Links)
{
    /// <summary>It has a PCI device of the host's.</summary>
    public bool HasPciDevice { get; init; }

    /// <summary>Its processor is asked for with the extensions that guests of its own need.</summary>
    public bool IsNested { get; init; }

    /// <summary>QEMU is given arguments that libvirt does not know.</summary>
    public bool HasQemuArguments { get; init; }

    /// <summary>It runs without a label, with one that was chosen for it, or its images are not labelled.</summary>
    public bool HasOwnLabel { get; init; }

    /// <summary>Its display is reached by others than the host.</summary>
    public bool HasRemoteDisplay { get; init; }

    private static readonly XNamespace Qemu = "http://libvirt.org/schemas/domain/qemu/1.0";

    /// <summary>Reads a definition; null: it is none, or what xl and xend keep of a guest that runs, whose definition says the same.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static GuestTraits? Of(DefinitionFile file) => GuestDefinitions.IsPool(file) ? null : GuestDefinitions.KindOf(file.Path) switch
    {
        DefinitionKind.Libvirt => OfXml(file.Text ?? throw new FormatException(file.Reason)),
        DefinitionKind.Xl => OfXl(XlConfig.Parse(file.Text ?? throw new FormatException(file.Reason))),
        DefinitionKind.Libxl => new GuestTraits(LibxlDomain.Parse(file.Text ?? throw new FormatException(file.Reason)).Name, []),
        _ => new GuestTraits(XendDomain.Parse(file.Text ?? throw new FormatException(file.Reason)).Name, []),
    };

    /// <summary>What several definitions of the same guest ask for together: that it is defined by, and that it runs with.</summary>
    public static GuestTraits Together(IEnumerable<GuestTraits> definitions)
    {
        var all = definitions.ToArray();
        return new GuestTraits(all[0].Guest, [.. all.SelectMany(one => one.Links).Distinct()])
        {
            HasPciDevice = Array.Exists(all, one => one.HasPciDevice),
            IsNested = Array.Exists(all, one => one.IsNested),
            HasQemuArguments = Array.Exists(all, one => one.HasQemuArguments),
            HasOwnLabel = Array.Exists(all, one => one.HasOwnLabel),
            HasRemoteDisplay = Array.Exists(all, one => one.HasRemoteDisplay),
        };
    }

    private static GuestTraits OfXml(string text)
    {
        var name = DomainXml.Parse(text).Name;
        var domain = DomainXml.Load(text).DescendantsAndSelf("domain").First();
        var devices = domain.Elements("devices").Elements().ToArray();
        IEnumerable<XElement> All(string name) => devices.Where(device => device.Name == name);
        return new GuestTraits(name, [.. All("interface").Select(Link).OfType<GuestLink>().Distinct()])
        {
            HasPciDevice = All("hostdev").Any(device => (string?)device.Attribute("type") == "pci") || All("interface").Any(device => (string?)device.Attribute("type") == "hostdev"),
            IsNested = domain.Elements("cpu").Elements("feature").Any(feature => (string?)feature.Attribute("name") is "vmx" or "svm" && (string?)feature.Attribute("policy") is null or "require" or "force"),
            HasQemuArguments = domain.Elements(Qemu + "commandline").Elements().Any(),
            HasOwnLabel = domain.Elements("seclabel").Concat(All("disk").Elements("source").Elements("seclabel")).Any(IsOwnLabel),
            HasRemoteDisplay = All("graphics").Any(graphics => Addresses(graphics).Any(IsRemote)),
        };
    }

    private static GuestTraits? OfXl(XlConfig config)
    {
        if (config.Name is not { } name || !config.IsGuest) return null;
        string? Option(string spec, string key) => spec.Split(',').Select(part => part.Trim().Split('=', 2)).FirstOrDefault(pair => pair[0] == key && pair.Length == 2)?[1];
        // xl.cfg(5) and xl-network-configuration(5): without a name it is the bridge that xl.conf says, xenbr0 unless it says so.
        var vifs = config.Values("vif").Select(spec => Option(spec, "script") is null or "vif-bridge" ? new GuestLink(false, Option(spec, "bridge") ?? "xenbr0") : null);
        return new GuestTraits(name, [.. vifs.OfType<GuestLink>().Distinct()])
        {
            HasPciDevice = config.Values("pci").Count > 0,
            IsNested = config.Values("nestedhvm") is [.., var nested] && nested != "0",
            HasQemuArguments = config.Values("device_model_args").Concat(config.Values("device_model_args_hvm")).Concat(config.Values("device_model_args_pv")).Any(),
            HasOwnLabel = config.Values("seclabel").Count > 0,
            HasRemoteDisplay = config.Values("vnclisten").Concat(config.Values("spicehost")).Concat(config.Values("vfb").Select(spec => Option(spec, "vnclisten") ?? "")).Any(IsRemote),
        };
    }

    private static GuestLink? Link(XElement device)
    {
        var source = device.Element("source");
        return (string?)device.Attribute("type") switch
        {
            "network" when (string?)source?.Attribute("network") is { } network => new GuestLink(true, network),
            "bridge" when (string?)source?.Attribute("bridge") is { } bridge => new GuestLink(false, bridge),
            "direct" when (string?)source?.Attribute("dev") is { } device2 => new GuestLink(false, device2),
            _ => null,
        };
    }

    // https://libvirt.org/formatdomain.html#security-label; labels of the DAC model are users and groups.
    private static bool IsOwnLabel(XElement label) => (string?)label.Attribute("model") is null or "selinux"
        && ((string?)label.Attribute("type") is "none" or "static" || (string?)label.Attribute("relabel") == "no");

    private static IEnumerable<string> Addresses(XElement graphics) => graphics.Elements("listen").Select(listen => (string?)listen.Attribute("address")).Append((string?)graphics.Attribute("listen")).OfType<string>();

    private static bool IsRemote(string address)
    {
        var host = address.Split(':') is [var v4, _] ? v4 : address;   // xl takes a display number behind it
        return host.Length > 0 && host != "localhost" && !(IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip));
    }
}

/// <summary>What a guest's network card is linked to.</summary>
/// <param name="IsNetwork">A network of libvirt's; otherwise a bridge or an interface of the host.</param>
/// <param name="Name">Its name.</param>
internal sealed record GuestLink(bool IsNetwork, string Name);
