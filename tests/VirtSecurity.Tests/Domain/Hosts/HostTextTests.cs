using System.Management.Automation;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>A host's bytes are text and bytes again without a loss, whatever they are.</summary>
public sealed class HostTextTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public void AnyBytesComeBack()
    {
        var random = new RandomText(11);
        foreach (var bytes in Enumerable.Range(0, 20_000).Select(i => i % 2 == 0 ? random.Bytes(24) : random.Data(24))) Assert.Equal(bytes, HostText.Encode(HostText.Decode(bytes)));
        for (var first = 0; first < 256; first++)
        {
            for (var second = 0; second < 256; second++) Assert.Equal([(byte)first, (byte)second, (byte)'x'], HostText.Encode(HostText.Decode([(byte)first, (byte)second, (byte)'x'])));
        }
    }

    [Fact]
    public void AnyTextThatBytesHaveComesBackAndDifferentBytesHaveDifferentTexts()
    {
        var random = new RandomText(12);
        var texts = Enumerable.Range(0, 20_000).Select(_ => random.Bytes(6)).DistinctBy(Convert.ToHexString).Select(bytes => HostText.Decode(bytes)).ToArray();
        Assert.All(texts, text => Assert.Equal(text, HostText.Decode(HostText.Encode(text))));
        Assert.Equal(texts.Length, texts.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void WhatIsUtf8IsReadAsItIsAndBytesAsPythonHasThem()
    {
        const string text = "/größe/仮想/\U0001F512\u0001\n\uffff\0";
        Assert.Equal(text, HostText.Decode(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(Encoding.UTF8.GetBytes(text), HostText.Encode(text));
        // PEP 383's own cases: a byte alone, a sequence cut off, one that is too long for its sign, an encoded surrogate, one beyond Unicode.
        Assert.Equal("a\udc80b", HostText.Decode([(byte)'a', 0x80, (byte)'b']));
        Assert.Equal("\udce2\udc82x", HostText.Decode([0xe2, 0x82, (byte)'x']));
        Assert.Equal("\udcc0\udcaf", HostText.Decode([0xc0, 0xaf]));
        Assert.Equal("\udced\udca0\udc80", HostText.Decode([0xed, 0xa0, 0x80]));
        Assert.Equal("\udcf4\udc90\udc80\udc80", HostText.Decode([0xf4, 0x90, 0x80, 0x80]));
        Assert.Equal("\U0001F512\udcff", HostText.Decode([0xf0, 0x9f, 0x94, 0x92, 0xff]));
    }

    // Attributes hold no lone surrogates: these cases are no theories.
    [Fact]
    public void ALoneSurrogateThatIsNoByteNamesNothingThatOtherTextNames() => Assert.All(["\ud83d", "\udd12", "\udc7f", "\ud83d\ud83d"], text =>
    {
        Assert.False(HostText.HasBytes(text));
        Assert.Throws<DecoderFallbackException>(() => new UTF8Encoding(false, true).GetString(HostText.Encode(text)));
    });

    [Fact]
    public void BytesAreSeen()
    {
        Assert.All(["/srv/\udcff", "\udc80", "\U0001F480\udc80"], text => Assert.True(HostText.HasBytes(text)));
        // The second half of U+1F480 is DC80.
        Assert.All(["\U0001F480", "/größe", ""], text => Assert.False(HostText.HasBytes(text)));
    }

    [Fact]
    public void APathThatWentThroughClixmlIsTheSamePath()
    {
        var random = new RandomText(13);
        foreach (var path in Enumerable.Range(0, 500).Select(_ => "/" + HostText.Decode(random.Bytes(20))).Append("/srv/\udcff_x005F_\udcc3/ä\U0001F512\n"))
        {
            var back = Assert.IsType<string>(PSObject.AsPSObject(PSSerializer.Deserialize(PSSerializer.Serialize(path))).BaseObject);
            Assert.Equal(path, back, StringComparer.Ordinal);
        }
    }

    /// <summary>Names of any bytes but NUL and '/', made by a shell, are listed, looked at, asked for by name and taken away again.</summary>
    [Fact]
    public async Task FilesWithAnyNamesAreListedAndFoundAgain()
    {
        using var directory = new TemporaryDirectory();
        var random = new RandomText(14);
        byte[][] names =
        [
            [0xff], [(byte)'\n'], [(byte)' '], [0xc3], [0xc3, 0xa4], [(byte)'a', (byte)'\n', 0x80, (byte)'\n'], [(byte)'-', 0xfe], [(byte)'\\', 0xfd, (byte)'\''],
            .. Enumerable.Range(0, 200).Select(_ => random.Bytes(30)).Where(name => name.Length > 0 && !name.Contains((byte)'/') && !name.AsSpan().SequenceEqual("."u8) && !name.AsSpan().SequenceEqual(".."u8)),
        ];
        var paths = names.Select(name => directory.Of(HostText.Decode(name))).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        var host = new LocalHost(new VirtHost("localhost"), new QuietLog());
        var made = await host.RunAsync([new ToolCall("xargs", "-0", "touch", "--") { Stdin = HostText.Encode(string.Concat(paths.Select(path => path + "\0"))) }], BatchMode.RunAll, Test);
        Assert.True(made[0].Succeeded, made[0].Stderr);

        var results = await host.RunAsync(
            [Coreutils.List(directory.Of(""), 1), Find.Tree(directory.Of("")), Coreutils.Stat(paths), Restorecon.Look(paths), .. paths.Select(Coreutils.Exists)], BatchMode.RunAll, Test);

        // .NET could not take them away.
        await host.RunAsync([new ToolCall("find", directory.Of(""), "-mindepth", "1", "-delete")], BatchMode.RunAll, Test);
        // Where files have no labels, what asks for them fails, but has told the rest.
        Assert.All(results.Take(1).Concat(results.Skip(4)), result => Assert.True(result.Succeeded, result.Stderr));
        Assert.Equal(paths, Coreutils.ReadList(results[0]).Order(StringComparer.Ordinal));
        Assert.Equal(paths, Find.ReadTree(results[1]).Where(entry => entry.FileType == '-').Select(entry => entry.Path).Order(StringComparer.Ordinal));
        Assert.Equal(paths, Coreutils.ReadStat(results[2]).Select(fact => fact.Path));
        Assert.Equal(paths, Restorecon.ReadLook(results[3]).Keys.Order(StringComparer.Ordinal));
        Assert.Equal(paths.Select(path => path + "\n"), results.Skip(4).Select(result => result.Stdout));
    }
}
