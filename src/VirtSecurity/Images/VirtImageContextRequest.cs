using VirtSecurity.Facts;
using VirtSecurity.Hosts;

namespace VirtSecurity.Images;

/// <summary>A directory or file that is to hold images, or be one.</summary>
internal sealed record VirtImageContextRequest
{
    private VirtImageContextRequest()
    {
    }

    public required VirtHost Host { get; init; }
    public required string Path { get; init; }
    public required Hypervisor? Hypervisor { get; init; }
    public required string? SELinuxType { get; init; }

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="Resources.VirtException">InvalidPath, RefusedPath.</exception>
    public static VirtImageContextRequest Validated(VirtHost host, string path, Hypervisor? hypervisor, string? selinuxType)
    {
        HostPath.RequireImagePlace(path);
        return new VirtImageContextRequest { Host = host, Path = path, Hypervisor = hypervisor, SELinuxType = selinuxType };
    }
}
