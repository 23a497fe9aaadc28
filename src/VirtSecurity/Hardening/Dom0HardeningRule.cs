using VirtSecurity.Facts;

namespace VirtSecurity.Hardening;

/// <summary>A check of the catalogue, as Get-Dom0HardeningRule shows it.</summary>
public sealed record Dom0HardeningRule
{
    /// <summary>Its name, such as SEL-01.</summary>
    public required string Id { get; init; }

    /// <summary>What it asks for, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>The catalogue's category, such as SELinux.</summary>
    public required string Category { get; init; }

    /// <summary>How much depends on it.</summary>
    public required HardeningSeverity Severity { get; init; }

    /// <summary>The hypervisor it is for; null: both.</summary>
    public required Hypervisor? AppliesTo { get; init; }

    /// <summary>What goes wrong without it.</summary>
    public required string Why { get; init; }

    /// <summary>What should be, in words.</summary>
    public required string Expected { get; init; }

    /// <summary>What it is judged by: the paths and commands that are asked.</summary>
    public required IReadOnlyList<string> JudgedBy { get; init; }

    /// <summary>Without a deployment plan it judges nothing.</summary>
    public required bool NeedsPlan { get; init; }

    /// <summary>What to do where it fails.</summary>
    public required string Remediation { get; init; }

    /// <summary>Who asks for it: documents and rules.</summary>
    public required string Source { get; init; }

    /// <summary>The id.</summary>
    public override string ToString() => Id;

    internal static Dom0HardeningRule From(HardeningRule rule) => new()
    {
        Id = rule.Id,
        Title = rule.Title,
        Category = rule.Category,
        Severity = rule.Severity,
        AppliesTo = rule.AppliesTo,
        Why = rule.Why,
        Expected = rule.Expected,
        JudgedBy = [.. rule.Needs.Select(question => question.Words)],
        NeedsPlan = rule.NeedsPlan,
        Remediation = rule.Remedy,
        Source = rule.Source,
    };
}
