using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>The file-context rule and the relabel for a directory or file of images that exists, proven.</summary>
// No default parameter set: it would be tried first, the VirtHost of a volume in the pipeline would settle it, and the volume's text would be
// taken for its path.
[Cmdlet(VerbsCommon.Set, "VirtImageContext", SupportsShouldProcess = true)]
[OutputType(typeof(VirtImageContext))]
public sealed class SetVirtImageContextCommand : VirtCommand
{
    private const string PathSet = "Path";
    private const string LiteralSet = "LiteralPath";

    private readonly HashSet<VirtImageContextRequest> known = [];
    private ChangePipeline<VirtImageContextRequest, ImageFacts, VirtImageContext>? pipeline;
    private ChangePipeline<ContextRemovalRequest, ImageFacts, VirtImageContext>? resets;
    private GivenPaths<(Hypervisor? Hypervisor, string? Type, string? Pattern)>? paths;

    /// <summary>Paths on the host; wildcards are expanded there.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Paths on the host, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    [Alias("FullName", "MountPoint", "PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>A rule for this path that is written wrongly: the right one takes its place.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    public string? Pattern { get; set; }

    /// <summary>The hypervisor whose guests' images they are.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ConvertedTo(typeof(Hypervisor), BlankIsNull = true)]
    public Hypervisor? Hypervisor { get; set; }

    /// <summary>The image type to label them with.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ImageTypeCompleter))]
    public string? SELinuxType { get; set; }

    /// <summary>The SELinux user is put right as well.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>Back to what the policy says without a rule of the administrator's.</summary>
    [Parameter]
    public SwitchParameter Reset { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        pipeline = new(this, VirtImageContexts.Flow);
        resets = new(this, ContextRemovals.Flow);
        paths = new(this, Add);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var with = (Hypervisor, string.IsNullOrWhiteSpace(SELinuxType) ? null : SELinuxType, string.IsNullOrEmpty(Pattern) ? null : Pattern);
        foreach (var host in VirtHost)
        {
            if (ParameterSetName == LiteralSet) foreach (var path in LiteralPath) paths!.AddLiteral(host, path, with);
            else foreach (var path in Path) paths!.AddPath(host, path, with);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        paths!.Expand();
        pipeline!.Run();
        resets!.Run();
    }

    /// <summary>The same image may come twice in a pipeline: two guests have it.</summary>
    private void Add(VirtHost host, string path, (Hypervisor? Hypervisor, string? Type, string? Pattern) with)
    {
        var request = VirtImageContextRequest.Validated(host, path, with.Hypervisor, with.Type) with { IsStrict = Strict, Replaces = with.Pattern };
        if (!known.Add(request)) return;
        if (Reset) resets!.Add(ContextRemovalRequest.Validated(host, path, null, isReset: true));
        else pipeline!.Add(request);
    }
}
