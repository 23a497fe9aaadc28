using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using VirtSecurity.Hardening;
using VirtSecurity.Hardening.Reports;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening.Reports;

/// <summary>The SARIF file is one by its schema and by what the standard says beyond that.</summary>
public sealed class SarifReportTests
{
    /// <summary>As Sarif.Sdk carries it.</summary>
    private static readonly JsonSchema Schema = JsonSchema.FromFile(EngineRun.Metadata("SarifSchema"));

    [Fact]
    public void ItIsValidByTheSchemaAndTheSchemaWouldSayOtherwise()
    {
        var sarif = Written(ReportSamples.Every);
        Assert.True(IsValid(sarif));
        foreach (var spoil in (Action<JsonNode>[])
        [
            log => log["version"] = "2.0.0", log => log["runs"]![0]!.AsObject().Remove("tool"), log => log["runs"]![0]!["results"]![0]!["kind"] = "passed",
            log => log["runs"]![0]!["results"]![0]!["message"] = new JsonObject(), log => log["runs"]![0]!["results"]![0]!["surplus"] = 1,
        ])
        {
            var spoiled = sarif.DeepClone();
            spoil(spoiled);
            Assert.False(IsValid(spoiled), spoiled["runs"]![0]!["results"]![0]!.ToJsonString());
        }
    }

    [Fact]
    public void WhatHostsSayStaysText()
    {
        foreach (var text in ReportSamples.Hostile)
        {
            var sarif = Written(ReportSamples.With(text));
            Assert.True(IsValid(sarif));
            var result = sarif["runs"]![0]!["results"]![0]!;
            Assert.Equal(ReportText.Visible($"v{text}"), (string?)result["properties"]!["evidence"]);
            var message = (string)result["message"]!["text"]!;
            Assert.DoesNotContain("](", message, StringComparison.Ordinal);
            Assert.DoesNotContain("{0}", message.Replace("{{", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(HardeningStatus.Fail, HardeningSeverity.Critical, "fail", "error", 0)]
    [InlineData(HardeningStatus.Fail, HardeningSeverity.High, "fail", "error", 0)]
    [InlineData(HardeningStatus.Fail, HardeningSeverity.Medium, "fail", "warning", 0)]
    [InlineData(HardeningStatus.Fail, HardeningSeverity.Low, "fail", "note", 0)]
    [InlineData(HardeningStatus.Fail, HardeningSeverity.Info, "fail", "note", 0)]
    [InlineData(HardeningStatus.Warn, HardeningSeverity.High, "fail", "warning", 0)]
    [InlineData(HardeningStatus.Warn, HardeningSeverity.Medium, "fail", "note", 0)]
    [InlineData(HardeningStatus.Waived, HardeningSeverity.High, "fail", "error", 1)]
    [InlineData(HardeningStatus.Unknown, HardeningSeverity.Critical, "open", "none", 0)]
    [InlineData(HardeningStatus.NotApplicable, HardeningSeverity.High, "notApplicable", "none", 0)]
    [InlineData(HardeningStatus.Pass, HardeningSeverity.High, "pass", "none", 0)]
    public void StatusAndSeverityBecomeKindLevelAndSuppression(HardeningStatus status, HardeningSeverity severity, string kind, string level, int suppressions)
    {
        var result = Written([ReportSamples.Result("SEL-01", status, severity)])["runs"]![0]!["results"]![0]!;
        Assert.Equal((kind, level, suppressions), ((string)result["kind"]!, (string)result["level"]!, result["suppressions"]!.AsArray().Count));
        if (suppressions > 0) Assert.Equal("waived until 2027-01-31: old backup (ops)", (string?)result["suppressions"]![0]!["justification"]);
    }

    [Fact]
    public void EachResultHasItsRuleItsHostAndAFingerprintThatIsItsOwnAndStays()
    {
        var run = Written(ReportSamples.Every)["runs"]![0]!;
        var results = run["results"]!.AsArray();
        Assert.Equal(ReportSamples.Every.Count, results.Count);
        Assert.All(results, result =>
        {
            Assert.Equal((string)result!["ruleId"]!, (string?)run["tool"]!["driver"]!["rules"]![(int)result["ruleIndex"]!]!["id"]);
            var location = result["locations"]![0]!["logicalLocations"]![0]!;
            Assert.Equal((string)location["fullyQualifiedName"]!, (string?)run["logicalLocations"]![(int)location["index"]!]!["fullyQualifiedName"]);
        });
        static IEnumerable<string> Fingerprints(JsonNode run) => run["results"]!.AsArray().Select(result => (string)result!["fingerprints"]!["virtsecurity/hostAndCheck/v1"]!);
        Assert.Equal(results.Count, Fingerprints(run).Distinct().Count());
        var later = Written([.. ReportSamples.Every.Select(result => result with { Status = HardeningStatus.Pass, Actual = "other", Title = "other" })])["runs"]![0]!;
        Assert.Equal(Fingerprints(run), Fingerprints(later));
    }

    [Fact]
    public void ARuleOfTheCatalogueHasItsHelpAndReason()
    {
        var rule = Catalogue.Rules[0];
        var written = Written([ReportSamples.Result(rule.Id, HardeningStatus.Pass)])["runs"]![0]!["tool"]!["driver"]!["rules"]![0]!;
        Assert.Equal(rule.Why, (string?)written["fullDescription"]!["text"]);
        Assert.StartsWith(rule.Remedy, (string)written["help"]!["text"]!, StringComparison.Ordinal);
    }

    private static JsonNode Written(IReadOnlyList<Dom0HardeningResult> results) => JsonNode.Parse(ReportSamples.Report(results).Write(ReportFormat.Sarif))!;

    private static bool IsValid(JsonNode sarif) => Schema.Evaluate(JsonDocument.Parse(sarif.ToJsonString()).RootElement).IsValid;
}
