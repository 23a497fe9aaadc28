using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace VirtSecurity.Hardening.Reports;

using Fields = Dictionary<string, object>;

/// <summary>
/// A report as one page of HTML. The page is in report.html, its style and its script beside it; here is what they are filled with. Its content security policy
/// allows that style and that script, by their hashes, and nothing else.
/// </summary>
internal static class HtmlReport
{
    /// <summary>What fails and is as grave, or graver, is to be done first.</summary>
    private const HardeningSeverity Urgent = HardeningSeverity.High;

    private static readonly Lazy<HtmlTemplate> Page = new(() => new HtmlTemplate(Asset("report.html")));

    /// <summary>The file's bytes.</summary>
    public static byte[] Write(HardeningReport report)
    {
        var (style, script) = (Asset("report.css"), Asset("report.js"));
        var parts = new Dictionary<string, string> { ["style"] = style, ["script"] = script, ["styleHash"] = Hash(style), ["scriptHash"] = Hash(script) };
        return new UTF8Encoding(false).GetBytes(Page.Value.Fill(Fill(report), parts));
    }

    /// <summary>A part of the page, as it stands in it.</summary>
    internal static string Asset(string name)
    {
        using var stream = typeof(HtmlReport).Assembly.GetManifestResourceStream($"VirtSecurity.Hardening.Reports.{name}")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        // HTML's parser knows one kind of line end, and hashes what it knows.
        return reader.ReadToEnd().Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    private static Fields Fill(HardeningReport report)
    {
        var places = report.Results.Select((result, index) => (result, index)).ToDictionary(item => item.result, item => $"r{item.index + 1}");
        var urgent = report.Results.Where(IsUrgent).GroupBy(result => result.Id).OrderByDescending(check => check.First().Severity).ToArray();
        return new Fields
        {
            ["title"] = report.Title,
            ["tool"] = HardeningReport.ToolName,
            ["version"] = HardeningReport.ToolVersion,
            ["written"] = report.Written.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
            ["hostCount"] = Count(report.Hosts.Count, "host"),
            ["checkCount"] = Count(report.Checks.Count, "check"),
            ["resultCount"] = report.Results.Count,
            ["headline"] = Headline(report),
            ["ring"] = Segments(report.Results),
            ["failCount"] = report.Results.Count(result => result.Status == HardeningStatus.Fail),
            ["statuses"] = HardeningReport.Statuses.Select(status => Status(status, report.Results)).ToArray(),
            ["severities"] = HardeningReport.Severities.Select(severity => Group(severity.ToString(), "", [.. report.Results.Where(result => result.Severity == severity)])).ToArray(),
            ["categories"] = report.Results.GroupBy(result => result.Category).Select(category => Group(category.Key, "", [.. category])).ToArray(),
            ["hosts"] = report.Hosts.Select((host, index) => Host(host, $"h{index + 1}", places)).ToArray(),
            ["urgent"] = urgent.Select(check => ToDo(check, places)).ToArray(),
        };
    }

    private static Fields Host(IGrouping<string, Dom0HardeningResult> host, string place, IReadOnlyDictionary<Dom0HardeningResult, string> places)
    {
        var fields = Group(host.Key, place, [.. host]);
        fields["sections"] = host.GroupBy(result => result.Category).Select(category => new Fields
        {
            ["category"] = category.Key,
            ["results"] = category.OrderBy(result => HardeningReport.Statuses.ToList().IndexOf(result.Status)).ThenByDescending(result => result.Severity)
                .Select(result => Result(result, places[result])).ToArray(),
        }).ToArray();
        return fields;
    }

    private static Fields Result(Dom0HardeningResult result, string place) => new()
    {
        ["place"] = place,
        ["id"] = result.Id,
        ["title"] = result.Title,
        ["category"] = result.Category,
        ["severity"] = result.Severity,
        ["host"] = result.VirtHost,
        ["status"] = result.Status,
        ["word"] = Word(result.Status),
        ["sign"] = Sign(result.Status),
        ["why"] = HardeningReport.RuleOf(result.Id)?.Why ?? "",
        ["expected"] = result.Expected,
        ["actual"] = result.Actual,
        ["evidence"] = string.Join('\n', ReportText.Lines(result.Evidence)),
        ["remediation"] = result.Remediation,
        ["command"] = string.Join('\n', ReportText.Lines(result.RemediationCommand)),
        ["source"] = result.Source,
    };

    private static Fields ToDo(IGrouping<string, Dom0HardeningResult> check, IReadOnlyDictionary<Dom0HardeningResult, string> places) => new()
    {
        ["id"] = check.Key,
        ["title"] = check.First().Title,
        ["severity"] = check.First().Severity,
        ["where"] = check.Select(result => new Fields { ["host"] = result.VirtHost, ["place"] = places[result] }).ToArray(),
    };

    /// <summary>A row of a table: how many results of a kind there are of each status, and the picture of it.</summary>
    private static Fields Group(string name, string place, IReadOnlyList<Dom0HardeningResult> results) => new()
    {
        ["name"] = name,
        ["place"] = place,
        ["urgentCount"] = results.Count(IsUrgent),
        ["total"] = results.Count,
        ["bar"] = Segments(results),
        ["counts"] = HardeningReport.Statuses.Select(status => Status(status, results)).ToArray(),
        ["told"] = string.Join(", ", HardeningReport.Statuses.Select(status => (status, results.Count(result => result.Status == status))).Where(item => item.Item2 > 0).Select(item => $"{item.Item2} {Word(item.status)}")),
    };

    private static Fields Status(HardeningStatus status, IReadOnlyCollection<Dom0HardeningResult> results)
    {
        var count = results.Count(result => result.Status == status);
        return new Fields { ["status"] = status, ["word"] = Word(status), ["sign"] = Sign(status), ["count"] = count, ["isNone"] = count == 0 ? "none" : "" };
    }

    /// <summary>The parts of a bar or ring, in hundredths of it; those of one status are one part.</summary>
    private static Fields[] Segments(IReadOnlyCollection<Dom0HardeningResult> results)
    {
        var (segments, start) = (new List<Fields>(), 0);
        foreach (var status in HardeningReport.Statuses)
        {
            var count = results.Count(result => result.Status == status);
            if (count > 0) segments.Add(new Fields { ["status"] = status, ["word"] = Word(status), ["count"] = count, ["start"] = Percent(start, results.Count), ["size"] = Percent(count, results.Count), ["rest"] = Percent(results.Count - count, results.Count), ["back"] = Percent(-start, results.Count) });
            start += count;
        }

        return [.. segments];
    }

    private static string Headline(HardeningReport report)
    {
        int Of(HardeningStatus status) => report.Results.Count(result => result.Status == status);
        var (failed, unknown, urgent) = (Of(HardeningStatus.Fail), Of(HardeningStatus.Unknown), report.Results.Count(IsUrgent));
        var where = report.Hosts.Count == 1 ? "" : $" on {report.Hosts.Count} hosts";
        var grave = urgent == 0 ? "" : $", {urgent} of them critical or high";
        return (failed == 0 ? "No failures" : Count(failed, "failure")) + where + grave + (unknown == 0 ? "." : $"; {unknown} could not be told, which is no pass.");
    }

    private static bool IsUrgent(Dom0HardeningResult result) => result.Status == HardeningStatus.Fail && result.Severity >= Urgent;

    private static string Word(HardeningStatus status) => status == HardeningStatus.NotApplicable ? "Not applicable" : status.ToString();

    private static string Sign(HardeningStatus status) => status switch
    {
        HardeningStatus.Fail => "\u2715",
        HardeningStatus.Warn => "!",
        HardeningStatus.Unknown => "?",
        HardeningStatus.Waived => "~",
        HardeningStatus.NotApplicable => "\u2013",
        _ => "\u2713",
    };

    private static string Count(int number, string thing) => $"{number} {thing}{(number == 1 ? "" : "s")}";

    private static string Percent(int part, int whole) => (100.0 * part / whole).ToString("0.###", CultureInfo.InvariantCulture);

    private static string Hash(string text) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
}
