using System.Buffers;
using System.Globalization;
using System.Text;

namespace VirtSecurity.Hosts;

/// <summary>Reads the frames that the script of <see cref="SshScript"/> prints. What comes before the first (a login banner) is passed over.</summary>
internal sealed class FrameReader(string nonce, IReadOnlyList<ToolCall> batch, Action begun, Action<ToolCall> started)
{
    private const int TimedOutCode = 124;   // timeout(1)
    private const int KilledCode = 137;     // 128 + SIGKILL: timeout -k had to
    private const int NotFoundCode = 127;

    private readonly ToolResult?[] results = new ToolResult?[batch.Count];
    private readonly byte[] endMark = Encoding.ASCII.GetBytes($"\n{nonce} R ");
    private readonly byte[] mark = Encoding.ASCII.GetBytes($"\n{nonce} ");
    private int running = -1;

    /// <summary>Where the script keeps its files on the host; null until it has begun.</summary>
    public string? Directory { get; private set; }

    /// <summary>The script said that it came to its end.</summary>
    public bool Complete { get; private set; }

    /// <summary>The call that runs now; null between calls.</summary>
    public ToolCall? Running => running < 0 ? null : batch[running];

    /// <summary>Reads until the stream ends. Where it breaks off in a frame, or a frame is garbled, it ends there: nothing after that can be trusted.</summary>
    public async Task ReadAsync(Stream stream, CancellationToken stop)
    {
        var reader = new ByteReader(stream);
        while (await reader.LineAsync(stop).ConfigureAwait(false) is { } line)
        {
            if (!line.StartsWith(nonce + " ", StringComparison.Ordinal)) continue;
            if (!await FrameAsync(line.Split(' '), reader, stop).ConfigureAwait(false)) return;
        }
    }

    /// <summary>Gives each call what was said on standard error between its beginning and its end; the rest is nobody's.</summary>
    public void TakeErrors(ReadOnlySpan<byte> bytes)
    {
        for (var next = bytes.IndexOf(mark); next >= 0;)
        {
            bytes = bytes[(next + mark.Length)..];
            bytes = bytes[(bytes.IndexOf((byte)'\n') + 1)..];
            next = bytes.IndexOf(mark);
            if (next < 0) return;
            var line = bytes[(next + mark.Length)..];
            var end = line.IndexOf((byte)'\n');
            if (end < 0 || Encoding.UTF8.GetString(line[..end]).Split(' ') is not ["R", var i] || !IsCall(i, out var index)) return;
            if (results[index] is { } result) results[index] = result with { StderrBytes = bytes[..next].ToArray() };
        }
    }

    /// <summary>One result a call: what has no frame was either running when the connection broke, or never begun.</summary>
    public IReadOnlyList<ToolResult> Results() =>
        [.. batch.Select((call, i) => results[i] ?? ToolResult.Of(call, i == running ? ToolOutcome.Lost : ToolOutcome.NotRun))];

    private async Task<bool> FrameAsync(string[] words, ByteReader reader, CancellationToken stop)
    {
        switch (words)
        {
            case [_, "D", .. var directory]:
                Directory = string.Join(' ', directory);
                begun();
                return true;
            case [_, "E"]:
                Complete = true;
                return true;
            case [_, "P", var i] when IsCall(i, out var index):
                running = index;
                started(batch[index]);
                if (await reader.UntilAsync(endMark, stop).ConfigureAwait(false) is not { } output) return false;
                if (await reader.LineAsync(stop).ConfigureAwait(false) is not { } line || line.Split(' ') is not [var same, var exit] || same != i || !IsNumber(exit, out var code)) return false;
                End(index, code is TimedOutCode or KilledCode ? ToolOutcome.TimedOut : ToolOutcome.Exited, code, output);
                return true;
            case [_, "M", var i] when IsCall(i, out var index):
                End(index, ToolOutcome.NotFound, NotFoundCode, []);
                return true;
            case [_, "N" or "S", var i] when IsCall(i, out var index):
                End(index, ToolOutcome.NotRun, -1, []);
                return true;
            default:
                return false;
        }
    }

    private bool IsCall(string digits, out int index) => IsNumber(digits, out index) && index < batch.Count;

    private static bool IsNumber(string digits, out int number) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private void End(int index, ToolOutcome outcome, int code, byte[] output)
    {
        running = -1;
        results[index] = new ToolResult(batch[index], outcome, code, output, []);
    }

    private sealed class ByteReader(Stream stream)
    {
        private readonly byte[] buffer = new byte[65536];
        private int start;
        private int end;

        public async Task<string?> LineAsync(CancellationToken stop)
        {
            var line = new List<byte>();
            while (true)
            {
                if (start == end && !await FillAsync(stop).ConfigureAwait(false)) return null;
                var newline = Array.IndexOf(buffer, (byte)'\n', start, end - start);
                line.AddRange(new ArraySegment<byte>(buffer, start, (newline < 0 ? end : newline) - start));
                start = newline < 0 ? end : newline + 1;
                if (newline >= 0) return HostText.Decode(line.ToArray());
            }
        }

        /// <summary>The bytes before that mark, which is read too; null: the stream ended before it.</summary>
        public async Task<byte[]?> UntilAsync(byte[] mark, CancellationToken stop)
        {
            var bytes = new ArrayBufferWriter<byte>();
            while (start < end || await FillAsync(stop).ConfigureAwait(false))
            {
                // The mark may have begun in what came before.
                var from = Math.Max(0, bytes.WrittenCount - mark.Length + 1);
                bytes.Write(buffer.AsSpan(start, end - start));
                start = end;
                var found = bytes.WrittenSpan[from..].IndexOf(mark);
                if (found < 0) continue;
                start = end - (bytes.WrittenCount - (from + found + mark.Length));
                return bytes.WrittenSpan[..(from + found)].ToArray();
            }

            return null;
        }

        private async Task<bool> FillAsync(CancellationToken stop)
        {
            start = 0;
            end = await stream.ReadAsync(buffer, stop).ConfigureAwait(false);
            return end > 0;
        }
    }
}
