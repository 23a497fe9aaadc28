using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using VirtSecurity.Hardening;
using VirtSecurity.Hardening.Reports;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening.Reports;

/// <summary>The JUnit file is one by the schema, and counts as passed nothing but what passed.</summary>
public sealed class JUnitReportTests
{
    private static readonly XmlSchemaSet Schema = Load();

    [Fact]
    public void ItIsValidByTheSchemaAndTheSchemaWouldSayOtherwise()
    {
        var junit = Written(ReportSamples.Every);
        Assert.Empty(Problems(junit));
        foreach (var spoil in (Action<XDocument>[])
        [
            file => file.Root!.Attribute("tests")!.Value = "many", file => file.Descendants("testcase").First().Attribute("classname")!.Remove(),
            file => file.Descendants("failure").First().AddAfterSelf(new XElement("skipped")), file => file.Root!.Add(new XElement("surplus")),
        ])
        {
            var spoiled = new XDocument(junit);
            spoil(spoiled);
            Assert.NotEmpty(Problems(spoiled));
        }
    }

    [Fact]
    public void WhatHostsSayStaysText()
    {
        foreach (var text in ReportSamples.Hostile)
        {
            var junit = Written(ReportSamples.With(text));
            Assert.Empty(Problems(junit));
            Assert.Contains(ReportText.Visible($"e{text}").TrimEnd('\n').Split('\n')[0], junit.Descendants("failure").First().Value, StringComparison.Ordinal);
            Assert.Equal(ReportSamples.Every.Count, junit.Descendants("testcase").Count());
        }
    }

    [Theory]
    [InlineData(HardeningStatus.Pass, null)]
    [InlineData(HardeningStatus.Fail, "failure")]
    [InlineData(HardeningStatus.Unknown, "error")]
    [InlineData(HardeningStatus.Warn, "skipped")]
    [InlineData(HardeningStatus.Waived, "skipped")]
    [InlineData(HardeningStatus.NotApplicable, "skipped")]
    public void OnlyWhatPassesHasNoOtherOutcome(HardeningStatus status, string? outcome)
    {
        var test = Written([ReportSamples.Result("SEL-01", status)]).Descendants("testcase").Single();
        Assert.Equal(outcome, test.Elements().FirstOrDefault(element => element.Name.LocalName != "system-out")?.Name.LocalName);
        var message = (string?)test.Elements().First().Attribute("message");
        if (outcome is not null) Assert.Contains(status == HardeningStatus.Waived ? "old backup (ops)" : $"what is, {status}", message!, StringComparison.Ordinal);
        Assert.Contains("Evidence:\n  ", test.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void CountsAreThoseOfTheTests()
    {
        var junit = Written(ReportSamples.Every);
        Assert.Equal(["kvm1", "ssh://operator@xen1:2222?sudo"], junit.Root!.Elements("testsuite").Select(suite => suite.Attribute("name")!.Value));
        Assert.All(junit.Root.Elements("testsuite").Append(junit.Root), suite =>
        {
            int Count(string name) => int.Parse(suite.Attribute(name)!.Value, CultureInfo.InvariantCulture);
            Assert.Equal(suite.Descendants("testcase").Count(), Count("tests"));
            Assert.Equal((suite.Descendants("failure").Count(), suite.Descendants("error").Count(), suite.Descendants("skipped").Count()), (Count("failures"), Count("errors"), Count("skipped")));
            Assert.Equal(suite.Descendants("testcase").Count(test => test.Elements().All(element => element.Name.LocalName == "system-out")), Count("tests") - Count("failures") - Count("errors") - Count("skipped"));
        });
    }

    private static XDocument Written(IReadOnlyList<Dom0HardeningResult> results)
    {
        using var bytes = new MemoryStream(ReportSamples.Report(results).Write(ReportFormat.JUnit));
        return XDocument.Load(bytes);
    }

    private static List<string> Problems(XDocument file)
    {
        var problems = new List<string>();
        file.Validate(Schema, (_, problem) => problems.Add(problem.Message));
        return problems;
    }

    private static XmlSchemaSet Load()
    {
        var schemas = new XmlSchemaSet();
        using var reader = XmlReader.Create(Path.Combine(EngineRun.RepoRoot, "tests/VirtSecurity.Tests/Fixtures/junit/junit.xsd"));
        schemas.Add(null, reader);
        return schemas;
    }
}
