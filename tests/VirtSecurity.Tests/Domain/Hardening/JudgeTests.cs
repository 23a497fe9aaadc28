using System.Management.Automation;
using VirtSecurity.Commands;
using VirtSecurity.Facts;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Domain.Hardening.Scenarios;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>What the judge promises whatever a rule does: no run is lost, and nothing unknown passes.</summary>
public sealed class JudgeTests
{
    private static readonly HardeningStatus[] Open = [HardeningStatus.Unknown, HardeningStatus.NotApplicable];
    private static readonly DateOnly Today = new(2026, 11, 26);

    [Fact]
    public void ARuleThatThrowsIsUnknownWithTheReasonAndTheOthersGoOn()
    {
        var rule = Catalogue.Rules.Single(rule => rule.Id == "SEL-01");
        var broken = rule with { Judge = _ => throw new InvalidOperationException("a fault of its own") };
        var host = new ScenarioHost().Enforcing();
        var results = Judge.All(new HardeningFacts(ScenarioHost.Name, host.Facts(Catalogue.Rules)), [broken, rule], null, Today);
        Assert.Equal([HardeningStatus.Unknown, HardeningStatus.Pass], results.Select(result => result.Status));
        Assert.Contains("a fault of its own", results[0].Actual, StringComparison.Ordinal);
    }

    /// <summary>Nothing was answered: not one check may pass, fail, or be lost. What is known not to concern the host would need facts to know it.</summary>
    [Theory]
    [InlineData("NoAnswer")]
    [InlineData("NotAsked")]
    public void WithoutAnswersNothingPasses(string outcome)
    {
        var facts = new ScenarioHost().Facts(Catalogue.Rules).Select(fact => fact with { Outcome = outcome, Text = "", Error = "the tool hangs" });
        var results = Judge.All(new HardeningFacts(ScenarioHost.Name, facts), Catalogue.Rules, null, Today);
        Assert.Equal(Catalogue.Rules.Count, results.Count);
        Assert.All(results.Where(result => result.Id != "PLN-01"), result => Assert.True(Open.Contains(result.Status), $"{result.Id}: {result.Status}: {result.Actual}"));
        Assert.All(results, result => Assert.NotEmpty(result.Actual));
    }

    [Fact]
    public void FactsThatWereNotTakenLeaveTheirChecksUnknown()
    {
        var host = new ScenarioHost().Enforcing();
        var some = host.Facts(Catalogue.Rules).Where(fact => fact.Key is "host" or "selinux-state");
        var results = Judge.All(new HardeningFacts(ScenarioHost.Name, some), Catalogue.Rules.Where(rule => rule.Id is "SEL-01" or "SEL-02"), null, Today);
        Assert.Equal([HardeningStatus.Pass, HardeningStatus.Unknown], results.Select(result => result.Status));
        Assert.Contains("it is not among these facts", results[1].Actual, StringComparison.Ordinal);
    }

    /// <summary>Truncated, empty, binary, exchanged and hostile text in every fact of every scenario: always a verdict, never an exception.</summary>
    [Fact]
    public void NoTextOfAHostLosesARun()
    {
        var random = new Random(20261126);
        foreach (var scenario in Scenario.All)
        {
            var host = new ScenarioHost();
            scenario.Set(host);
            var rule = Catalogue.Rules.Single(rule => rule.Id == scenario.Id);
            var facts = host.Facts([rule]);
            for (var round = 0; round < 12; round++)
            {
                var bent = facts.Select(fact => fact.Key == "host" ? fact : fact with { Text = Bent(fact.Text, round, random), ExitCode = round == 11 ? 1 : fact.ExitCode });
                var result = Assert.Single(Judge.All(new HardeningFacts(ScenarioHost.Name, bent), [rule], host.Plan, host.Today));
                Assert.NotEmpty(result.Actual);
                if (round == 11 && rule.Needs.Any(question => question.Command is not null) && scenario.Status == HardeningStatus.Pass) Assert.NotEqual("", result.Evidence + result.Actual);
            }
        }
    }

    [Fact]
    public void AMillionSignsInALineCostNoTime()
    {
        var rules = Catalogue.Rules;
        var huge = new string('a', 1_000_000);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var facts = new ScenarioHost().Enforcing().Facts(rules).Select(fact => fact.Key is "host" or "selinux-state" ? fact : fact with { Outcome = "Answered", ExitCode = 0, Text = fact.Text.StartsWith('=') ? $"{fact.Text}\n {huge}\n" : huge });
        Assert.Equal(rules.Count, Judge.All(new HardeningFacts(ScenarioHost.Name, facts), rules, new DeploymentPlan(), Today).Count);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), watch.Elapsed.ToString());
    }

    [Fact]
    public void FactsOfANewerFormatAreRefused()
    {
        var facts = new ScenarioHost().Facts([Catalogue.Rules[0]]).Select(fact => fact with { FormatVersion = 2 });
        Assert.Equal("FactsNewer", Assert.Throws<VirtException>(() => new HardeningFacts(ScenarioHost.Name, facts)).Id);
    }

    [Fact]
    public void APlanForTheOtherHypervisorIsRefused()
    {
        var facts = new HardeningFacts(ScenarioHost.Name, new ScenarioHost().Facts([Catalogue.Rules[0]]));
        Assert.Equal("PlanForOtherHypervisor", Assert.Throws<VirtException>(() => Judge.All(facts, [Catalogue.Rules[0]], new DeploymentPlan { Hypervisor = Hypervisor.Xen }, Today)).Id);
    }

    [Fact]
    public void AHostWithoutAHypervisorIsJudgedByWhatIsForBoth()
    {
        var facts = new ScenarioHost().Enforcing().Facts(Catalogue.Rules).Select(fact => fact.Key == "host" ? fact with { Text = "uid 0\nhosts-mounts\n" } : fact);
        var results = Judge.All(new HardeningFacts(ScenarioHost.Name, facts), Catalogue.Rules, null, Today);
        Assert.All(results.Zip(Catalogue.Rules).Where(pair => pair.Second.AppliesTo is not null), pair => Assert.Equal(HardeningStatus.NotApplicable, pair.First.Status));
        Assert.Equal(HardeningStatus.Pass, results.Single(result => result.Id == "SEL-01").Status);
    }

    [Fact]
    public void TheNearestIdIsNamed()
    {
        static bool IsMatch(string pattern, string text) => new WildcardPattern(pattern, WildcardOptions.IgnoreCase).IsMatch(text);
        var problem = Assert.Throws<VirtException>(() => Catalogue.Pick(["SEL-1"], [], [], IsMatch));
        Assert.Equal("RuleUnknown", problem.Id);
        Assert.Contains("SEL-0", problem.Message, StringComparison.Ordinal);
        Assert.Contains("SELinux", Assert.Throws<VirtException>(() => Catalogue.Pick([], ["selinus"], [], IsMatch)).Message, StringComparison.Ordinal);
        Assert.Equal(["SEL-01"], Catalogue.Pick(["sel-01"], [], [], IsMatch).Select(rule => rule.Id));
        Assert.Equal(Catalogue.Rules.Where(rule => rule.Severity == HardeningSeverity.Info), Catalogue.Pick([], [], [HardeningSeverity.Info], IsMatch));
    }

    /// <summary>What Export-Clixml writes and Import-Clixml reads: every sign of every fact, bytes that are no UTF-8 and control characters too.</summary>
    [Fact]
    public void AFactComesBackFromSerializationAsItWas()
    {
        var facts = new ScenarioHost().Enforcing().File("/boot/grub/grub.cfg", "a\u0001\u001b \udcff\udc80 é <&\"'> _x0041_\n\ttab\r\n").Facts(Catalogue.Rules);
        var back = (object?[])new FactRecordAttribute().Transform(null!, facts.Select(fact => PSSerializer.Deserialize(PSSerializer.Serialize(fact, 2))).ToArray())!;
        Assert.Equal(facts, back.Cast<Dom0Fact>());
    }

    [Fact]
    public void WhatIsNoFactIsNoneAndABrokenOneIsAnError()
    {
        var attribute = new FactRecordAttribute();
        var host = PSObject.AsPSObject(new VirtHost("kvm1"));
        Assert.Same(host, attribute.Transform(null!, host));
        var broken = PSSerializer.Deserialize(PSSerializer.Serialize(new ScenarioHost().Facts([Catalogue.Rules[0]])[0], 2).Replace("\"Outcome\"", "\"Outcame\"", StringComparison.Ordinal));
        var problem = Assert.Throws<ArgumentTransformationMetadataException>(() => attribute.Transform(null!, broken));
        Assert.Equal("FactNotUnderstood", Assert.IsType<VirtException>(problem.InnerException).Id);
    }

    private static string Bent(string text, int round, Random random)
    {
        switch (round)
        {
            case 0: return "";
            case 1: return "\0\0\0";
            case 2: return new string('\n', 200);
            case 3: return "\udcff\udc80\ud800 = : ' \" \\ ../../ $(reboot) <!DOCTYPE x [<!ENTITY a 'b'>]>";
            case 4: return string.Concat(text.Reverse());
            case < 8: return text[..random.Next(text.Length + 1)];
            case 8: return text.Replace('\n', '\0');
            case 9: return text + text;
            default:
                var bytes = text.ToCharArray();
                for (var i = 0; i < bytes.Length / 20; i++) bytes[random.Next(bytes.Length)] = (char)random.Next(0x250);
                return new string(bytes);
        }
    }
}
