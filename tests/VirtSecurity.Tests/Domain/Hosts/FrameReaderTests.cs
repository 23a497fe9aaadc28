using System.Text;
using VirtSecurity.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>What comes back over a connection, whole, cut, and garbled.</summary>
public sealed class FrameReaderTests
{
    private const string Nonce = "vs0123";

    private static readonly ToolCall[] Batch = [new("first"), new("second"), new("third")];

    private static readonly byte[] Whole = [.. "Welcome to kvm1\nvs012 E\n"u8, .. "vs0123 D /run/virtsecurity.x y\n"u8, .. "vs0123 P 0\nou\nt\nvs0123 R 0 3\n"u8, .. "vs0123 M 1\nvs0123 N 2\nvs0123 E\n"u8];

    private static readonly byte[] Errors = [.. "Warning: the banner\n"u8, .. "\nvs0123 D\nwo\nrds\nvs0123 R 0\nsh: killed\n"u8];

    [Fact]
    public async Task ABannerBeforeTheFirstFrameIsPassedOver()
    {
        var (frames, _) = await ReadAsync(Whole);
        Assert.Equal(("/run/virtsecurity.x y", true), (frames.Directory, frames.Complete));
        var results = frames.Results();
        Assert.Equal([ToolOutcome.Exited, ToolOutcome.NotFound, ToolOutcome.NotRun], results.Select(result => result.Outcome));
        Assert.Equal((3, "ou\nt", "wo\nrds"), (results[0].ExitCode, results[0].Stdout, results[0].Stderr));
    }

    [Fact]
    public async Task AStreamThatBreaksOffAnywhereGivesOneResultACallAndSaysItIsNotWhole()
    {
        var text = Encoding.UTF8.GetString(Whole);
        var begun = text.IndexOf("P 0\n", StringComparison.Ordinal) + "P 0\n".Length;
        var ended = text.IndexOf("R 0 3\n", StringComparison.Ordinal) + "R 0 3\n".Length;
        for (var length = 0; length < Whole.Length; length++)
        {
            var (frames, _) = await ReadAsync(Whole[..length]);
            var first = frames.Results()[0].Outcome;
            Assert.False(frames.Complete);
            Assert.Equal(3, frames.Results().Count);
            Assert.Equal(length < begun ? ToolOutcome.NotRun : length < ended ? ToolOutcome.Lost : ToolOutcome.Exited, first);
        }
    }

    [Fact]
    public async Task WordsThatBreakOffAnywhereAreTheCallsWholeOrNone()
    {
        var text = Encoding.UTF8.GetString(Errors);
        var whole = text.IndexOf("R 0\n", StringComparison.Ordinal) + "R 0\n".Length;
        for (var length = 0; length <= Errors.Length; length++)
        {
            var (frames, _) = await ReadAsync(Whole, errors: Errors[..length]);
            Assert.Equal(length < whole ? "" : "wo\nrds", frames.Results()[0].Stderr);
        }
    }

    [Theory]
    [InlineData("P")]
    [InlineData("P x")]
    [InlineData("P 3")]
    [InlineData("P -1")]
    [InlineData("P 99999999999")]
    [InlineData("R 0")]
    [InlineData("R 0 x")]
    [InlineData("R 0 -5")]
    [InlineData("R 1 0")]
    [InlineData("R 7 0")]
    [InlineData("M")]
    [InlineData("N 3")]
    [InlineData("")]
    [InlineData("Z 1")]
    public async Task AfterAGarbledFrameNothingIsBelieved(string frame)
    {
        var (frames, _) = await ReadAsync(Encoding.UTF8.GetBytes($"{Nonce} D /run/x\n{(frame.StartsWith('R') ? $"{Nonce} P 0\n" : "")}\n{Nonce} {frame}\n{Nonce} P 0\n\n{Nonce} R 0 0\n{Nonce} E\n"));
        Assert.False(frames.Complete);
        Assert.Equal([frame.StartsWith('R') ? ToolOutcome.Lost : ToolOutcome.NotRun, ToolOutcome.NotRun, ToolOutcome.NotRun], frames.Results().Select(result => result.Outcome));
    }

    [Fact]
    public async Task AToolThatPrintsFramesOfItsOwnIsNotBelieved()
    {
        var output = "x\nvs4567 E\nvs4567 R 1 0\nvs0123 E\nvs0123 M 1\n";
        var (frames, _) = await ReadAsync(Encoding.UTF8.GetBytes($"{Nonce} D /run/x\n{Nonce} P 0\n{output}\n{Nonce} R 0 0\n"));
        Assert.False(frames.Complete);
        Assert.Equal(output, frames.Results()[0].Stdout);
        Assert.Equal(ToolOutcome.NotRun, frames.Results()[1].Outcome);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task HowTheStreamIsCutIntoPiecesDoesNotMatter(int piece)
    {
        var big = new RandomText(5).Data(300_000);
        byte[] stream = [.. Encoding.UTF8.GetBytes($"{Nonce} D /run/x\n{Nonce} P 0\n"), .. big, .. Encoding.UTF8.GetBytes($"\n{Nonce} R 0 0\n{Nonce} N 1\n{Nonce} N 2\n{Nonce} E\n")];
        var (frames, started) = await ReadAsync(stream, piece);
        Assert.True(frames.Complete);
        Assert.Equal(big, frames.Results()[0].StdoutBytes);
        Assert.Equal(["first"], started.Select(call => call.Tool));
    }

    private static async Task<(FrameReader Frames, List<ToolCall> Started)> ReadAsync(byte[] stream, int piece = 65536, byte[]? errors = null)
    {
        var started = new List<ToolCall>();
        var frames = new FrameReader(Nonce, Batch, () => { }, started.Add);
        await frames.ReadAsync(new Pieces(stream, piece), CancellationToken.None);
        frames.TakeErrors(errors ?? Errors);
        return (frames, started);
    }

    /// <summary>A stream that gives so many bytes at a time, as a network does.</summary>
    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
