using System.Management.Automation;
using VirtSecurity.Resources;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>Mount, fstab line, directory, file-context rule and the logical volume itself: what belongs to a volume goes, and nothing else.</summary>
[Cmdlet(VerbsCommon.Remove, "SecureGuestVolume", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(SecureGuestVolumeRemoval))]
public sealed class RemoveSecureGuestVolumeCommand : VirtCommand
{
    private ChangePipeline<VolumeRemovalRequest, VolumeFacts, SecureGuestVolumeRemoval>? pipeline;
    private bool isNamed;

    /// <summary>Its volume group.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("VGName")]
    [ArgumentCompleter(typeof(VolumeGroupCompleter))]
    public string? VolumeGroup { get; set; }

    /// <summary>Its name in the volume group.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("LVName")]
    public string? Name { get; set; }

    /// <summary>Its device.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? DevicePath { get; set; }

    /// <summary>Where it is mounted, or was.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? MountPoint { get; set; }

    /// <summary>The logical volume stays, with what it holds.</summary>
    [Parameter]
    public SwitchParameter KeepVolume { get; set; }

    /// <summary>It is overwritten with zeros before it goes.</summary>
    [Parameter]
    public SwitchParameter Wipe { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        pipeline = new(this, VolumeFlows.Remove);
        // What the pipeline binds is bound later: here is only what was typed.
        isNamed = MyInvocation.BoundParameters.ContainsKey(nameof(VolumeGroup)) && MyInvocation.BoundParameters.ContainsKey(nameof(Name));
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            try
            {
                if (KeepVolume && Wipe) throw new VirtException("KeepOrWipe");
                pipeline!.Add(new(VolumeIdentity.Validated(host, VolumeGroup, Name, DevicePath, MountPoint), isNamed, KeepVolume, Wipe));
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
