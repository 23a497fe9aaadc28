using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>Which rule gives a path its label, as libselinux decides it.</summary>
public sealed class FileContextsTests
{
    [Fact]
    public void TheLookupAnswersAsMatchpathconDoes()
    {
        var wrong = Debian12.Answers.Select(answer => (answer, ours: Ours(answer.Path, answer.FileType)))
            .Where(pair => pair.ours != pair.answer.Answer)
            .Select(pair => $"{pair.answer.FileType} {pair.answer.Path}: {pair.ours}, but matchpathcon says {pair.answer.Answer}").ToArray();
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        Assert.True(Debian12.Answers.Count > 300);
    }

    [Fact]
    public void TheLastMatchWins() => Assert.Equal("b_t", TypeOf(Contexts(Rule("/x(/.*)?", "a_t"), Rule("/x/y(/.*)?", "b_t")), "/x/y/z"));

    [Fact]
    public void ARuleWithoutMetaCharactersComesAfterAllOthers()
    {
        var contexts = Contexts(Rule("/x/y", "literal_t"), Rule("/x(/.*)?", "tree_t"), Rule(@"/x/a\.b", "escaped_t"), Rule(@"/x/.*", "below_t"));
        Assert.Equal("literal_t", TypeOf(contexts, "/x/y"));
        Assert.Equal("escaped_t", TypeOf(contexts, "/x/a.b"));
        Assert.Equal("below_t", TypeOf(contexts, "/x/aXb"));
    }

    [Fact]
    public void ALocalRuleComesAfterThePolicys() =>
        Assert.Equal("local_t", TypeOf(Contexts(Rule("/x(/.*)?", "policy_t"), Rule("/x(/.*)?", "local_t", RuleSource.Local)), "/x/y"));

    [Fact]
    public void ARuleForAFileTypeIsForThatTypeOnly()
    {
        var contexts = Contexts(Rule("/x(/.*)?", "any_t"), Rule("/x/.*", "dir_t", fileType: 'd'));
        Assert.Equal("dir_t", TypeOf(contexts, "/x/y", 'd'));
        Assert.Equal("any_t", TypeOf(contexts, "/x/y", '-'));
    }

    [Fact]
    public void NoneIsARuleThatGivesNoLabel()
    {
        var contexts = Contexts(Rule("/x(/.*)?", "any_t"), new FileContextRule("/x/none/.*", null, null, RuleSource.Policy, "/x/none/.* <<none>>"));
        Assert.NotNull(contexts.Lookup("/x/none/y", '-'));
        Assert.Null(contexts.Lookup("/x/none/y", '-')!.Context);
        Assert.Null(contexts.Lookup("/y", '-'));
    }

    [Fact]
    public void APatternIsForTheWholePathWithAllItsLines()
    {
        var contexts = Contexts(Rule("/x/[^/]*y", "x_t"));
        Assert.Null(contexts.Lookup("/x/yz", '-'));
        Assert.Null(contexts.Lookup("/a/x/y", '-'));
        Assert.Null(contexts.Lookup("/x/y\n", '-'));
    }

    [Theory]
    [InlineData("/var/run", "/var/run")]
    [InlineData("/run", "/var/run")]
    [InlineData("/run/x", "/var/run/x")]
    [InlineData("/runx", "/runx")]
    [InlineData("/mine/x", "/var/run/x")]
    public void EquivalencesAreLookedUpByWholeNamesAndEachListOnce(string path, string resolved)
    {
        var contexts = new FileContexts([], [[new("/mine", "/run")], [new("/run", "/var/run"), new("/var/run", "/never")]]);
        Assert.Equal(path == "/var/run" ? "/never" : resolved, contexts.Resolve(path));
    }

    [Theory]
    [InlineData("/a|/b", "/b")]
    [InlineData("/ab?c", "/ac")]
    [InlineData("/ab*c", "/ac")]
    [InlineData("/(a|b)/c", "/b/c")]
    [InlineData(@"/a\+b", "/a+b")]
    [InlineData("/[ab]c", "/bc")]
    [InlineData(@"/\xc3\xa4", "/ä")]
    [InlineData("/.", "/x")]
    public void WhatAPatternBeginsWithIsNotTakenTooLiterally(string pattern, string path) => Assert.Equal("x_t", TypeOf(Contexts(Rule(pattern, "x_t")), path));

    [Fact]
    public void APatternThatIsNoneIsAnErrorWithItsLine()
    {
        var problem = Assert.Throws<VirtException>(() => Contexts(Rule("/x(", "x_t")).Lookup("/x(", '-'));
        Assert.Equal("FileContextNotUnderstood", problem.Id);
        Assert.Contains("/x(", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARuleToComeTakesThePlaceOfOneWithItsPatternOrTheLast()
    {
        var contexts = Contexts(Rule("/x(/.*)?", "old_t", RuleSource.Local), Rule("/x/y(/.*)?", "later_t", RuleSource.Local));
        Assert.Equal("new_t", TypeOf(contexts.With("/x(/.*)?", "new_t"), "/x/z"));
        Assert.Equal("later_t", TypeOf(contexts.With("/x(/.*)?", "new_t"), "/x/y"));
        Assert.Equal("new_t", TypeOf(contexts.With("/x/.*", "new_t"), "/x/y"));
    }

    private static FileContexts Contexts(params FileContextRule[] rules) => new(rules, []);

    private static FileContextRule Rule(string pattern, string type, RuleSource source = RuleSource.Policy, char? fileType = null) =>
        new(pattern, fileType, new SecurityContext("system_u", "object_r", type, "s0"), source, pattern);

    private static string? TypeOf(FileContexts contexts, string path, char fileType = '-') => contexts.Lookup(path, fileType)?.Context?.Type;

    private static string Ours(string path, char fileType) => Debian12.FileContexts.Lookup(path, fileType) switch
    {
        null => "none: No such file or directory",
        { Context: null } => "<<none>>",
        var rule => rule.Context.ToString(),
    };
}
