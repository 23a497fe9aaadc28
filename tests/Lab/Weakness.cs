namespace VirtSecurity.Lab;

/// <summary>Something that is wrong with a host of guests: made on the machine, and taken back. Both are bash as root, and end at the first command that fails.</summary>
/// <param name="What">What it is, in a few words.</param>
/// <param name="Make">Makes it.</param>
/// <param name="TakeBack">Takes it back.</param>
public sealed record Weakness(string What, string Make, string TakeBack)
{
    /// <summary>The checks that have to fail by it, each with an expression that a line of its evidence matches.</summary>
    public IReadOnlyList<(string Check, string Evidence)> Finds { get; init; } = [];

    /// <summary>A script that makes them all, in their order.</summary>
    public static string MakeAll(IEnumerable<Weakness> all) => Together(all.Select(one => one.Make));

    /// <summary>A script that takes them all back, the last one first.</summary>
    public static string TakeAllBack(IEnumerable<Weakness> all) => Together(all.Reverse().Select(one => one.TakeBack));

    /// <summary>A line at the end of a file.</summary>
    internal static (string Make, string TakeBack) Line(string file, string line) => ($"""
        printf '%s\n' '{line}' >>{file}
        """, $"""
        grep -vxF -e '{line}' {file} >/run/rest || :
        cat /run/rest >{file}
        """);

    private static string Together(IEnumerable<string> scripts) => "set -e\n" + string.Join('\n', scripts) + "\n";
}
