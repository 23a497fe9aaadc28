using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Facts;

/// <summary>
/// Rules for paths on a host, and which of them may become image stores. Host paths are the host's: they are text,
/// never resolved here.
/// </summary>
internal static class HostPath
{
    private const int NameMax = 255;
    private const int PathMax = 4095;

    /// <summary>Neither these nor anything below them: the system's, and people's homes.</summary>
    private static readonly string[] SystemTrees =
    [
        "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var",
    ];

    /// <summary>Not these themselves: a rule here would label what is not an image.</summary>
    private static readonly string[] SharedRoots = ["/", "/mnt", "/media", "/opt", "/srv"];

    /// <summary>Where images belong although it lies below /var.</summary>
    public static IReadOnlyList<string> ImageTrees { get; } = ["/var/lib/libvirt/images", "/var/lib/xen/images"];

    /// <summary>Absolute and canonical: no <c>.</c>, <c>..</c>, <c>//</c>, trailing <c>/</c>, control characters, or lone surrogates that stand for no byte.</summary>
    /// <exception cref="VirtException">InvalidPath, with the reason.</exception>
    public static void RequireCanonical(string path) =>
        Require(path, path.Any(c => c is '\0' or '\n' or '\r' || char.IsControl(c)) ? "it contains a control character" : null);

    /// <summary>The same for a path that is only looked at or labelled: a name may have a newline in it.</summary>
    /// <exception cref="VirtException">InvalidPath, with the reason.</exception>
    public static void RequireLookable(string path) => Require(path, path.Contains('\0', StringComparison.Ordinal) ? "it contains a NUL" : null);

    private static void Require(string path, string? characters)
    {
        var reason = path switch
        {
            { Length: 0 } => "it is empty",
            _ when path[0] != '/' => "it is not absolute",
            _ when characters is not null => characters,
            _ when !IsHostText(path) => "it is neither valid Unicode nor a host's own bytes",
            _ when path.Length > 1 && path[^1] == '/' => "it ends with '/'",
            _ when path.Contains("//", StringComparison.Ordinal) => "it contains '//'",
            _ when path.Split('/').Any(name => name is "." or "..") => "it contains '.' or '..'",
            _ when path.Split('/').Any(name => HostText.Encode(name).Length > NameMax) => "a name in it is longer than 255 bytes",
            _ when HostText.Encode(path).Length > PathMax => "it is longer than 4095 bytes",
            _ => null,
        };
        if (reason is not null) throw new VirtException("InvalidPath", path, reason);
    }

    /// <summary>Canonical, and outside the trees where an image rule would open the system or people's homes to guests.</summary>
    /// <exception cref="VirtException">InvalidPath, RefusedPath.</exception>
    public static void RequireImagePlace(string path)
    {
        RequireCanonical(path);
        if (!IsImagePlace(path)) throw new VirtException("RefusedPath", path);
    }

    /// <summary>Such a place, and a path that systemd mounts at: it ignores a mount unit whose path is no valid UTF-8, and so the line in fstab at every boot.</summary>
    /// <exception cref="VirtException">InvalidPath, RefusedPath.</exception>
    public static void RequireMountPoint(string path)
    {
        RequireImagePlace(path);
        if (HostText.HasBytes(path)) throw new VirtException("InvalidPath", path, "it is not valid UTF-8, and systemd mounts nothing there");
    }

    /// <summary>Whether a canonical path is outside those trees.</summary>
    public static bool IsImagePlace(string path) =>
        ImageTrees.Any(tree => IsAtOrBelow(path, tree)) || (path.StartsWith('/') && !SharedRoots.Contains(path) && !SystemTrees.Any(tree => IsAtOrBelow(path, tree)));

    /// <summary>A directory that the distribution makes and others count on, though images may lie in it.</summary>
    public static bool IsImageTree(string path) => ImageTrees.Contains(path);

    /// <summary>The path and every directory above it, from the root down.</summary>
    public static IReadOnlyList<string> Chain(string path)
    {
        var chain = new List<string> { "/" };
        for (var slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1)) chain.Add(path[..slash]);
        if (path.Length > 1) chain.Add(path);
        return chain;
    }

    /// <summary>Whether a path is a tree's root or lies below it.</summary>
    public static bool IsAtOrBelow(string path, string tree) =>
        path == tree || (path.StartsWith(tree, StringComparison.Ordinal) && (tree == "/" || path[tree.Length] == '/'));

    /// <summary>Whether it is the text of a path on a host: what is no Unicode in it are bytes, and together they are no valid UTF-8, which would be another text.</summary>
    private static bool IsHostText(string path) => HostText.Decode(HostText.Encode(path)) == path;
}
