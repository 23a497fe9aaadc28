using CliWrap;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>What one tool says of a host.</summary>
/// <param name="Seconds">From the start of its process to its end, with an ssh connection of its own.</param>
/// <param name="Findings">What it says is wrong, each with the tool's own name for it in front.</param>
/// <param name="Judged">How many checks it judged.</param>
/// <param name="Unknown">How many it could not tell; null: it does not count these.</param>
/// <param name="NotApplicable">How many it says are not about this host.</param>
internal sealed record Audit(double Seconds, IReadOnlySet<string> Findings, int Judged, int? Unknown, int NotApplicable)
{
    /// <summary>Debian 12 has content for Debian 11, which says that it is for nothing else: without that word, and with every rule of it selected, it is used as far as it goes.</summary>
    private const string Content = "/root/content.xml";

    private static readonly TimeSpan Limit = TimeSpan.FromHours(2);

    /// <summary>Bash: makes OpenSCAP's content fit for <see cref="OpenScapAsync"/>.</summary>
    public const string MakeContent = """
        set -e
        sed -e '/<xccdf-1.2:platform idref="cpe:\/o:debian:debian_linux:11"\/>/d' -e 's/<xccdf-1.2:Rule selected="false"/<xccdf-1.2:Rule selected="true"/' /usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml >/root/content.xml
        """;

    /// <summary>Test-Dom0Hardening, from a new PowerShell, without a plan.</summary>
    public static async Task<Audit> OursAsync(LabMachine machine, CancellationToken ct)
    {
        var file = Path.GetTempFileName();
        var run = await PowerShell.MeasureAsync($$"""
            $lines = Test-Dom0Hardening -VirtHost '{{machine.VirtHost}}' | ForEach-Object { foreach ($line in $_.Evidence.Split("`n")) { "$($_.Status) $($_.Id) $line" } }
            [System.IO.File]::WriteAllLines('{{file}}', [string[]]$lines)
            """, ct).ConfigureAwait(false);
        if (run.ExitCode != 0) throw new LabException($"Test-Dom0Hardening: {run.Output}{run.Error}");
        var lines = (await File.ReadAllLinesAsync(file, ct).ConfigureAwait(false)).Select(line => line.Split(' ', 2)).ToArray();
        File.Delete(file);
        int Checks(params string[] statuses) => lines.Where(words => statuses.Contains(words[0])).Select(words => words[1].Split(' ')[0]).Distinct().Count();
        return new Audit(run.Seconds, lines.Where(words => words[0] is "Fail" or "Warn").Select(words => words[1]).ToHashSet(), Checks("Pass", "Fail", "Warn"), Checks("Unknown"), Checks("NotApplicable"));
    }

    /// <summary>Lynis: its warnings and suggestions, with their details.</summary>
    public static async Task<Audit> LynisAsync(LabMachine machine, CancellationToken ct)
    {
        var seconds = await OnHostAsync(machine, "lynis audit system --quick --no-colors --quiet", ct).ConfigureAwait(false);
        var report = (await machine.CheckAsync("cat /var/log/lynis-report.dat", null, ct).ConfigureAwait(false)).Stdout.Split('\n');
        if (!report.Contains("finish=true")) throw new LabException("Lynis did not come to its end.");
        int Count(string key) => report.Where(line => line.StartsWith(key + "=", StringComparison.Ordinal)).Sum(line => line[(key.Length + 1)..].Split('|', StringSplitOptions.RemoveEmptyEntries).Length);
        var findings = report.Where(line => line.StartsWith("warning[]=", StringComparison.Ordinal) || line.StartsWith("suggestion[]=", StringComparison.Ordinal)).Select(line => line.Split('=', 2)[1]);
        return new Audit(seconds, findings.ToHashSet(), Count("tests_executed"), null, Count("tests_skipped"));
    }

    /// <summary>OpenSCAP: the rules that fail.</summary>
    public static async Task<Audit> OpenScapAsync(LabMachine machine, CancellationToken ct)
    {
        var seconds = await OnHostAsync(machine, $"oscap xccdf eval --results /root/results.xml {Content} >/root/oscap.log 2>&1", ct).ConfigureAwait(false);
        // The results have the content in them, which is large: what counts are the rules' own.
        var results = (await machine.CheckAsync("""
            python3 - <<'END'
            import xml.etree.ElementTree as tree
            for rule in tree.parse('/root/results.xml').getroot().iter():
                if rule.tag.endswith('}rule-result'):
                    print(rule.get('idref').split('content_rule_')[-1], next(part.text for part in rule if part.tag.endswith('}result')))
            END
            """, TimeSpan.FromMinutes(20), ct).ConfigureAwait(false)).Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).Select(words => (Id: words[0], Result: words[1])).ToArray();
        if (results.Length == 0) throw new LabException("oscap has no results.");
        int Count(params string[] words) => results.Count(rule => words.Contains(rule.Result));
        return new Audit(seconds, results.Where(rule => rule.Result == "fail").Select(rule => rule.Id).ToHashSet(), Count("pass", "fail"), Count("unknown", "error", "notchecked"), Count("notapplicable", "notselected"));
    }

    /// <summary>As a person would: by an ssh of its own. Both tools end with other codes than 0 where they find something.</summary>
    private static async Task<double> OnHostAsync(LabMachine machine, string command, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Limit);
        return await PowerShell.TimeAsync(Cli.Wrap("ssh").WithArguments(["-F", machine.SshConfigPath, "virtlab", $"{command}; exit 0"]), null, limit.Token).ConfigureAwait(false);
    }
}
