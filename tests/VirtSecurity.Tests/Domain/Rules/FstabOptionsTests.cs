using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The options of a line that is there, changed by the real script on files of ours: that line, and no other byte.</summary>
public sealed class FstabOptionsTests
{
    private const string Line = "/dev/vg/a\t/  ext4 defaults,exec 0 0";
    private const string Better = "/dev/vg/a\t/  ext4 defaults,nodev,nosuid,noexec 0 0";

    // {0} is the line; each character is a byte.
    public static TheoryData<string> Files =>
    [
        "{0}\n", "{0}", "{0}\r\n", "{0}\r", "# before\n{0}\n# after", "proc /proc proc defaults 0 0\n{0}\nproc /proc proc defaults 0 0\n", "# \u00e9 in Latin-1\r\n{0}\r\n\r\n", "{0}\n{0}x\n{0} \n# {0}\n", "\n\n{0}\n\n",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task TheLineIsReplacedAndPutBackAndEveryOtherByteStays(string format)
    {
        using var files = new TemporaryDirectory();
        var path = files.Of("fstab");
        var at = format.IndexOf("{0}", StringComparison.Ordinal);
        var before = Encoding.Latin1.GetBytes(format.Replace("{0}", Line, StringComparison.Ordinal));
        var after = Encoding.Latin1.GetBytes(string.Concat(format.AsSpan(0, at), Better, format[(at + 3)..].Replace("{0}", Line, StringComparison.Ordinal)));
        File.WriteAllBytes(path, before);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);

        Assert.Equal("", (await RunAsync(FstabOptions.HasLine(Better), path)).Stdout);
        foreach (var _ in (int[])[1, 2])
        {
            Succeeds(await RunAsync(FstabOptions.ReplaceLine(Line, Better), path), format);
            Assert.Equal(Encoding.Latin1.GetString(after), Encoding.Latin1.GetString(File.ReadAllBytes(path)));
            if (format.Split("{0}").Length > 2) break;
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupRead, File.GetUnixFileMode(path));
        Assert.Equal(Better, (await RunAsync(FstabOptions.HasLine(Better), path)).Stdout.TrimEnd('\r', '\n'));
        Succeeds(await RunAsync(FstabOptions.ReplaceLine(Better, Line), path), format);
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!)); // No copy is left.
    }

    [Fact]
    public async Task ALineThatIsGoneSinceIsAFailureAndTheFileIsAsItWas()
    {
        using var files = new TemporaryDirectory();
        var path = files.Of("fstab");
        File.WriteAllText(path, "# " + Line + "\n");
        var result = await RunAsync(FstabOptions.ReplaceLine(Line, Better), path);
        Assert.Equal((1, "ToolFailed"), (result.ExitCode, ToolFailure.Of(result).Id));
        Assert.Contains("no such line any more", result.Stderr, StringComparison.Ordinal);
        Assert.Equal("# " + Line + "\n", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData("/dev/vg/a /v ext4 defaults 0 0", "/dev/vg/a /v ext4 defaults,nodev,noexec 0 0")]
    [InlineData("  /dev/vg/a\t/v   ext4\tnofail,exec,dev,suid,x-a=b\t0 2 # why", "  /dev/vg/a\t/v   ext4\tnofail,suid,x-a=b,nodev,noexec\t0 2 # why")]
    [InlineData("/dev/vg/a /v ext4 exec", "/dev/vg/a /v ext4 nodev,noexec")]
    [InlineData("/dev/vg/a /v ext4", "/dev/vg/a /v ext4 nodev,noexec")]
    [InlineData("/dev/vg/a /v ext4 \t", "/dev/vg/a /v ext4 nodev,noexec")]
    [InlineData(@"/dev/vg/a /v\040w ext4 noexec,exec,a\040b 0 0", @"/dev/vg/a /v\040w ext4 a\040b,nodev,noexec 0 0")]
    public void OnlyTheOptionsOfALineChange(string line, string with) => Assert.Equal(with, FstabOptions.With(line, ["nodev", "noexec"]));

    private static void Succeeds(ToolResult result, string format) => Assert.True(result.Succeeded, format + result.Stderr);

    /// <summary>The very call, on another file than the host's.</summary>
    private static async Task<ToolResult> RunAsync(ToolCall call, string path) =>
        Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call with { Argv = [.. call.Argv.Select(word => word == Fstab.Path ? path : word)] }]));
}
