using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>Patterns are read as libselinux has PCRE read them, over bytes; what is not understood is an error where it might matter, never a guess.</summary>
public sealed class PatternTests
{
    /// <summary>Seen with matchpathcon 3.4: a first name is compared as it is written, unless there is a meta character in it.</summary>
    [Theory]
    [InlineData(@"/vm\x2ddata/images(/.*)?", "/vm-data/images/x", false)]
    [InlineData(@"/vm[\x2d]data/images(/.*)?", "/vm-data/images/x", true)]
    [InlineData(@"/vm\x2ddata(/.*)?", "/vm-data/x", true)]
    [InlineData(@"/vm\x2ddata", "/vm-data", true)]
    [InlineData(@"/vm\-data/images", "/vm-data/images", false)]
    [InlineData(@"/vm\.data/images", "/vm.data/images", true)]
    [InlineData("/a/b|/c/d", "/c/d", false)]
    [InlineData("/a/b|/c/d", "/a/c/d", true)]
    [InlineData("/a|/c/d", "/x/c/d", true)]
    [InlineData("/a|/c/d", "/a/x", true)]
    public void ARuleIsTriedForPathsWithItsFirstName(string pattern, string path, bool isMatch) => Assert.Equal(isMatch, Matches(pattern, path));

    [Theory]
    [InlineData("/(?=x)x", "look-around")]
    [InlineData(@"/(x)\1", "a back reference")]
    [InlineData("/x++", "possessive")]
    [InlineData("/(?i)x", "an option")]
    [InlineData("/x(", "not closed")]
    [InlineData("/[x", "not closed")]
    [InlineData("/x{3,2}", "out of range")]
    [InlineData("/[z-a]", "no range")]
    [InlineData(@"/\p{L}", "a property")]
    [InlineData("/x$y", "an anchor inside")]
    public void APatternThatIsNotUnderstoodIsAnErrorWhereItMightWin(string pattern, string why)
    {
        var rules = FileContextsText.ReadRules($"/.*\tsystem_u:object_r:first_t:s0\n{pattern}\tsystem_u:object_r:x_t:s0\n/y/.*\tsystem_u:object_r:later_t:s0\n", RuleSource.Local);
        var contexts = new FileContexts(rules, []);
        var problem = Assert.Throws<VirtException>(() => contexts.Lookup("/x", '-'));
        Assert.StartsWith("Line 2 of the host's file_contexts.local ", problem.Message, StringComparison.Ordinal);
        // libselinux, too, reads no pattern before it comes to it, and begins at the end.
        Assert.True(contexts.Lookup("/y/z", '-')?.Context?.Type == "later_t", why);
    }

    /// <summary>It comes first for every path; where PCRE does not understand it either, each of matchpathcon's lookups fails.</summary>
    [Theory]
    [InlineData("/x)")]
    [InlineData(@"/x\b")]
    public void OneWithoutMetaCharactersThatIsNotUnderstoodIsAnErrorForEveryPath(string pattern) =>
        Assert.Throws<VirtException>(() => Matches(pattern, "/y/z"));

    [Theory]
    [InlineData(@"/\d\d", "/12", "/1٣")]
    [InlineData(@"/\w+", "/a_9", "/ä")]
    [InlineData(@"/\s", "/\v", "/\u0085")]
    [InlineData(@"/[[:alpha:]][[:^alpha:]]", "/a1", "/aa")]
    [InlineData(@"/[^\w.]", "/-", "/.")]
    [InlineData(@"/[]a]", "/]", "/[")]
    [InlineData(@"/[a\]]", "/]", @"/\")]
    [InlineData("/x{2}", "/xx", "/x{2}")]
    [InlineData("/x{2,}y", "/xxxy", "/xy")]
    [InlineData("/x{1,2}?", "/xx", "/xxx")]
    [InlineData("/x{", "/x{", "/x")]
    [InlineData("/x{a}", "/x{a}", "/xa")]
    [InlineData("/(?:a|b)+?c", "/abac", "/c")]
    [InlineData("/(a|)b", "/b", "/aab")]
    [InlineData("/a-z", "/a-z", "/m")]
    [InlineData("/[a-]", "/-", "/b")]
    [InlineData(@"/[\x80-\xff]{2}", "/ä", "/a")]
    [InlineData(@"/\t", "/\t", "/t")]
    [InlineData("/X", "/X", "/x")]
    public void PatternsAreReadAsPcreReadsThemOverBytes(string pattern, string path, string near)
    {
        Assert.True(Matches(pattern, path));
        Assert.False(Matches(pattern, near));
    }

    // Attributes hold no lone surrogates.
    [Fact]
    public void AByteIsOneWhetherItIsTextOrNot()
    {
        Assert.True(Matches(@"/\xe4", "/\udce4"));
        Assert.False(Matches(@"/\xe4", "/ä"));
        Assert.True(Matches("/...", "/\udcffä"));
        Assert.True(Matches(@"/[^a]\W", "/\udcff\udcc3"));
        Assert.False(Matches(@"/\w", "/\udcaa"));
    }

    private static bool Matches(string pattern, string path) =>
        new FileContexts([new(pattern, null, new("system_u", "object_r", "x_t", "s0"), RuleSource.Policy, pattern)], []).Lookup(path, '-') is not null;
}
