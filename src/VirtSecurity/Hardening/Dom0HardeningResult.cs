using VirtSecurity.Hosts;

namespace VirtSecurity.Hardening;

/// <summary>What became of a check.</summary>
public enum HardeningStatus
{
    /// <summary>As it should be.</summary>
    Pass,

    /// <summary>Not as it should be.</summary>
    Fail,

    /// <summary>Not as it should be, but not in the administrator's hands, or not a danger by itself.</summary>
    Warn,

    /// <summary>It could not be told; never a pass. The reason is in <see cref="Dom0HardeningResult.Actual"/>.</summary>
    Unknown,

    /// <summary>Nothing here that the check is about; the reason is in <see cref="Dom0HardeningResult.Actual"/>.</summary>
    NotApplicable,

    /// <summary>It fails, and the deployment plan accepts that: reason, owner and end are in <see cref="Dom0HardeningResult.Evidence"/>.</summary>
    Waived,
}

/// <summary>How much depends on a check, as the catalogue says.</summary>
public enum HardeningSeverity
{
    /// <summary>Worth knowing.</summary>
    Info,

    /// <summary>A layer more.</summary>
    Low,

    /// <summary>Helps an attacker who is already somewhere.</summary>
    Medium,

    /// <summary>Opens the host, or a guest to another.</summary>
    High,

    /// <summary>Gives the host away, or destroys guests' data.</summary>
    Critical,
}

/// <summary>The verdict of one check on one host.</summary>
public sealed record Dom0HardeningResult
{
    /// <summary>The host judged.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The check, such as SEL-01.</summary>
    public required string Id { get; init; }

    /// <summary>What it asks for, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>The catalogue's category, such as SELinux.</summary>
    public required string Category { get; init; }

    /// <summary>How much depends on it.</summary>
    public required HardeningSeverity Severity { get; init; }

    /// <summary>What became of it.</summary>
    public required HardeningStatus Status { get; init; }

    /// <summary>What should be, in words.</summary>
    public required string Expected { get; init; }

    /// <summary>What is, in words; for Unknown and NotApplicable the reason.</summary>
    public required string Actual { get; init; }

    /// <summary>Where it was seen: paths and commands with what they said; several are separated by line ends.</summary>
    public required string Evidence { get; init; }

    /// <summary>What to do, in words; empty where there is nothing to do.</summary>
    public required string Remediation { get; init; }

    /// <summary>The command lines that do it, one a line; empty where none does.</summary>
    public required string RemediationCommand { get; init; }

    /// <summary>Who asks for it: documents and rules.</summary>
    public required string Source { get; init; }
}
