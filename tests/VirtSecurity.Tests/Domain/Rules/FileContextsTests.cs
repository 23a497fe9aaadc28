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
        Assert.NotNull(contexts.Lookup("/x/\n\ny", '-'));
        // Without DOLLAR_ENDONLY PCRE's $ also stands before a newline that is the last byte, and before no other.
        Assert.NotNull(contexts.Lookup("/x/y\n", '-'));
        Assert.Null(contexts.Lookup("/x/y\n\n", '-'));
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

    [Fact]
    public void TheAnswerSaysWhichLineOfWhichFileItIs()
    {
        var rules = FileContextsText.ReadRules("# ours\n\n/srv/vm(/.*)?\t--\tsystem_u:object_r:local_t:s0\n", RuleSource.Local);
        var contexts = new FileContexts([Rule("/srv(/.*)?", "srv_t"), .. rules], [[new("/vm", "/srv/vm") { File = "file_contexts.subs", Line = 7 }], []]);

        var match = contexts.Match("/vm/x", '-');

        Assert.Equal((RuleSource.Local, "file_contexts.local", 3), (match.Rule!.Source, match.Rule.File, match.Rule.Line));
        Assert.Equal("/srv/vm/x", match.LookedUpAs);
        Assert.Equal(("file_contexts.subs", 7), (Assert.Single(match.By).File, match.By[0].Line));
        Assert.Equal((RuleSource.Policy, 0), (contexts.Match("/srv/x", '-').Rule!.Source, contexts.Match("/srv/x", '-').By.Count));
    }

    [Fact]
    public void ARuleWithAFileTypeDoesNotHideOneForAllTypes()
    {
        var contexts = Contexts(Rule("/x/y", "any_t"), Rule("/x/y", "dir_t", fileType: 'd'), Rule("/x/y", "link_t", fileType: 'l'), Rule("/x/y", "last_t", fileType: 'd'));
        Assert.Equal(("any_t", "last_t", "link_t"), (TypeOf(contexts, "/x/y"), TypeOf(contexts, "/x/y", 'd'), TypeOf(contexts, "/x/y", 'l')));
    }

    [Fact]
    public async Task ManyThreadsGetTheAnswersOfOne()
    {
        var contexts = FileContextsOfDebian();
        var alone = Debian12.Answers.Select(answer => Debian12.FileContexts.Lookup(answer.Path, answer.FileType)).ToArray();
        var together = await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
            Debian12.Answers.Select((_, i) => (i + (thread * 37)) % Debian12.Answers.Count).ToDictionary(i => i, i => contexts.Lookup(Debian12.Answers[i].Path, Debian12.Answers[i].FileType)), TestContext.Current.CancellationToken)));
        Assert.All(together, answers => Assert.All(answers, answer => Assert.Equal(alone[answer.Key], answer.Value)));
    }

    /// <summary>Time a lookup does not grow with the number of rules: a thousand times as many may not cost ten times as much.</summary>
    [Fact]
    public void AHostWithManyLocalRulesIsNoSlower()
    {
        var few = Time(Contexts([.. Local(20)]));
        var many = Time(Contexts([.. Local(20_000)]));
        Assert.True(many < (10 * few) + TimeSpan.FromMilliseconds(200), $"{few} for few rules, {many} for many");

        static IEnumerable<FileContextRule> Local(int count) => Enumerable.Range(0, count).Select(i => Rule($"/srv/vm{i}(/.*)?", $"t{i}_t", RuleSource.Local));
        static TimeSpan Time(FileContexts contexts)
        {
            for (var i = 0; i < 20; i++) contexts.Lookup($"/srv/vm{i}/image", '-');
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (var i = 0; i < 100_000; i++) contexts.Lookup($"/srv/vm{i % 20}/image", '-');
            return clock.Elapsed;
        }
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
        Assert.Contains(": /x(", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARuleToComeTakesThePlaceOfOneWithItsPatternOrTheLast()
    {
        var contexts = Contexts(Rule("/x(/.*)?", "old_t", RuleSource.Local), Rule("/x/y(/.*)?", "later_t", RuleSource.Local));
        Assert.Equal("new_t", TypeOf(contexts.With("/x(/.*)?", "new_t"), "/x/z"));
        Assert.Equal("later_t", TypeOf(contexts.With("/x(/.*)?", "new_t"), "/x/y"));
        Assert.Equal("new_t", TypeOf(contexts.With("/x/.*", "new_t"), "/x/y"));
    }

    /// <summary>Read anew: nobody has asked it anything yet.</summary>
    private static FileContexts FileContextsOfDebian() => new(Debian12.FileContexts.Rules, Debian12.FileContexts.Equivalences);

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
