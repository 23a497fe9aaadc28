using VirtSecurity.SELinux;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>A path's pattern matches that path, what is below it, and nothing else. (The recorded answers of matchpathcon say the same of such patterns.)</summary>
public sealed class PathPatternTests
{
    public static TheoryData<string, string[]> Paths => new()
    {
        { "/virtstorage", ["/virtstorage2", "/virtstorag", "/xvirtstorage", "/virtstorage\n\n"] },
        { "/srv/x.y", ["/srv/x-y", "/srv/xy", "/srv/xxy"] },
        { "/srv/a+b", ["/srv/aab", "/srv/ab"] },
        { "/srv/a*b?", ["/srv/ab", "/srv/aab"] },
        { "/srv/(x)", ["/srv/x"] },
        { "/srv/[ab]", ["/srv/a", "/srv/b"] },
        { "/srv/a|b", ["/srv/a", "b"] },
        { "/srv/a{2}", ["/srv/aa"] },
        { "/srv/^a$", ["/srv/a"] },
        { @"/srv/back\slash", ["/srv/backslash", @"/srv/back\\slash"] },
        { @"/srv/\x41", ["/srv/A"] },
        { "/srv/a b", ["/srv/a", "/srv/ab", "/srv/a\tb"] },
        { "/srv/it's \"quoted\"", ["/srv/its \"quoted\""] },
        { "/srv/ü", ["/srv/u", "/srv/u\u0308", "/srv/Ã¼"] },
        { "/srv/漢字/\U0001F512", ["/srv/漢字", "/srv/漢/\U0001F512"] },
        { "/vm-data", ["/vm_data", "/vm"] },
        { "/vm-data/-d", ["/vm-data", "/vm_data/-d"] },
        { "/[]^-\\/x/[]", ["/[]^-\\", "/[]/x/[]", "/^/x/[]"] },
        { "/größe/ü", ["/größe", "/gr/ü"] },
        { "/srv/" + new string('n', 255), ["/srv/" + new string('n', 254), "/srv/" + new string('n', 256)] },
        { "/srv/" + new string('ü', 127), ["/srv/" + new string('ü', 126)] },
    };

    [Theory]
    [MemberData(nameof(Paths))]
    public void ForATreeMatchesItsRootAndWhatIsBelow(string path, string[] near)
    {
        var contexts = Rules(PathPattern.ForTree(path));
        foreach (var inside in (string[])[path, path + "/image", path + "/a b/c.img", path + "/\n", path + "/" + path]) Assert.NotNull(contexts.Lookup(inside, '-'));
        foreach (var outside in (string[])[.. near, path + "x", "/prefix" + path, path[..^1]]) Assert.Null(contexts.Lookup(outside, '-'));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void ForAPathMatchesThatPathOnly(string path, string[] near)
    {
        var contexts = Rules(PathPattern.ForPath(path));
        Assert.NotNull(contexts.Lookup(path, '-'));
        foreach (var outside in (string[])[.. near, path + "x", path + "/image", "/prefix" + path, path[..^1]]) Assert.Null(contexts.Lookup(outside, '-'));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void HasNothingThatSemanageStumblesOver(string path, string[] near)
    {
        Assert.Matches(@"\A([A-Za-z0-9_/]|\\x[0-9a-f]{2}|\[\\x[0-9a-f]{2}\])+\z", PathPattern.ForPath(path));
        Assert.DoesNotContain("-", PathPattern.ForTree(path), StringComparison.Ordinal);
        Assert.DoesNotContain(PathPattern.ForPath(path), near.Select(PathPattern.ForPath));
    }

    [Fact]
    public void BytesThatAreNoTextAreMatchedAsTheyAre()
    {
        const string path = "/\udcff/\udcc3 x";
        Assert.Equal(@"/[\xff]/\xc3\x20x(/.*)?", PathPattern.ForTree(path));
        Assert.Equal(path, PathPattern.PathOf(PathPattern.ForTree(path)));
        Assert.NotNull(Rules(PathPattern.ForTree(path)).Lookup(path + "/\udcfe\n", '-'));
        Assert.Null(Rules(PathPattern.ForTree(path)).Lookup("/\udcff/\udcc2 x", '-'));
    }

    private static FileContexts Rules(string pattern) => new([new(pattern, null, new("system_u", "object_r", "virt_image_t", "s0"), RuleSource.Local, pattern)], []);
}
