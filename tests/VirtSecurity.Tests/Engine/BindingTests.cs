using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>What may be typed, and what may be piped.</summary>
public sealed class BindingTests(BindingTests.Bindings bindings) : IClassFixture<BindingTests.Bindings>
{
    private const string FiveGiB = "5368709120";
    private Cases Cases => bindings.Cases;

    [Fact]
    public void TheFirstFourParametersBindByPosition()
    {
        Assert.Equal("volumegroup", Cases.Text("position", "VolumeGroup"));
        Assert.Equal("NewVolumeName", Cases.Text("position", "Name"));
        Assert.Equal(FiveGiB, Cases.Text("position", "Size"));
        Assert.Equal("/virtstorage", Cases.Text("position", "MountPoint"));
        Assert.Equal("virt_image_t", Cases.Text("position", "SELinuxType"));
        Assert.Equal("True", Cases.Text("position", "IsCompliant"));
        Assert.Equal("/fourth", Cases.Text("fourth position", "MountPoint"));
    }

    [Theory]
    [InlineData("size as text")]
    [InlineData("size as IEC text")]
    [InlineData("size as digits")]
    public void ASizeIsTheSameAsNumberAndAsText(string name) => Assert.Equal(FiveGiB, Cases.Text(name, "Size"));

    [Theory]
    [InlineData("no size", "'much' is no size of a volume. Give bytes")]
    [InlineData("negative size", "'-5' is no size of a volume. Give bytes")]
    [InlineData("no host", "'kvm 1' names no host. Give a name")]
    public void WhatDoesNotConvertIsAnErrorThatSaysWhatWould(string name, string words)
    {
        var error = Assert.Single(Cases.Errors(name));
        Assert.Equal("ParameterArgumentTransformationError", error.Id);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    /// <summary>The engine's own way is to pass over a property that does not convert: the row would be made on this machine, with ext4.</summary>
    [Fact]
    public void ATypingErrorInARowIsThatRowsErrorAndTheOthersGoOn()
    {
        string[] words = ["'much' is no size", "'kvm 1' names no host", "'etx4' is none of Ext4, Ext3, Xfs", "'kmv' is none of Kvm, Xen"];
        var errors = Cases.Errors("rows with typing errors");
        Assert.All(errors.Zip(words), pair => Assert.Contains(pair.Second, pair.First.Message, StringComparison.Ordinal));
        Assert.Equal(words.Length, errors.Count);
        Assert.Equal("volumegroup/right", Assert.Single(Cases.Output("the row without")).ToString());
    }

    [Fact]
    public void RowsOfTextBindByTheirNamesAndAnEmptyCellIsNotGiven()
    {
        var rows = Cases.Output("rows");
        Assert.Equal(["row1", "row2", "row3"], rows.Select(row => row.Properties["Name"].Value));
        Assert.Equal(["ext4", "xfs", "ext4"], rows.Select(row => row.Properties["FileSystem"].Value));
        Assert.Equal(["nodev,noexec,nofail,nosuid", "noatime,nodev", "nodev,noexec,nofail,nosuid"], rows.Select(Options));
        Assert.All(rows, row => Assert.Equal("virt_image_t", row.Properties["SELinuxType"].Value));
    }

    [Fact]
    public void AliasesAreTheNamesOtherToolsUse() => Assert.Equal("volumegroup/aliased", Assert.Single(Cases.Output("aliases")).ToString());

    /// <summary>A device has no name in a volume group: such an object, row or command line is one all the same, beside those of volumes.</summary>
    [Theory]
    [InlineData("device")]
    [InlineData("device row")]
    [InlineData("device object")]
    public void ADeviceBindsByItsPathAlone(string name)
    {
        var error = Assert.Single(Cases.Errors(name));
        Assert.Equal("DeviceNotFound", error.Id);
        Assert.Equal("/dev/nosuch", error.Target);
    }

    [Fact]
    public void RowsOfVolumesAndDevicesMayBeMixed()
    {
        Assert.Equal(["volumegroup/mixed1", "volumegroup/mixed3"], Cases.Output("device and volume rows").Select(volume => volume.ToString()));
        Assert.Equal("/dev/nosuch", Assert.Single(Cases.Output("the device among them")).ToString());
        Assert.Equal("DeviceNotUsable", Assert.Single(Cases.Errors("device beside a volume")).Id);
        Assert.Equal("InvalidSize", Assert.Single(Cases.Errors("empty size")).Id);
    }

    [Theory]
    [InlineData("raw", "disk")]
    [InlineData("raw again", "disk2")]
    [InlineData("raw rows", "disk3")]
    public void ARawVolumeHasNoMountPoint(string name, string volume)
    {
        Assert.Equal(volume, Cases.Text(name, "Name"));
        Assert.Equal("True", Cases.Text(name, "IsRaw"));
        Assert.Equal("True", Cases.Text(name, "IsCompliant"));
        Assert.Equal("AmbiguousParameterSet", Assert.Single(Cases.Errors("raw with a mount point")).Id);
    }

    [Theory]
    [InlineData("volume to context", "/virtstorage")]
    [InlineData("serialized volume to context", "/virtstorage")]
    [InlineData("file to context", "/virtstorage")]
    [InlineData("provider path to context", "/virtstorage")]
    [InlineData("text to context", "/virtstorage")]
    [InlineData("position to context", "/virtstorage")]
    [InlineData("brackets taken literally", "/srv/[images]")]
    [InlineData("brackets piped on", "/srv/[images]")]
    [InlineData("brackets piped on, serialized", "/srv/[images]")]
    public void APathBindsFromWhatHasOne(string name, string path)
    {
        Assert.Equal(path, Cases.Text(name, "Path"));
        Assert.Equal("kvm1", Cases.Text(name, "VirtHost"));
        Assert.Equal("True", Cases.Text(name, "IsCompliant"));
    }

    [Fact]
    public void WildcardsAreExpandedOnTheHost()
    {
        Assert.Equal(["/pool/a.img", "/pool/b.img"], Cases.Output("wildcards").Select(image => image.Properties["Path"].Value));
        Assert.Empty(Cases.Output("wildcards without a match"));
    }

    [Theory]
    [InlineData("volume again")]
    [InlineData("serialized volume again")]
    [InlineData("info to volume")]
    public void AVolumeAskedForAgainIsReturnedAsItIs(string name)
    {
        Assert.Equal("NewVolumeName", Cases.Text(name, "Name"));
        Assert.Equal("kvm1", Cases.Text(name, "VirtHost"));
    }

    [Fact]
    public void WhatConnectReturnsBindsToVirtHost()
    {
        Assert.Equal(["kvm1", "ssh://xen1:2222"], Cases.Output("info to many").Select(volume => volume.Properties["VirtHost"].Value.ToString()));
        Assert.Equal(["virt_image_t", "xen_image_t"], Cases.Output("info to many").Select(volume => volume.Properties["SELinuxType"].Value));
        Assert.Equal("ssh://xen1?sudo", Cases.Text("sudo", "VirtHost"));
        Assert.Contains(bindings.Hosts.SshCalls, call => call.Contains("-- xen1 sudo -n -- env -i", StringComparison.Ordinal));
        Assert.Equal("kvm1", Cases.Text("host by property", "VirtHost"));
        Assert.Equal("kvm1", Cases.Text("host named twice", "VirtHost"));
    }

    /// <summary>All of it, run once.</summary>
    public sealed class Bindings : IDisposable
    {
        public Bindings()
        {
            Hosts.Add("kvm1").Write("srv/[images]/one.img", "").Write("pool/a.img", "").Write("pool/b.img", "").Write("pool/b.iso", "");
            Hosts.Add("xen1").AsXen();
            const string volume = "$volume = New-SecureGuestVolume volumegroup NewVolumeName 5GB -MountPoint /virtstorage -VirtHost kvm1\n";
            const string again = "[System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($it))";
            Cases = new Cases(Hosts,
            [
                ("position", "New-SecureGuestVolume volumegroup NewVolumeName 5GB -MountPoint /virtstorage -VirtHost kvm1"),
                ("fourth position", "New-SecureGuestVolume volumegroup fourth 1GB /fourth -VirtHost kvm1"),
                ("size as text", "New-SecureGuestVolume volumegroup text '5GB' /text -VirtHost kvm1"),
                ("size as IEC text", "New-SecureGuestVolume volumegroup iec '5 GiB' /iec -VirtHost kvm1"),
                ("size as digits", $"New-SecureGuestVolume volumegroup digits '{FiveGiB}' /digits -VirtHost kvm1"),
                ("no size", "New-SecureGuestVolume volumegroup none much /none -VirtHost kvm1"),
                ("negative size", "New-SecureGuestVolume volumegroup none -Size -5 /none -VirtHost kvm1"),
                ("no host", "New-SecureGuestVolume volumegroup none 1GB /none -VirtHost 'kvm 1'"),
                ("rows with typing errors", """
                    $made = [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'wrong1'; Size = 'much'; MountPoint = '/wrong/1'; VirtHost = 'kvm1' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'wrong2'; Size = '1GB'; MountPoint = '/wrong/2'; VirtHost = 'kvm 1' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'wrong3'; Size = '1GB'; MountPoint = '/wrong/3'; VirtHost = 'kvm1'; FileSystem = 'etx4' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'wrong4'; Size = '1GB'; MountPoint = '/wrong/4'; VirtHost = 'kvm1'; Hypervisor = 'kmv' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'right'; Size = '1GB'; MountPoint = '/right'; VirtHost = 'kvm1' } |
                        New-SecureGuestVolume
                    $script:right = $made
                    """),
                ("the row without", "$script:right"),
                ("rows", """
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'row1'; Size = '1GB'; MountPoint = '/rows/1'; FileSystem = ''; Hypervisor = ''; SELinuxType = ''; MountOption = ''; VirtHost = 'kvm1' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'row2'; Size = '1 GiB'; MountPoint = '/rows/2'; FileSystem = 'xfs'; Hypervisor = 'kvm'; SELinuxType = 'virt_image_t'; MountOption = 'nodev, noatime'; VirtHost = 'kvm1' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'row3'; Size = '1g'; MountPoint = '/rows/3'; FileSystem = ' '; Hypervisor = ' '; SELinuxType = ' '; MountOption = ' '; VirtHost = 'kvm1' } |
                        New-SecureGuestVolume
                    """),
                ("aliases", "[pscustomobject]@{ VGName = 'volumegroup'; LVName = 'aliased'; Size = 1GB; MountPoint = '/aliased'; HostName = 'kvm1' } | New-SecureGuestVolume"),
                ("volume to context", volume + "$volume | Set-VirtImageContext"),
                ("serialized volume to context", volume + "$it = $volume; " + again + " | Set-VirtImageContext"),
                ("file to context", "[System.IO.FileInfo]::new('/virtstorage') | Set-VirtImageContext -VirtHost kvm1"),
                ("provider path to context", @"[pscustomobject]@{ PSPath = 'Microsoft.PowerShell.Core\FileSystem::/virtstorage' } | Set-VirtImageContext -VirtHost kvm1"),
                ("text to context", "'/virtstorage' | Set-VirtImageContext -VirtHost kvm1"),
                ("position to context", "Set-VirtImageContext /virtstorage -VirtHost kvm1"),
                ("brackets taken literally", "Set-VirtImageContext -LiteralPath '/srv/[images]' -VirtHost kvm1"),
                ("brackets piped on", "Set-VirtImageContext -LiteralPath '/srv/[images]' -VirtHost kvm1 | Set-VirtImageContext"),
                ("brackets piped on, serialized", "$it = Set-VirtImageContext -LiteralPath '/srv/[images]' -VirtHost kvm1; " + again + " | Set-VirtImageContext"),
                ("wildcards", "Set-VirtImageContext /pool/*.img -VirtHost kvm1"),
                ("wildcards without a match", "'/pool/*.raw' | Set-VirtImageContext -VirtHost kvm1"),
                ("volume again", volume + "$volume | New-SecureGuestVolume"),
                ("serialized volume again", volume + "$it = $volume; " + again + " | New-SecureGuestVolume"),
                ("device", "New-SecureGuestVolume -DevicePath /dev/nosuch -MountPoint /device -VirtHost kvm1"),
                ("device row", "[pscustomobject]@{ DevicePath = '/dev/nosuch'; MountPoint = '/device'; VirtHost = 'kvm1' } | New-SecureGuestVolume"),
                ("device object", "[pscustomobject]@{ VirtHost = 'kvm1'; VolumeGroup = $null; Name = $null; Size = 5GB; DevicePath = '/dev/nosuch'; MountPoint = '/device'; FileSystem = 'ext4' } | New-SecureGuestVolume"),
                ("device and volume rows", """
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'mixed1'; Size = '1GB'; DevicePath = ''; MountPoint = '/mixed/1'; ThinPool = ''; VirtHost = 'kvm1' },
                    [pscustomobject]@{ VolumeGroup = ''; Name = ''; Size = ''; DevicePath = '/dev/nosuch'; MountPoint = '/mixed/2'; ThinPool = ''; VirtHost = 'kvm1' },
                    [pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'mixed3'; Size = '1GB'; DevicePath = ''; MountPoint = '/mixed/3'; ThinPool = ''; VirtHost = 'kvm1' } |
                        New-SecureGuestVolume -ErrorVariable problems -ErrorAction SilentlyContinue
                    $script:mixed = $problems
                    """),
                ("the device among them", "$script:mixed | ForEach-Object { $_.TargetObject }"),
                ("device beside a volume", "New-SecureGuestVolume volumegroup both 1GB /both -DevicePath /dev/sdb1 -VirtHost kvm1"),
                ("empty size", "[pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'none'; Size = ''; MountPoint = '/none'; VirtHost = 'kvm1' } | New-SecureGuestVolume"),
                ("raw", "New-SecureGuestVolume volumegroup disk 1GB -Raw -VirtHost kvm1"),
                ("raw again", "New-SecureGuestVolume volumegroup disk2 1GB -Raw -VirtHost kvm1 | New-SecureGuestVolume -Raw"),
                ("raw rows", "[pscustomobject]@{ VolumeGroup = 'volumegroup'; Name = 'disk3'; Size = '1GB'; Hypervisor = ''; SELinuxType = ''; VirtHost = 'kvm1' } | New-SecureGuestVolume -Raw"),
                ("raw with a mount point", "New-SecureGuestVolume volumegroup disk4 1GB -Raw -MountPoint /disk4 -VirtHost kvm1"),
                ("info to volume", "Connect-VirtHost kvm1 | New-SecureGuestVolume volumegroup NewVolumeName 5GB -MountPoint /virtstorage"),
                ("info to many", "Connect-VirtHost kvm1, xen1:2222 | New-SecureGuestVolume volumegroup many 1GB -MountPoint /many"),
                ("sudo", "Connect-VirtHost xen1 -Sudo"),
                ("host by property", "[pscustomobject]@{ ComputerName = 'kvm1' } | Connect-VirtHost"),
                ("host named twice", "'kvm1', 'ssh://kvm1' | Connect-VirtHost"),
            ]);
        }

        public ScriptedHosts Hosts { get; } = new();
        public Cases Cases { get; }

        public void Dispose() => Hosts.Dispose();
    }

    private static string Options(PSObject volume) =>
        string.Join(',', LanguagePrimitives.ConvertTo<string[]>(volume.Properties["MountOption"].Value).Order(StringComparer.Ordinal));
}
