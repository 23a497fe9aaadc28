using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Commands;

/// <summary>Logical volume, file system, mount point, mount, file-context rule, relabel, proof: procedure 11.1 as one cmdlet.</summary>
[Cmdlet(VerbsCommon.New, "SecureGuestVolume", SupportsShouldProcess = true)]
[OutputType(typeof(SecureGuestVolume))]
public sealed class NewSecureGuestVolumeCommand : VirtCommand
{
    private ChangePipeline<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>? pipeline;

    /// <summary>Volume group to take the space from.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("VGName")]
    [ArgumentCompleter(typeof(VolumeGroupCompleter))]
    public string VolumeGroup { get; set; } = "";

    /// <summary>Name of the logical volume.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("LVName")]
    public string Name { get; set; } = "";

    /// <summary>Its size; rounded up to whole extents.</summary>
    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
    [ConvertedTo(typeof(VolumeSize))]
    public VolumeSize Size { get; set; }

    /// <summary>Where to mount it.</summary>
    [Parameter(Mandatory = true, Position = 3, ValueFromPipelineByPropertyName = true)]
    public string MountPoint { get; set; } = "";

    /// <summary>Its file system.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ConvertedTo(typeof(GuestFileSystem), Blank = GuestFileSystem.Ext4)]
    public GuestFileSystem FileSystem { get; set; } = GuestFileSystem.Ext4;

    /// <summary>The hypervisor whose guests' images it will hold.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ConvertedTo(typeof(Hypervisor), BlankIsNull = true)]
    public Hypervisor? Hypervisor { get; set; }

    /// <summary>The image type to label it with.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ImageTypeCompleter))]
    public string? SELinuxType { get; set; }

    /// <summary>Mount options instead of the default ones.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(MountOptionCompleter))]
    public string[]? MountOption { get; set; }

    /// <summary>No line in /etc/fstab.</summary>
    [Parameter]
    public SwitchParameter NoPersist { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this, SecureGuestVolumes.Flow);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            try
            {
                pipeline!.Add(SecureGuestVolumeRequest.Validated(
                    host, VolumeGroup, Name, Size.Bytes, MountPoint, FileSystem, Hypervisor, Blank(SELinuxType), Options(), !NoPersist));
            }
            catch (VirtException problem)
            {
                WriteProblem(problem, $"{VolumeGroup}/{Name}");
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => pipeline!.Run();

    /// <summary>An empty cell of a CSV is a parameter not given.</summary>
    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    /// <summary>One text may hold several options, as in fstab and in a CSV.</summary>
    private string[]? Options()
    {
        var options = MountOption?.SelectMany(option => option.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToArray();
        return options is null or [] ? null : options;
    }
}
