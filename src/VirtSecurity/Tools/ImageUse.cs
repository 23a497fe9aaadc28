namespace VirtSecurity.Tools;

/// <summary>What a guest uses an image for.</summary>
public enum ImageRole
{
    /// <summary>A disk.</summary>
    Disk,

    /// <summary>A medium in a CD drive.</summary>
    CdRom,

    /// <summary>A medium in a floppy drive.</summary>
    Floppy,

    /// <summary>What another image is based on, and read-only for it.</summary>
    Backing,

    /// <summary>The data of an image that keeps only its tables itself.</summary>
    Data,

    /// <summary>The copy that a running block job makes.</summary>
    Mirror,

    /// <summary>A kernel that the host hands to the guest.</summary>
    Kernel,

    /// <summary>Its initial RAM disk.</summary>
    Initrd,

    /// <summary>Its device tree.</summary>
    DeviceTree,

    /// <summary>Firmware, which the guest cannot change.</summary>
    Firmware,

    /// <summary>The variables of its firmware.</summary>
    Nvram,

    /// <summary>Persistent memory (NVDIMM).</summary>
    Memory,
}

/// <summary>An image that a guest's definition names.</summary>
/// <param name="Path">As it is written there; absolute.</param>
/// <param name="Role">What for.</param>
/// <param name="Format">As declared there, in QEMU's words (raw, qcow2 ...); null: not declared.</param>
internal sealed record ImageUse(string Path, ImageRole Role, string? Format)
{
    /// <summary>The guest cannot write to it.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Other guests may use it at the same time.</summary>
    public bool IsShareable { get; init; }

    /// <summary>Its backing files are in the definition, to the last: QEMU is told them, and does not ask the image.</summary>
    public bool HasWholeChain { get; init; }
}
