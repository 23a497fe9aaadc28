using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>Thirty weaknesses planted on a host of guests: who finds which, and what that takes. A tool has found one if it says something of it that it did not say before.</summary>
internal static class HardeningPeers
{
    private static readonly string[] Packages = ["lynis", "openscap-scanner", "ssg-debian", "chrony"];

    /// <summary>Both tables, as Markdown, and what the tools say besides that is new.</summary>
    /// <param name="machine">The lab machine.</param>
    /// <param name="progress">Told of the steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">A tool did not come to its end.</exception>
    public static async Task<string> RunAsync(LabMachine machine, IProgress<string>? progress, CancellationToken ct)
    {
        (string Name, Func<Task<Audit>> Run)[] tools =
        [
            ("Test-Dom0Hardening", () => Audit.OursAsync(machine, ct)), ("lynis audit system --quick", () => Audit.LynisAsync(machine, ct)), ("oscap xccdf eval", () => Audit.OpenScapAsync(machine, ct)),
        ];
        await GuestPackages.InstallAsync(machine, Packages, progress, ct).ConfigureAwait(false);
        await machine.CheckAsync(Audit.MakeContent, null, ct).ConfigureAwait(false);
        await PowerShell.LinesAsync($"New-SecureGuestVolume volumegroup images 300MB -MountPoint /virtstorage -VirtHost '{machine.VirtHost}' | Out-Null", ct).ConfigureAwait(false);
        await machine.CheckAsync(Planted.Strong, TimeSpan.FromMinutes(20), ct).ConfigureAwait(false);
        async Task<Audit[]> AllAsync(string when)
        {
            var audits = new List<Audit>();
            foreach (var (name, run) in tools)
            {
                progress?.Report($"{name}, {when}");
                audits.Add(await run().ConfigureAwait(false));
                progress?.Report(string.Create(CultureInfo.InvariantCulture, $"{name}, {when}: {audits[^1].Seconds:0.0} s, {audits[^1].Findings.Count} findings"));
            }

            return [.. audits];
        }

        var before = await AllAsync("before").ConfigureAwait(false);
        progress?.Report($"planting {Planted.All.Count} weaknesses");
        await machine.CheckAsync(Weakness.MakeAll(Planted.All.Select(planted => planted.Weakness)), TimeSpan.FromMinutes(20), ct).ConfigureAwait(false);
        var after = await AllAsync("after").ConfigureAwait(false);

        // Findings that were there before say nothing of what was planted.
        var news = after.Zip(before, (now, then) => now.Findings.Except(then.Findings).Order(StringComparer.Ordinal).ToArray()).ToArray();
        return $"{Found(news)}\n{Times([.. tools.Select(tool => tool.Name)], before, after)}\n{Others([.. tools.Select(tool => tool.Name)], news)}";
    }

    /// <summary>What of a tool's new findings is about a weakness.</summary>
    private static IReadOnlyList<string> About(Planted planted, IReadOnlyList<string[]> news, int tool) => tool switch
    {
        0 => [.. news[0].Where(finding => planted.Weakness.Finds.Any(find => finding.StartsWith(find.Check + " ", StringComparison.Ordinal) && Regex.IsMatch(finding, find.Evidence)))],
        1 => [.. news[1].Where(finding => Regex.IsMatch(finding, planted.Lynis))],
        _ => [.. news[2].Where(finding => Regex.IsMatch(finding, planted.OpenScap))],
    };

    private static string Found(IReadOnlyList<string[]> news)
    {
        var table = new StringBuilder("| weakness | whose | Test-Dom0Hardening | Lynis | OpenSCAP |\n|---|---|---|---|---|\n");
        foreach (var planted in Planted.All)
        {
            string Cell(int tool) => string.Join(", ", About(planted, news, tool).Select(finding => finding.Split(' ', '|')[0]).Distinct().DefaultIfEmpty("-"));
            table.Append(CultureInfo.InvariantCulture, $"| {planted.Weakness.What} | {(planted.IsTheirs ? "theirs" : "ours")} | {Cell(0)} | {Cell(1)} | {Cell(2)} |\n");
        }

        int Sum(int tool, bool? theirs) => Planted.All.Count(planted => (theirs is null || planted.IsTheirs == theirs) && About(planted, news, tool).Count > 0);
        string Sums(bool? theirs) => string.Join(" | ", Enumerable.Range(0, 3).Select(tool => Sum(tool, theirs)));
        int Count(bool theirs) => Planted.All.Count(planted => planted.IsTheirs == theirs);
        return table.Append(CultureInfo.InvariantCulture, $"| **of {Count(true)} of theirs** | | {Sums(true)} |\n| **of {Count(false)} of ours** | | {Sums(false)} |\n| **of {Planted.All.Count}** | | {Sums(null)} |\n").ToString();
    }

    /// <summary>The smaller of both times: the machine is the same, and only what it takes is measured.</summary>
    private static string Times(IReadOnlyList<string> tools, Audit[] before, Audit[] after)
    {
        var table = new StringBuilder("| tool | s | of Lynis | checks judged | Unknown | NotApplicable |\n|---|---:|---:|---:|---:|---:|\n");
        double Time(int tool) => Math.Min(before[tool].Seconds, after[tool].Seconds);
        for (var tool = 0; tool < tools.Count; tool++)
            table.Append(CultureInfo.InvariantCulture, $"| {tools[tool]} | {Time(tool):0.0} | 1/{Time(1) / Time(tool):0.0} | {after[tool].Judged} | {after[tool].Unknown?.ToString(CultureInfo.InvariantCulture) ?? "-"} | {after[tool].NotApplicable} |\n");
        return table.ToString();
    }

    /// <summary>What is new and was counted for nothing, so that whoever reads the table can judge its expressions.</summary>
    private static string Others(IReadOnlyList<string> tools, IReadOnlyList<string[]> news)
    {
        var text = new StringBuilder("New findings that were counted for none of them:\n\n");
        for (var tool = 0; tool < tools.Count; tool++)
        {
            var counted = Planted.All.SelectMany(planted => About(planted, news, tool)).ToHashSet();
            foreach (var finding in news[tool].Where(finding => !counted.Contains(finding))) text.Append(CultureInfo.InvariantCulture, $"- {tools[tool]}: {finding}\n");
        }

        return text.ToString();
    }
}
