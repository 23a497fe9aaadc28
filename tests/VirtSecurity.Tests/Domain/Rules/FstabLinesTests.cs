using System.Text;
using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>Lines of /etc/fstab taken away and put back, by the real scripts on files of ours; each character of a text is a byte.</summary>
public sealed class FstabLinesTests
{
    /// <summary>A file, the numbers of the lines to take, and what is left then.</summary>
    public static TheoryData<string, int[], string> Files => new()
    {
        { "a\nb\nc\n", [2], "a\nc\n" },
        { "a\nb\nc", [2], "a\nc" },
        { "a\nb\nc", [3], "a\nb\n" },
        { "a\n", [1], "" },
        { "a", [1], "" },
        { "# x\r\n/dev/a\t/a  ext4 \r\n\r\nlast", [2], "# x\r\n\r\nlast" },
        { "# x\r\n/dev/a /a ext4\r\n\r\nlast", [4], "# x\r\n/dev/a /a ext4\r\n\r\n" },
        { "\n\n\nline\n\n\n", [4], "\n\n\n\n\n" },
        { "same\nx\nsame\ny\n", [1, 3], "x\ny\n" },
        { "same\nsame\nsame", [1, 2, 3], "" },
        { "# \u00e9 \u00ff in Latin-1\n-e [a]*\\(.$\nb\n", [2], "# \u00e9 \u00ff in Latin-1\nb\n" },
        { "a # \u00e9\nb\n", [1], "b\n" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task LinesTakenAwayAndPutBackLeaveEveryByteAsItWas(string text, int[] numbers, string left)
    {
        using var file = new FstabFile(text);
        Assert.False(await file.AreGoneAsync(numbers));
        await file.RunAsync(FstabLines.TakeLines(file.AsRead, numbers));
        Assert.Equal(left, file.Text);
        Assert.True(await file.AreGoneAsync(numbers));
        await file.RunAsync(FstabLines.TakeLines(file.AsRead, [numbers[0]]));
        await file.RunAsync(FstabLines.PutLines(file.AsRead, numbers));
        Assert.Equal(text, file.Text);
        Assert.False(await file.AreGoneAsync(numbers));
        await file.RunAsync(FstabLines.PutLines(file.AsRead, numbers));
        Assert.Equal(text, file.Text);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupRead, File.GetUnixFileMode(file.Path));
        Assert.Single(Directory.GetFiles(System.IO.Path.GetDirectoryName(file.Path)!)); // No copy is left.
    }

    [Theory]
    [InlineData("new\na\nb\nc\nd\n", "new\na\nb\nc\nd\n")] // The line has moved down: it is found, and nothing is taken twice.
    [InlineData("new\na\nb\nd\nx", "new\na\nb\nc\nd\nx")]
    [InlineData("d\n", "c\nd\n")] // All above it are gone.
    [InlineData("b", "b\nc\n")]
    [InlineData("", "c\n")]
    [InlineData("a\nb # changed\nd\n", "a\nc\nb # changed\nd\n")]
    public async Task WhatOthersEditedSinceStays(string since, string expected)
    {
        using var file = new FstabFile("a\nb\nc\nd\n");
        await file.RunAsync(FstabLines.TakeLines(file.AsRead, [3]));
        file.Text = since;
        await file.RunAsync(FstabLines.PutLines(file.AsRead, [3]));
        Assert.Equal(expected, file.Text);
    }

    [Fact]
    public async Task ALastLineWithoutItsNewlineComesBackAheadOfWhatWasAddedSince()
    {
        using var file = new FstabFile("a\nb");
        await file.RunAsync(FstabLines.TakeLines(file.AsRead, [2]));
        file.Text = "a\nadded";
        await file.RunAsync(FstabLines.PutLines(file.AsRead, [2]));
        Assert.Equal("a\nb\nadded", file.Text);
    }

    [Fact]
    public async Task LinesOfSeveralObjectsComeBackInAnyOrder()
    {
        const string text = "top\n1\n2\n3\nbottom\n";
        foreach (var order in (int[][])[[2, 3, 4], [4, 3, 2], [3, 2, 4], [3, 4, 2]])
        {
            using var file = new FstabFile(text);
            foreach (var number in (int[])[2, 3, 4]) await file.RunAsync(FstabLines.TakeLines(file.AsRead, [number]));
            Assert.Equal("top\nbottom\n", file.Text);
            foreach (var number in order) await file.RunAsync(FstabLines.PutLines(file.AsRead, [number]));
            Assert.Equal(text, file.Text);
        }
    }

    private sealed class FstabFile : IDisposable
    {
        private readonly TemporaryDirectory files = new();

        public FstabFile(string text)
        {
            Path = files.Of("fstab");
            AsRead = Encoding.Latin1.GetBytes(text);
            Text = text;
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        }

        public string Path { get; }

        public byte[] AsRead { get; }

        public string Text
        {
            get => Encoding.Latin1.GetString(File.ReadAllBytes(Path));
            set => File.WriteAllBytes(Path, Encoding.Latin1.GetBytes(value));
        }

        public async Task<bool> AreGoneAsync(int[] numbers) => Change.IsInPlace(await CallAsync(FstabLines.AreGone(AsRead, numbers)))!.Value;

        public async Task RunAsync(ToolCall call)
        {
            var result = await CallAsync(call);
            Assert.True(result.Succeeded, result.Stderr);
        }

        public void Dispose() => files.Dispose();

        /// <summary>The very call, on another file than the host's.</summary>
        private async Task<ToolResult> CallAsync(ToolCall call) =>
            Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call with { Argv = [.. call.Argv.Select(word => word == Fstab.Path ? Path : word)] }]));
    }
}
