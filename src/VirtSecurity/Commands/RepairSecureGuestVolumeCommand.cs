using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>Mount, fstab, options, rule, label and mode of a volume for guests made to agree, without touching what is in it.</summary>
[Cmdlet(VerbsDiagnostic.Repair, "SecureGuestVolume", SupportsShouldProcess = true)]
[OutputType(typeof(SecureGuestVolume))]
public sealed class RepairSecureGuestVolumeCommand : VirtCommand
{
    private ChangePipeline<RepairRequest, RepairFacts, SecureGuestVolume>? pipeline;

    /// <summary>Its volume group.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("VGName")]
    [ArgumentCompleter(typeof(VolumeGroupCompleter))]
    public string? VolumeGroup { get; set; }

    /// <summary>Its name.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("LVName")]
    [ArgumentCompleter(typeof(VolumeCompleter))]
    public string? Name { get; set; }

    /// <summary>Its device.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? DevicePath { get; set; }

    /// <summary>Where it is mounted, or is to be.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(MountPointCompleter))]
    public string? MountPoint { get; set; }

    /// <summary>The hypervisor whose guests' images it holds, for a rule that is missing.</summary>
    [Parameter]
    [ConvertedTo(typeof(Hypervisor), BlankIsNull = true)]
    public Hypervisor? Hypervisor { get; set; }

    /// <summary>The image type for a rule that is missing.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageTypeCompleter))]
    public string? SELinuxType { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this, RepairPlan.Flow);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            try
            {
                pipeline!.Add(RepairRequest.Validated(host, Given(VolumeGroup), Given(Name), Given(DevicePath), Given(MountPoint), Hypervisor, Given(SELinuxType)));
            }
            catch (VirtException problem)
            {
                WriteProblem(problem, Given(Name) is null ? Given(DevicePath) ?? Given(MountPoint) ?? host.Name : $"{VolumeGroup}/{Name}");
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => pipeline!.Run();

    /// <summary>An empty property or cell is a parameter not given.</summary>
    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
