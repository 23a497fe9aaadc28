using System.Security.Cryptography;
using System.Text.Json;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Facts;

/// <summary>
/// Questions gathered from whoever has one, asked in one round trip, each once. A question that could not be asked
/// (no such tool, no time) fails when its answer is wanted, not before: an answer nobody needs harms nobody.
/// </summary>
internal sealed class FactBatch
{
    private readonly List<ToolCall> calls = [];
    private readonly Dictionary<string, int> asked = [];
    private IReadOnlyList<ToolResult>? results;

    /// <summary>Adds a question; the same question twice is asked once.</summary>
    public Answer<T> Ask<T>(ToolCall call, Func<ToolResult, T> read)
    {
        var key = string.Join('\0', call.Argv) + (call.Stdin is null ? "" : "\0" + Convert.ToHexString(SHA256.HashData(call.Stdin)));
        if (!asked.TryGetValue(key, out var index))
        {
            asked[key] = index = calls.Count;
            calls.Add(call);
        }

        return new Answer<T>(this, index, read);
    }

    /// <summary>Asks them all.</summary>
    /// <exception cref="OperationCanceledException">The user stopped it; a half-answered batch is no answer.</exception>
    public async Task ReadAsync(IHost host, CancellationToken stop)
    {
        results = calls.Count == 0 ? [] : await host.RunAsync(calls, BatchMode.RunAll, stop).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
    }

    /// <summary>One question's answer, read when it is wanted.</summary>
    internal sealed class Answer<T>(FactBatch batch, int index, Func<ToolResult, T> read)
    {
        private T? value;
        private bool isRead;

        /// <summary>What became of the question, answered or not.</summary>
        public ToolResult Result => (batch.results ?? throw new InvalidOperationException("The batch has not been asked."))[index];

        /// <summary>The answer.</summary>
        /// <exception cref="VirtException">The tool is missing or did not answer.</exception>
        public T Value
        {
            get
            {
                if (isRead) return value!;
                var result = Result;
                if (result.Outcome != ToolOutcome.Exited) throw FactUnknown.From(result);
                value = Read(result);
                isRead = true;
                return value;
            }
        }

        /// <summary>An answer that cannot be read is none: the tool's own output is what the user needs to see.</summary>
        private T Read(ToolResult result)
        {
            try
            {
                return read(result);
            }
            catch (Exception unreadable) when (unreadable is JsonException or FormatException or InvalidDataException or IndexOutOfRangeException or OverflowException or KeyNotFoundException)
            {
                throw new VirtException(unreadable, "FactUnknown", result.Call.Tool, $"its output was not understood ({unreadable.Message}): {result.Stdout}{result.Stderr}");
            }
        }
    }
}
