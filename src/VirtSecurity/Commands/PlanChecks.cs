using VirtSecurity.Hardening;

namespace VirtSecurity.Commands;

/// <summary>The checks that a plan may waive.</summary>
internal static class PlanChecks
{
    /// <summary>Their ids.</summary>
    public static IReadOnlyCollection<string> Ids { get; } = [.. Catalogue.Rules.Select(rule => rule.Id)];
}
