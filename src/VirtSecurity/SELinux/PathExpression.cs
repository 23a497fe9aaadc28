namespace VirtSecurity.SELinux;

/// <summary>
/// A file context's pattern, understood: as places, each of which matches one byte, and which places may come after which (Glushkov's automaton).
/// No place stands for more than a byte, so matching takes the same time whatever the pattern and whatever the path.
/// </summary>
/// <param name="Sets">What each place matches. Place 0 is the beginning, and matches nothing.</param>
/// <param name="Next">The places that may come after each.</param>
/// <param name="Ends">Whether a match may end with each.</param>
internal sealed record PathExpression(IReadOnlyList<ByteSet> Sets, IReadOnlyList<int[]> Next, IReadOnlyList<bool> Ends)
{
    /// <summary>Matches every path: what a pattern that is not understood may match.</summary>
    public static PathExpression Anything { get; } = new([default, ByteSet.All], [[1], [1]], [true, true]);
}
