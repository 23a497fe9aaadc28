using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>
/// Who may pass through the root of an image store. On KVM QEMU runs as a user of its own: its group may search the directory, others
/// may not, so that nobody reads an image whatever its own mode is. Under Xen the device model is root's. Where QEMU's group
/// is not known everybody may search, and only the names are hidden.
/// </summary>
internal sealed record StoreAccess(string? Group, UnixFileMode Mode)
{
    private const UnixFileMode Root = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Weak = UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>The access for images of a type.</summary>
    public static StoreAccess For(HostFacts host, string type) => type == ImageTypes.Xen ? new(null, Root)
        : host.Probe.QemuGroup is { } group ? new(group, Root | UnixFileMode.GroupExecute)
        : new(null, Root | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);

    /// <summary>Whether a store's root lets QEMU through and keeps others from listing or writing.</summary>
    public bool IsGuarded(PathFact root) =>
        (root.Mode & Weak) == 0 && (Group is null || root.Mode.HasFlag(UnixFileMode.OtherExecute) || (root.Group == Group && root.Mode.HasFlag(UnixFileMode.GroupExecute)));

    /// <summary>Gives it to the root of a file system made by this run: nothing is to be given back.</summary>
    public Change Set(string path) => new(
        "chmod", [.. Group is null ? [] : new[] { Coreutils.SetGroup(path, Group) }, Coreutils.SetMode(path, Mode)], Coreutils.IsDirectory(path, Coreutils.Octal(Mode)), []);

    /// <summary>Gives it to a store's root that had another: each of the two is taken back alone.</summary>
    /// <param name="root">The root of the mounted file system.</param>
    /// <param name="mounted">Fails unless it is mounted: what would be changed without is the directory below.</param>
    public IEnumerable<Change> Restore(PathFact root, ToolCall mounted)
    {
        if (Group is not null && root.Group.Length > 0 && root.Group != Group)
            yield return new("chgrp", [mounted, Coreutils.SetGroup(root.Path, Group)], Coreutils.IsOfGroup(root.Path, Group), [Coreutils.SetGroup(root.Path, root.Group)]);
        if (root.Mode != Mode)
            yield return new("chmod", [mounted, Coreutils.SetMode(root.Path, Mode)], Coreutils.IsDirectory(root.Path, Coreutils.Octal(Mode)), [Coreutils.SetMode(root.Path, root.Mode)]);
    }
}
