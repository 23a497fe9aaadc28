using System.Diagnostics;
using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;

namespace VirtSecurity.Benchmarks;

/// <summary>A command that ran to its end, and what it took.</summary>
/// <param name="Seconds">From its start to its end.</param>
/// <param name="PeakBytes">The most memory that it and all it started had at once: each page counted once, by its share (PSS in proc(5)); looked at twice a second.</param>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
internal sealed record MeasuredRun(double Seconds, long PeakBytes, int ExitCode, string Output, string Error)
{
    private const string Mark = "VIRTSECURITY_BENCHMARK";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs it.</summary>
    /// <param name="command">The command; what it ends with is for the caller to judge.</param>
    /// <param name="input">Its standard input; null: none.</param>
    /// <param name="variables">What is added to its environment.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<MeasuredRun> OfAsync(Command command, string? input, IReadOnlyDictionary<string, string?> variables, CancellationToken ct)
    {
        // What a process starts is known by its environment, also when it has gone on without it, as ssh's masters do.
        var mark = Guid.NewGuid().ToString("N");
        using var ended = new CancellationTokenSource();
        var watching = Task.Run(() => PeakAsync(Encoding.ASCII.GetBytes($"{Mark}={mark}"), ended.Token), CancellationToken.None);
        var clock = Stopwatch.StartNew();
        var result = await command.WithStandardInputPipe(input is null ? PipeSource.Null : PipeSource.FromString(input)).WithEnvironmentVariables(new Dictionary<string, string?>(variables) { [Mark] = mark })
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(ct).ConfigureAwait(false);
        var seconds = clock.Elapsed.TotalSeconds;
        await ended.CancelAsync().ConfigureAwait(false);
        return new MeasuredRun(seconds, await watching.ConfigureAwait(false), result.ExitCode, result.StandardOutput, result.StandardError);
    }

    private static async Task<long> PeakAsync(byte[] mark, CancellationToken ended)
    {
        var peak = 0L;
        while (!ended.IsCancellationRequested)
        {
            peak = Math.Max(peak, Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])).Sum(path => Share(path, mark)));
            await Task.WhenAny(Task.Delay(Interval, ended)).ConfigureAwait(false);
        }

        return peak;
    }

    /// <summary>A process's share of memory; 0: it is none of ours, or has just ended.</summary>
    private static long Share(string process, byte[] mark)
    {
        try
        {
            if (File.ReadAllBytes($"{process}/environ").AsSpan().IndexOf(mark) < 0) return 0;
            return File.ReadLines($"{process}/smaps_rollup").Where(line => line.StartsWith("Pss:", StringComparison.Ordinal)).Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
