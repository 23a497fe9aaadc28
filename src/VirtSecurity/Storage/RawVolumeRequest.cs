using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Storage;

/// <summary>A logical volume that a guest is to use as its disk, as asked for. Made by <see cref="Validated"/> only.</summary>
internal sealed record RawVolumeRequest
{
    private RawVolumeRequest()
    {
    }

    public required LogicalVolumeRequest Volume { get; init; }
    public required Hypervisor? Hypervisor { get; init; }

    /// <summary>The type its node is to have at rest; null: what the hypervisor needs.</summary>
    public required string? SELinuxType { get; init; }

    public VirtHost Host => Volume.Host;

    /// <summary>The object as messages name it.</summary>
    public string Subject => Volume.Subject;

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">InvalidName.</exception>
    public static RawVolumeRequest Validated(
        VirtHost host, string volumeGroup, string name, long size, string? thinPool, Hypervisor? hypervisor, string? selinuxType)
    {
        VolumeName.Require(volumeGroup, name);
        if (thinPool is not null) VolumeName.Require(thinPool);
        return new RawVolumeRequest
        {
            Volume = new(host, volumeGroup, name, size, thinPool),
            Hypervisor = hypervisor,
            SELinuxType = selinuxType,
        };
    }
}
