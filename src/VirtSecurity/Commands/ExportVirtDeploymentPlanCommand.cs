using System.Management.Automation;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Writes a deployment plan to a file of this machine, in the language that the file's name says.</summary>
[Cmdlet(VerbsData.Export, "VirtDeploymentPlan", SupportsShouldProcess = true)]
[OutputType(typeof(DeploymentPlan))]
public sealed class ExportVirtDeploymentPlanCommand : PSCmdlet
{
    private readonly HashSet<string> written = [];

    /// <summary>The plan.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [Alias("InputObject")]
    [PlanArgument]
    public DeploymentPlan Plan { get; set; } = new();

    /// <summary>The file, .psd1 or .json.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Replace a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Return the plan as well.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            var file = GivenFiles.Resolve(SessionState, Path);
            var bytes = PlanWriter.Write(file, Plan);
            if (!ShouldProcess(file, Messages.Format("ProceedWritePlan"))) return;
            // With -Force the second of a pipeline would replace the first.
            if (!written.Add(file)) throw new VirtException("AskedTwice", file);
            PlanFile.Write(file, bytes, Force);
            if (PassThru) WriteObject(Plan);
        }
        catch (VirtException problem)
        {
            WriteError(ErrorRecords.From(problem, Path));
        }
    }
}
