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

    /// <summary>Reads a definition; null: it is none, or what xl and xend keep of a guest that runs, whose definition says the same.</summary>
    /// <exception cref="FormatException">It is not understood.</exception>
    public static GuestTraits? Of(DefinitionFile file) => GuestDefinitions.IsPool(file) ? null : GuestDefinitions.KindOf(file.Path) switch
    {
        DefinitionKind.Libvirt => OfXml(DomainXml.Parse(file.Text ?? throw new FormatException(file.Reason))),
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

    private static GuestTraits OfXml(DomainXml domain) => new(domain.Name, [.. domain.Cards.Select(Link).OfType<GuestLink>().Distinct()])
    {
        HasPciDevice = domain.PciDevices.Any(),
        IsNested = domain.IsNested,
        HasQemuArguments = domain.QemuArguments > 0,
        HasOwnLabel = domain.OwnLabels.Any(),
        HasRemoteDisplay = domain.Displays.Any(IsRemote),
    };

    private static GuestTraits? OfXl(XlConfig config)
    {
        if (config.Name is not { } name || !config.IsGuest) return null;
        // xl.cfg(5) and xl-network-configuration(5): without a name it is the bridge that xl.conf says, xenbr0 unless it says so.
        var vifs = config.Values("vif").Select(spec => XlConfig.Option(spec, "script") is null or "vif-bridge" ? new GuestLink(false, XlConfig.Option(spec, "bridge") ?? "xenbr0") : null);
        return new GuestTraits(name, [.. vifs.OfType<GuestLink>().Distinct()])
        {
            HasPciDevice = config.Values("pci").Count > 0,
            IsNested = config.Values("nestedhvm") is [.., var nested] && nested != "0",
            HasQemuArguments = config.Values("device_model_args").Concat(config.Values("device_model_args_hvm")).Concat(config.Values("device_model_args_pv")).Any(),
            HasOwnLabel = config.Values("seclabel").Count > 0,
            HasRemoteDisplay = config.Displays.Any(IsRemote),
        };
    }

    private static GuestLink? Link(GuestCard card) => card.Source.Length > 0 && card.Kind is "network" or "bridge" or "direct" ? new GuestLink(card.Kind == "network", card.Source) : null;

    private static bool IsRemote(GuestDisplay display) => display.Listen.Any(address => !NetAddress.IsLoopback(address));
}

/// <summary>What a guest's network card is linked to.</summary>
/// <param name="IsNetwork">A network of libvirt's; otherwise a bridge or an interface of the host.</param>
/// <param name="Name">Its name.</param>
internal sealed record GuestLink(bool IsNetwork, string Name);
