using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>The catalogue of hardening checks. No host is asked.</summary>
[Cmdlet(VerbsCommon.Get, "Dom0HardeningRule")]
[OutputType(typeof(Dom0HardeningRule))]
public sealed class GetDom0HardeningRuleCommand : PSCmdlet
{
    /// <summary>Ids of checks.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(RuleIdCompleter))]
    public string[]? Id { get; set; }

    /// <summary>Categories.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CategoryCompleter))]
    public string[]? Category { get; set; }

    /// <summary>Severities.</summary>
    [Parameter]
    public HardeningSeverity[]? Severity { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            foreach (var rule in RulePicks.Pick(Id, Category, Severity)) WriteObject(Dom0HardeningRule.From(rule));
        }
        catch (VirtException problem)
        {
            WriteError(ErrorRecords.From(problem, Id));
        }
    }
}
