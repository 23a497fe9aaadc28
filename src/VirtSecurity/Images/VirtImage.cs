using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What an image is on its host.</summary>
public enum ImageKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A block device: a logical volume, a partition, a disk.</summary>
    BlockDevice,

    /// <summary>A directory that a guest sees as a file system.</summary>
    Directory,

    /// <summary>Anything else: a character device, a pipe, a socket.</summary>
    Other,
}

/// <summary>Whether the guests of an image run.</summary>
public enum GuestState
{
    /// <summary>They are defined, and none that runs uses it.</summary>
    Defined,

    /// <summary>One that runs uses it.</summary>
    Running,
}

/// <summary>An image on a host: used by a guest, held by a storage pool, or lying in a place for images.</summary>
public sealed record VirtImage
{
    /// <summary>The host it is on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>Of a file its path without any link in it, of a device the name that a guest or pool gives it.</summary>
    public required string Path { get; init; }

    /// <summary>The other names by which guests, pools and places have it.</summary>
    public required IReadOnlyList<string> OtherPath { get; init; }

    /// <summary>What it is; null: it is missing, or could not be seen.</summary>
    public required ImageKind? Kind { get; init; }

    /// <summary>Its format as a definition declares it, in QEMU's words; null: none does, or they differ. The image itself is never asked.</summary>
    public required string? Format { get; init; }

    /// <summary>Bytes from its beginning to its end; null: unknown.</summary>
    public required long? Size { get; init; }

    /// <summary>Bytes that a file takes on its file system; null: it is no file, or unknown.</summary>
    public required long? Allocated { get; init; }

    /// <summary>The guests that use it, also by way of an image that is based on it.</summary>
    public required IReadOnlyList<string> Guest { get; init; }

    /// <summary>Whether one of them runs with it; null: no guest uses it.</summary>
    public required GuestState? GuestState { get; init; }

    /// <summary>What they use it for.</summary>
    public required IReadOnlyList<ImageRole> Role { get; init; }

    /// <summary>No guest may write to it; null: no guest uses it.</summary>
    public required bool? IsReadOnly { get; init; }

    /// <summary>A definition lets several guests use it at the same time.</summary>
    public required bool IsShareable { get; init; }

    /// <summary>No guest uses it and no QEMU has it open; null: that is not known, as a definition or a chain is not.</summary>
    public required bool? IsOrphaned { get; init; }

    /// <summary>The storage pool that holds it; null: none.</summary>
    public required string? Pool { get; init; }

    /// <summary>Its label; null: it has none, or it could not be seen.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>The label that the rules give its path; null: none, or they are unknown.</summary>
    public required SecurityContext? ExpectedContext { get; init; }

    /// <summary>The rule that does: its line in file_contexts.local, or in the policy's own file_contexts.</summary>
    public required string? FileContextRule { get; init; }

    /// <summary>There is nothing at its path; null: it could not be seen.</summary>
    public required bool? IsMissing { get; init; }

    /// <summary>
    /// It lies in /var/lib/libvirt/images or /var/lib/xen/images, or where a rule of the administrator's gives an image type; null: it is a device, or
    /// the rules are unknown.
    /// </summary>
    public required bool? InPlannedPlace { get; init; }

    /// <summary>What is wrong with it, or not known.</summary>
    public required IReadOnlyList<ImageProblem> Problem { get; init; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;
}
