using System.Management.Automation;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>The labels of images: what they are, what the rules give them, and which rule that is.</summary>
[Cmdlet(VerbsCommon.Get, "VirtImageContext")]
[OutputType(typeof(VirtImageContext))]
public sealed class GetVirtImageContextCommand : VirtCommand
{
    private const string PathSet = "Path";
    private const string LiteralSet = "LiteralPath";

    private LabelPipeline? pipeline;

    /// <summary>Paths on the host; wildcards are expanded there.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Paths on the host, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    [Alias("FullName", "MountPoint", "PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>All that is below as well.</summary>
    [Parameter]
    public SwitchParameter Recurse { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var isLiteral = ParameterSetName == LiteralSet;
        pipeline!.Add(VirtHost, isLiteral ? LiteralPath : Path, isLiteral);
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => pipeline!.Run(Recurse, false, test => WriteObject(VirtImageContext.From(test)));
}
