using System.Globalization;
using System.Reflection;
using System.Text;
using CliWrap;

namespace VirtSecurity.Lab;

/// <summary>The whole matrix of faults and moments, of which CI runs a sample, and its report.</summary>
internal static class Instants
{
    /// <summary>Those that record each case, and then those that are run anew each time.</summary>
    private static readonly string[][] Classes = [["InstantTests", "RandomMomentTests", "PowerCutTests"], ["ManyAtOnceTests", "DeviceGuardTests"]];

    /// <summary>
    /// Runs it, on two machines side by side, and writes docs/instants.md; some hours. Each case that passed is recorded in the cache,
    /// under the product's sources: a run that was interrupted goes on where it was, on another machine too, where it starts from
    /// what docs/instants.md says of the same sources.
    /// </summary>
    /// <returns>The exit code of the tests.</returns>
    public static async Task<int> RunAsync(TextWriter output, CancellationToken ct)
    {
        var root = typeof(Instants).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "RepoRoot").Value!;
        if ((await GitAsync(root, ct, "status", "--porcelain", "--", "src").ConfigureAwait(false)).Length > 0)
            throw new LabException("src has changes that are not committed; the record is kept for sources that can be named. Commit them first.");
        var sources = await GitAsync(root, ct, "rev-parse", "HEAD:src").ConfigureAwait(false);
        var report = Path.Combine(root, "docs/instants.md");
        var record = Directory.CreateDirectory(Path.Combine(LabCache.FromEnvironment().Root, "instants", sources));
        TakeOver(report, sources, record);
        var ended = "none of which left anything half done; THE REST FAILED OR HAS NOT BEEN RUN, the command was interrupted";
        try
        {
            var failed = 0;
            foreach (var classes in Classes)
            {
                var tests = await Tool.Command("dotnet", ["test", "--project", Path.Combine(root, "tests/VirtSecurity.LabTests"), "--no-progress", "--output", "detailed", .. classes.SelectMany(name => new[] { "--filter-class", $"VirtSecurity.LabTests.{name}" })])
                    .WithEnvironmentVariables(new Dictionary<string, string?> { ["VIRTSECURITY_LAB_FULL"] = "1", ["VIRTSECURITY_LAB_RECORD"] = record.FullName })
                    .WithStandardOutputPipe(PipeTarget.ToDelegate(output.WriteLine))
                    .WithStandardErrorPipe(PipeTarget.ToDelegate(output.WriteLine))
                    .ExecuteAsync(ct).ConfigureAwait(false);
                failed = Math.Max(failed, tests.ExitCode);
            }

            ended = failed == 0 ? "none of which left anything half done" : "and SOME MORE THAT FAILED and are not listed";
            return failed;
        }
        finally
        {
            string[] rows = [.. record.GetFiles().SelectMany(file => File.ReadAllLines(file.FullName)).Order(StringComparer.Ordinal)];
            var text = Report(rows, ended, sources);
            await File.WriteAllTextAsync(report, text, CancellationToken.None).ConfigureAwait(false);
            await output.WriteLineAsync(text).ConfigureAwait(false);
        }
    }

    /// <summary>The cases that a report on the same sources lists are recorded here too.</summary>
    private static void TakeOver(string report, string sources, DirectoryInfo record)
    {
        if (!File.Exists(report) || !File.ReadAllText(report).Contains(sources, StringComparison.Ordinal)) return;
        foreach (var row in File.ReadLines(report).Where(row => row.EndsWith(") |", StringComparison.Ordinal)))
            File.WriteAllText(Path.Combine(record.FullName, Cells(row)[^1]), row + "\n");
    }

    private static async Task<string> GitAsync(string root, CancellationToken ct, params string[] arguments) =>
        (await Tool.RunAsync("git", ["-C", root, .. arguments], ct).ConfigureAwait(false)).Trim();

    private static string Report(string[] rows, string ended, string sources)
    {
        var report = new StringBuilder();
        report.Append(CultureInfo.InvariantCulture, $"""
            # Any instant

            `dotnet run --project tests/Lab -- full`, {DateTime.UtcNow:yyyy-MM-dd}, src {sources}:
            {rows.Length} runs of New-SecureGuestVolume disturbed on the lab machine (Debian 12 under QEMU, {Environment.ProcessorCount} processors on the building machine),
            {ended}.

            A fault comes while the named tool runs, before or after its work, in a run of one volume; kills and power cuts come at random moments of
            a run of three. Afterwards nothing of the run is at work on the host. What it left unfinished is undone (every second time) or finished;
            then logical volumes, the bytes of /etc/fstab, rules, mounts, directories with their modes, labels and attributes, and udev's rules
            are as before, or as asked. What is as asked stays so when it is asked for again, and is taken back with Undo-VirtChange, after which
            the host is as before.

            | fault | runs | as before by itself | as asked by itself | undone | finished |
            |---|---:|---:|---:|---:|---:|

            """);
        foreach (var fault in rows.Select(Cells).GroupBy(cells => cells[0]))
        {
            int Of(string outcome) => fault.Count(cells => cells[2].EndsWith(outcome, StringComparison.Ordinal));
            report.Append(CultureInfo.InvariantCulture, $"| {fault.Key} | {fault.Count()} | {Of("as before by itself")} | {Of("as asked by itself")} | {Of("undone")} | {Of("finished")} |\n");
        }

        report.Append("\n| fault | instant | outcome | s | test |\n|---|---|---|---:|---|\n");
        foreach (var row in rows) report.Append(row).Append('\n');
        return report.ToString();
    }

    private static string[] Cells(string row) => [.. row.Trim('|', ' ').Split('|').Select(cell => cell.Trim())];
}
