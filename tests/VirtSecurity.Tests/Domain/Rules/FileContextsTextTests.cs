using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The files' lines are read as libselinux reads them; what it refuses is refused, by file and line.</summary>
public sealed class FileContextsTextTests
{
    [Theory]
    [InlineData("/a/x", "/c/x", "/a /c")]
    [InlineData("/root/x", "/x", "/root /")]
    [InlineData("/root", "/", "/root /")]
    [InlineData("/slash/x", "/slash/x", "")]
    [InlineData("/a//x/", "/c/x", "/a /c")]
    public void OfAListTheLastLineThatCoversThePathDoesIt(string path, string resolved, string line)
    {
        // A name with a slash behind it covers paths with two of them, which no path has.
        var list = FileContextsText.ReadEquivalences("/a /b\n  /a\t/c  more\n# /a /d\n/root /\n/slash/ /e\nalone\n", "file_contexts.subs");
        var match = new FileContexts([], [list, []]).Match(path, '-');
        Assert.Equal(resolved, match.LookedUpAs);
        Assert.Equal(line, string.Concat(match.By.Select(by => $"{by.Path} {by.Target}")));
        Assert.All(match.By, by => Assert.Equal(("file_contexts.subs", by.Path == "/a" ? 2 : 4), (by.File, by.Line)));
    }

    [Theory]
    [InlineData("/x", 1)]
    [InlineData("#\n\n/x\t-x\tsystem_u:object_r:x_t:s0", 3)]
    [InlineData("/x\tno-context", 1)]
    [InlineData("/x\t--\tno-context", 1)]
    [InlineData("/ä\tsystem_u:object_r:x_t:s0", 1)]
    [InlineData("/a\t<<none>>\n/x\t---\t<<none>>", 2)]
    public void ALineThatLibselinuxRefusesIsAnErrorWithItsFileAndNumber(string text, int line)
    {
        var problem = Assert.Throws<VirtException>(() => FileContextsText.ReadRules(text, RuleSource.HomeDirectories));
        Assert.Equal("FileContextNotUnderstood", problem.Id);
        Assert.StartsWith($"Line {line} of the host's file_contexts.homedirs ", problem.Message, StringComparison.Ordinal);
        Assert.Contains(text.Split('\n')[line - 1], problem.Message, StringComparison.Ordinal);
    }
}
