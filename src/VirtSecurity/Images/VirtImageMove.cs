using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>An image that was moved, as it is on the host afterwards: read back, never as asked for.</summary>
public sealed record VirtImageMove
{
    /// <summary>The host it is on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>Where it is now.</summary>
    public required string Path { get; init; }

    /// <summary>Where it was.</summary>
    public required string SourcePath { get; init; }

    /// <summary>The guests whose definitions name it.</summary>
    public required IReadOnlyList<string> Guest { get; init; }

    /// <summary>Bytes from its beginning to its end.</summary>
    public required long Size { get; init; }

    /// <summary>Bytes it takes on its file system.</summary>
    public required long Allocated { get; init; }

    /// <summary>Its label.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>The label that the rules give its path.</summary>
    public required SecurityContext? ExpectedContext { get; init; }

    /// <summary>It has the type that the rules give its path, and that is one for images of this host.</summary>
    public required bool IsCompliant { get; init; }

    /// <summary>Where it is now.</summary>
    public override string ToString() => Path;
}
