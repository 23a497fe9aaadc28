using VirtSecurity.Hardening;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Domain.Hardening.Reports;
using Xunit;
using static VirtSecurity.Hardening.HardeningStatus;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>Of two runs it is said what became of each check, and a check that can no longer be told is never called fixed.</summary>
public sealed class ComparisonTests
{
    public static TheoryData<HardeningStatus, HardeningStatus, HardeningChange> Expected => new()
    {
        { Fail, Pass, HardeningChange.Fixed },
        { Warn, Pass, HardeningChange.Fixed },
        { Waived, Pass, HardeningChange.Fixed },
        { Pass, Fail, HardeningChange.New },
        { Pass, Warn, HardeningChange.New },
        { Unknown, Fail, HardeningChange.New },
        { NotApplicable, Fail, HardeningChange.New },
        { Waived, Fail, HardeningChange.New },
        { Fail, Fail, HardeningChange.StillThere },
        { Fail, Warn, HardeningChange.StillThere },
        { Warn, Fail, HardeningChange.StillThere },
        { Unknown, Unknown, HardeningChange.StillThere },
        { Waived, Waived, HardeningChange.StillThere },
        { Fail, Unknown, HardeningChange.Changed },
        { Fail, NotApplicable, HardeningChange.Changed },
        { Fail, Waived, HardeningChange.Changed },
        { Pass, Unknown, HardeningChange.Changed },
        { Unknown, Pass, HardeningChange.Changed },
        { Pass, Pass, HardeningChange.Unchanged },
        { NotApplicable, NotApplicable, HardeningChange.Unchanged },
    };

    [Theory]
    [MemberData(nameof(Expected))]
    public void TheStatusBeforeAndAfterSayWhatBecameOfIt(HardeningStatus before, HardeningStatus after, HardeningChange expected)
    {
        var change = Assert.Single(HardeningRuns.Compare([ReportSamples.Result("SEL-01", before)], [ReportSamples.Result("SEL-01", after)]));
        Assert.Equal((expected, before, after), (change.Change, change.Before, change.After));
        Assert.Equal(($"what is, {before}", $"what is, {after}"), (change.ActualBefore, change.ActualAfter));
    }

    [Fact]
    public void NothingIsFixedButWhatPassesAndNothingWrongIsLeftOut()
    {
        var all = Enum.GetValues<HardeningStatus>();
        foreach (var (before, after) in from before in all from after in all select (before, after))
        {
            var change = Assert.Single(HardeningRuns.Compare([ReportSamples.Result("SEL-01", before)], [ReportSamples.Result("SEL-01", after)])).Change;
            if (change == HardeningChange.Fixed) Assert.Equal(Pass, after);
            if (after is Fail or Warn) Assert.True(change is HardeningChange.New or HardeningChange.StillThere, $"{before} -> {after}: {change}");
            if (change == HardeningChange.Unchanged) Assert.True(before == after && after is Pass or NotApplicable, $"{before} -> {after}: {change}");
        }
    }

    [Fact]
    public void HostsAreKeptApartAndWhatOneRunLacksIsAddedOrGone()
    {
        var changes = HardeningRuns.Compare(
            [ReportSamples.Result("SEL-01", Fail), ReportSamples.Result("SEL-02", Fail), ReportSamples.Result("SEL-01", Pass, host: "kvm2"), ReportSamples.Result("SEL-01", Fail, host: "kvm3")],
            [ReportSamples.Result("SEL-01", Fail, host: "kvm2"), ReportSamples.Result("sel-01", Pass), ReportSamples.Result("SEL-03", Fail)]);
        Assert.Equal(
            ["kvm2 SEL-01 New", "kvm1 sel-01 Fixed", "kvm1 SEL-03 Added", "kvm1 SEL-02 Gone", "kvm3 SEL-01 Gone"],
            changes.Select(change => $"{change.VirtHost} {change.Id} {change.Change}"));
        Assert.Equal((null, Fail, ""), (changes[2].Before, changes[2].After, changes[2].ActualBefore));
        Assert.Equal((Fail, null, ""), (changes[3].Before, changes[3].After, changes[3].ActualAfter));
    }

    [Fact]
    public void ARunWithTwoResultsForACheckIsRefusedAsNoneOfThemIsKnownToCount()
    {
        var twice = new[] { ReportSamples.Result("SEL-01", Fail), ReportSamples.Result("SEL-01", Pass) };
        Assert.Equal("ResultTwice", Assert.Throws<VirtException>(() => HardeningRuns.Compare(twice, [])).Id);
        Assert.Equal("ResultTwice", Assert.Throws<VirtException>(() => HardeningRuns.Compare([], twice)).Id);
    }
}
