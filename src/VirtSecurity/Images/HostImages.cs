using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What is on a host, as far as its images are concerned.</summary>
/// <param name="Host">The host.</param>
/// <param name="Definitions">What guests and pools say.</param>
/// <param name="Looks">What is at the paths, by path.</param>
/// <param name="Listed">The paths found in places for images.</param>
/// <param name="Volumes">All logical volumes.</param>
/// <param name="DeviceSizes">Bytes of a block device, by major:minor.</param>
/// <param name="OpenByGuests">The inodes that QEMU processes have open.</param>
/// <param name="FileContexts">The rules; null: they are unknown.</param>
/// <param name="Headers">Headers of copy-on-write images, by real path.</param>
internal sealed record HostImages(
    VirtHost Host,
    ImageDefinitions Definitions,
    IReadOnlyDictionary<string, PathLook> Looks,
    IReadOnlyList<string> Listed,
    IReadOnlyList<LogicalVolumeFact> Volumes,
    IReadOnlyDictionary<string, long> DeviceSizes,
    IReadOnlySet<string> OpenByGuests,
    FileContexts? FileContexts,
    IReadOnlyDictionary<string, Qcow2Answer> Headers);
