using VirtSecurity.Tests.Engine;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The images that a definition names, what for, and how each is declared; in each of the four languages that define guests.</summary>
public sealed class ImageUseTests
{
    private static readonly string Fixtures = Path.Combine(EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "debian12");

    private static readonly Dictionary<string, StoragePool> Pools = new[]
    {
        StoragePools.Parse("<pool type='dir'><name>isos</name><target><path>/srv/isos/</path></target></pool>"),
        StoragePools.Parse("<pool type='logical'><name>guests</name><source><name>vg</name></source><target><path>/dev/vg</path></target></pool>"),
        StoragePools.Parse("<pool type='rbd'><name>far</name></pool>"),
    }.ToDictionary(pool => pool.Name);

    [Theory]
    [InlineData("guest-r.defined.xml", "r", "Disk /dev/volumegroup/raw raw", "Kernel /var/lib/libvirt/boot/lab-guest - ro")]
    [InlineData("guest-g.running.xml", "g", "Disk /var/lib/libvirt/images/g.img raw whole", "Kernel /var/lib/libvirt/boot/lab-guest - ro")]
    public void LibvirtsOwnFilesAreRead(string file, string name, params string[] images)
    {
        var domain = DomainXml.Parse(File.ReadAllText(Path.Combine(Fixtures, file)));
        Assert.Equal(name, domain.Name);
        Assert.Equal(images, domain.Images(Pools).Select(Text));
    }

    // https://libvirt.org/formatdomain.html and formatstorage.html.
    [Theory]
    [InlineData("<disk><source file='/a'/></disk>", "Disk /a -")]
    [InlineData("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/a'/><readonly/></disk>", "Disk /a qcow2 ro")]
    [InlineData("<disk type='file' device='disk'><driver type='raw'/><source file='/a'/><shareable/></disk>", "Disk /a raw shared")]
    [InlineData("<disk type='block' device='lun'><source dev='/dev/sdb'/></disk>", "Disk /dev/sdb -")]
    [InlineData("<disk device='cdrom'><driver type='raw'/><source file='/a.iso'/></disk><disk device='cdrom'/><disk device='floppy'><source dir='/floppy'/></disk>", "CdRom /a.iso raw ro|Floppy /floppy -")]
    [InlineData("<disk type='volume' device='cdrom'><source pool='isos' volume='debian.iso'/></disk>", "CdRom /srv/isos/debian.iso - ro")]
    [InlineData("<disk type='volume'><source pool='guests' volume='web'/></disk><disk type='volume'><source pool='far' volume='a'/></disk><disk type='volume'><source pool='nosuch' volume='a'/></disk>", "Disk /dev/vg/web -")]
    [InlineData("<disk type='volume'><source pool='isos' volume='../../etc/shadow'/></disk>", "")]
    [InlineData("<disk type='network'><source protocol='rbd' name='pool/a'/></disk><disk type='nvme'><source type='pci' namespace='1'><address domain='0'/></source></disk><disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/></disk>", "")]
    [InlineData("<disk><driver type='qcow2'/><source file='/a'/><backingStore/></disk>", "Disk /a qcow2 whole")]
    [InlineData("<disk><driver type='qcow2'/><source file='/a'/><backingStore type='file'><format type='qcow2'/><source file='/b'/><backingStore type='block'><format type='raw'/><source dev='/dev/c'/><backingStore/></backingStore></backingStore></disk>", "Disk /a qcow2 whole|Backing /b qcow2 ro whole|Backing /dev/c raw ro whole")]
    [InlineData("<disk><driver type='qcow2'/><source file='/a'/><backingStore><format type='qcow2'/><source file='/b'/></backingStore></disk>", "Disk /a qcow2|Backing /b qcow2 ro")]
    [InlineData("<disk><driver type='qcow2'/><source file='/a'><dataStore type='file'><format type='raw'/><source file='/a.data'/></dataStore></source><mirror type='file'><format type='raw'/><source file='/m'/></mirror></disk>", "Disk /a qcow2|Data /a.data raw|Mirror /m raw")]
    [InlineData("<disk><source file='relative'/></disk><disk><source file=''/></disk>", "")]
    [InlineData("<disk><source file='/with &apos;quotes&apos; &amp; &lt;signs&gt; &#228;'/></disk>", "Disk /with 'quotes' & <signs> ä -")]
    [InlineData("<memory model='nvdimm'><source><path>/nvdimm</path></source></memory>", "Memory /nvdimm raw")]
    [InlineData("<filesystem type='mount'><source dir='/share'/></filesystem><interface><source dev='eth0'/></interface><serial type='file'><source path='/log'/></serial>", "")]
    public void EachKindOfDiskIsSeen(string devices, string images) => Assert.Equal(images, Join(DomainXml.Parse($"<domain><name>x</name><devices>{devices}</devices></domain>").Images(Pools)));

    [Theory]
    [InlineData("<kernel>/k</kernel><initrd>/i</initrd><dtb>/d</dtb><cmdline>root=/dev/vda</cmdline>", "Kernel /k - ro|Initrd /i - ro|DeviceTree /d - ro")]
    [InlineData("<loader readonly='yes' type='pflash'>/usr/share/OVMF/CODE.fd</loader><nvram template='/usr/share/OVMF/VARS.fd'>/var/lib/libvirt/qemu/nvram/x.fd</nvram>", "Firmware /usr/share/OVMF/CODE.fd - ro|Nvram /var/lib/libvirt/qemu/nvram/x.fd -")]
    [InlineData("<loader readonly='no' format='qcow2'>/l</loader><nvram type='block' format='raw'><source dev='/dev/vg/vars'/></nvram>", "Firmware /l qcow2|Nvram /dev/vg/vars raw")]
    [InlineData("<nvram type='network'><source protocol='nbd'/></nvram><varstore path='/v'/>", "Nvram /v -")]
    public void WhatAGuestBootsFromIsSeen(string os, string images) => Assert.Equal(images, Join(DomainXml.Parse($"<domain><name>x</name><os>{os}</os></domain>").Images(Pools)));

    [Fact]
    public void ASnapshotNeedsTheDisksItHadAndTheOnesItMade()
    {
        var domain = DomainXml.Parse("""
            <domainsnapshot><name>before</name><disks><disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='/a.before'/></disk><disk name='vdb' snapshot='no'/></disks>
            <domain><name>x</name><devices><disk><driver type='qcow2'/><source file='/a'/></disk></devices></domain></domainsnapshot>
            """);
        Assert.Equal(("x", "Disk /a qcow2|Disk /a.before qcow2"), (domain.Name, Join(domain.Images(Pools))));
    }

    // xl-disk-configuration(5), whose examples are among them, and the prefixes of xend's times.
    [Theory]
    [InlineData("/dev/vg/guest-volume,,hda", "Disk /dev/vg/guest-volume -")]
    [InlineData("/dev/vg/guest-volume,raw,hda,rw", "Disk /dev/vg/guest-volume raw")]
    [InlineData("format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume", "Disk /dev/vg/guest-volume raw")]
    [InlineData("raw:/dev/vg/guest-volume,hda,w", "Disk /dev/vg/guest-volume raw")]
    [InlineData("/root/image.iso,,hdc,cdrom", "CdRom /root/image.iso - ro")]
    [InlineData("/root/image.iso,,hdc,,cdrom", "CdRom /root/image.iso - ro")]
    [InlineData("/root/image.iso,hdc,cdrom", "its format 'hdc' is unknown")]
    [InlineData("format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso", "CdRom /root/image.iso raw ro")]
    [InlineData("raw:/root/image.iso,hdc:cdrom,ro", "CdRom /root/image.iso raw ro")]
    [InlineData("/srv/a,qcow2,xvda,w", "Disk /srv/a qcow2")]
    [InlineData("/srv/a,vhd,xvda,r", "Disk /srv/a vhd ro")]
    [InlineData("phy:/dev/vg/a,xvda,w", "Disk /dev/vg/a raw")]
    [InlineData("phy:vg/a,xvda,w", "Disk /dev/vg/a raw")]
    [InlineData("file:/srv/a.img,xvda2,w!", "Disk /srv/a.img raw shared")]
    [InlineData("tap:aio:/srv/a.img,xvda,w", "Disk /srv/a.img raw")]
    [InlineData("tap2:qcow2:/srv/a,xvda,ro", "Disk /srv/a qcow2 ro")]
    [InlineData("tap2:tapdisk:vhd:/srv/a,xvda,w", "Disk /srv/a vhd")]
    [InlineData(" /srv/with blank.img , raw , xvda , rw ", "Disk /srv/with blank.img raw")]
    [InlineData("format=qcow2,vdev=xvda,target=/srv/comma,and=equals.img", "Disk /srv/comma,and=equals.img qcow2")]
    [InlineData("/srv/a=b.img,raw,xvda,rw", "Disk /srv/a=b.img raw")]
    [InlineData("vdev=xvda,discard,direct-io-safe,no-discard,target=/dev/vg/a", "Disk /dev/vg/a -")]
    [InlineData("vdev=hdc,access=r,devtype=cdrom,format=empty", "")]
    [InlineData(",empty,hdc:cdrom,r", "")]
    [InlineData(",,hdc:cdrom,r", "")]
    [InlineData("", "")]
    [InlineData("iscsi:iqn.2001-05:a,xvda,w", "")]
    [InlineData("script=block-drbd,vdev=xvda,target=resource", "")]
    [InlineData("backend=storage,vdev=xvda,target=/dev/vg/a", "")]
    [InlineData("backend=0,vdev=xvda,target=/dev/vg/a", "Disk /dev/vg/a -")]
    [InlineData("http://host/a,raw,xvda,w", "its prefix is unknown")]
    [InlineData("/srv/a,tar,xvda,w", "its format 'tar' is unknown")]
    [InlineData("/srv/a,raw,xvda,x", "its access 'x' is unknown")]
    [InlineData("/srv/a,raw,xvda,w,more", "it has too many positions")]
    public void ADiskOfXlsIsReadByPositionNameAndPrefix(string disk, string image)
    {
        var use = XlDisk.Parse(disk, out var problem);
        Assert.Equal(image, use is null ? problem : Text(use));
    }

    // xen-utils-common 4.17.7 (Debian 12): /etc/xen/xlexample.*, without their comments; and what xen-tools 4.9.2's template makes.
    [Theory]
    [InlineData("type = \"hvm\"\nname = \"example.hvm\"\nmemory = 128\nvcpus = 2\nvif = [ '' ]\ndisk = [ '/dev/vg/guest-volume,raw,xvda,rw' ]\nsdl = 1\n", "example.hvm", "Disk /dev/vg/guest-volume raw")]
    [InlineData("name = \"example.pvlinux\"\nkernel = \"/boot/vmlinuz\"\nextra = \"root=/dev/xvda1\"\nmemory = 128\nvcpus = 2\nvif = [ '' ]\ndisk = [ '/dev/vg/guest-volume,raw,xvda,rw' ]\n", "example.pvlinux", "Disk /dev/vg/guest-volume raw|Kernel /boot/vmlinuz - ro")]
    [InlineData("kernel      = '/boot/vmlinuz-6.1.0-9-amd64'\nextra       = 'elevator=noop'\nramdisk     = '/boot/initrd.img-6.1.0-9-amd64'\nvcpus       = '1'\nroot        = '/dev/xvda2 ro'\ndisk        = [\n                  'file:/srv/xen/domains/web/disk.img,xvda2,w',\n                  'phy:/dev/vg/web-swap,xvda1,w',\n              ]\nname        = 'web'\non_crash    = 'restart'\n", "web", "Disk /srv/xen/domains/web/disk.img raw|Disk /dev/vg/web-swap raw|Kernel /boot/vmlinuz-6.1.0-9-amd64 - ro|Initrd /boot/initrd.img-6.1.0-9-amd64 - ro")]
    [InlineData("name = 'a'; disk = [ '/a,raw,xvda,w' ]\ndisk += [ \"/b,raw,xvdb,w\" ]\nkernel = '/k'\nkernel = '/l' # the last counts\n", "a", "Disk /a raw|Disk /b raw|Kernel /l - ro")]
    [InlineData("name = \"it's \\\"a\\\" \\x41\\\\\"\n# disk = ['/commented,raw,xvda,w']\ndisk = '/single,raw,xvda,w'\nfirmware = 'ovmf'\nbios_path_override = '/usr/share/OVMF.fd'\ndevice_tree='/d'", "it's \"a\" A\\", "Disk /single raw|DeviceTree /d - ro|Firmware /usr/share/OVMF.fd - ro")]
    [InlineData("vfb = [ [ 'vnc=1', [ 'a' ] ], 'x' ]\n\n disk = [\n\n ]\n", null, "")]
    public void XlsConfigurationIsReadWholly(string text, string? name, string images)
    {
        var config = XlConfig.Parse(text);
        Assert.Equal((name, images), (config.Name, Join(config.Images)));
        Assert.Empty(config.Problems);
    }

    [Fact]
    public void EscapedBytesAreTheBytesOfAPath()
    {
        var config = XlConfig.Parse("name = '\\xc3\\xa4'\nkernel = '/\\xe4\\xc3\\xa4'\n");
        Assert.Equal(("ä", "/\udce4ä"), (config.Name, Assert.Single(config.Images).Path));
    }

    // xm's files are Python: what goes beyond values is said, with its line, and all else is read. Nothing it holds is lost for checks of use.
    [Theory]
    [InlineData("import os\nname = 'a'\ndisk = ['/a,raw,xvda,w']\n", "line 1: not of the form NAME = VALUE", "Disk /a raw", "/a")]
    [InlineData("def dev(n):\n    return '/dev/vg/' + n\nname = 'a'\ndisk = [ dev('x') ]\nkernel = '/k'\n", "line 1: not of the form NAME = VALUE|line 4: not of the form NAME = VALUE", "Kernel /k - ro", "/dev/vg/ /k")]
    [InlineData("name = 'a'\ndisk = [ '/a,raw,xvda,w'\nkernel = '/k'\n", "line 2: not of the form NAME = VALUE", "Kernel /k - ro", "/a /k")]
    [InlineData("disk = [ '/a,raw,xvda,w\nkernel = '/k'\n", "line 1: not of the form NAME = VALUE", "Kernel /k - ro", "/a /k")]
    [InlineData("disk = [ 'ftp:/a,xvda,w', '/b,raw,xvdb,w' ]", "disk 'ftp:/a,xvda,w': its prefix is unknown", "Disk /b raw", "/a /b")]
    [InlineData("disk = [[[[[[[[[[[[[[[[[[ '/a' ]]]]]]]]]]]]]]]]]]\nkernel = '/k'", "line 1: not of the form NAME = VALUE", "Kernel /k - ro", "/a /k")]
    [InlineData("disk = [ '/dev/' + name ]\n", "line 1: not of the form NAME = VALUE", "", "/dev/")]
    public void WhatIsNotUnderstoodOfAnXlFileIsSaidAndTheRestIsRead(string text, string problems, string images, string paths)
    {
        var config = XlConfig.Parse(text);
        Assert.Equal((problems, images), (string.Join('|', config.Problems), Join(config.Images)));
        Assert.Equal(paths.Split(' '), config.Paths.Order(StringComparer.Ordinal));
    }

    // The S-expressions that xend kept, https://wiki.xenproject.org/wiki/XenConfigurationFileOptions, and libxl's userdata as Xen 4.17's xl create -n prints it.
    [Fact]
    public void WhatXendKeptIsRead()
    {
        var domain = XendDomain.Parse("""
            (domain (domid 3) (uuid 00000000-0000-0000-0000-000000000001) (name 'web \'1\'') (bootloader /usr/bin/pygrub) (bootloader_args '--kernel=/boot/guest')
              (image (linux (kernel /boot/vmlinuz) (ramdisk /boot/initrd) (args 'root=/dev/xvda ro') (device_model /usr/lib/xen/bin/qemu-dm)))
              (device (vbd (uname phy:/dev/vg/web) (dev xvda:disk) (mode w)))
              (device (tap (uname 'tap:qcow2:/srv/a b.img') (dev xvdb:disk) (mode r)))
              (device (tap2 (uname file:/srv/d.iso) (dev hdc:cdrom) (mode r)))
              (device (vif (script /etc/xen/scripts/vif-bridge))))
            """);
        Assert.Equal("web '1'", domain.Name);
        Assert.Equal("Disk /dev/vg/web raw|Disk /srv/a b.img qcow2 ro|CdRom /srv/d.iso raw ro|Kernel /boot/vmlinuz - ro|Initrd /boot/initrd - ro", Join(domain.Images));
        Assert.Contains("/usr/lib/xen/bin/qemu-dm", domain.Paths);
        Assert.DoesNotContain(domain.Paths, path => path.Contains("xvda", StringComparison.Ordinal) || path.Contains("guest", StringComparison.Ordinal));
    }

    [Fact]
    public void WhatXlKeepsOfAGuestThatRunsIsRead()
    {
        var domain = LibxlDomain.Parse("""
            {"c_info": {"type": "pv", "name": "web", "uuid": "1d3ba2f1"}, "b_info": {"kernel": "/boot/vmlinuz", "ramdisk": "/boot/initrd", "cmdline": "root=/dev/xvda", "type.pv": {}},
             "disks": [{"pdev_path": "/dev/vg/web", "vdev": "xvda", "format": "raw", "readwrite": 1}, {"pdev_path": "/srv/a.qcow2", "vdev": "xvdb", "format": "qcow2", "readwrite": 0},
                       {"vdev": "hdc", "format": "empty", "is_cdrom": 1}, {"pdev_path": "/srv/d.iso", "vdev": "hdd", "format": "raw", "is_cdrom": true}, {"pdev_path": "x", "script": "block-drbd"}]}
            """);
        Assert.Equal(("web", "Disk /dev/vg/web raw|Disk /srv/a.qcow2 qcow2 ro|CdRom /srv/d.iso raw ro|Kernel /boot/vmlinuz - ro|Initrd /boot/initrd - ro"), (domain.Name, Join(domain.Images)));
    }

    private static string Join(IEnumerable<ImageUse> images) => string.Join('|', images.Select(Text));

    private static string Text(ImageUse image) =>
        $"{image.Role} {image.Path} {image.Format ?? "-"}{(image.IsReadOnly ? " ro" : "")}{(image.IsShareable ? " shared" : "")}{(image.HasWholeChain ? " whole" : "")}";
}
