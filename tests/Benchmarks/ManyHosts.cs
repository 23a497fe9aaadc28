using System.Globalization;
using System.Text;
using CliWrap;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>Many hosts judged by one call, three of them on a bad day; beside it what Ansible takes to gather its facts of them. The hosts are this machine, by as many sshd.</summary>
internal static class ManyHosts
{
    private const int AtOnce = 32;
    private const int Unreachable = 2;

    private static readonly TimeSpan Life = TimeSpan.FromMinutes(30);

    /// <summary>The table, as Markdown.</summary>
    /// <param name="count">How many hosts, of which three give no answer.</param>
    /// <param name="progress">Told of the steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">Not each of the others was judged, or not each of the three is an error.</exception>
    public static async Task<string> RunAsync(int count, IProgress<string>? progress, CancellationToken ct)
    {
        var farm = await SshFarm.StartAsync(count - 3, Life, progress, ct).ConfigureAwait(false);
        await using (farm.ConfigureAwait(false))
        {
            var table = new StringBuilder("| way | hosts | at once | answers | errors | s | peak, MB | checks judged | Unknown | NotApplicable |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
            progress?.Report("Test-Dom0Hardening");
            var ours = await OursAsync(farm, ct).ConfigureAwait(false);
            table.Append(CultureInfo.InvariantCulture, $"| Test-Dom0Hardening | {count} | {AtOnce} | {ours.Answers} | {ours.Errors} | {ours.Run.Seconds:0.0} | {ours.Run.PeakBytes >> 20} | {ours.Judged} | {ours.Unknown} | {ours.NotApplicable} |\n");
            progress?.Report("ansible -m setup");
            var (answers, errors, run) = await AnsibleAsync(farm, ct).ConfigureAwait(false);
            table.Append(CultureInfo.InvariantCulture, $"| ansible -m setup | {count} | {AtOnce} | {answers} | {errors} | {run.Seconds:0.0} | {run.PeakBytes >> 20} | | | |\n");
            return table.ToString();
        }
    }

    private static string[] NamesOf(SshFarm farm) => [.. farm.BadNames, .. farm.Names];

    private static async Task<(int Answers, int Errors, int Judged, int Unknown, int NotApplicable, MeasuredRun Run)> OursAsync(SshFarm farm, CancellationToken ct)
    {
        var run = await PowerShell.MeasureAsync($$"""
            $hosts = {{string.Join(", ", NamesOf(farm).Select(name => $"'{farm.VirtHost(name)}'"))}}
            $results = @{}; $statuses = @{}
            Test-Dom0Hardening -VirtHost $hosts -ThrottleLimit {{AtOnce}} -ErrorAction SilentlyContinue -ErrorVariable problems | ForEach-Object { $results["$($_.VirtHost)"] += 1; $statuses["$($_.Status)"] += 1 }
            foreach ($count in $results.Values) { "host $count" }
            foreach ($status in $statuses.Keys) { "status $status $($statuses[$status])" }
            foreach ($problem in $problems) { "error $($problem.FullyQualifiedErrorId.Split(',')[0])" }
            "checks $(@(Get-Dom0HardeningRule).Count)"
            """, ct).ConfigureAwait(false);
        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r').Split(' ')).ToLookup(words => words[0]);
        int Status(string name) => lines["status"].Where(words => words[1] == name).Sum(words => Number(words[2]));
        var checks = lines["checks"].Select(words => Number(words[1])).FirstOrDefault();
        var errors = lines["error"].Select(words => words[1]).Order(StringComparer.Ordinal).ToArray();
        if (checks == 0 || lines["host"].Count() != farm.Names.Count || lines["host"].Any(words => Number(words[1]) != checks) || !errors.SequenceEqual(["AuthenticationFailed", .. Enumerable.Repeat("HostUnreachable", Unreachable)]))
            throw new LabException($"Not {farm.Names.Count} hosts were judged by all checks with three errors beside them:\n{run.Output}{run.Error}");
        return (lines["host"].Count(), errors.Length, checks * farm.Names.Count, Status("Unknown"), Status("NotApplicable"), run);
    }

    private static async Task<(int Answers, int Errors, MeasuredRun Run)> AnsibleAsync(SshFarm farm, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("vsbench");
        try
        {
            var command = Cli.Wrap("ansible").WithArguments(["all", "-i", string.Join(',', NamesOf(farm)) + ",", "-m", "ansible.builtin.setup", "-f", AtOnce.ToString(CultureInfo.InvariantCulture), "-o"]);
            var run = await MeasuredRun.OfAsync(command, null, new Dictionary<string, string?>
            {
                ["ANSIBLE_PIPELINING"] = "1",
                ["ANSIBLE_SSH_ARGS"] = $"-F {farm.ConfigPath} -o ControlMaster=auto -o ControlPersist=60s",
                ["ANSIBLE_SSH_CONTROL_PATH_DIR"] = folder.FullName,
                ["ANSIBLE_TIMEOUT"] = "15",
                ["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3",
                ["LC_ALL"] = "C.UTF-8",
            }, ct).ConfigureAwait(false);
            var lines = run.Output.Split('\n');
            var (answers, errors) = (lines.Count(line => line.Contains(" | SUCCESS =>", StringComparison.Ordinal)), lines.Count(line => line.Contains(" | UNREACHABLE!", StringComparison.Ordinal)));
            return answers == farm.Names.Count ? (answers, errors, run) : throw new LabException($"Ansible had answers of {answers} hosts, not of {farm.Names.Count}:\n{run.Error}");
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);
}
