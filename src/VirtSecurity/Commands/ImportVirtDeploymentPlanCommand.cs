using System.Management.Automation;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Reads deployment plans from files of this machine, and judges them. Nothing in them is run.</summary>
[Cmdlet(VerbsData.Import, "VirtDeploymentPlan", DefaultParameterSetName = ByPath)]
[OutputType(typeof(DeploymentPlan))]
public sealed class ImportVirtDeploymentPlanCommand : PSCmdlet
{
    private const string ByPath = "Path";
    private const string ByLiteralPath = "LiteralPath";

    /// <summary>The files, .psd1 or .json.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ByPath)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>The same, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ByLiteralPath)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var path in Path) Read(path, () => GivenFiles.Expand(SessionState, path));
        foreach (var path in LiteralPath) Read(path, () => [GivenFiles.Resolve(SessionState, path)]);
    }

    private void Read(string given, Func<IReadOnlyList<string>> find)
    {
        try
        {
            foreach (var file in find()) Write(file, PlanFile.Read(file, PlanChecks.Ids));
        }
        catch (VirtException problem)
        {
            WriteError(ErrorRecords.From(problem, given));
        }
    }

    private void Write(string file, PlanReading reading)
    {
        foreach (var problem in reading.Problems) WriteError(ErrorRecords.From(problem, file));
        if (reading.Plan is not null) WriteObject(reading.Plan);
    }
}
