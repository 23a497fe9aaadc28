using VirtSecurity.Facts;

namespace VirtSecurity.Planning;

/// <summary>What a host is for: the truth that it is judged by. Null or empty: the plan says nothing, so there is none of it.</summary>
public sealed record DeploymentPlan
{
    /// <summary>The version of the format, 1.</summary>
    public int FormatVersion { get; init; } = 1;

    /// <summary>The hypervisor the host runs; null: the plan does not say.</summary>
    public Hypervisor? Hypervisor { get; init; }

    /// <summary>What the host itself runs: unit names, <c>sshd.service</c>, or patterns with * in them, <c>virt*d.socket</c>.</summary>
    public IReadOnlyList<PlannedService> Services { get; init; } = [];

    /// <summary>The sockets that listen to the network, and who may reach them.</summary>
    public IReadOnlyList<PlannedSocket> Sockets { get; init; } = [];

    /// <summary>People with accounts on the host, besides the administrators.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>People who may become root, by sudo or by a group that amounts to it.</summary>
    public IReadOnlyList<string> Administrators { get; init; } = [];

    /// <summary>SELinux booleans that differ from the module's defaults, by name.</summary>
    public IReadOnlyDictionary<string, bool> Booleans { get; init; } = new Dictionary<string, bool>();

    /// <summary>The host's networks.</summary>
    public IReadOnlyList<PlannedNetwork> Networks { get; init; } = [];

    /// <summary>Guest storage.</summary>
    public IReadOnlyList<PlannedVolume> Volumes { get; init; } = [];

    /// <summary>The guests.</summary>
    public IReadOnlyList<PlannedGuest> Guests { get; init; } = [];

    /// <summary>Checks that may fail for a time.</summary>
    public IReadOnlyList<Waiver> Waivers { get; init; } = [];
}

/// <summary>A service of the host and what it is for.</summary>
/// <param name="Name">A unit's name; * stands for any text.</param>
/// <param name="Purpose">What it is needed for; empty: the plan does not say.</param>
public sealed record PlannedService(string Name, string Purpose = "");

/// <summary>A socket that listens.</summary>
/// <param name="Port">The port, 1 to 65535.</param>
/// <param name="Protocol">tcp or udp.</param>
/// <param name="Service">What listens there.</param>
public sealed record PlannedSocket(int Port, string Protocol, string Service = "")
{
    /// <summary>The last port of a range that begins with <see cref="Port"/>; null: that port only.</summary>
    public int? LastPort { get; init; }

    /// <summary>The address it is bound to; null: any.</summary>
    public string? Address { get; init; }

    /// <summary>Addresses and networks (CIDR) that may reach it; empty: anybody.</summary>
    public IReadOnlyList<string> From { get; init; } = [];
}

/// <summary>What a network is for.</summary>
public enum NetworkRole
{
    /// <summary>Administrators reach the host.</summary>
    Management,

    /// <summary>Images and migration.</summary>
    Storage,

    /// <summary>Guests reach others.</summary>
    Guest,
}

/// <summary>A network of the host.</summary>
/// <param name="Name">Its name in the plan.</param>
/// <param name="Role">What it is for.</param>
public sealed record PlannedNetwork(string Name, NetworkRole Role)
{
    /// <summary>The host's interfaces or bridges in it.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];

    /// <summary>Whether the host routes packets for it (NAT and routed networks; a bridge needs none).</summary>
    public bool IsRouted { get; init; }
}

/// <summary>Guest storage, named as New-SecureGuestVolume takes it.</summary>
/// <param name="MountPoint">Where it is mounted; null: a guest has it as a raw disk.</param>
public sealed record PlannedVolume(string? MountPoint)
{
    /// <summary>The volume group; null: <see cref="DevicePath"/> says where it is.</summary>
    public string? VolumeGroup { get; init; }

    /// <summary>The logical volume's name.</summary>
    public string? Name { get; init; }

    /// <summary>A partition or disk; null: a logical volume.</summary>
    public string? DevicePath { get; init; }

    /// <summary>Its size as New-SecureGuestVolume takes it, <c>5GB</c>; null: the plan does not say.</summary>
    public string? Size { get; init; }

    /// <summary>The file system; null: the cmdlet's default.</summary>
    public string? FileSystem { get; init; }
}

/// <summary>What a guest may need that others must not have.</summary>
public enum GuestNeed
{
    /// <summary>To be moved to another host while it runs.</summary>
    Migration,

    /// <summary>A device of the host's.</summary>
    PciPassthrough,

    /// <summary>To run guests of its own.</summary>
    Nested,

    /// <summary>A disk that it shares with another guest.</summary>
    SharedDisk,

    /// <summary>A whole disk of the host's.</summary>
    WholeDisk,

    /// <summary>Images on a file system that has no labels (NFS, CIFS, VFAT): isolation is lost there.</summary>
    NetworkImages,

    /// <summary>QEMU arguments that libvirt does not know.</summary>
    QemuArguments,

    /// <summary>No label, or one of its own.</summary>
    OwnLabel,

    /// <summary>A display that others than the host reach.</summary>
    RemoteDisplay,
}

/// <summary>A guest.</summary>
/// <param name="Name">The domain's name.</param>
public sealed record PlannedGuest(string Name)
{
    /// <summary>What it serves.</summary>
    public IReadOnlyList<PlannedService> Services { get; init; } = [];

    /// <summary>What it needs of the host.</summary>
    public IReadOnlyList<GuestNeed> Needs { get; init; } = [];

    /// <summary>The networks it is in, by their names in the plan.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];
}

/// <summary>A check that may fail, until a day.</summary>
/// <param name="Id">The check, such as FWL-02.</param>
/// <param name="Reason">Why.</param>
/// <param name="Owner">Who answers for it.</param>
/// <param name="Expires">The last day it holds, in UTC.</param>
public sealed record Waiver(string Id, string Reason, string Owner, DateOnly Expires);
