using System.Text;
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

    /// <summary>Absolute and canonical: no <c>.</c>, <c>..</c>, <c>//</c>, trailing <c>/</c>, control characters or lone surrogates.</summary>
    /// <exception cref="VirtException">InvalidPath, with the reason.</exception>
    public static void RequireCanonical(string path)
    {
        var reason = path switch
        {
            { Length: 0 } => "it is empty",
            _ when path[0] != '/' => "it is not absolute",
            _ when path.Any(c => c is '\0' or '\n' or '\r' || char.IsControl(c)) => "it contains a control character",
            _ when !IsUnicode(path) => "it is not valid Unicode",
            _ when path.Length > 1 && path[^1] == '/' => "it ends with '/'",
            _ when path.Contains("//", StringComparison.Ordinal) => "it contains '//'",
            _ when path.Split('/').Any(name => name is "." or "..") => "it contains '.' or '..'",
            _ when path.Split('/').Any(name => Encoding.UTF8.GetByteCount(name) > NameMax) => "a name in it is longer than 255 bytes",
            _ when Encoding.UTF8.GetByteCount(path) > PathMax => "it is longer than 4095 bytes",
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

    private static bool IsUnicode(string path)
    {
        for (var i = 0; i < path.Length; i++)
        {
            if (char.IsHighSurrogate(path[i]) && i + 1 < path.Length && char.IsLowSurrogate(path[i + 1])) i++;
            else if (char.IsSurrogate(path[i])) return false;
        }

        return true;
    }
}
