using VirtSecurity.Hosts;

namespace VirtSecurity.Planning;

/// <summary>How a host and its plan differ.</summary>
public enum PlanDifferenceKind
{
    /// <summary>It is planned, and not on the host.</summary>
    Missing,

    /// <summary>It is on the host, and not planned.</summary>
    Unplanned,

    /// <summary>It is on the host, and otherwise than planned.</summary>
    Differs,

    /// <summary>A waiver whose last day is over.</summary>
    Expired,

    /// <summary>The host did not say; never "no difference".</summary>
    Unknown,
}

/// <summary>One thing in which a host and its plan differ.</summary>
public sealed record DeploymentPlanDifference
{
    /// <summary>The host.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The plan's key that it is about, such as Sockets.</summary>
    public required string Section { get; init; }

    /// <summary>What differs: a unit, <c>tcp 22</c>, an account, a guest ...; empty: the section as a whole.</summary>
    public required string Name { get; init; }

    /// <summary>How.</summary>
    public required PlanDifferenceKind Kind { get; init; }

    /// <summary>What the plan says; empty: nothing.</summary>
    public required string Planned { get; init; }

    /// <summary>What is on the host; of Unknown the reason; empty: nothing.</summary>
    public required string Actual { get; init; }
}
