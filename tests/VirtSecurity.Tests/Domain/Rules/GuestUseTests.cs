using System.Text;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Engine;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What guests use, from the files of Debian 12's libvirt 9.0 (recorded) and from xl.cfg(5)'s own examples.</summary>
public sealed class GuestUseTests
{
    private static readonly string Fixtures = Path.Combine(EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "debian12");

    [Fact]
    public void LibvirtsOwnFilesNameImageDeviceAndKernel()
    {
        var disks = Read(
            ("/etc/libvirt/qemu/r.xml", File.ReadAllText(Path.Combine(Fixtures, "guest-r.defined.xml"))),
            ("/run/libvirt/qemu/g.xml", File.ReadAllText(Path.Combine(Fixtures, "guest-g.running.xml"))));
        Assert.Equal(
            [
                new("r", false, "/dev/volumegroup/raw"), new("r", false, "/var/log/libvirt/qemu/r-serial.log"), new("r", false, "/var/lib/libvirt/boot/lab-guest"),
                new("g", true, "/var/lib/libvirt/images/g.img"), new("g", true, "/var/log/libvirt/qemu/g-serial.log"), new("g", true, "/var/lib/libvirt/boot/lab-guest"),
            ],
            disks);
    }

    // https://libvirt.org/formatdomain.html: each way in which a domain names a file of the host.
    [Theory]
    [InlineData("<devices><disk><source file='/a'/><backingStore><source file='/b'/><backingStore><source dev='/dev/c'/></backingStore></backingStore></disk></devices>", "/a /b /dev/c")]
    [InlineData("<devices><disk><source file='/a'/><mirror><source file='/m'/></mirror></disk></devices>", "/a /m")]
    [InlineData("<devices><disk type='dir'><source dir='/floppy'/></disk><filesystem><source dir='/share'/></filesystem></devices>", "/floppy /share")]
    [InlineData("<devices><hostdev mode='capabilities'><source><block>/dev/sdb</block></source></hostdev></devices>", "/dev/sdb")]
    [InlineData("<devices><memory model='nvdimm'><source><path>/nvdimm</path></source></memory></devices>", "/nvdimm")]
    [InlineData("<os><kernel>/k</kernel><initrd>/i</initrd><loader readonly='yes'>/l</loader><nvram template='/t'>/n</nvram></os>", "/k /i /l /n")]
    [InlineData("<os><nvram type='file'><source file='/n'/></nvram></os>", "/n")]
    [InlineData("<devices><disk type='network'><source protocol='rbd' name='pool/a'/></disk><interface><source dev='eth0'/></interface></devices>", "")]
    [InlineData("<devices><disk type='volume'><source pool='guests' volume='x'/></disk></devices>", "/dev/guests/x")]
    [InlineData("<devices><disk type='volume'><source pool='nosuch' volume='x'/></disk></devices>", "")]
    [InlineData("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-drive'/><q:arg value='file=/dev/vg/x,if=virtio'/></q:commandline>", "/dev/vg/x")]
    public void EveryWayToNameAFileIsSeen(string inDomain, string sources)
    {
        var disks = Read(
            ("/etc/libvirt/storage/guests.xml", "<pool type='logical'><name>guests</name><target><path>/dev/guests</path></target></pool>"),
            ("/etc/libvirt/qemu/x.xml", $"<domain type='kvm'><name>x</name>{inDomain}</domain>"));
        Assert.Equal(sources.Split(' ', StringSplitOptions.RemoveEmptyEntries), disks.Select(disk => disk.Source));
    }

    // xl.cfg(5) and xl-disk-configuration(5).
    [Fact]
    public void XlsConfigurationIsScanned()
    {
        var disks = Read(("/etc/xen/auto/web.cfg", """
            # disk = [ '/dev/vg/commented,raw,xvda,rw' ]
            name = "web"   # was on "/dev/vg/former"
            kernel = "/boot/vmlinuz-guest"
            ramdisk = '/boot/initrd-guest'
            root = "/dev/xvda1 ro"
            extra = "console=hvc0 resume=/dev/xvda2"
            disk = [ 'phy:/dev/vg/web,xvda,w', '/srv/xen/web data.img,raw,xvdb,rw',
                     'format=raw, vdev=xvdc, access=rw, target=/dev/vg/more' ]
            """));
        Assert.Equal(["/boot/vmlinuz-guest", "/boot/initrd-guest", "/dev/vg/web", "/srv/xen/web data.img", "/dev/vg/more"], disks.Select(disk => disk.Source));
        Assert.All(disks, disk => Assert.Equal(("web", false), (disk.Guest, disk.IsRunning)));
    }

    [Theory]
    [InlineData("/etc/libvirt/qemu/x.xml", "<domain><name>x</name>")]
    [InlineData("/etc/libvirt/qemu/x.xml", "")]
    [InlineData("/etc/libvirt/qemu/x.xml", "<network><name>x</name></network>")]
    [InlineData("/etc/libvirt/qemu/x.xml", "<domain/>")]
    [InlineData("/run/libvirt/qemu/x.xml", "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain><name>&e;</name></domain>")]
    [InlineData("/etc/libvirt/storage/x.xml", "<poo")]
    public void ADefinitionThatIsNotUnderstoodIsAnErrorAndNotSilence(string path, string text)
    {
        var problem = Assert.Throws<VirtException>(() => Read((path, text)));
        Assert.Equal("FactUnknown", problem.Id);
        Assert.Contains(path, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dev/vg/a", "a")]
    [InlineData("/dev/mapper/vg-a", "a")]
    [InlineData("/dev/dm-3", "a")]
    [InlineData("/dev/disk/by-id/dm-name-vg-a", "a")]
    [InlineData("/dev/vg/inactive", "i")]
    [InlineData("/dev/vg/b", "")]
    [InlineData("/virtstorage", "f")]
    [InlineData("/virtstorage/f.img", "f")]
    [InlineData("/virtstor", "")]
    [InlineData("/", "a i f")]
    public void ADeviceIsFoundByAnyOfItsNamesAndAFileBelowItsDirectory(string path, string guests)
    {
        var links = DeviceLinks.Read(Said(DeviceLinks.Find(), "/dev/vg/a\0../dm-3\0/dev/mapper/vg-a\0../dm-3\0/dev/disk/by-id/dm-name-vg-a\0../../dm-3\0/dev/loop\0loop\0"));
        var use = new GuestUse([new("a", true, "/dev/mapper/vg-a"), new("i", false, "/dev/vg/inactive"), new("f", false, "/virtstorage/f.img")], links);
        Assert.Equal(guests.Split(' ', StringSplitOptions.RemoveEmptyEntries), use.Of(path).Select(disk => disk.Guest));
    }

    private static IReadOnlyList<GuestDisk> Read(params (string Path, string Text)[] files) =>
        GuestDefinitions.ReadDisks(Said(GuestDefinitions.Read(), string.Concat(files.Select(file => $"{file.Path}\0read\0{file.Text}\0"))));

    private static ToolResult Said(ToolCall call, string output) => new(call, ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(output), []);
}
