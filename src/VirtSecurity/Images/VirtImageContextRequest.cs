using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Images;

/// <summary>A directory or file that is to hold images, or be one.</summary>
internal sealed record VirtImageContextRequest
{
    private const string DeviceNode =
        "a device's node, where a rule would be ignored: it gets its label from udev each time it is made; on KVM fixed_disk_device_t is right at rest, and libvirt labels the node for the guest that uses it";

    private VirtImageContextRequest()
    {
    }

    public required VirtHost Host { get; init; }
    public required string Path { get; init; }
    public required Hypervisor? Hypervisor { get; init; }
    public required string? SELinuxType { get; init; }

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">InvalidPath, NotAnImagePlace, RefusedPath.</exception>
    public static VirtImageContextRequest Validated(VirtHost host, string path, Hypervisor? hypervisor, string? selinuxType)
    {
        HostPath.RequireCanonical(path);
        if (path.StartsWith("/dev/", StringComparison.Ordinal)) throw new VirtException("NotAnImagePlace", path, DeviceNode);
        HostPath.RequireImagePlace(path);
        return new VirtImageContextRequest { Host = host, Path = path, Hypervisor = hypervisor, SELinuxType = selinuxType };
    }
}
