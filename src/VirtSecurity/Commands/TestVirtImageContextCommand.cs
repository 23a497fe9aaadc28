using System.Management.Automation;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>The verdict on the labels of images: against the host's own rules, and against what its running guests hold.</summary>
[Cmdlet(VerbsDiagnostic.Test, "VirtImageContext")]
[OutputType(typeof(VirtImageContextTest))]
public sealed class TestVirtImageContextCommand : VirtCommand
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

    /// <summary>The SELinux user is judged as well.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>One answer instead of a record each.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var isLiteral = ParameterSetName == LiteralSet;
        pipeline!.Add(VirtHost, isLiteral ? LiteralPath : Path, isLiteral);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var (judged, wrong) = (0, 0);
        var isAll = pipeline!.Run(Recurse, Strict, test =>
        {
            judged++;
            if (test.IsCompliant is not true && test.Verdict != ContextVerdict.RunningGuest) wrong++;
            if (!Quiet) WriteObject(test);
        });
        // What was not judged is not right.
        if (Quiet) WriteObject(isAll && judged > 0 && wrong == 0);
    }
}
