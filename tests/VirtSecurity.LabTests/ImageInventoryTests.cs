using System.Management.Automation;
using System.Text.Json;
using VirtSecurity.Lab;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>What real libvirt keeps and real qemu-img makes is found, with no daemon asked.</summary>
public sealed class ImageInventoryTests(LabFixture fixture) : LabTest(fixture)
{
    private const string Images = "/var/lib/libvirt/images/";

    [Fact]
    public async Task ImagesOfGuestsPoolsAndPlacesAreListedWhileNoDaemonRuns()
    {
        await OnHost("""
            set -e
            cd /var/lib/libvirt/images
            lvcreate -q -n web -L 16M volumegroup
            truncate -s 16M running.img "left's over.img"
            qemu-img create -q -f qcow2 base.qcow2 16M
            qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 mid.qcow2
            qemu-img create -q -f qcow2 -b "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"$PWD/mid.qcow2\"}}" -F qcow2 top.qcow2
            qemu-img create -q -f qcow2 -u -b /etc/shadow -F qcow2 evil.qcow2 16M
            mkdir -p /srv/isos && : >/srv/isos/debian.iso && : >"/srv/isos/with blank.iso"
            virsh -q pool-define-as isos dir --target /srv/isos </dev/null
            virsh -q pool-define-as guests logical --source-name volumegroup --target /dev/volumegroup </dev/null
            cat >/root/rich.xml <<'END'
            <domain type='qemu'><name>rich</name><memory unit='MiB'>64</memory>
              <os><type arch='x86_64' machine='pc'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader><nvram>/var/lib/libvirt/qemu/nvram/rich.fd</nvram>
                <kernel>/var/lib/libvirt/boot/lab-guest</kernel><initrd>/var/lib/libvirt/boot/initrd</initrd></os><features><acpi/></features>
              <devices>
                <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/top.qcow2'/><target dev='vda' bus='virtio'/></disk>
                <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/evil.qcow2'/><target dev='vdb' bus='virtio'/></disk>
                <disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/volumegroup/web'/><target dev='vdc' bus='virtio'/><shareable/></disk>
                <disk type='volume' device='cdrom'><driver name='qemu' type='raw'/><source pool='isos' volume='with blank.iso'/><target dev='hdc' bus='ide'/><readonly/></disk>
                <disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'><host name='nbd.example' port='10809'/></source><target dev='vdd' bus='virtio'/></disk>
                <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/gone.img'/><target dev='vde' bus='virtio'/></disk>
                <graphics type='vnc' passwd='s3cret/x'/>
              </devices></domain>
            END
            virsh -q define /root/rich.xml </dev/null
            grep -q "passwd='s3cret/x'" /etc/libvirt/qemu/rich.xml
            lab-guest-define running /var/lib/libvirt/images/running.img && virsh -q start running </dev/null
            systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service 2>/dev/null
            ! systemctl is-active -q libvirtd.service
            """);

        var run = PowerShell("Get-VirtImage -VirtHost $lab -Debug; Get-VirtImage -Orphaned -VirtHost $lab");

        Assert.Equal(["OrphansUnknown"], run.Errors.Select(ErrorId));
        await OnHost("! systemctl is-active -q libvirtd.service && ! systemctl is-active -q libvirtd.socket");
        Assert.DoesNotContain(run.Debug, text => text.Contains("s3cret", StringComparison.Ordinal));
        string Line(PSObject image) => string.Join('|', ((string[])["Path", "Guest", "GuestState", "Role", "Format", "Kind", "Pool", "InPlannedPlace", "IsMissing"]).Select(property => Joined(image, property)));
        Assert.Equal(
            [
                "/dev/volumegroup/web|rich|Defined|Disk|raw|BlockDevice|guests||False",
                "/etc/shadow|rich|Defined|Backing|qcow2|File||False|False",
                "/srv/gone.img|rich|Defined|Disk|raw|||False|True",
                "/srv/isos/debian.iso|||||File|isos|False|False",
                "/srv/isos/with blank.iso|rich|Defined|CdRom|raw|File|isos|False|False",
                "/usr/share/OVMF/OVMF_CODE.fd|rich|Defined|Firmware||" + await OnHost("[ -e /usr/share/OVMF/OVMF_CODE.fd ] && echo 'File||False|False' || echo '||False|True'"),
                "/var/lib/libvirt/boot/initrd|rich|Defined|Initrd||||False|True",
                "/var/lib/libvirt/boot/lab-guest|rich running|Running|Kernel||File||False|False",
                Images + "base.qcow2|rich|Defined|Backing|qcow2|File||True|False",
                Images + "evil.qcow2|rich|Defined|Disk|qcow2|File||True|False",
                Images + "left's over.img|||||File||True|False",
                Images + "mid.qcow2|rich|Defined|Backing|qcow2|File||True|False",
                Images + "running.img|running|Running|Disk|raw|File||True|False",
                Images + "top.qcow2|rich|Defined|Disk|qcow2|File||True|False",
                "/var/lib/libvirt/qemu/nvram/rich.fd|rich|Defined|Nvram||||False|True",
            ],
            run.Output.Select(Line));

        // libvirt's, QEMU's, the kernel's and the policy's own words for the same.
        PSObject Of(string path) => run.Output.Single(image => Text(image, "Path") == path);
        using var chain = JsonDocument.Parse(await OnHost($"qemu-img info -U --backing-chain --output=json {Images}top.qcow2"));
        Assert.Equal([Images + "top.qcow2", Images + "mid.qcow2", Images + "base.qcow2"], chain.RootElement.EnumerateArray().Select(one => NameOf(one.GetProperty("filename").GetString()!)));
        Assert.Equal(await OnHost($"stat -c '%s %C' {Images}running.img; matchpathcon -n {Images}running.img"), $"{Text(Of(Images + "running.img"), "Size")} {Text(Of(Images + "running.img"), "Context")}\n{Text(Of(Images + "running.img"), "ExpectedContext")}");
        Assert.StartsWith("system_u:object_r:svirt_image_t:s0:c", Text(Of(Images + "running.img"), "Context"), StringComparison.Ordinal);
        Assert.Equal((16L << 20, "BackingElsewhere", "True"), (Value(Of("/dev/volumegroup/web"), "Size"), string.Join(' ', Problems(Of("/etc/shadow"))), Text(Of("/dev/volumegroup/web"), "IsShareable")));
        Assert.Equal(
            (await OnHost("systemctl start libvirtd.service && for d in rich running; do virsh -q domblklist --inactive $d </dev/null | awk '{ $1 = \"\"; print }' | grep -o '/.*'; done")).Split('\n').Order(StringComparer.Ordinal),
            run.Output.Where(image => Joined(image, "Role") is "Disk").Select(image => Text(image, "Path")).Order(StringComparer.Ordinal));

        // With what made them unknown gone, orphans are told.
        await OnHost("virsh -q detach-disk rich vdb --config </dev/null");
        var orphans = PowerShell("Get-VirtImage -Orphaned -VirtHost $lab");
        Assert.Empty(orphans.Errors);
        Assert.Equal(["/srv/isos/debian.iso", Images + "evil.qcow2", Images + "left's over.img"], orphans.Output.Select(image => Text(image, "Path")));
    }

    private static string NameOf(string filename) => filename.StartsWith("json:", StringComparison.Ordinal) ? JsonDocument.Parse(filename[5..]).RootElement.GetProperty("file").GetProperty("filename").GetString()! : filename;

    private static IEnumerable<string> Problems(PSObject image) => LanguagePrimitives.GetEnumerable(Value(image, "Problem")).Cast<object>().Select(problem => Text(PSObject.AsPSObject(problem), "Id"));

    private static string Joined(PSObject image, string property) => string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(Value(image, property)) ?? []);
}

/// <summary>What xl itself understands of its configuration files is what is listed.</summary>
public sealed class XenImageTests(LabFixture fixture) : LabTest(fixture)
{
    protected override LabFlavour Flavour => LabFlavour.Xen;

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task ConfigurationFilesAreReadAsXlReadsThem()
    {
        // xen-utils' own examples, and each way to write a disk.
        await OnHost("""
            set -e
            mkdir -p /var/lib/xen/images /etc/xen/auto && truncate -s 1M /var/lib/xen/images/a.img
            qemu-img create -q -f qcow2 /var/lib/xen/images/base.qcow2 1M && qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 /var/lib/xen/images/d.qcow2
            sed 's/^name.*/name = "pv"/' /etc/xen/xlexample.pvlinux >/etc/xen/pv.cfg && ln -s ../pv.cfg /etc/xen/auto/pv.cfg
            sed 's/^name.*/name = "hvm"/' /etc/xen/xlexample.hvm >/etc/xen/hvm.cfg
            cat >/etc/xen/many <<'END'
            # no .cfg at its end, as xl needs none
            name = "many"   # a comment
            type = "pv"
            kernel = "/boot/vmlinuz"; ramdisk = '/boot/initrd'
            extra = "root=/dev/xvda1 resume=/dev/xvda2"
            memory = 64
            disk = [ '/var/lib/xen/images/a.img,raw,xvda,rw', 'file:/srv/b.img,xvdb,r', 'phy:/dev/vg/c,xvdc,w',
                     'tap2:qcow2:/var/lib/xen/images/d.qcow2,xvdd,w', "/srv/plain.img,,xvdf",
                     "format=raw, vdev=xvde, access=ro, target=/srv/with blank,and=comma.img", 'vdev=xvdg,format=vhd,target=/srv/v.vhd', ]
            disk += [ '/srv/more.iso,raw,hdc:cdrom,r' ]
            END
            """);

        var run = PowerShell("Get-VirtImage -VirtHost $lab");

        Assert.Empty(run.Errors);
        foreach (var (guest, file) in ((string, string)[])[("pv", "pv.cfg"), ("hvm", "hvm.cfg"), ("many", "many")])
        {
            using var said = JsonDocument.Parse(await OnHost($"xl create -n /etc/xen/{file} 2>/dev/null"));
            var config = said.RootElement.TryGetProperty("config", out var inner) ? inner : said.RootElement;
            var xls = config.GetProperty("disks").EnumerateArray().Select(disk =>
                $"{disk.GetProperty("pdev_path").GetString()} {disk.GetProperty("format").GetString()} {(IsSet(disk, "readwrite") ? "rw" : "ro")} {(IsSet(disk, "is_cdrom") ? "CdRom" : "Disk")}");
            var ours = run.Output.Where(image => Guests(image).Contains(guest) && Text(image, "Path") is not ("/boot/vmlinuz" or "/boot/initrd") && Text(image, "Path") != "/var/lib/xen/images/base.qcow2").Select(image =>
                $"{Text(image, "Path")} {(Text(image, "Format") is { Length: > 0 } format ? format : "raw")} {(Text(image, "IsReadOnly") == "True" ? "ro" : "rw")} {Roles(image)}");
            Assert.Equal(xls.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
        }

        var image = run.Output.Single(one => Text(one, "Path") == "/var/lib/xen/images/a.img");
        Assert.Equal((await OnHost("matchpathcon -n /var/lib/xen/images/a.img"), "True", "Defined"), (Text(image, "ExpectedContext"), Text(image, "InPlannedPlace"), Text(image, "GuestState")));
        Assert.Equal(["/boot/initrd", "/boot/vmlinuz"], run.Output.Where(one => Roles(one) is "Kernel" or "Initrd").Select(one => Text(one, "Path")));
    }

    private static bool IsSet(JsonElement disk, string name) => disk.TryGetProperty(name, out var value) && (value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.Number && value.GetInt32() != 0));

    private static IEnumerable<string> Guests(PSObject image) => LanguagePrimitives.ConvertTo<string[]>(Value(image, "Guest"));

    private static string Roles(PSObject image) => string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(Value(image, "Role")));
}
