using System.Management.Automation;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>Takes the administrator's rule for a path of images away, and gives what it covered the label it has without.</summary>
[Cmdlet(VerbsCommon.Remove, "VirtImageContext", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(VirtImageContext))]
public sealed class RemoveVirtImageContextCommand : VirtCommand
{
    private const string PathSet = "Path";
    private const string LiteralSet = "LiteralPath";

    private ChangePipeline<ContextRemovalRequest, ImageFacts, VirtImageContext>? pipeline;
    private GivenPaths<string?>? paths;

    /// <summary>Paths on the host; wildcards are expanded there.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Paths on the host, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    [Alias("FullName", "MountPoint", "PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The one rule that goes, as it is written.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    public string? Pattern { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        pipeline = new(this, ContextRemovals.Flow);
        paths = new(this, (host, path, pattern) => pipeline.Add(ContextRemovalRequest.Validated(host, path, pattern, isReset: false)));
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var pattern = string.IsNullOrEmpty(Pattern) ? null : Pattern;
        foreach (var host in VirtHost)
        {
            if (ParameterSetName == LiteralSet) foreach (var path in LiteralPath) paths!.AddLiteral(host, path, pattern);
            else foreach (var path in Path) paths!.AddPath(host, path, null);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        paths!.Expand();
        pipeline!.Run();
    }
}
