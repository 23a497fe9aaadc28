using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>The cmdlet that mends a rule.</summary>
public enum ContextRuleRemedy
{
    /// <summary>None: there is nothing to mend, or only you know what is right.</summary>
    None,

    /// <summary>Remove-VirtImageContext: the rule serves nothing.</summary>
    Remove,

    /// <summary>Set-VirtImageContext: a rule that says rightly what this one was to say takes its place.</summary>
    Set,
}

/// <summary>Something about a rule that is not as it should be.</summary>
/// <param name="Id">OverMatches, Dead, Shadowed, Duplicate, SystemTree, UnderEquivalence or OtherPath.</param>
/// <param name="Message">What it is, in words.</param>
public sealed record ContextRuleProblem(string Id, string Message)
{
    /// <summary>What it is, in words.</summary>
    public override string ToString() => Message;
}

/// <summary>A rule of the administrator's, or one of the policy's that gives an image type.</summary>
public sealed record VirtImageContextRule
{
    /// <summary>The host.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The regular expression over whole paths, as written.</summary>
    public required string Pattern { get; init; }

    /// <summary>The kind of file it is for, as <c>ls -l</c>'s first column has it (<c>-</c> file, <c>d</c> directory ...); null: any.</summary>
    public required string? FileType { get; init; }

    /// <summary>The type it gives; null: deliberately none.</summary>
    public required string? SELinuxType { get; init; }

    /// <summary>The label it gives; null: deliberately none.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>Which file it stands in.</summary>
    public required RuleSource Source { get; init; }

    /// <summary>The path that it is for, alone or with all below; null: the pattern is no plain path.</summary>
    public required string? Path { get; init; }

    /// <summary>What is not as it should be.</summary>
    public required IReadOnlyList<ContextRuleProblem> Problem { get; init; }

    /// <summary>The cmdlet that mends it, if it is piped there.</summary>
    public required ContextRuleRemedy Remedy { get; init; }

    /// <summary>The pattern.</summary>
    public override string ToString() => Pattern;
}
