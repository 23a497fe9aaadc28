using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.LabTests;

/// <summary>
/// Paths that are hard on a lookup: from every rule of a policy paths it matches, and paths it just does not; through equivalences and past them; with bytes
/// that are no text. The same for the same seed.
/// </summary>
internal sealed class PolicyPaths(FileContexts contexts, int seed)
{
    private const int MostBytes = 3000;
    private const string FileTypes = "-dlbcps";
    private static readonly byte[] Friendly = [.. "abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ._-"u8];
    private static readonly string[] Names = ["x", "vm-data", "lib", "bin", "run", "..", ".ssh", "a b", "größe", "\udcff", "new\nline", @"\x2d", "[x]", "(/.*)?", "x.so.1"];
    private readonly Random random = new(seed);
    private readonly List<byte[]> made = [];

    /// <summary>So many, with their file types; every rule comes once before any comes again.</summary>
    public IEnumerable<(char FileType, byte[] Path)> Make(int count)
    {
        var rules = contexts.Rules.ToArray();
        random.Shuffle(rules);
        for (var i = 0; i < count; i++)
        {
            var rule = rules[i % rules.Length];
            var path = Cut(Vary(Instance(PatternParser.Parse(rule.Pattern)), rule));
            made.Add(path);
            yield return (rule.FileType is { } own && random.Next(2) == 0 ? own : FileTypes[random.Next(FileTypes.Length)], path);
        }
    }

    /// <summary>A way through the pattern's places.</summary>
    private byte[] Instance(PathExpression expression)
    {
        var path = new List<byte>();
        for (var place = 0; path.Count < 300;)
        {
            var next = expression.Next[place];
            if (next.Length == 0 || (expression.Ends[place] && random.Next(next.Length + 1) == 0)) break;
            place = next[random.Next(next.Length)];
            path.Add(Byte(expression.Sets[place]));
        }

        return [.. path];
    }

    private byte Byte(ByteSet set)
    {
        var friendly = Friendly.Where(set.Has).ToArray();
        var all = Enumerable.Range(1, 255).Select(value => (byte)value).Where(set.Has).ToArray();
        return friendly.Length > 0 && random.Next(10) > 0 ? friendly[random.Next(friendly.Length)] : all[random.Next(all.Length)];
    }

    private byte[] Vary(byte[] path, FileContextRule rule) => random.Next(28) switch
    {
        0 => [.. path, (byte)'/', .. Name()],
        1 => path[..^Math.Min(1, path.Length)],
        2 => [.. path, .. Any(1)],
        3 => At(path, 0, Any(1)),
        4 => At(path, 1, Any(1)),
        5 => At(path, 1, []),
        6 => [.. path, (byte)'/'],
        7 => HostText.Encode(HostText.Decode(path).Replace("/", "//", StringComparison.Ordinal)),
        8 => [(byte)'/', .. Name(), .. path],
        9 or 10 or 11 => Through(path),
        12 => HostText.Encode(rule.Pattern),
        13 => [.. path.Select(value => char.IsAsciiLetterLower((char)value) ? (byte)(value - 32) : value)],
        14 => [.. path, (byte)'\n'],
        15 => [.. path, .. Enumerable.Repeat("/a"u8.ToArray(), random.Next(80)).SelectMany(name => name)],
        16 when made.Count > 0 => Splice(path, made[random.Next(made.Count)]),
        _ => path,
    };

    /// <summary>Through an equivalence, one way or the other, where one fits; else below one.</summary>
    private byte[] Through(byte[] path)
    {
        var text = HostText.Decode(path);
        var lines = contexts.Equivalences.SelectMany(list => list).ToArray();
        var fitting = lines.SelectMany(line => new[] { (From: line.Target, To: line.Path), (From: line.Path, To: line.Target) }).Where(way => text.StartsWith(way.From, StringComparison.Ordinal)).ToArray();
        if (fitting.Length == 0) return [.. HostText.Encode(lines[random.Next(lines.Length)].Path), .. path];
        var (from, to) = fitting[random.Next(fitting.Length)];
        return HostText.Encode(to + text[from.Length..]);
    }

    private byte[] Splice(byte[] one, byte[] other) => [.. one[..random.Next(one.Length + 1)], .. other[random.Next(other.Length + 1)..]];

    private byte[] At(byte[] path, int gone, byte[] instead)
    {
        var at = random.Next(path.Length + 1);
        return [.. path[..at], .. instead, .. path[Math.Min(path.Length, at + gone)..]];
    }

    private byte[] Name() => HostText.Encode(Names[random.Next(Names.Length)]);

    private byte[] Any(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(2) == 0 ? Friendly[random.Next(Friendly.Length)] : (byte)random.Next(1, 256))];

    /// <summary>Absolute, and as long as a tool's argument may be.</summary>
    private static byte[] Cut(byte[] path) => path is [(byte)'/', ..] ? path[..Math.Min(path.Length, MostBytes)] : [(byte)'/', .. path[..Math.Min(path.Length, MostBytes)]];
}
