using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Commands;

/// <summary>Logical volume, file system, mount point, mount, file-context rule, relabel, proof: procedure 11.1 as one cmdlet.</summary>
// No default parameter set: it would be tried first, and what all sets have would settle it before a row's DevicePath is looked at. A volume
// of this module has both names and a device, and one that is a device has names that are null: the Volume set takes either.
[Cmdlet(VerbsCommon.New, "SecureGuestVolume", SupportsShouldProcess = true)]
[OutputType(typeof(SecureGuestVolume))]
public sealed class NewSecureGuestVolumeCommand : VirtCommand
{
    private const string VolumeSet = "Volume";
    private const string DeviceSet = "Device";
    private const string RawSet = "Raw";

    private ChangePipeline<SecureGuestVolumeRequest, StorageFacts, SecureGuestVolume>? pipeline;
    private ChangePipeline<RawVolumeRequest, RawFacts, SecureGuestVolume>? raw;

    /// <summary>Volume group to take the space from.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = RawSet)]
    [AllowNull]
    [AllowEmptyString]
    [Alias("VGName")]
    [ArgumentCompleter(typeof(VolumeGroupCompleter))]
    public string? VolumeGroup { get; set; }

    /// <summary>Name of the logical volume.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = RawSet)]
    [AllowNull]
    [AllowEmptyString]
    [Alias("LVName")]
    public string? Name { get; set; }

    /// <summary>Its size; rounded up to whole extents.</summary>
    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true, ParameterSetName = RawSet)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceSet)]
    [AllowNull]
    [ConvertedTo(typeof(VolumeSize), BlankIsNull = true)]
    public VolumeSize? Size { get; set; }

    /// <summary>A partition or disk that exists, to use instead of a new logical volume.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceSet)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [AllowNull]
    [AllowEmptyString]
    public string? DevicePath { get; set; }

    /// <summary>Where to mount it.</summary>
    [Parameter(Mandatory = true, Position = 3, ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceSet)]
    public string MountPoint { get; set; } = "";

    /// <summary>The thin pool to take it from.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = RawSet)]
    public string? ThinPool { get; set; }

    /// <summary>A guest's own disk: zeroed, with no file system.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RawSet)]
    public SwitchParameter Raw { get; set; }

    /// <summary>What is on the device may be lost.</summary>
    [Parameter(ParameterSetName = VolumeSet)]
    [Parameter(ParameterSetName = DeviceSet)]
    public SwitchParameter Force { get; set; }

    /// <summary>Its file system.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceSet)]
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
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = VolumeSet)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceSet)]
    [ArgumentCompleter(typeof(MountOptionCompleter))]
    public string[]? MountOption { get; set; }

    /// <summary>No line in /etc/fstab.</summary>
    [Parameter(ParameterSetName = VolumeSet)]
    [Parameter(ParameterSetName = DeviceSet)]
    public SwitchParameter NoPersist { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        pipeline = new(this, SecureGuestVolumes.Flow);
        raw = new(this, RawVolumes.Flow);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost)
        {
            try
            {
                if (ParameterSetName == RawSet) raw!.Add(RawVolumeRequest.Validated(host, VolumeGroup ?? "", Name ?? "", Bytes(), Blank(ThinPool), Hypervisor, Blank(SELinuxType)));
                else pipeline!.Add(Request(host));
            }
            catch (VirtException problem)
            {
                WriteProblem(problem, IsDevice ? DevicePath : $"{VolumeGroup}/{Name}");
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        pipeline!.Run();
        raw!.Run();
    }

    /// <summary>Neither name, but a device: what a row or an object says, whatever set took it.</summary>
    private bool IsDevice => Blank(VolumeGroup) is null && Blank(Name) is null && Blank(DevicePath) is not null;

    private SecureGuestVolumeRequest Request(VirtHost host)
    {
        if (IsDevice)
        {
            return SecureGuestVolumeRequest.OfDevice(
                host, DevicePath!, Size?.Bytes, MountPoint, FileSystem, Hypervisor, Blank(SELinuxType), Options(), !NoPersist, Force);
        }

        // A volume in the pipeline brings its own node; any other device beside a volume's names is a contradiction.
        if (Blank(DevicePath) is { } device && device != $"/dev/{VolumeGroup}/{Name}") throw new VirtException("DeviceNotUsable", device, $"{VolumeGroup}/{Name} is asked for as well");
        return SecureGuestVolumeRequest.Validated(
            host, VolumeGroup ?? "", Name ?? "", Bytes(), MountPoint, FileSystem, Hypervisor, Blank(SELinuxType), Options(), !NoPersist, Blank(ThinPool));
    }

    private long Bytes() => Size?.Bytes ?? throw new VirtException("InvalidSize", "");

    /// <summary>An empty cell of a CSV is a parameter not given.</summary>
    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    /// <summary>One text may hold several options, as in fstab and in a CSV.</summary>
    private string[]? Options()
    {
        var options = MountOption?.SelectMany(option => option.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToArray();
        return options is null or [] ? null : options;
    }
}
