using System.Globalization;
using System.Text;
using System.Xml;

namespace VirtSecurity.Hardening.Reports;

/// <summary>
/// A report as JUnit's XML: a suite for each host, a test for each check. What fails is a failure, and what could not be told an error; what does not apply,
/// is waived, or is only warned of is skipped with the reason, so that nothing counts as passed but what passed.
/// </summary>
internal static class JUnitReport
{
    /// <summary>The file's bytes.</summary>
    public static byte[] Write(HardeningReport report)
    {
        using var bytes = new MemoryStream();
        var settings = new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false), NewLineChars = "\n", NewLineHandling = NewLineHandling.None };
        using (var xml = XmlWriter.Create(bytes, settings))
        {
            xml.WriteStartElement("testsuites");
            Text(xml, "name", report.Title);
            WriteCounts(xml, report.Results);
            foreach (var host in report.Hosts) WriteSuite(xml, host.Key, [.. host], report.Written);
            xml.WriteEndElement();
        }

        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    private static void WriteSuite(XmlWriter xml, string host, IReadOnlyList<Dom0HardeningResult> results, DateTime written)
    {
        xml.WriteStartElement("testsuite");
        Text(xml, "name", host);
        WriteCounts(xml, results);
        xml.WriteStartElement("properties");
        WriteProperty(xml, "tool", $"{HardeningReport.ToolName} {HardeningReport.ToolVersion}");
        WriteProperty(xml, "written", written.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        xml.WriteEndElement();
        foreach (var result in results) WriteCase(xml, host, result);
        xml.WriteEndElement();
    }

    private static void WriteCase(XmlWriter xml, string host, Dom0HardeningResult result)
    {
        xml.WriteStartElement("testcase");
        Text(xml, "name", $"{result.Id} {result.Title}");
        // A dot would begin a package of its own in viewers that make a tree of the name.
        Text(xml, "classname", $"{host.Replace('.', '_')}.{result.Category.Replace('.', '_')}");
        switch (result.Status)
        {
            case HardeningStatus.Fail: WriteOutcome(xml, "failure", result.Severity.ToString(), result.Actual, Body(result)); break;
            case HardeningStatus.Unknown: WriteOutcome(xml, "error", "Unknown", result.Actual, Body(result)); break;
            case HardeningStatus.Warn: WriteSkipped(xml, $"Warning: {result.Actual}"); break;
            case HardeningStatus.Waived: WriteSkipped(xml, ReportText.Lines(result.Evidence) is [var waiver, ..] ? $"Waived: {waiver}" : "Waived"); break;
            case HardeningStatus.NotApplicable: WriteSkipped(xml, $"Not applicable: {result.Actual}"); break;
        }

        // What stands in the failure or error already is not said again.
        if (result.Status is not (HardeningStatus.Fail or HardeningStatus.Unknown))
        {
            xml.WriteStartElement("system-out");
            xml.WriteString(ReportText.Visible(Body(result)));
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    private static void WriteOutcome(XmlWriter xml, string element, string type, string message, string body)
    {
        xml.WriteStartElement(element);
        Text(xml, "message", message);
        Text(xml, "type", type);
        xml.WriteString(ReportText.Visible(body));
        xml.WriteEndElement();
    }

    private static void WriteSkipped(XmlWriter xml, string message)
    {
        xml.WriteStartElement("skipped");
        Text(xml, "message", message);
        xml.WriteEndElement();
    }

    private static void WriteProperty(XmlWriter xml, string name, string value)
    {
        xml.WriteStartElement("property");
        Text(xml, "name", name);
        Text(xml, "value", value);
        xml.WriteEndElement();
    }

    private static void WriteCounts(XmlWriter xml, IReadOnlyCollection<Dom0HardeningResult> results)
    {
        void Count(string name, Func<HardeningStatus, bool> isOne) => xml.WriteAttributeString(name, results.Count(result => isOne(result.Status)).ToString(CultureInfo.InvariantCulture));
        Count("tests", _ => true);
        Count("failures", status => status == HardeningStatus.Fail);
        Count("errors", status => status == HardeningStatus.Unknown);
        Count("skipped", status => status is HardeningStatus.Warn or HardeningStatus.Waived or HardeningStatus.NotApplicable);
    }

    private static string Body(Dom0HardeningResult result)
    {
        (string Name, string Text)[] parts =
        [
            ("Severity", result.Severity.ToString()), ("Expected", result.Expected), ("Actual", result.Actual), ("Evidence", result.Evidence),
            ("Remedy", result.Remediation), ("Commands", result.RemediationCommand), ("Source", result.Source),
        ];
        return string.Join('\n', parts.Where(part => part.Text.Length > 0)
            .Select(part => part.Text.Contains('\n', StringComparison.Ordinal) ? $"{part.Name}:\n  {part.Text.Replace("\n", "\n  ", StringComparison.Ordinal)}" : $"{part.Name}: {part.Text}"));
    }

    private static void Text(XmlWriter xml, string name, string text) => xml.WriteAttributeString(name, ReportText.Visible(text));
}
