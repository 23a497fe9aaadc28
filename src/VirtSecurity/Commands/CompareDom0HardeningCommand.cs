using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Two runs of Test-Dom0Hardening side by side: what is fixed, new, still there. No host is asked.</summary>
[Cmdlet(VerbsData.Compare, "Dom0Hardening")]
[OutputType(typeof(Dom0HardeningChange))]
public sealed class CompareDom0HardeningCommand : PSCmdlet
{
    private readonly List<Dom0HardeningResult> later = [];

    /// <summary>The earlier run.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyCollection]
    [ResultRecord]
    public Dom0HardeningResult[] ReferenceObject { get; set; } = [];

    /// <summary>The later run.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [AllowEmptyCollection]
    [ResultRecord]
    public Dom0HardeningResult[] DifferenceObject { get; set; } = [];

    /// <summary>What passes, or does not apply, in both is returned as well.</summary>
    [Parameter]
    public SwitchParameter IncludeEqual { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => later.AddRange(DifferenceObject);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        try
        {
            WriteObject(HardeningRuns.Compare(ReferenceObject, later).Where(change => IncludeEqual || change.Change != HardeningChange.Unchanged), true);
        }
        catch (VirtException problem)
        {
            WriteError(ErrorRecords.From(problem, null));
        }
    }
}
