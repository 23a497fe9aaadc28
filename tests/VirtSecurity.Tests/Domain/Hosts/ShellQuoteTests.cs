using System.Text;
using VirtSecurity.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>What is quoted for a shell comes out of a shell as it went in.</summary>
public sealed class ShellQuoteTests
{
    private const int Words = 10_000;
    private const int WordsACommand = 500;

    public static TheoryData<string> Shells => Shell.All;

    [Theory]
    [MemberData(nameof(Shells))]
    public void TenThousandRandomWordsComeOutAsTheyWentIn(string shell)
    {
        var random = new RandomText(1);
        var words = Enumerable.Range(0, Words).Select(_ => random.Bytes(40)).ToArray();
        using var script = new MemoryStream();
        foreach (var command in words.Chunk(WordsACommand))
        {
            script.Write(@"printf '%s\0'"u8);
            foreach (var word in command)
            {
                script.WriteByte((byte)' ');
                ShellQuote.Word(script, word);
            }

            script.WriteByte((byte)'\n');
        }

        var (code, output, error) = Shell.Run(shell, script.ToArray());
        Assert.True(code == 0, error);
        Assert.Equal(words.SelectMany(word => word.Append((byte)0)), output);
    }

    [Fact]
    public void ACommandLineThatIsPrintedCanBePasted()
    {
        var random = new RandomText(2);
        var words = Enumerable.Range(0, 500).Select(_ => random.Text(8)).ToArray();
        var (_, output, _) = Shell.Run("/bin/sh", Encoding.UTF8.GetBytes(ShellQuote.Line(["printf", @"%s\0", .. words]) + "\n"));
        Assert.Equal(words, HostText.Decode(output).Split('\0')[..^1]);
    }

    [Fact]
    public void NulCannotBeInAWord() => Assert.Throws<ArgumentException>(() => ShellQuote.Word(new MemoryStream(), "a\0b"u8));

    // Attributes hold no lone surrogates.
    [Fact]
    public void AByteThatIsNoTextIsPrintedAsWhatMakesIt()
    {
        Assert.Equal(@"'/srv/it'\''s'""$(printf '\377\376')""'.img'", ShellQuote.Word("/srv/it's\udcff\udcfe.img"));
        Assert.Equal(@"""$(printf '\200')""", ShellQuote.Word("\udc80"));
        Assert.Equal("'\U0001F480'", ShellQuote.Word("\U0001F480"));
    }

    [Theory]
    [InlineData("/virtstorage", "/virtstorage")]
    [InlineData("a b", "'a b'")]
    [InlineData("", "''")]
    [InlineData("it's", @"'it'\''s'")]
    [InlineData("~root", "'~root'")]
    [InlineData("#", "'#'")]
    [InlineData("ä", "'ä'")]
    public void OnlyWhatNeedsItIsQuotedForPrint(string word, string printed) => Assert.Equal(printed, ShellQuote.Word(word));
}
