using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Planning;

namespace VirtSecurity.Hardening;

/// <summary>All that a rule judges by.</summary>
/// <param name="Facts">What the host said.</param>
/// <param name="Plan">What it is for; null: nobody said.</param>
/// <param name="Today">The day, in UTC.</param>
internal sealed record Judged(HardeningFacts Facts, DeploymentPlan? Plan, DateOnly Today);

/// <summary>One check of the catalogue.</summary>
/// <param name="Id">Its name, such as SEL-01.</param>
/// <param name="Title">What it asks for, in a few words.</param>
internal sealed record HardeningRule(string Id, string Title)
{
    /// <summary>The catalogue's category.</summary>
    public required string Category { get; init; }

    /// <summary>The hypervisor it is for; null: both.</summary>
    public Hypervisor? AppliesTo { get; init; }

    /// <summary>How much depends on it.</summary>
    public required HardeningSeverity Severity { get; init; }

    /// <summary>Who asks for it: documents and rules.</summary>
    public required string Source { get; init; }

    /// <summary>What goes wrong without it.</summary>
    public required string Why { get; init; }

    /// <summary>What should be, in words; a verdict may say it more exactly.</summary>
    public required string Expected { get; init; }

    /// <summary>The questions it needs answers to.</summary>
    public required IReadOnlyList<FactQuestion> Needs { get; init; }

    /// <summary>From facts and plan to the verdict: a pure function. What it throws makes the check Unknown.</summary>
    public required Func<Judged, Verdict> Judge { get; init; }

    /// <summary>What to do where it fails, in words.</summary>
    public required string Remedy { get; init; }

    /// <summary>What to change where it fails; null: that cannot be said as a command.</summary>
    public Func<Judged, IReadOnlyList<Change>>? Repair { get; init; }

    /// <summary>It compares the host with its plan: without one there is nothing to judge.</summary>
    public bool NeedsPlan { get; init; }

    /// <summary>It is about what SELinux does: without it there is nothing to judge.</summary>
    public bool NeedsSELinux { get; init; }
}
