using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Lab;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Benchmarks;

/// <summary>
/// What it costs to judge a file's label, here, without a lab: a tree in memory whose files have labels, Debian 12's file contexts, and
/// the same calls as on a host.
/// </summary>
internal static class Labels
{
    private const int InADirectory = 1000;
    private const string Store = "/var/lib/libvirt/images";
    private const string Label = "system_u:object_r:virt_image_t:s0";

    /// <summary>The table, as Markdown: microseconds a file for each step, and the process's peak of memory.</summary>
    /// <param name="counts">How many files.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">The tree could not be made, or the answer is not what is in it.</exception>
    public static async Task<string> RunAsync(IReadOnlyList<int> counts, CancellationToken ct)
    {
        var table = new StringBuilder("| files | find, µs/file | read, µs/file | lookup, µs/file | of these the first, ms | peak, MB |\n|---:|---:|---:|---:|---:|---:|\n");
        foreach (var count in counts)
        {
            var tree = Directory.CreateDirectory($"/dev/shm/vsbench-{Guid.NewGuid():N}").FullName;
            try
            {
                await FillAsync(tree, count, ct).ConfigureAwait(false);
                var contexts = Contexts(tree);
                ForgetPeak();
                var clock = Stopwatch.StartNew();
                var found = await RunAsync(Find.Trees([tree], recurse: true, follow: false), ct).ConfigureAwait(false);
                var find = Lap(clock);
                var entries = Find.ReadTrees(found).Trees[tree];
                var read = Lap(clock);
                contexts.Lookup(entries[^1].Path, '-');
                var first = clock.Elapsed;
                var right = entries.Count(entry => contexts.Lookup(entry.Path, entry.FileType)?.Context == entry.Context);
                var lookup = Lap(clock);
                if (right < count) throw new LabException($"{right} labels are right, not {count}.");
                table.Append(CultureInfo.InvariantCulture, $"| {count} | {Each(find, count):0.00} | {Each(read, count):0.00} | {Each(lookup, count):0.00} | {first.TotalMilliseconds:0.0} | {Peak()} |\n");
            }
            finally
            {
                Directory.Delete(tree, true);
            }
        }

        return table.ToString();
    }

    /// <summary>Files in directories, all with the label that a store's have; chcon writes it where SELinux is off too.</summary>
    private static async Task FillAsync(string tree, int count, CancellationToken ct)
    {
        for (var i = 0; i < count; i++)
        {
            ct.ThrowIfCancellationRequested();
            var directory = Path.Combine(tree, $"store{i / InADirectory}");
            if (i % InADirectory == 0) Directory.CreateDirectory(directory);
            await File.Create(Path.Combine(directory, $"guest-{i}.qcow2")).DisposeAsync().ConfigureAwait(false);
        }

        await RunAsync(ToolCall.Script("label", """find "$1" -print0 | xargs -0 chcon -h -- "$2" """, tree, Label), ct).ConfigureAwait(false);
    }

    /// <summary>The recorded ones, and the tree as a store.</summary>
    private static FileContexts Contexts(string tree)
    {
        var directory = Path.Combine(typeof(Labels).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "RepoRoot").Value!, "tests", "VirtSecurity.Tests", "Fixtures", "debian12");
        return new FileContexts(
            [.. new[] { RuleSource.Policy, RuleSource.HomeDirectories, RuleSource.Local }.SelectMany(source => FileContextsText.ReadRules(File.ReadAllText(Path.Combine(directory, FileContextsText.FileOf(source))), source))],
            [[new(tree, Store)], FileContextsText.ReadEquivalences(File.ReadAllText(Path.Combine(directory, "file_contexts.subs_dist")), "file_contexts.subs_dist")]);
    }

    private static async Task<ToolResult> RunAsync(ToolCall call, CancellationToken ct)
    {
        var result = (await new LocalHost(new VirtHost("localhost"), new NoLog()).RunAsync([call], BatchMode.RunAll, ct).ConfigureAwait(false))[0];
        return result.Succeeded ? result : throw new LabException($"{call}: {result.Stderr}");
    }

    private static TimeSpan Lap(Stopwatch clock)
    {
        var time = clock.Elapsed;
        clock.Restart();
        return time;
    }

    private static double Each(TimeSpan time, int count) => time.TotalMicroseconds / count;

    // proc(5): 5 sets the peak back to what is used now.
    private static void ForgetPeak()
    {
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>Megabytes.</summary>
    private static long Peak() =>
        long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;

    private sealed class NoLog : IHostLog
    {
        public void Sending(VirtHost host, IReadOnlyList<ToolCall> batch)
        {
        }

        public void Started(VirtHost host, ToolCall call)
        {
        }

        public void Ended(VirtHost host, ToolResult result)
        {
        }

        public void Warn(VirtHost host, string id, params object?[] arguments)
        {
        }
    }
}
