using System.Globalization;
using System.Reflection;
using System.Text;
using CliWrap;

namespace VirtSecurity.Lab;

/// <summary>The whole matrix of faults and moments, of which CI runs a sample, and its report.</summary>
internal static class Instants
{
    private static readonly string[] Classes = ["VirtSecurity.LabTests.InstantTests", "VirtSecurity.LabTests.RandomMomentTests", "VirtSecurity.LabTests.PowerCutTests", "VirtSecurity.LabTests.ManyAtOnceTests", "VirtSecurity.LabTests.DeviceGuardTests"];

    /// <summary>
    /// Runs it, on two machines side by side, and writes docs/instants.md; some hours. Each case that passed is recorded in the cache,
    /// under the product's sources: a run that was interrupted goes on where it was.
    /// </summary>
    /// <returns>The exit code of the tests.</returns>
    public static async Task<int> RunAsync(TextWriter output, CancellationToken ct)
    {
        var root = typeof(Instants).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "RepoRoot").Value!;
        if ((await GitAsync(root, ct, "status", "--porcelain", "--", "src").ConfigureAwait(false)).Length > 0)
            throw new LabException("src has changes that are not committed; the record is kept for sources that can be named. Commit them first.");
        var record = Directory.CreateDirectory(Path.Combine(LabCache.FromEnvironment().Root, "instants", await GitAsync(root, ct, "rev-parse", "HEAD:src").ConfigureAwait(false)));
        var tests = await Tool.Command("dotnet", ["test", "--project", Path.Combine(root, "tests/VirtSecurity.LabTests"), "--no-progress", "--output", "detailed", .. Classes.SelectMany(name => new[] { "--filter-class", name })])
            .WithEnvironmentVariables(new Dictionary<string, string?> { ["VIRTSECURITY_LAB_FULL"] = "1", ["VIRTSECURITY_LAB_RECORD"] = record.FullName })
            .WithStandardOutputPipe(PipeTarget.ToDelegate(output.WriteLine))
            .WithStandardErrorPipe(PipeTarget.ToDelegate(output.WriteLine))
            .ExecuteAsync(ct).ConfigureAwait(false);
        string[] rows = [.. record.GetFiles().SelectMany(file => File.ReadAllLines(file.FullName)).Order(StringComparer.Ordinal)];
        var report = Report(rows, tests.ExitCode == 0, await GitAsync(root, ct, "describe", "--always").ConfigureAwait(false));
        await File.WriteAllTextAsync(Path.Combine(root, "docs/instants.md"), report, ct).ConfigureAwait(false);
        await output.WriteLineAsync(report).ConfigureAwait(false);
        return tests.ExitCode;
    }

    private static async Task<string> GitAsync(string root, CancellationToken ct, params string[] arguments) =>
        (await Tool.RunAsync("git", ["-C", root, .. arguments], ct).ConfigureAwait(false)).Trim();

    private static string Report(string[] rows, bool isGreen, string commit)
    {
        var report = new StringBuilder();
        report.Append(CultureInfo.InvariantCulture, $"""
            # Any instant

            `dotnet run --project tests/Lab -- full`, {DateTime.UtcNow:yyyy-MM-dd}, commit {commit}: {rows.Length} runs of New-SecureGuestVolume disturbed on the
            lab machine (Debian 12 under QEMU, {Environment.ProcessorCount} processors on the building machine), {(isGreen ? "none of which left anything half done" : "SOME OF WHICH FAILED and are not listed")}.

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

        report.Append("\n| fault | instant | outcome | s |\n|---|---|---|---:|\n");
        foreach (var row in rows) report.Append(row).Append('\n');
        return report.ToString();
    }

    private static string[] Cells(string row) => [.. row.Trim('|', ' ').Split('|').Select(cell => cell.Trim())];
}
