using System.Management.Automation;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>An image file moved to a labelled directory: copied, compared, labelled, its guests' definitions changed, and only then the old file removed.</summary>
[Cmdlet(VerbsCommon.Move, "VirtImage", SupportsShouldProcess = true)]
[OutputType(typeof(VirtImageMove))]
public sealed class MoveVirtImageCommand : VirtCommand
{
    private const string PathSet = "Path";
    private const string LiteralSet = "LiteralPath";

    private ChangePipeline<ImageMoveRequest, ImageMoveFacts, VirtImageMove>? pipeline;
    private GivenPaths<string>? paths;

    /// <summary>Paths on the host; wildcards are expanded there.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Paths on the host, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    [Alias("FullName", "PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The directory it is to lie in.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = "";

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        pipeline = new(this, ImageMoves.Flow);
        paths = new(this, (host, path, destination) => pipeline.Add(ImageMoveRequest.Validated(host, path, destination)));
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            if (ParameterSetName == LiteralSet) foreach (var path in LiteralPath) paths!.AddLiteral(host, path, Destination);
            else foreach (var path in Path) paths!.AddPath(host, path, Destination);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        paths!.Expand();
        pipeline!.Run();
    }
}
