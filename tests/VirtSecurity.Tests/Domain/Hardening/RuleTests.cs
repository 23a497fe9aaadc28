using System.Text.RegularExpressions;
using VirtSecurity.Hardening;
using VirtSecurity.Tests.Domain.Hardening.Scenarios;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>Each check on facts: when it passes, when it fails, and when it cannot or need not be told.</summary>
public sealed partial class RuleTests
{
    private static readonly HardeningStatus[] Wrong = [HardeningStatus.Fail, HardeningStatus.Warn];
    private static readonly HardeningStatus[] Open = [HardeningStatus.Unknown, HardeningStatus.NotApplicable];

    public static TheoryData<int> Scenarios => [.. Enumerable.Range(0, Scenario.All.Count)];

    public static TheoryData<string> Ids => [.. Catalogue.Rules.Select(rule => rule.Id)];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void AHostIsJudgedAsItIs(int number)
    {
        var scenario = Scenario.All[number];
        var result = scenario.Judge();
        var words = $"{result.Actual}\n{result.Evidence}";
        Assert.True(scenario.Status == result.Status, $"{scenario.Id} ('{scenario.Words}'): {result.Status}, not {scenario.Status}: {words}");
        Assert.Contains(scenario.Words, words, StringComparison.Ordinal);
        // A reason, what should be, and what to do, wherever they are wanted.
        Assert.NotEmpty(result.Actual);
        Assert.NotEmpty(result.Expected);
        Assert.Equal(Wrong.Append(HardeningStatus.Waived).Contains(result.Status), result.Remediation.Length > 0);
        if (!Open.Contains(result.Status)) Assert.NotEmpty(result.Evidence);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void ARulePassesFailsAndIsLeftOpenSomewhere(string id)
    {
        var seen = Scenario.All.Where(scenario => scenario.Id == id).Select(scenario => scenario.Status).ToArray();
        Assert.Contains(HardeningStatus.Pass, seen);
        Assert.True(seen.Intersect(Wrong).Any(), "no scenario fails");
        Assert.True(seen.Intersect(Open).Any(), "no scenario is unknown or not applicable");
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void ARuleSaysAllThatAReaderWants(string id)
    {
        var rule = Catalogue.Rules.Single(rule => rule.Id == id);
        Assert.Matches(IdShape(), rule.Id);
        Assert.All((string[])[rule.Title, rule.Category, rule.Source, rule.Why, rule.Expected, rule.Remedy], text => Assert.True(text.Trim().Length >= 4, $"{id}: '{text}'"));
        Assert.True(rule.Why.Length > 40 && rule.Remedy.Length > 20, id);
        Assert.True(rule.Title.Length <= 90, rule.Title);
        // What is about the plan alone asks nothing.
        Assert.True(rule.Needs.Count > 0 || rule.NeedsPlan, id);
        // A question of both kinds would be half asked of a tree that does not run.
        Assert.All(rule.Needs, question => Assert.True(question.Command is not null || question.Paths.All(FactQuestion.IsLive) || !question.Paths.Any(FactQuestion.IsLive), question.Key));
        Assert.All(rule.Needs.Where(question => question.Command is not null), question =>
        {
            Assert.Equal(FactQuestion.Limit, question.Command!.TimeLimit);
            Assert.False(question.Command.Mutating);
            Assert.DoesNotContain("virsh", question.Command.Argv);
        });
    }

    [Fact]
    public void TheCatalogueIsInOrderAndNamesNothingTwice()
    {
        Assert.Equal(Catalogue.Rules.Count, Catalogue.Rules.Select(rule => rule.Id).Distinct().Count());
        Assert.All(Catalogue.Rules.GroupBy(rule => rule.Category), category => Assert.Equal(category.Select(rule => rule.Id).Order(StringComparer.Ordinal), category.Select(rule => rule.Id)));
        Assert.Equal(Catalogue.Rules.Select(rule => rule.Title).Distinct().Count(), Catalogue.Rules.Count);
        // One name, one question: facts are found by it.
        var questions = Catalogue.Rules.SelectMany(rule => rule.Needs).Concat(HardeningFacts.AlwaysAsked).GroupBy(question => question.Key);
        Assert.All(questions, same => Assert.Single(same.Select(question => (question.Words, question.Reduce, question.IsLook, string.Join('\0', question.Command?.Argv ?? []))).Distinct()));
    }

    /// <summary>A repair that failing scenarios are given is a list of calls that change something, with a check and a way back.</summary>
    [Fact]
    public void ARepairCanBeCheckedAndTakenBack()
    {
        foreach (var scenario in Scenario.All.Where(scenario => Wrong.Contains(scenario.Status)))
        {
            var rule = Catalogue.Rules.Single(rule => rule.Id == scenario.Id);
            if (rule.Repair is null) continue;
            var host = new ScenarioHost();
            scenario.Set(host);
            var changes = rule.Repair(new Judged(new HardeningFacts(ScenarioHost.Name, host.Facts([rule])), host.Plan, host.Today));
            Assert.All(changes, change => Assert.True(change.Do.All(call => call.Mutating) && change.Check is { Mutating: false } && change.Undo.Count > 0, $"{rule.Id}: {change.Step}"));
            Assert.Equal(string.Join('\n', changes.SelectMany(change => change.Do)), scenario.Judge().RemediationCommand);
        }
    }

    [GeneratedRegex("^[A-Z]{3}-[0-9]{2}$")]
    private static partial Regex IdShape();
}
