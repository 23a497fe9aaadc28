using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>From what was typed to the checks that are meant.</summary>
internal static class RulePicks
{
    /// <summary>The checks; what is null or empty picks all.</summary>
    /// <exception cref="VirtException">RuleUnknown, CategoryUnknown.</exception>
    public static IReadOnlyList<HardeningRule> Pick(string[]? ids, string[]? categories, HardeningSeverity[]? severities) =>
        Catalogue.Pick(Given(ids), Given(categories), severities ?? [], (pattern, text) => new WildcardPattern(pattern, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant).IsMatch(text));

    private static string[] Given(string[]? words) => [.. words?.Where(word => !string.IsNullOrEmpty(word)) ?? []];
}
