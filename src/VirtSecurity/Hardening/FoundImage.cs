using VirtSecurity.Images;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>An image of a guest's, and what is at its path.</summary>
/// <param name="Image">Whose, and what for.</param>
/// <param name="Look">What is there; null: nobody looked, as the server of its file system gave no answer.</param>
internal sealed record FoundImage(GuestImage Image, PathLook? Look)
{
    /// <summary>Without links, as far as that is known.</summary>
    public string Path => Look?.RealPath ?? ImageName.Canonical(Image.Use.Path);

    /// <summary>It is a device, or would be if it were there.</summary>
    public bool IsDevice => Look?.Inode is { } inode ? inode.FileType is 'b' or 'c' : Path.StartsWith("/dev/", StringComparison.Ordinal);

    /// <summary>It holds what the guest writes or reads as a disk; otherwise it is firmware, a kernel and their like, which lie where their packages put them.</summary>
    public bool IsDisk => Image.Use.Role is ImageRole.Disk or ImageRole.CdRom or ImageRole.Floppy or ImageRole.Backing or ImageRole.Data or ImageRole.Mirror or ImageRole.Memory;

    /// <summary>What a guest installs from or boots: nobody has to write to it.</summary>
    public bool IsContent => Image.Use.Role is ImageRole.CdRom or ImageRole.Kernel or ImageRole.Initrd or ImageRole.DeviceTree;

    /// <summary>As evidence names it.</summary>
    public override string ToString() => $"guest {Image.Guest}: {Image.Use.Path}{(Look is not null && Look.RealPath != Image.Use.Path ? $" -> {Look.RealPath}" : "")}";
}
