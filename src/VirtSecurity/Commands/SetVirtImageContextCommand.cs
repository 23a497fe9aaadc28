using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;

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

    private readonly List<(VirtHost Host, string Pattern, Hypervisor? Hypervisor, string? Type)> patterns = [];
    private ChangePipeline<VirtImageContextRequest, ImageFacts, VirtImageContext>? pipeline;

    /// <summary>Paths on the host; wildcards are expanded there.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Paths on the host, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralSet)]
    [Alias("FullName", "MountPoint", "PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The hypervisor whose guests' images they are.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ConvertedTo(typeof(Hypervisor), BlankIsNull = true)]
    public Hypervisor? Hypervisor { get; set; }

    /// <summary>The image type to label them with.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ImageTypeCompleter))]
    public string? SELinuxType { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this, VirtImageContexts.Flow);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            if (ParameterSetName == LiteralSet)
            {
                foreach (var path in LiteralPath) Add(host, WithoutProvider(path), Hypervisor, SELinuxType);
                continue;
            }

            foreach (var path in Path)
            {
                if (WildcardPattern.ContainsWildcardCharacters(path)) patterns.Add((host, path, Hypervisor, SELinuxType));
                else Add(host, WildcardPattern.Unescape(path), Hypervisor, SELinuxType);
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach (var (host, pattern, hypervisor, type) in patterns)
        {
            try
            {
                var found = Pump(pump => HostGlob.ExpandAsync(
                    HostFactory.Open(host, pump), pattern, WildcardPattern.ContainsWildcardCharacters, (name, candidate) => new WildcardPattern(name).IsMatch(candidate), Stop));
                foreach (var path in found) Add(host, path, hypervisor, type);
            }
            catch (VirtException problem)
            {
                WriteProblem(problem, pattern);
            }
        }

        pipeline!.Run();
    }

    /// <summary>What the file system provider puts in front of a path; the path itself is the host's.</summary>
    private static string WithoutProvider(string path)
    {
        var end = path.IndexOf("::", StringComparison.Ordinal);
        return end > 0 && path[..end].EndsWith("FileSystem", StringComparison.Ordinal) ? path[(end + 2)..] : path;
    }

    private void Add(VirtHost host, string path, Hypervisor? hypervisor, string? type)
    {
        try
        {
            pipeline!.Add(VirtImageContextRequest.Validated(host, path, hypervisor, string.IsNullOrWhiteSpace(type) ? null : type));
        }
        catch (VirtException problem)
        {
            WriteProblem(problem, path);
        }
    }
}
