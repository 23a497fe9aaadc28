using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Images;

/// <summary>An image file that is to lie in another directory, by the same name.</summary>
/// <param name="Host">Where.</param>
/// <param name="Path">The file, absolute and canonical.</param>
/// <param name="Destination">The directory.</param>
internal sealed record ImageMoveRequest(VirtHost Host, string Path, string Destination)
{
    /// <summary>Where it is to be.</summary>
    public string Target => (Destination == "/" ? "" : Destination) + Path[Path.LastIndexOf('/')..];

    /// <summary>The directory it is in.</summary>
    public string Directory => Path.LastIndexOf('/') is > 0 and var slash ? Path[..slash] : "/";

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">InvalidPath, RefusedPath, ImageNotMovable.</exception>
    public static ImageMoveRequest Validated(VirtHost host, string path, string destination)
    {
        HostPath.RequireLookable(path);
        HostPath.RequireImagePlace(destination.Length > 1 ? destination.TrimEnd('/') : destination);
        if (path.StartsWith("/dev/", StringComparison.Ordinal)) throw new VirtException("ImageNotMovable", path, "it is a device");
        // It is given to tools by their names and to definitions as text, one line each.
        HostPath.RequireCanonical(path);
        return new ImageMoveRequest(host, path, destination.Length > 1 ? destination.TrimEnd('/') : destination);
    }
}
