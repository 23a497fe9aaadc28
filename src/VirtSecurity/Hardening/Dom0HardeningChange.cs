using VirtSecurity.Hosts;

namespace VirtSecurity.Hardening;

/// <summary>What became of one check on one host from an earlier run to a later one.</summary>
public sealed record Dom0HardeningChange
{
    /// <summary>The host judged.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The check, such as SEL-01.</summary>
    public required string Id { get; init; }

    /// <summary>What it asks for, as the later run that has it says.</summary>
    public required string Title { get; init; }

    /// <summary>The catalogue's category.</summary>
    public required string Category { get; init; }

    /// <summary>How much depends on it.</summary>
    public required HardeningSeverity Severity { get; init; }

    /// <summary>What became of it.</summary>
    public required HardeningChange Change { get; init; }

    /// <summary>Its status in the earlier run; null: that run does not have it.</summary>
    public required HardeningStatus? Before { get; init; }

    /// <summary>Its status in the later run; null: that run does not have it.</summary>
    public required HardeningStatus? After { get; init; }

    /// <summary>What was, in words; empty: the earlier run does not have it.</summary>
    public required string ActualBefore { get; init; }

    /// <summary>What is, in words; empty: the later run does not have it.</summary>
    public required string ActualAfter { get; init; }

    /// <summary>One check in two runs, of which at least one has it.</summary>
    internal static Dom0HardeningChange Of(Dom0HardeningResult? before, Dom0HardeningResult? after)
    {
        var newest = after ?? before!;
        return new Dom0HardeningChange
        {
            VirtHost = newest.VirtHost,
            Id = newest.Id,
            Title = newest.Title,
            Category = newest.Category,
            Severity = newest.Severity,
            Change = Became(before?.Status, after?.Status),
            Before = before?.Status,
            After = after?.Status,
            ActualBefore = before?.Actual ?? "",
            ActualAfter = after?.Actual ?? "",
        };
    }

    private static HardeningChange Became(HardeningStatus? before, HardeningStatus? after) => (before, after) switch
    {
        (null, _) => HardeningChange.Added,
        (_, null) => HardeningChange.Gone,
        (HardeningStatus.Fail or HardeningStatus.Warn, HardeningStatus.Fail or HardeningStatus.Warn) => HardeningChange.StillThere,
        (_, HardeningStatus.Fail or HardeningStatus.Warn) => HardeningChange.New,
        (HardeningStatus.Fail or HardeningStatus.Warn or HardeningStatus.Waived, HardeningStatus.Pass) => HardeningChange.Fixed,
        _ when before != after => HardeningChange.Changed,
        (_, HardeningStatus.Unknown or HardeningStatus.Waived) => HardeningChange.StillThere,
        _ => HardeningChange.Unchanged,
    };
}
