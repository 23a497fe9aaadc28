using System.Globalization;
using System.Text;

namespace VirtSecurity.Hosts;

/// <summary>Reads the frames that the script of <see cref="SshScript"/> prints. What comes before the first (a login banner) is passed over.</summary>
internal sealed class FrameReader(string nonce, IReadOnlyList<ToolCall> batch, Action<ToolCall> started, Action<ToolResult> ended)
{
    private const int TimedOutCode = 124;   // timeout(1)
    private const int KilledCode = 137;     // 128 + SIGKILL: timeout -k had to
    private const int NotFoundCode = 127;

    private readonly ToolResult?[] results = new ToolResult?[batch.Count];
    private int running = -1;

    /// <summary>Where the script keeps its files on the host; null until it has begun.</summary>
    public string? Directory { get; private set; }

    /// <summary>The script said that it came to its end.</summary>
    public bool Complete { get; private set; }

    /// <summary>The call that runs now; null between calls.</summary>
    public ToolCall? Running => running < 0 ? null : batch[running];

    /// <summary>Reads until the stream ends. A stream that breaks off in a frame just ends there.</summary>
    public async Task ReadAsync(Stream stream, CancellationToken stop)
    {
        var reader = new ByteReader(stream);
        while (await reader.LineAsync(stop).ConfigureAwait(false) is { } line)
        {
            if (!line.StartsWith(nonce + " ", StringComparison.Ordinal)) continue;
            var words = line.Split(' ');
            switch (words[1])
            {
                case "D": Directory = line[(nonce.Length + 3)..]; break;
                case "E": Complete = true; break;
                case "P": Begin(Number(words[2])); break;
                case "M": End(Number(words[2]), ToolOutcome.NotFound, NotFoundCode, [], []); break;
                case "N": End(Number(words[2]), ToolOutcome.NotRun, -1, [], []); break;
                case "S": End(Number(words[2]), ToolOutcome.NotRun, -1, [], []); break;
                case "R":
                    var code = Number(words[3]);
                    if (await reader.BytesAsync(Number(words[4]), stop).ConfigureAwait(false) is not { } output) return;
                    if (await reader.BytesAsync(Number(words[5]), stop).ConfigureAwait(false) is not { } error) return;
                    End(Number(words[2]), code is TimedOutCode or KilledCode ? ToolOutcome.TimedOut : ToolOutcome.Exited, code, output, error);
                    break;
            }
        }
    }

    /// <summary>One result a call: what has no frame was either running when the connection broke, or never begun.</summary>
    public IReadOnlyList<ToolResult> Results() =>
        [.. batch.Select((call, i) => results[i] ?? ToolResult.Of(call, i == running ? ToolOutcome.Lost : ToolOutcome.NotRun))];

    private static int Number(string digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    private void Begin(int index)
    {
        running = index;
        started(batch[index]);
    }

    private void End(int index, ToolOutcome outcome, int code, byte[] output, byte[] error)
    {
        running = -1;
        results[index] = new ToolResult(batch[index], outcome, code, output, error);
        ended(results[index]!);
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
                if (newline >= 0) return Encoding.UTF8.GetString(line.ToArray());
            }
        }

        public async Task<byte[]?> BytesAsync(int count, CancellationToken stop)
        {
            var bytes = new byte[count];
            for (var done = 0; done < count;)
            {
                if (start == end && !await FillAsync(stop).ConfigureAwait(false)) return null;
                var step = Math.Min(count - done, end - start);
                Buffer.BlockCopy(buffer, start, bytes, done, step);
                start += step;
                done += step;
            }

            return bytes;
        }

        private async Task<bool> FillAsync(CancellationToken stop)
        {
            start = 0;
            end = await stream.ReadAsync(buffer, stop).ConfigureAwait(false);
            return end > 0;
        }
    }
}
