using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VirtSecurity.Hardening.Reports;

/// <summary>
/// A report as SARIF 2.1.0 (OASIS): one run, the hosts as its logical locations. A result that passes, does not apply, or cannot be told (open) has no level, as
/// the standard wants it. A warning is a finding one level below what a failure of the same check would be; what is waived is a finding that is suppressed.
/// </summary>
internal static class SarifReport
{
    private const string Schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

    /// <summary>The file's bytes.</summary>
    public static byte[] Write(HardeningReport report)
    {
        using var bytes = new MemoryStream();
        // The file is JSON and never lies inside a page: quotes and angle brackets may stay readable.
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", Schema);
            json.WriteString("version", "2.1.0");
            json.WriteStartArray("runs");
            WriteRun(json, report);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    private static void WriteRun(Utf8JsonWriter json, HardeningReport report)
    {
        json.WriteStartObject();
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        Text(json, "name", HardeningReport.ToolName);
        Text(json, "semanticVersion", HardeningReport.ToolVersion);
        json.WriteStartArray("rules");
        foreach (var check in report.Checks) WriteRule(json, check);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("logicalLocations");
        foreach (var host in report.Hosts) WriteHost(json, host.Key, null);
        json.WriteEndArray();
        json.WriteStartArray("results");
        var (rules, hosts) = (Indices(report.Checks.Select(check => check.Id)), Indices(report.Hosts.Select(host => host.Key)));
        foreach (var result in report.Results) WriteResult(json, result, rules[result.Id], hosts[result.VirtHost.ToString()]);
        json.WriteEndArray();
        json.WriteString("columnKind", "utf16CodeUnits");
        json.WriteStartObject("properties");
        Text(json, "title", report.Title);
        json.WriteString("written", report.Written);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteRule(Utf8JsonWriter json, Dom0HardeningResult check)
    {
        var rule = HardeningReport.RuleOf(check.Id);
        json.WriteStartObject();
        Text(json, "id", check.Id);
        Message(json, "shortDescription", check.Title);
        if (rule is not null) Message(json, "fullDescription", rule.Why);
        Message(json, "help", $"{rule?.Remedy ?? (check.Remediation.Length > 0 ? check.Remediation : check.Expected)}\n\nAsked for by: {check.Source}");
        json.WriteStartObject("defaultConfiguration");
        json.WriteString("level", Level(check.Severity));
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("severity", check.Severity.ToString());
        Text(json, "category", check.Category);
        Text(json, "source", check.Source);
        json.WriteStartArray("tags");
        json.WriteStringValue("security");
        json.WriteStringValue(ReportText.Visible(check.Category));
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteResult(Utf8JsonWriter json, Dom0HardeningResult result, int rule, int host)
    {
        json.WriteStartObject();
        Text(json, "ruleId", result.Id);
        json.WriteNumber("ruleIndex", rule);
        json.WriteString("kind", Kind(result.Status));
        json.WriteString("level", Level(result));
        Message(json, "message", $"{result.VirtHost}: {result.Title}: {result.Actual}");
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartArray("logicalLocations");
        WriteHost(json, result.VirtHost.ToString(), host);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartObject("fingerprints");
        json.WriteString("virtsecurity/hostAndCheck/v1", Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{result.VirtHost}\n{result.Id}"))).ToLowerInvariant());
        json.WriteEndObject();
        // Where one result says whether it is suppressed, all have to.
        json.WriteStartArray("suppressions");
        if (result.Status == HardeningStatus.Waived) WriteSuppression(json, result);
        json.WriteEndArray();
        json.WriteStartObject("properties");
        json.WriteString("status", result.Status.ToString());
        json.WriteString("severity", result.Severity.ToString());
        Text(json, "expected", result.Expected);
        Text(json, "actual", result.Actual);
        Text(json, "evidence", result.Evidence);
        Text(json, "remediation", result.Remediation);
        Text(json, "remediationCommand", result.RemediationCommand);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSuppression(Utf8JsonWriter json, Dom0HardeningResult result)
    {
        json.WriteStartObject();
        json.WriteString("kind", "external");
        json.WriteString("status", "accepted");
        Text(json, "justification", ReportText.Lines(result.Evidence) is [var waiver, ..] ? waiver : result.Actual);
        json.WriteEndObject();
    }

    private static void WriteHost(Utf8JsonWriter json, string host, int? index)
    {
        json.WriteStartObject();
        Text(json, "name", host);
        Text(json, "fullyQualifiedName", host);
        json.WriteString("kind", "resource");
        if (index is { } place) json.WriteNumber("index", place);
        json.WriteEndObject();
    }

    private static string Kind(HardeningStatus status) => status switch
    {
        HardeningStatus.Pass => "pass",
        HardeningStatus.NotApplicable => "notApplicable",
        HardeningStatus.Unknown => "open",
        _ => "fail",
    };

    private static string Level(Dom0HardeningResult result) => result.Status switch
    {
        HardeningStatus.Fail or HardeningStatus.Waived => Level(result.Severity),
        HardeningStatus.Warn => Level(result.Severity) == "error" ? "warning" : "note",
        _ => "none",
    };

    private static string Level(HardeningSeverity severity) => severity switch
    {
        HardeningSeverity.Critical or HardeningSeverity.High => "error",
        HardeningSeverity.Medium => "warning",
        _ => "note",
    };

    private static Dictionary<string, int> Indices(IEnumerable<string> names) => names.Select((name, index) => (name, index)).ToDictionary(item => item.name, item => item.index);

    private static void Text(Utf8JsonWriter json, string name, string text) => json.WriteString(name, ReportText.Visible(text));

    // A viewer fills in what stands in braces (section 3.11.5 wants them doubled), and makes a link of what stands in brackets before parentheses.
    private static void Message(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        Text(json, "text", text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal).Replace("](", "] (", StringComparison.Ordinal));
        json.WriteEndObject();
    }
}
