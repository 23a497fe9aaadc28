using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Hardening;
using VirtSecurity.Hardening.Reports;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening.Reports;

/// <summary>The page is whole, needs nothing from elsewhere, and stays the same page whatever hosts said.</summary>
public sealed partial class HtmlReportTests
{
    private static readonly string Page = Written(ReportSamples.Every);

    [Fact]
    public void EverythingOfEachResultIsOnThePage()
    {
        var text = WebUtility.HtmlDecode(Page);
        Assert.All(ReportSamples.Every, result => Assert.All(
            (string[])[result.Id, result.Title, result.Category, result.Severity.ToString(), result.Expected, result.Actual, result.Evidence, result.Remediation, result.RemediationCommand, result.Source, result.VirtHost.ToString()],
            part => Assert.Contains(part, text, StringComparison.Ordinal)));
        Assert.Equal(ReportSamples.Every.Count, Regex.Count(Page, "<details class=\"result "));
        // Without a script all of it is open.
        Assert.Equal(ReportSamples.Every.Count, Regex.Count(Page, "<details class=\"result [A-Za-z]+\" id=\"r[0-9]+\" open "));
        Assert.Contains("A title", text, StringComparison.Ordinal);
        Assert.Contains("10 failures on 2 hosts, 4 of them critical or high; 10 could not be told, which is no pass.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ItsPolicyAllowsItsOwnStyleAndScriptAndNothingElse()
    {
        var policy = Regex.Match(Page, "<meta http-equiv=\"Content-Security-Policy\" content=\"(?<policy>[^\"]*)\">").Groups["policy"].Value;
        Assert.Equal($"default-src 'none'; style-src '{Hash("style")}'; script-src '{Hash("script")}'; base-uri 'none'; form-action 'none'", policy);
        Assert.True(Page.IndexOf("http-equiv", StringComparison.Ordinal) < Page.IndexOf("<style", StringComparison.Ordinal));
    }

    [Fact]
    public void NothingIsFromElsewhere()
    {
        var tags = Tags().Matches(Page).Select(tag => tag.Value).ToArray();
        Assert.DoesNotContain(tags, tag => Regex.IsMatch(tag, @"^<(link|img|iframe|object|embed|base|audio|video|source|use|image)\b|\s(src|srcset|style|on\w+|action|formaction|ping|background)=", RegexOptions.IgnoreCase));
        Assert.All(Regex.Matches(string.Concat(tags), "href=\"([^\"]*)\"").Select(match => match.Groups[1].Value), link => Assert.Matches("^#[rh][0-9]+$", link));
        Assert.DoesNotContain("@import", Page, StringComparison.Ordinal);
        Assert.All(Regex.Matches(Page, @"url\(([^)]*)\)").Select(match => match.Groups[1].Value), target => Assert.StartsWith("#p-", target, StringComparison.Ordinal));
        Assert.DoesNotMatch(@"\b(fetch|XMLHttpRequest|WebSocket|import)\b", HtmlReport.Asset("report.js"));
        Assert.DoesNotMatch("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(", HtmlReport.Asset("report.js"));
    }

    [Fact]
    public void WhateverHostsSayThePageHasTheSameTagsAndAttributes()
    {
        var plain = Shape(Written(ReportSamples.With("x")));
        foreach (var text in ReportSamples.Hostile.Where(text => text.Length > 0))
        {
            var page = Written(ReportSamples.With(text));
            Assert.Equal(plain, Shape(page));
            var shown = ReportText.Visible($"e{text}");
            Assert.Contains(shown, WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ATitleIsTextToo()
    {
        var page = Encoding.UTF8.GetString(HardeningReport.Of("</title><script>alert(1)</script>", ReportSamples.Written, ReportSamples.Every).Write(ReportFormat.Html));
        Assert.Equal(Shape(Page), Shape(page));
    }

    [Fact]
    public void ItIsWrittenForReadersOfAllKinds()
    {
        Assert.StartsWith("<!DOCTYPE html>\n<html lang=\"en\">", Page, StringComparison.Ordinal);
        Assert.Single(Regex.Matches(Page, "<h1>"));
        var levels = Regex.Matches(Page, "<h([1-6])[ >]").Select(match => match.Groups[1].Value[0] - '0').ToArray();
        Assert.All(levels.Zip(levels.Skip(1)), pair => Assert.True(pair.Second <= pair.First + 1, $"h{pair.First} is followed by h{pair.Second}"));
        Assert.All(Regex.Matches(Page, "<th[ >][^>]*>?").Select(match => match.Value), header => Assert.Matches("scope=\"(col|row)\"", header));
        var places = Regex.Matches(Page, "\\sid=\"([^\"]+)\"").Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(places.Length, places.Distinct().Count());
        Assert.All(Regex.Matches(Page, "(?:href=\"#|aria-labelledby=\")([^\"]+)\"").Select(match => match.Groups[1].Value), target => Assert.Contains(target, places));
        Assert.All(Regex.Matches(Page, "<svg[^>]*>").Select(match => match.Value), picture => Assert.Matches("aria-hidden=\"true\"|role=\"img\" aria-label", picture));
    }

    /// <summary>WCAG 2.1, 1.4.3: 4.5 to 1, for each of the colours of text on each of the grounds it stands on.</summary>
    [Fact]
    public void EveryTextStandsOutFromItsGroundInLightDarkAndOnPaper()
    {
        var schemes = Regex.Matches(HtmlReport.Asset("report.css"), @":root \{([^}]*)\}").Select(match => Regex.Matches(match.Groups[1].Value, "--([a-z-]+): (#[0-9a-f]{6})").ToDictionary(one => one.Groups[1].Value, one => one.Groups[2].Value)).ToArray();
        Assert.Equal(3, schemes.Length);
        string[] statuses = ["fail", "warn", "unknown", "waived", "none", "pass"];
        (string Text, string Ground)[] pairs =
        [
            .. from text in (string[])["text", "dim", "link", .. statuses] from ground in (string[])["ground", "panel"] select (text, ground),
            .. statuses.Select(status => (status, $"{status}-soft")), .. statuses.Select(status => ("text", $"{status}-soft")),
        ];
        Assert.All(from scheme in schemes from pair in pairs select (scheme, pair), item =>
        {
            var contrast = Contrast(item.scheme[item.pair.Text], item.scheme[item.pair.Ground]);
            Assert.True(contrast >= 4.5, string.Create(CultureInfo.InvariantCulture, $"{item.pair}: {contrast:0.00}"));
        });
    }

    [Fact]
    public void AHostsBarIsWhole()
    {
        var bars = Regex.Matches(Page, "<svg class=\"bar\".*?</svg>", RegexOptions.Singleline).Select(match => match.Value).Where(bar => bar.Contains("<rect", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(bars);
        Assert.All(bars, bar => Assert.Equal(100, Regex.Matches(bar, " width=\"([0-9.]+)%\" height=\"12\"><title>").Sum(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)), 1));
    }

    [Theory]
    [InlineData("{{#a}}x")]
    [InlineData("x{{/a}}")]
    [InlineData("{{#a}}{{#b}}{{/a}}{{/b}}")]
    public void ATemplateWhoseSectionsDoNotMatchIsNone(string template) => Assert.Throws<FormatException>(() => new HtmlTemplate(template));

    [Fact]
    public void ATemplateIsFilledWithTextOnlyAndInnerNamesHideOuterOnes()
    {
        var fields = new Dictionary<string, object> { ["name"] = "<out>", ["none"] = "", ["items"] = new[] { new Dictionary<string, object> { ["name"] = "{{none}}" }, [] } };
        Assert.Equal("&lt;out&gt;:{{none}},&lt;out&gt;,no<b>", new HtmlTemplate("{{name}}:{{#items}}{{name}},{{/items}}{{#none}}yes{{/none}}{{^none}}no{{/none}}{{{part}}}").Fill(fields, new Dictionary<string, string> { ["part"] = "<b>" }));
        Assert.Throws<KeyNotFoundException>(() => new HtmlTemplate("{{missing}}").Fill(fields, new Dictionary<string, string>()));
    }

    private static string Written(IReadOnlyList<Dom0HardeningResult> results) => Encoding.UTF8.GetString(ReportSamples.Report(results).Write(ReportFormat.Html));

    private static string Hash(string element) =>
        "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Regex.Match(Page, $"<{element}>(.*?)</{element}>", RegexOptions.Singleline).Groups[1].Value)));

    /// <summary>All tags with the names of their attributes. What stands between style's and script's tags is not the hosts'.</summary>
    private static string[] Shape(string page) => [.. Tags().Matches(Regex.Replace(page, "(?<=<(style|script)>).*?(?=</\\1>)", "", RegexOptions.Singleline)).Select(tag => Regex.Replace(tag.Value, "\"[^\"]*\"", ""))];

    private static double Contrast(string one, string other)
    {
        double[] lights = [Luminance(one), Luminance(other)];
        return (lights.Max() + 0.05) / (lights.Min() + 0.05);
    }

    private static double Luminance(string colour)
    {
        double Channel(int place)
        {
            var value = int.Parse(colour.AsSpan(place, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0;
            return value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);
        }

        return (0.2126 * Channel(1)) + (0.7152 * Channel(3)) + (0.0722 * Channel(5));
    }

    [GeneratedRegex("<[/a-zA-Z!][^>]*>")]
    private static partial Regex Tags();
}
