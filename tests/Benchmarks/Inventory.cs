using System.Globalization;
using System.Text;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>Listing and completing on a host with many volumes, in a session in which it has been asked something before.</summary>
internal static class Inventory
{
    private const string Clock = """
        function Seconds([scriptblock] $what) { $clock = [Diagnostics.Stopwatch]::StartNew(); $n = @(& $what).Count; "$n " + $clock.Elapsed.TotalSeconds.ToString([cultureinfo]::InvariantCulture) }

        """;

    /// <summary>The table, as Markdown. What ssh itself takes there for nothing is its last column: no answer of the host can come sooner.</summary>
    /// <param name="machine">The lab machine.</param>
    /// <param name="counts">How many volumes.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<string> RunAsync(LabMachine machine, IReadOnlyList<int> counts, CancellationToken ct)
    {
        var table = new StringBuilder("| volumes | Get-SecureGuestVolume, s | ms a volume more | first Tab: names | ms | next Tab: names | ms | `ssh true`, ms |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        (int Count, double Seconds)? least = null;
        foreach (var count in counts)
        {
            await machine.ResetAsync(ct).ConfigureAwait(false);
            await machine.CheckAsync(ManyVolumes.Script(count), TimeSpan.FromMinutes(20), ct).ConfigureAwait(false);
            var lines = await PowerShell.LinesAsync($$"""
                {{Clock}}
                $lab = '{{machine.VirtHost}}'
                $null = Get-SecureGuestVolume -VirtHost $lab
                Seconds { Get-SecureGuestVolume -VirtHost $lab }
                $text = "Get-SecureGuestVolume -VirtHost '$lab' -Name v"
                Seconds { (TabExpansion2 $text $text.Length).CompletionMatches }
                [System.Threading.Thread]::Sleep(2000)
                Seconds { (TabExpansion2 $text $text.Length).CompletionMatches }
                """, ct).ConfigureAwait(false);
            var ssh = await SshAsync(machine, ct).ConfigureAwait(false);
            var (listed, seconds) = Read(lines[0]);
            var (soon, first) = Read(lines[1]);
            var (then, next) = Read(lines[2]);
            if (then != count) throw new LabException($"{then} names are completed, not {count}.");
            if (listed != count) throw new LabException($"{listed} volumes are listed, not {count}.");
            var more = least is { } one ? ((seconds - one.Seconds) * 1000 / (count - one.Count)).ToString("0.0", CultureInfo.InvariantCulture) : "";
            least ??= (count, seconds);
            table.Append(CultureInfo.InvariantCulture, $"| {count} | {seconds:0.0} | {more} | {soon} | {first * 1000:0} | {then} | {next * 1000:0} | {ssh * 1000:0} |\n");
        }

        return table.ToString();
    }

    private static (int Count, double Seconds) Read(string line) =>
        (int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture), double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));

    /// <summary>The smallest of five, over a master of its own.</summary>
    private static async Task<double> SshAsync(LabMachine machine, CancellationToken ct)
    {
        var smallest = double.MaxValue;
        for (var i = 0; i < 6; i++)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            await machine.CheckAsync(":", null, ct).ConfigureAwait(false);
            smallest = Math.Min(smallest, clock.Elapsed.TotalSeconds);
        }

        return smallest;
    }
}
