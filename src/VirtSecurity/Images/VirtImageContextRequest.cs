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

    /// <summary>Another SELinux user than the rule's is put right as well.</summary>
    public bool IsStrict { get; init; }

    /// <summary>A local rule for this path whose pattern says it wrongly: one with the right pattern takes its place. Null: there is none.</summary>
    public string? Replaces { get; init; }

    /// <summary>Whether another request asks for the same type, so that a rule for a directory serves what is asked for below it.</summary>
    public bool IsAlike(VirtImageContextRequest other) => Hypervisor == other.Hypervisor && SELinuxType == other.SELinuxType;

    /// <summary>Checks all that can be checked without a host; where a rule is needed its place is checked as well.</summary>
    /// <exception cref="VirtException">InvalidPath, NotAnImagePlace.</exception>
    public static VirtImageContextRequest Validated(VirtHost host, string path, Hypervisor? hypervisor, string? selinuxType)
    {
        HostPath.RequireLookable(path);
        if (path.StartsWith("/dev/", StringComparison.Ordinal)) throw new VirtException("NotAnImagePlace", path, DeviceNode);
        return new VirtImageContextRequest { Host = host, Path = path, Hypervisor = hypervisor, SELinuxType = selinuxType };
    }
}
