using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace VirtSecurity.Tools;

/// <summary>A guest in libvirt's XML, https://libvirt.org/formatdomain.html; also inside what libvirt keeps of one that runs, or of a snapshot.</summary>
internal sealed partial class DomainXml
{
    // XElement walks up to the root for each element it takes: what is nested without end would take minutes. libvirt's own chains end at 200.
    private const int Deepest = 1000;

    private readonly XElement domain;

    private DomainXml(XElement domain, string name) => (this.domain, Name) = (domain, name);

    /// <summary>The guest's name.</summary>
    public string Name { get; }

    private XElement? Snapshot => domain.Parent is { Name.LocalName: "domainsnapshot" } parent ? parent : null;

    /// <summary>Reads a definition.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static DomainXml Parse(string text)
    {
        var domain = Load(text).DescendantsAndSelf("domain").FirstOrDefault() ?? throw new FormatException("it has no domain");
        return new DomainXml(domain, domain.Element("name")?.Value ?? throw new FormatException("its domain has no name"));
    }

    /// <summary>Reads XML without following anything in it: no document type, no entity, no file.</summary>
    /// <exception cref="FormatException">It is not XML, or nested deeper than any definition is.</exception>
    public static XElement Load(string text)
    {
        try
        {
            using (var depth = Reader(text))
            {
                while (depth.Read())
                {
                    if (depth.Depth > Deepest) throw new FormatException($"it is nested more than {Deepest} deep");
                }
            }

            using var reader = Reader(text);
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException problem)
        {
            throw new FormatException(problem.Message, problem);
        }
    }

    private static XmlReader Reader(string text) =>
        XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });

    /// <summary>Every path of the host that source elements, boot files and QEMU's own arguments have; rather one too many.</summary>
    public IEnumerable<string> Paths(IReadOnlyDictionary<string, StoragePool> pools)
    {
        foreach (var source in (Snapshot ?? domain).Descendants("source"))
        {
            foreach (var attribute in (string[])["file", "dev", "dir", "path"])
            {
                if ((string?)source.Attribute(attribute) is { } path) yield return path;
            }

            if (VolumeOf(source, pools) is { } volume) yield return volume;
            foreach (var element in source.Elements().Where(element => element.Name.LocalName is "block" or "path")) yield return element.Value.Trim();
        }

        foreach (var element in domain.Elements("os").Elements().Where(element => element.Name.LocalName is "kernel" or "initrd" or "dtb" or "loader" or "nvram"))
            yield return element.Value.Trim();
        foreach (var argument in domain.Descendants().Where(element => element.Name.LocalName == "arg").SelectMany(element => AbsolutePath().Matches((string?)element.Attribute("value") ?? "")))
            yield return argument.Groups["path"].Value.Trim();
    }

    /// <summary>PCI devices of the host that it is given, by their addresses as far as they are written.</summary>
    public IEnumerable<string> PciDevices => domain.Elements("devices").Elements().Where(device => device.Name.LocalName is "hostdev" or "interface" && (string?)device.Attribute("type") is "pci" or "hostdev")
        .Select(AddressOf);

    /// <summary>NVMe disks of the host that it is given by their PCI addresses; they have no path.</summary>
    public IEnumerable<string> NvmeDisks => domain.Elements("devices").Elements("disk").Where(disk => (string?)disk.Attribute("type") == "nvme").Select(AddressOf);

    /// <summary>The images it uses. Disks on the network, and NVMe devices by their PCI address, have no path and are not among them.</summary>
    public IEnumerable<ImageUse> Images(IReadOnlyDictionary<string, StoragePool> pools)
    {
        var boot = domain.Elements("os").Elements().SelectMany(element => BootImages(element));
        var memory = domain.Elements("devices").Elements("memory").Select(element => element.Element("source")?.Element("path")?.Value)
            .OfType<string>().Select(path => new ImageUse(path.Trim(), ImageRole.Memory, "raw"));
        // A snapshot's own disks are files too: the guest needs them as soon as it is reverted.
        var snapshot = Snapshot?.Elements("disks").Elements("disk") ?? [];
        return domain.Elements("devices").Elements("disk").Concat(snapshot).SelectMany(disk => DiskImages(disk, pools)).Concat(boot).Concat(memory)
            .Where(image => image.Path.StartsWith('/'));
    }

    private static string AddressOf(XElement device) => device.Element("source")?.Element("address") is { } address
        ? string.Join(':', new[] { "domain", "bus", "slot", "function" }.Select(part => ((string?)address.Attribute(part))?.Replace("0x", "", StringComparison.Ordinal) ?? "?"))
        : "(no address)";

    private static IEnumerable<ImageUse> DiskImages(XElement disk, IReadOnlyDictionary<string, StoragePool> pools)
    {
        var role = (string?)disk.Attribute("device") switch { "cdrom" => ImageRole.CdRom, "floppy" => ImageRole.Floppy, _ => ImageRole.Disk };
        // An element without a file is the chain's end.
        var stores = Chain(disk).ToArray();
        var isWhole = stores is [.., { HasElements: false }];
        var shareable = disk.Element("shareable") is not null;
        if (PathOf(disk, pools) is { } path)
        {
            yield return new ImageUse(path, role, (string?)disk.Element("driver")?.Attribute("type"))
            {
                IsReadOnly = role == ImageRole.CdRom || disk.Element("readonly") is not null,
                IsShareable = shareable,
                HasWholeChain = isWhole,
            };
        }

        var others = stores.Prepend(disk).SelectMany(store => store.Elements("source").Elements("dataStore")).Select(data => (Element: data, Role: ImageRole.Data))
            .Concat(stores.Select(store => (store, ImageRole.Backing))).Concat(disk.Elements("mirror").Select(mirror => (mirror, ImageRole.Mirror)));
        foreach (var (store, use) in others)
        {
            if (PathOf(store, pools) is { } below)
            {
                yield return new ImageUse(below, use, (string?)store.Element("format")?.Attribute("type"))
                {
                    IsReadOnly = use == ImageRole.Backing,
                    IsShareable = shareable,
                    HasWholeChain = isWhole,
                };
            }
        }
    }

    /// <summary>The backing stores, from the top down; deep ones are no reason to recurse.</summary>
    private static IEnumerable<XElement> Chain(XElement disk)
    {
        for (var store = disk.Element("backingStore"); store is not null; store = store.Element("backingStore")) yield return store;
    }

    private static string? PathOf(XElement store, IReadOnlyDictionary<string, StoragePool> pools)
    {
        var source = store.Element("source");
        if (source is null) return null;
        return (string?)source.Attribute("file") ?? ((string?)store.Attribute("type") == "vhostvdpa" ? null : (string?)source.Attribute("dev")) ?? (string?)source.Attribute("dir") ?? VolumeOf(source, pools);
    }

    private static string? VolumeOf(XElement source, IReadOnlyDictionary<string, StoragePool> pools) =>
        (string?)source.Attribute("pool") is { } pool && (string?)source.Attribute("volume") is { } volume && pools.TryGetValue(pool, out var found) ? found.PathOf(volume) : null;

    private static IEnumerable<ImageUse> BootImages(XElement element)
    {
        var format = (string?)element.Attribute("format");
        var path = element.Value.Trim();
        switch (element.Name.LocalName)
        {
            case "kernel": yield return new ImageUse(path, ImageRole.Kernel, null) { IsReadOnly = true }; break;
            case "initrd": yield return new ImageUse(path, ImageRole.Initrd, null) { IsReadOnly = true }; break;
            case "dtb": yield return new ImageUse(path, ImageRole.DeviceTree, null) { IsReadOnly = true }; break;
            case "loader": yield return new ImageUse(path, ImageRole.Firmware, format) { IsReadOnly = (string?)element.Attribute("readonly") != "no" }; break;
            case "nvram" when element.Element("source") is { } source:
                yield return new ImageUse((string?)source.Attribute("file") ?? (string?)source.Attribute("dev") ?? "", ImageRole.Nvram, format);
                break;
            case "nvram": yield return new ImageUse(path, ImageRole.Nvram, format); break;
            case "varstore": yield return new ImageUse((string?)element.Attribute("path") ?? "", ImageRole.Nvram, format); break;
        }
    }

    [GeneratedRegex(@"(^|[:=,\s])(?<path>/[^,]*)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex AbsolutePath();
}
