using System.Text;
using System.Xml;
using VirtSecurity.Hardening;
using VirtSecurity.Hardening.Reports;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening.Reports;

/// <summary>Whatever a host said, a report's text can be read, hides nothing, and is legal where it stands.</summary>
public sealed class ReportTextTests
{
    [Theory]
    [InlineData("plain, with \"quotes\" & <tags>", "plain, with \"quotes\" & <tags>")]
    [InlineData("two\nlines\tand a tab", "two\nlines\tand a tab")]
    [InlineData("\u00e9\u05d0\u4e2d\U0001f512", "\u00e9\u05d0\u4e2d\U0001f512")]
    [InlineData("dos\r\nline", "dos\nline")]
    [InlineData("over\rwritten", "over\\x0dwritten")]
    [InlineData("\u0000\u001b[2K\u007f\u0085", "\\x00\\x1b[2K\\x7f\\x85")]
    [InlineData("\u202egnp\u2066\u200b\ufeff\u2028", "\\u202egnp\\u2066\\u200b\\ufeff\\u2028")]
    [InlineData("\uffff\ufffe\ufdd0\ue000", "\\uffff\\ufffe\\ufdd0\\ue000")]
    [InlineData("\U000e0041", "\\U000e0041")]
    public void WhatCannotBeSeenIsShownByItsNumber(string text, string visible) => Assert.Equal(visible, ReportText.Visible(text));

    [Fact]
    public void BytesThatAreNoTextAreShownAsTheyAre()
    {
        Assert.Equal("/srv/\\xff\\xfe.img", ReportText.Visible(HostText.Decode([.. "/srv/"u8, 0xff, 0xfe, .. ".img"u8])));
        Assert.Equal("\\ud800x", ReportText.Visible("\ud800x"));
    }

    [Fact]
    public void AnyTextBecomesOneThatXmlAndUtf8CanHold()
    {
        var random = new Random(6);
        var strict = new UTF8Encoding(false, true);
        for (var i = 0; i < 2000; i++)
        {
            var visible = ReportText.Visible(new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)(random.Next(3) == 0 ? random.Next(0x10000) : random.Next(0x100)))]));
            Assert.Equal(visible, XmlConvert.VerifyXmlChars(visible));
            Assert.Equal(visible, strict.GetString(strict.GetBytes(visible)));
            Assert.DoesNotContain('\r', visible);
            Assert.Equal(visible, ReportText.Visible(visible));
        }
    }

    [Fact]
    public void AReportOfNothingOrOfTwoRunsIsRefused()
    {
        Assert.Equal("ReportEmpty", Assert.Throws<VirtException>(() => ReportSamples.Report()).Id);
        Assert.Equal("ResultTwice", Assert.Throws<VirtException>(() => ReportSamples.Report(ReportSamples.Result("SEL-01", HardeningStatus.Fail), ReportSamples.Result("SEL-01", HardeningStatus.Pass))).Id);
    }

    [Theory]
    [InlineData("/a/report.html", ReportFormat.Html)]
    [InlineData("/a/REPORT.HTM", ReportFormat.Html)]
    [InlineData("/a/b.sarif", ReportFormat.Sarif)]
    [InlineData("/a/b.sarif.json", ReportFormat.Sarif)]
    [InlineData("/a/TEST-dom0.xml", ReportFormat.JUnit)]
    public void AFilesNameSaysItsFormat(string path, ReportFormat format) => Assert.Equal(format, ReportFormats.Of(path));

    [Theory]
    [InlineData("/a/report")]
    [InlineData("/a/report.json")]
    [InlineData("/a/report.html.bak")]
    public void AnotherNameSaysNothingAndIsNotGuessed(string path) => Assert.Equal("ReportFormatUnknown", Assert.Throws<VirtException>(() => ReportFormats.Of(path)).Id);
}
