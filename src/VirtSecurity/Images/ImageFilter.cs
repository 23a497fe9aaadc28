namespace VirtSecurity.Images;

/// <summary>Which images are asked for: each part is a list of names, any of which will do; an empty one asks nothing. Linux names: case counts.</summary>
internal sealed class ImageFilter
{
    private readonly (Func<VirtImage, IEnumerable<string>> Of, IReadOnlyList<string> Asked)[] parts;
    private readonly bool orphaned;
    private readonly Func<string, bool> isWild;
    private readonly Func<string, string, bool> matches;

    /// <summary>A filter.</summary>
    /// <param name="path">Paths; any name of an image will do.</param>
    /// <param name="guest">Names of guests.</param>
    /// <param name="pool">Names of storage pools.</param>
    /// <param name="orphaned">Only those that no guest uses.</param>
    /// <param name="isWild">Whether a name has a wildcard.</param>
    /// <param name="matches">Whether a name with wildcards, the first, matches the second.</param>
    public ImageFilter(
        IReadOnlyList<string> path, IReadOnlyList<string> guest, IReadOnlyList<string> pool, bool orphaned, Func<string, bool> isWild, Func<string, string, bool> matches)
    {
        parts = [(image => image.OtherPath.Prepend(image.Path), path), (image => image.Guest, guest), (image => image.Pool is { } name ? [name] : [], pool)];
        this.orphaned = orphaned;
        this.isWild = isWild;
        this.matches = matches;
    }

    /// <summary>It asks for what is nobody's, so everybody's images must be known.</summary>
    public bool IsForOrphans => orphaned;

    /// <summary>Those that match.</summary>
    public IEnumerable<VirtImage> Of(IEnumerable<VirtImage> images) =>
        images.Where(image => (!orphaned || image.IsOrphaned == true) && Array.TrueForAll(parts, part => part.Asked.Count == 0 || part.Asked.Any(asked => part.Of(image).Any(actual => Matches(asked, actual)))));

    /// <summary>Names without wildcards that no image has.</summary>
    public IEnumerable<string> Missing(IReadOnlyList<VirtImage> images) =>
        parts.SelectMany(part => part.Asked.Where(asked => !isWild(asked) && !images.Any(image => part.Of(image).Contains(asked)))).Distinct();

    private bool Matches(string asked, string actual) => asked == actual || (isWild(asked) && matches(asked, actual));
}
