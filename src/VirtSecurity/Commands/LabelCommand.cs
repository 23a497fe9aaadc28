using System.Management.Automation;

namespace VirtSecurity.Commands;

/// <summary>The base of the cmdlets that look at the labels of paths.</summary>
public abstract class LabelCommand : VirtCommand
{
    private const string PathSet = "Path";
    private const string LiteralSet = "LiteralPath";

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

    private protected LabelPipeline? Labels { get; private set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Labels = new(this);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var isLiteral = ParameterSetName == LiteralSet;
        Labels!.Add(VirtHost, isLiteral ? LiteralPath : Path, isLiteral);
    }
}
