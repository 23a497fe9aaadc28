using System.Management.Automation;
using VirtSecurity.Resources;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>A volume and its file system made larger while guests go on using it.</summary>
[Cmdlet(VerbsCommon.Resize, "SecureGuestVolume", SupportsShouldProcess = true)]
[OutputType(typeof(SecureGuestVolume))]
public sealed class ResizeSecureGuestVolumeCommand : VirtCommand
{
    private ChangePipeline<VolumeResizeRequest, VolumeFacts, SecureGuestVolume>? pipeline;

    /// <summary>Its volume group.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("VGName")]
    [ArgumentCompleter(typeof(VolumeGroupCompleter))]
    public string? VolumeGroup { get; set; }

    /// <summary>Its name in the volume group.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("LVName")]
    public string? Name { get; set; }

    /// <summary>The size it is to have; rounded up to whole extents.</summary>
    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
    [ConvertedTo(typeof(VolumeSize))]
    public VolumeSize Size { get; set; }

    /// <summary>Its device.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? DevicePath { get; set; }

    /// <summary>Where it is mounted.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? MountPoint { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this, VolumeFlows.Resize);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            try
            {
                pipeline!.Add(new(VolumeIdentity.Validated(host, VolumeGroup, Name, DevicePath, MountPoint), Size.Bytes));
            }
            catch (VirtException problem)
            {
                WriteProblem(problem, Name is null ? DevicePath ?? MountPoint : $"{VolumeGroup}/{Name}");
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => pipeline!.Run();
}
