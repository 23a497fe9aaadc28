using System.IO.Compression;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>A walk over trees: what it finds, what it could not read, and what becomes of an answer that is not whole.</summary>
public sealed class FindTests
{
    private const string Answer = "d0 3 65024:2\0system_u:object_r:virt_image_t:s0\0/images\0f1 1 65024:7\0system_u:object_r:svirt_image_t:s0:c1,c2\0/images/a\nb.img\0l1 1 65024:8\0\0/images/l\0"
        + "b0 1 6:9\0system_u:object_r:fixed_disk_device_t:s0\0/dev/vdb\0";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TreesAreReadWhetherTheyCamePackedOrNot(bool isPacked)
    {
        var found = Find.ReadTrees(Said(isPacked ? Pack(Answer) : Encoding.UTF8.GetBytes(Answer)));
        Assert.Equal(["/images", "/dev/vdb"], found.Trees.Keys);
        Assert.Equal(
            [("/images", 'd', "virt_image_t", 2UL, 3), ("/images/a\nb.img", '-', "svirt_image_t", 7UL, 1), ("/images/l", 'l', null, 8UL, 1)],
            found.Trees["/images"].Select(entry => (entry.Path, entry.FileType, entry.Context?.Type, entry.Inode.Number, entry.Names)));
        Assert.Equal("s0:c1,c2", found.Trees["/images"][1].Context!.Range);
        Assert.Equal(65024UL, found.Trees["/images"][1].Inode.Device);
        Assert.Empty(found.Unreadable);
    }

    [Fact]
    public void WhatIsGoneIsNotAmongThemAndWhatCannotBeReadIsNamed()
    {
        var found = Find.ReadTrees(Said(Encoding.UTF8.GetBytes(Answer), 123, "find: '/gone': No such file or directory\nfind: '/images/theirs': Permission denied\n"));
        Assert.Equal(2, found.Trees.Count);
        Assert.Equal(["find: '/images/theirs': Permission denied"], found.Unreadable);
    }

    [Fact]
    public void AnAnswerThatIsNotWholeIsNoAnswer()
    {
        var cut = Encoding.UTF8.GetBytes(Answer);
        for (var length = 1; length < cut.Length; length++)
        {
            // A record's end is the only place where nothing is missing.
            if (cut[..length].Count(value => value == 0) % 3 == 0 && cut[length - 1] == 0) continue;
            Assert.Throws<FormatException>(() => Find.ReadTrees(Said(cut[..length])));
        }

        var packed = Pack(Answer);
        Assert.ThrowsAny<Exception>(() => Find.ReadTrees(Said(packed[..(packed.Length / 2)])));
        Assert.Throws<FormatException>(() => Find.ReadTrees(Said([], 1)));
    }

    [Fact]
    public void ATreeThatIsLargerThanTheBufferIsReadWhole()
    {
        var paths = Enumerable.Range(0, 20_000).Select(i => $"/images/{new string('n', 100)}{i}").ToArray();
        var text = string.Concat(paths.Select((path, i) => $"f{(i == 0 ? 0 : 1)} 1 65024:{i}\0system_u:object_r:virt_image_t:s0\0{path}\0"));
        var tree = Find.ReadTrees(Said(Pack(text))).Trees[paths[0]];
        Assert.Equal(paths, tree.Select(entry => entry.Path));
        Assert.Single(tree.Select(entry => entry.Context).Distinct(ReferenceEqualityComparer.Instance));
    }

    /// <summary>The real script and the real find; labels are not there, which is what such a host says.</summary>
    [Fact]
    public async Task TheScriptWalksEachTreeOnItsOwnAndGoesOnAfterWhatIsGone()
    {
        using var files = new TemporaryDirectory();
        Directory.CreateDirectory(files.Of("one/two"));
        File.WriteAllText(files.Of("one/two/new\nline"), "");
        File.WriteAllText(files.Of("one/-delete"), "");
        File.CreateSymbolicLink(files.Of("link"), files.Of("one"));
        string[] asked = [files.Of("one"), files.Of("link"), files.Of("gone")];

        var results = await ShellBatch.RunAsync("/bin/sh", false, [Find.Trees(asked, recurse: true, follow: true), Find.Trees(asked, recurse: false, follow: false)], BatchMode.RunAll);

        var all = Find.ReadTrees(results[0]);
        Assert.Equal(asked[..2].Order(StringComparer.Ordinal), all.Trees.Keys.Order(StringComparer.Ordinal));
        Assert.All(asked[..2], root => Assert.Equal(
            new[] { root, root + "/-delete", root + "/two", root + "/two/new\nline" }.Order(StringComparer.Ordinal), all.Trees[root].Select(entry => entry.Path).Order(StringComparer.Ordinal)));
        Assert.DoesNotContain(all.Unreadable, line => line.Contains("gone", StringComparison.Ordinal));
        var alone = Find.ReadTrees(results[1]);
        Assert.Equal(('d', 'l'), (Assert.Single(alone.Trees[asked[0]]).FileType, Assert.Single(alone.Trees[asked[1]]).FileType));
        Assert.NotEqual(0, results[1].ExitCode);
    }

    private static ToolResult Said(byte[] output, int code = 0, string error = "") => new(Find.Trees([], true, true), ToolOutcome.Exited, code, output, Encoding.UTF8.GetBytes(error));

    private static byte[] Pack(string text)
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionMode.Compress)) zip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }
}
