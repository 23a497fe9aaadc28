using VirtSecurity.Hardening;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

/// <summary>A host, and what a check says of it.</summary>
/// <param name="Id">The check.</param>
/// <param name="Status">Its verdict.</param>
/// <param name="Words">What the verdict's words contain (actual or evidence).</param>
/// <param name="Set">Makes the host.</param>
internal sealed record Scenario(string Id, HardeningStatus Status, string Words, Action<ScenarioHost> Set)
{
    /// <summary>All of them, by category.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        .. PlanScenarios.All,
        .. SELinuxScenarios.All,
        .. ImageScenarios.All,
        .. StorageScenarios.All,
        .. ServiceScenarios.All,
        .. LibvirtDoorScenarios.All,
        .. ConfinementScenarios.All,
        .. FirewallScenarios.All,
        .. AccountScenarios.All,
        .. KernelScenarios.All,
        .. AuditScenarios.All,
    ];

    public static Scenario Pass(string id, string words, Action<ScenarioHost> set) => new(id, HardeningStatus.Pass, words, set);
    public static Scenario Fail(string id, string words, Action<ScenarioHost> set) => new(id, HardeningStatus.Fail, words, set);
    public static Scenario Warn(string id, string words, Action<ScenarioHost> set) => new(id, HardeningStatus.Warn, words, set);
    public static Scenario Unknown(string id, string words, Action<ScenarioHost> set) => new(id, HardeningStatus.Unknown, words, set);
    public static Scenario NotApplicable(string id, string words, Action<ScenarioHost> set) => new(id, HardeningStatus.NotApplicable, words, set);
    public static Scenario Waived(string id, string words, Action<ScenarioHost> set) => new(id, HardeningStatus.Waived, words, set);

    public Dom0HardeningResult Judge()
    {
        var host = new ScenarioHost();
        Set(host);
        var rule = Catalogue.Rules.Single(rule => rule.Id == Id);
        return Xunit.Assert.Single(VirtSecurity.Hardening.Judge.All(new HardeningFacts(ScenarioHost.Name, host.Facts([rule])), [rule], host.Plan, host.Today));
    }
}
