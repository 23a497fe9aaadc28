using System.Globalization;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>Sizes as PowerShell, a CSV and people write them.</summary>
public sealed class VolumeSizeTests
{
    [Theory]
    [InlineData("5GB", 5L << 30)]
    [InlineData("5gb", 5L << 30)]
    [InlineData("5G", 5L << 30)]
    [InlineData("5GiB", 5L << 30)]
    [InlineData(" 5 GiB ", 5L << 30)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData("512M", 512L << 20)]
    [InlineData("4K", 4096)]
    [InlineData("2T", 2L << 40)]
    [InlineData("5368709120", 5L << 30)]
    [InlineData("5368709120B", 5L << 30)]
    public void ATextMayHaveAUnit(string text, long bytes) => Assert.Equal(bytes, new VolumeSize(text).Bytes);

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-5GB")]
    [InlineData("GB")]
    [InlineData("5 PB")]
    [InlineData("5GB5")]
    [InlineData("5,5GB")]
    [InlineData("1e9")]
    [InlineData("0.1K")]
    [InlineData("0.5")]
    [InlineData("99999999999T")]
    [InlineData("٥GB")]
    [InlineData("100%FREE")]
    public void WhatIsNoSizeIsRefused(string text) => Assert.Equal("InvalidSize", Assert.Throws<VirtException>(() => new VolumeSize(text)).Id);

    [Theory]
    [InlineData(0.0)]
    [InlineData(-1.0)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e19)]
    public void ANumberThatIsNoWholeNumberOfBytesIsRefused(double bytes) => Assert.Equal("InvalidSize", Assert.Throws<VirtException>(() => new VolumeSize(bytes)).Id);

    [Fact]
    public void TheSameInEveryCulture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("de-DE");
            Assert.Equal(3L << 29, new VolumeSize("1.5GB").Bytes);
            Assert.Equal("1536MB", new VolumeSize(3L << 29).ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(5L << 30, "5GB")]
    [InlineData((5L << 30) + 1, "5368709121")]
    [InlineData(1L << 50, "1024TB")]
    public void IsWrittenAsItCanBeRead(long bytes, string text)
    {
        Assert.Equal(text, new VolumeSize(bytes).ToString());
        Assert.Equal(bytes, new VolumeSize(text).Bytes);
    }
}
