using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>/etc/fstab: read, escaped, and edited by the real scripts on files of ours.</summary>
public sealed class FstabTests
{
    private static readonly string[] Options = ["nodev", "nosuid", "noexec", "nofail"];

    /// <summary>With and without a final newline, comments, old sins, and bytes that are no UTF-8; each character is a byte.</summary>
    public static TheoryData<string> Files =>
    [
        "UUID=6a1f2c1e-8b0a-4f0e-9d7c-2f1f6e1d3a55 / ext4 errors=remount-ro 0 1\n",
        "UUID=6a1f2c1e-8b0a-4f0e-9d7c-2f1f6e1d3a55 / ext4 errors=remount-ro 0 1",
        "# comment\n\n\t\n# /dev/vg/a /virtstorage ext4 defaults 0 0\n",
        "# a DOS file\r\nproc /proc proc defaults 0 0\r\n",
        "# \u00e9 in Latin-1\nproc /proc proc defaults 0 0",
        "not an entry\nproc /proc proc defaults 0 0\n\n",
        "",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task ALineThatWasAddedAndTakenAwayLeavesEveryByteAsItWas(string text)
    {
        var before = Encoding.Latin1.GetBytes(text);
        using var files = new TemporaryDirectory();
        var path = files.Of("fstab");
        var line = LineFor(files);
        File.WriteAllBytes(path, before);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        var lacksNewline = Fstab.LacksFinalNewline(new ToolResult(Fstab.Read(), ToolOutcome.Exited, 0, before, []));

        Succeeds(await RunAsync(Fstab.AppendLine(line), path));
        Assert.Equal([.. before, .. lacksNewline ? "\n"u8 : [], .. Encoding.UTF8.GetBytes(line + "\n")], File.ReadAllBytes(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupRead, File.GetUnixFileMode(path));
        Assert.Equal(line + "\n", (await RunAsync(Fstab.HasLine(line), path)).Stdout);

        Succeeds(await RunAsync(Fstab.RemoveLine(line, lacksNewline), path));
        Assert.Equal(before, File.ReadAllBytes(path));
        Succeeds(await RunAsync(Fstab.RemoveLine(line, lacksNewline), path));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!)); // No copy is left.
    }

    [Fact]
    public async Task WhatOthersAddedSinceStays()
    {
        using var files = new TemporaryDirectory();
        var path = files.Of("fstab");
        File.WriteAllText(path, $"proc /proc proc defaults 0 0\n{LineFor(files)}\n# added since, without a newline");
        Succeeds(await RunAsync(Fstab.RemoveLine(LineFor(files), true), path));
        Assert.Equal("proc /proc proc defaults 0 0\n# added since, without a newline", File.ReadAllText(path));
    }

    [Fact]
    public async Task ALineThatMountWouldNotUnderstandIsRefusedAndTheFileIsAsItWas()
    {
        using var files = new TemporaryDirectory();
        var path = files.Of("fstab");
        File.WriteAllText(path, "proc /proc proc defaults 0 0\n");
        var result = await RunAsync(Fstab.AppendLine("one"), path);
        Assert.Equal("FstabNotValid", ToolFailure.Of(result).Id);
        Assert.Equal("proc /proc proc defaults 0 0\n", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData("/virt storage", @"/virt\040storage")]
    [InlineData("/a\tb", @"/a\011b")]
    [InlineData(@"/a\b", @"/a\134b")]
    [InlineData("/a#b", @"/a\043b")]
    [InlineData("/ü", "/ü")]
    public void FieldsAreEscapedAndReadBack(string field, string escaped)
    {
        var line = Fstab.Line("/dev/vg/a", field, "ext4", ["nodev", "x-a=b"]);
        Assert.Equal($"/dev/vg/a {escaped} ext4 nodev,x-a=b 0 0", line);
        var entry = Assert.Single(Read(line + "\n"));
        Assert.Equal((field, line), (entry.MountPoint, entry.Line));
        Assert.Equal(["nodev", "x-a=b"], entry.Options);
    }

    [Fact]
    public void EntriesAreReadAsMountReadsThem()
    {
        var entries = Read("# comment\n\n  /dev/a\t/a  ext4\n/dev/b /b xfs ro,noatime 0 2 # no comment\r\n   # indented\ntwo words\n/dev/c /c/ ext4\n");
        Assert.Equal([("/dev/a", "/a", "ext4"), ("/dev/b", "/b", "xfs"), ("/dev/c", "/c", "ext4")], entries.Select(entry => (entry.Source, entry.MountPoint, entry.FileSystem)));
        Assert.Equal(["defaults"], entries[0].Options);
        Assert.Equal(["ro", "noatime"], entries[1].Options);
    }

    private static IReadOnlyList<FstabEntry> Read(string text) => Fstab.ReadEntries(new ToolResult(Fstab.Read(), ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(text), []));

    /// <summary>findmnt wants the mount point to be there, as it is when a volume's line is added.</summary>
    private static string LineFor(TemporaryDirectory files) =>
        Fstab.Line("/dev/vg/a", Directory.CreateDirectory(files.Of("mount point")).FullName, "ext4", Options);

    private static void Succeeds(ToolResult result) => Assert.True(result.Succeeded, result.Stderr);

    /// <summary>The very call, on another file than the host's.</summary>
    private static async Task<ToolResult> RunAsync(ToolCall call, string path) =>
        Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call with { Argv = [.. call.Argv.Select(word => word == Fstab.Path ? path : word)] }]));
}
