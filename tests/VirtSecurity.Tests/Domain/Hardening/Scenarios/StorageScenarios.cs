using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.ImageHost;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class StorageScenarios
{
    private static readonly Img Disk = new("web", Store + "web.img");
    private static readonly Img Volume = Img.Block("web", "/dev/vg/web", "fd:3", "/dev/dm-3");
    private static readonly Img Partition = Img.Block("web", "/dev/sdb1", "8:11");
    private static readonly Img Whole = Img.Block("web", "/dev/sdb", "8:10");

    /// <summary>As the script prints /sys/class/block: two disks, a partition, three logical volumes, a loop device.</summary>
    private const string Links = "sda\0../../devices/pci0000:00/host0/block/sda\0sdb\0../../devices/pci0000:00/host0/block/sdb\0sdb1\0../../devices/pci0000:00/host0/block/sdb/sdb1\0dm-0\0../../devices/virtual/block/dm-0\0dm-3\0../../devices/virtual/block/dm-3\0loop0\0../../devices/virtual/block/loop0\0";
    private const string Kernel = Links + "\0sda/dev:8:0\nsdb/dev:8:16\nsdb1/dev:8:17\nsdb1/partition:1\ndm-0/dev:253:0\ndm-3/dev:253:3\nloop0/dev:7:0\ndm-0/dm/name:vg-store\ndm-3/dm/name:vg-web\ndm-0/dm/uuid:LVM-AAAA\ndm-3/dm/uuid:LVM-BBBB\nsda/holders/dm-0\nsda/holders/dm-3\n*/holders/*\n";
    private const string Swap = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    /// <summary>What lvmconfig of lvm2 2.03.16 (Debian 12) prints for its shipped settings, the lines that count.</summary>
    private const string Config = "devices {\n\tdir=\"/dev\"\n\tscan_lvs=0\n\tuse_devicesfile=0\n\tdevicesfile=\"system.devices\"\n\tfilter=[\"a|.*|\"]\n\tglobal_filter=[\"a|.*|\"]\n}\nallocation {\n\tthin_pool_zero=1\n}\n";

    private const string Nvme = "<domain><name>fast</name><devices><disk type='nvme' device='disk'><driver name='qemu' type='raw'/><source type='pci' managed='yes' namespace='1'><address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></source></disk></devices></domain>";

    private static readonly string DevicesFile = Config.Replace("use_devicesfile=0", "use_devicesfile=1", StringComparison.Ordinal);

    private static readonly string[] Mount = [MountLines[1]];

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("STO-01", "/etc/fstab:1: /dev/vda1", host => Booted(host, "root=/dev/vda1 ro", "/dev/vda1 / ext4 defaults 0 1\n", Volume)),
        Pass("STO-01", "no guest writes to what the host sees as a device", host => Booted(host, "root=UUID=1-2 ro", "UUID=1-2 / ext4 defaults 0 1\n", Disk)),
        Fail("STO-01", "/etc/fstab:2: LABEL=data", host => Booted(host, "root=/dev/vda1", "/dev/vda1 / ext4 defaults 0 1\nLABEL=data /data ext4 defaults 0 0\n", Disk)),
        Fail("STO-01", "/dev/disk/by-label/x", host => Booted(host, "root=/dev/disk/by-label/x", "", Disk)),
        Fail("STO-01", "UUID=1-2, and guest web: /dev/vg/web", host => Booted(host, "root=UUID=1-2", "", Volume)),
        Fail("STO-01", "/boot/grub/grub.cfg:1: LABEL=x", host => Booted(host, "root=/dev/vda1", "", Disk).File("/boot/grub/grub.cfg", "linux /vmlinuz root=LABEL=x\n")),
        Fail("STO-01", "LABEL=data", host => host.Offline().File("/etc/fstab", "LABEL=data /data ext4 defaults 0 0\n")),
        Fail("STO-01", "/etc/crypttab:2: UUID=3-4, and guest web: /dev/vg/web", host => Booted(host, "root=/dev/mapper/vg-root", "", Volume).File("/etc/crypttab", "# <target> <source>\nluks UUID=3-4\n")),
        Fail("STO-01", "/etc/initramfs-tools/conf.d/resume:1: LABEL=swap", host => Booted(host, "root=/dev/vda1", "", Disk).File("/etc/initramfs-tools/conf.d/resume", "RESUME=LABEL=swap\n")),
        Fail("STO-01", "/etc/dracut.conf.d/a.conf:2: LABEL=x", host => Booted(host, "root=/dev/vda1", "", Disk).File("/etc/dracut.conf.d/a.conf", "\nkernel_cmdline+=\" root=LABEL=x ro \"\n")),
        Pass("STO-01", "/etc/crypttab:1: /dev/sda3", host => Booted(host, "root=/dev/vda1", "", Volume).File("/etc/crypttab", "luks /dev/sda3\n").File("/etc/initramfs-tools/conf.d/resume", "RESUME=none\n").File("/etc/initramfs-tools/initramfs.conf", "\nRESUME=auto\n")),
        Fail("STO-01", "is a loop device of the host's while its guest runs", host => Booted(host.Xen(), "root=UUID=1-2", "", Disk)),
        Pass("STO-01", "no guest writes", host => Booted(host.Xen(), "root=UUID=1-2", "", Disk with { Format = "qcow2" })),
        Pass("STO-01", "/etc/fstab:1: /dev/vg/root", host => With(host, Volume).Without("/etc/fstab").File("/etc/fstab", "/dev/vg/root / ext4 defaults 0 0\n").Offline()),
        Fail("STO-01", "UUID=1-2, and guest web: /dev/vg/web", host => With(host.File("/etc/fstab", "UUID=1-2 / ext4 defaults 0 0\n"), Volume).Offline()),
        Unknown("STO-01", "it does not run", host => With(host.File("/etc/fstab", "UUID=1-2 / ext4 defaults 0 0\n"), Disk).Offline()),
        Unknown("STO-01", "odd.xml", host => Broken(Booted(host, "root=UUID=1-2", "", Disk))),

        Pass("STO-02", "LVM-BBBB", host => Devices(host, Volume)),
        Pass("STO-02", "a partition of sdb", host => Devices(host, Partition)),
        Pass("STO-02", "whole disk", host => Devices(host, Whole).WithPlan(Needs(GuestNeed.WholeDisk))),
        Fail("STO-02", "/dev/sdb is a whole disk", host => Devices(host, Whole)),
        Fail("STO-02", "/dev/mapper/mpatha is a whole disk", host => Devices(host, Volume).Says("block-devices", Kernel.Replace("vg-web", "mpatha", StringComparison.Ordinal).Replace("LVM-BBBB", "mpath-3600", StringComparison.Ordinal))),
        Fail("STO-02", "the NVMe disk at 0000:02:00:0 is a whole disk", host => Devices(host, Volume).File("/etc/libvirt/qemu/fast.xml", Nvme)),
        Pass("STO-02", "the NVMe disk at 0000:02:00:0", host => Devices(host).File("/etc/libvirt/qemu/fast.xml", Nvme).WithPlan(new() { Guests = [new("fast") { Needs = [GuestNeed.WholeDisk] }] })),
        Unknown("STO-02", "no such device", host => Devices(host, Volume with { IsMissing = true })),
        NotApplicable("STO-02", "no guest has a device", host => Devices(host, Disk)),

        Pass("STO-03", "/virtstorage", host => With(host, Disk)),
        Fail("STO-03", "/home/vms", host => Mounts(With(host, new Img("a", "/home/vms/a.img")), "31 22 253:1 / /home/vms rw - ext4 /dev/mapper/vg-v rw,seclabel")),
        Fail("STO-03", "/usr/share/vms", host => Mounts(With(host), "31 22 253:1 / /usr/share/vms rw - ext4 /dev/mapper/vg-v rw,seclabel").WithPlan(new() { Volumes = [new("/usr/share/vms")] })),
        NotApplicable("STO-03", "mounted for images", host => Mounts(With(host, new Img("a", "/srv/a.img")))),
        Unknown("STO-03", "it names no mount", host => With(host, Disk).Says("mounts", "")),

        Pass("STO-04", "noexec", host => With(host, Disk)),
        Fail("STO-04", "without nodev,nosuid,noexec", host => Mounts(With(host, Disk), "23 22 253:0 / /virtstorage rw,dev - ext4 /dev/mapper/vg-store rw,seclabel")),
        Warn("STO-04", "without noexec", host => Mounts(With(host, Disk), "23 22 253:0 / /virtstorage rw,nodev,nosuid - ext4 /dev/mapper/vg-store rw,seclabel")),
        NotApplicable("STO-04", "mounted for images", host => Mounts(With(host))),

        Pass("STO-05", "/etc/fstab:2", host => With(host, Disk)),
        Pass("STO-05", "virtstorage.mount", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Mount]\n").File("/etc/systemd/system/multi-user.target.wants/virtstorage.mount", "[Mount]\n")),
        Pass("STO-05", "virtstorage.mount", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Mount]\n").File("/etc/systemd/system/libvirtd.service.d/a.conf", "[Unit]\nRequiresMountsFor=/virtstorage\n")),
        Fail("STO-05", "which nothing starts at boot", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Mount]\n")),
        Pass("STO-05", "/etc/fstab:1", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 noauto,x-systemd.automount 0 0\n"), Disk)),
        Unknown("STO-05", "ZFS", host => Mounts(With(host, new Img("a", "/tank/a.img")), "33 22 0:50 / /tank rw - zfs tank rw,xattr")),
        Fail("STO-05", "neither in /etc/fstab", host => With(host.File("/etc/fstab", ""), Disk)),
        Fail("STO-05", "noauto", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 noauto 0 0\n"), Disk)),
        Fail("STO-05", "parse error at line 3", host => With(host, Disk).Says("fstab-verified", "", 1, "findmnt: /etc/fstab: parse error at line 3 -- ignored\n\n1 parse error, 0 errors, 0 warnings")),
        Fail("STO-05", "/virtstorage: unreachable", host => With(host, Disk).Says("fstab-verified", "/virtstorage\n   [E] unreachable on boot required source: LABEL=x\n", 1, "\n0 parse errors, 1 error, 0 warnings")),
        Warn("STO-05", "/srv/a: unreachable", host => With(host, Disk).Says("fstab-verified", "/srv/a\n   [E] unreachable on boot required target: No such file or directory\n   [W] cannot detect on-disk filesystem type (No such file or directory)\n", 1, "\n0 parse errors, 1 error, 1 warnings")),
        Unknown("STO-05", "no answer within", host => With(host, Disk).Hangs("fstab-verified")),

        Pass("STO-06", "seclabel", host => With(host, Disk)),
        Pass("STO-06", "as planned", host => Mounts(With(host, new Img("web", "/net/a.img")), Net + ",context=system_u:object_r:virt_image_t:s0").WithPlan(Needs(GuestNeed.NetworkImages))),
        Fail("STO-06", "/usb: vfat", host => Mounts(With(host, new Img("web", "/usb/a.img")), "30 22 8:17 / /usb rw - vfat /dev/sdb1 rw")),
        Fail("STO-06", "no labels", host => Mounts(With(host, new Img("web", "/net/a.img")), Net + ",context=system_u:object_r:httpd_sys_content_t:s0")),
        Warn("STO-06", "one label for all", host => Mounts(With(host, new Img("web", "/net/a.img")), Net + ",context=system_u:object_r:virt_image_t:s0")),
        NotApplicable("STO-06", "no guest has", host => Mounts(With(host))),

        Pass("STO-07", "scan_lvs=0", host => Lvm(host, Config, Volume)),
        Pass("STO-07", "rejected by a filter", host => Lvm(host, Filtered("\"r|^/dev/sdb|\",\"a|.*|\""), Partition)),
        // One of a device's names that is accepted is enough.
        Fail("STO-07", "/dev/sdb1: LVM may look at it", host => Lvm(host, Filtered("\"r|^/dev/sdb|\",\"a|.*|\""), Partition).Says("block-devices", Kernel + "@8:17 /dev/disk/by-id/ata-x-part1\n")),
        Pass("STO-07", "rejected by a filter", host => Lvm(host, Filtered("\"a|^/dev/sda|\",\"r|.*|\""), Partition).Says("block-devices", Kernel + "@8:17 /dev/disk/by-id/ata-x-part1\n")),
        Fail("STO-07", "/virtstorage/web.img, shown as /dev/loop0: LVM may look at it", host => Lvm(host.Xen(), Config, Disk).Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Pass("STO-07", "shown as /dev/loop0: rejected by a filter", host => Lvm(host.Xen(), Filtered("\"r|/dev/loop|\""), Disk).Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Warn("STO-07", "a filter has to reject each guest's volume", host => Lvm(host, Filtered("\"r|^/dev/sdb|\"").Replace("scan_lvs=0", "scan_lvs=1", StringComparison.Ordinal))),
        Pass("STO-07", "system.devices", host => Lvm(host, DevicesFile, Partition).File("/etc/lvm/devices/system.devices", "# LVM uses devices listed in this file.\nVERSION=1.1.2\nIDTYPE=sys_serial IDNAME=x DEVNAME=/dev/sda PVID=a PART=1\n")),
        Fail("STO-07", "scan_lvs=1", host => Lvm(host, Config.Replace("scan_lvs=0", "scan_lvs=1", StringComparison.Ordinal), Volume)),
        Fail("STO-07", "/dev/sdb1: LVM may look at it", host => Lvm(host, Config, Partition)),
        Fail("STO-07", "/dev/sdb1: LVM may look at it", host => Lvm(host, DevicesFile, Partition)),
        Fail("STO-07", "system.devices", host => Lvm(host, DevicesFile, Partition).File("/etc/lvm/devices/system.devices", "IDTYPE=sys_serial IDNAME=x DEVNAME=/dev/sdb1 PVID=a\n")),
        NotApplicable("STO-07", "no LVM", host => Devices(host, Disk).Lacks("lvm-config")),
        Unknown("STO-07", "thin_pool_zero", host => Lvm(host, "devices {\n", Volume)),

        Pass("STO-08", "/dev/vg/web", host => Devices(host, Volume, Disk)),
        Pass("STO-08", "/virtstorage/web.img", host => Devices(host.Xen(), Disk with { IsRunning = true }).Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Pass("STO-08", "/virtstorage/web.img", host => Devices(host.Xen(), Disk).Says("xl-list", Domains("web")).Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Fail("STO-08", "shown as /dev/loop0", host => Devices(host.Xen(), Disk).Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Fail("STO-08", "mounted at /mnt", host => Mounts(Devices(host, Volume), Mount[0], "40 22 0:60 / /mnt rw - btrfs /dev/vg/web rw").Says("block-devices", Kernel + "@253:3 /dev/vg/web\n")),
        Fail("STO-08", "mounted at /mnt", host => Mounts(Devices(host, Volume), Mount[0], "40 22 253:3 / /mnt rw - ext4 /dev/mapper/vg-web rw")),
        Fail("STO-08", "mounted at /mnt", host => Mounts(Devices(host, Whole), "40 22 8:17 / /mnt rw - ext4 /dev/sdb1 rw")),
        Fail("STO-08", "mapped by /dev/mapper/vg-web1", host => Devices(host, Volume).Says("block-devices", Links + "dm-9\0../../devices/virtual/block/dm-9\0" + Kernel[Links.Length..] + "dm-9/dev:253:9\ndm-9/dm/name:vg-web1\ndm-9/dm/uuid:part1-LVM-BBBB\ndm-3/holders/dm-9\n")),
        Fail("STO-08", "shown as /dev/loop0", host => Devices(host, Disk).Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Fail("STO-08", "mounted at /mnt", host => Mounts(Devices(host.Xen(), Disk), Mount[0], "40 22 7:0 / /mnt rw - ext4 /dev/loop0 rw").Says("block-devices", Kernel + "loop0/loop/backing_file:/virtstorage/web.img\n")),
        Fail("STO-08", "swap on /dev/mapper/vg-web", host => Devices(host.File("/proc/swaps", Swap + "/dev/dm-3                               partition\t1048572\t\t0\t\t-2\n"), Volume)),
        Unknown("STO-08", "could not be looked at", host => Devices(host, Disk with { IsUnseen = true })),
        Unknown("STO-08", "odd.xml", host => Broken(Devices(host, Disk))),
        NotApplicable("STO-08", "no guest has a disk", host => Devices(host, new Img("web", Default + "a.iso") { Device = "cdrom" }).Says("block-devices", Kernel + "loop0/loop/backing_file:/var/lib/libvirt/images/a.iso\n")),

        Pass("STO-09", "on /virtstorage, 3906 MiB free", host => With(host, Disk)),
        Fail("STO-09", "on /, 3906 MiB free", host => With(host, new Img("a", Default + "a.img"))),
        Pass("STO-09", "on /virtstorage", host => With(host, Disk).Hangs("store-free-space")),
        NotApplicable("STO-09", "no guest has", host => With(host, Volume)),

        Pass("STO-10", "shared", host => With(host)),
        Fail("STO-10", "private", host => With(host).Says("mounts", "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw,seclabel\n")),
        Unknown("STO-10", "it names no mount", host => With(host).Says("mounts", "")),
        NotApplicable("STO-10", "runs Xen", host => With(host.Xen())),

        Pass("STO-11", "vg/pool: data 12.5 %", host => Thin(host, "", "12.5", "zero")),
        Fail("STO-11", "data 91.2 %", host => Thin(host, "", "91.2", "zero")),
        Pass("STO-11", "data 85 %, metadata 3.1 % of at most 90 %", host => Thin(host, "", "85.0", "zero").Says("lvm-config", Config + "activation {\n\tthin_pool_autoextend_threshold=90\n}\n")),
        Fail("STO-11", "data 75 %, metadata 3.1 % of at most 70 %", host => Thin(host, "", "75.0", "zero").Says("lvm-config", Config + "activation {\n\tthin_pool_autoextend_threshold=70\n}\n")),
        Unknown("STO-11", "how full it is is not told", host => Thin(host, "", "", "zero")),
        Unknown("STO-11", "no answer within", host => Thin(host, "", "1", "zero").Hangs("thin-volumes")),
        Fail("STO-11", "is exported", host => Thin(host, "", "1", "zero").Says("volume-groups", Groups("vg", "exported", "0")).Hangs("thin-volumes")),
        Fail("STO-11", "out_of_data", host => Thin(host, "out_of_data", "12.5", "zero")),
        Fail("STO-11", "lacks 1 of its disks", host => Thin(host, "", "1", "zero").Says("volume-groups", Groups("vg", "", "1"))),
        Fail("STO-11", "is exported", host => Thin(host, "", "1", "zero").Says("volume-groups", Groups("vg", "exported", "0"))),
        NotApplicable("STO-11", "no LVM", host => host.Lacks("volume-groups").Lacks("thin-volumes")),
        NotApplicable("STO-11", "no volume group", host => host.Says("volume-groups", Report("vg")).Says("thin-volumes", Report("lv"))),

        Pass("STO-12", "marked as zeroed", host => Volumes(Thin(With(host, Volume), "", "1", "zero"), "virtsecurity,virtsecurity.raw", "")),
        Pass("STO-12", "zeroes new blocks", host => Volumes(Thin(With(host, Volume), "", "1", "zero"), "", "pool")),
        Fail("STO-12", "does not zero", host => Volumes(Thin(With(host, Volume), "", "1", ""), "", "pool")),
        Fail("STO-12", "thin_pool_zero", host => Volumes(Thin(With(host, Volume), "", "1", "zero"), "", "pool").Says("lvm-config", Config.Replace("zero=1", "zero=0", StringComparison.Ordinal))),
        Warn("STO-12", "nothing says", host => Volumes(Thin(With(host, Volume), "", "1", "zero"), "", "")),
        NotApplicable("STO-12", "no LVM", host => With(host).Lacks("logical-volumes")),

        Pass("STO-13", "/etc/fstab:2", host => With(host, Disk)),
        Pass("STO-13", "/etc/fstab:1", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 nofail 0 0\n"), Disk).File("/etc/systemd/system/libvirtd.service.d/images.conf", "[Unit]\nRequiresMountsFor=/virtstorage\n")),
        Pass("STO-13", "virtstorage.mount", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Unit]\nBefore=libvirtd.service\n")),
        // A unit without nofail comes before local-fs.target by itself, systemd.mount(5).
        Pass("STO-13", "virtstorage.mount", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Mount]\nWhat=/dev/vg/store\nOptions=nodev,nosuid\n")),
        Fail("STO-13", "no ordering before libvirtd.service or virtqemud.service", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Mount]\nOptions=nodev,nofail\n")),
        Fail("STO-13", "the host does not start without it", host => With(host.File("/etc/fstab", ""), Disk).File("/etc/systemd/system/virtstorage.mount", "[Install]\nRequiredBy=local-fs.target\n")),
        Fail("STO-13", "has not an ordering before libvirtd.service or virtqemud.service", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 nofail 0 0\n"), Disk)),
        Fail("STO-13", "has not an ordering before libvirtd.service", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 nofail,x-systemd.before=virtqemud.service 0 0\n"), Disk).File("/usr/lib/systemd/system/libvirtd.service", "")),
        Fail("STO-13", "has not an ordering before xendomains.service", host => With(host.Xen(), Disk).File("/etc/init.d/xendomains", "")),
        Pass("STO-13", "/etc/fstab:1", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 nofail,x-systemd.before=xendomains.service 0 0\n").Xen(), Disk).File("/etc/init.d/xendomains", "")),
        Fail("STO-13", "has not nofail", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 x-systemd.before=libvirtd.service 0 0\n"), Disk)),
        Fail("STO-13", "/virtstorage has not nofail", host => With(host.File("/etc/fstab", "/dev/vg/store /virtstorage ext4 defaults 0 0\n"), Disk)),
        NotApplicable("STO-13", "mounted for images", host => Mounts(With(host))),
    ];

    private const string Net = "30 22 0:40 / /net rw,relatime - nfs4 filer:/v rw,vers=4.1";

    private static ScenarioHost Booted(ScenarioHost host, string kernel, string fstab, params Img[] images) => With(host.File("/etc/fstab", fstab), images).File("/proc/cmdline", kernel + "\n");

    private static string Filtered(string patterns) => Config.Replace("global_filter=[\"a|.*|\"]", $"global_filter=[{patterns}]", StringComparison.Ordinal);

    private static ScenarioHost Devices(ScenarioHost host, params Img[] images) => With(host, images).Says("block-devices", Kernel).File("/proc/swaps", Swap);

    private static ScenarioHost Lvm(ScenarioHost host, string config, params Img[] images) => Devices(host, images).Says("lvm-config", config);

    private static ScenarioHost Thin(ScenarioHost host, string health, string data, string zero) => host.Says("lvm-config", Config).Says("volume-groups", Groups("vg", "", "0"))
        .Says("thin-volumes", Report("lv", $$"""{"vg_name":"vg","lv_name":"pool","lv_size":"1073741824","lv_layout":"thin,pool","pool_lv":"","data_percent":"{{data}}","metadata_percent":"3.10","lv_health_status":"{{health}}","zero":"{{zero}}"}"""));

    private static ScenarioHost Volumes(ScenarioHost host, string tags, string pool) =>
        host.Says("logical-volumes", Report("lv", $$"""{"vg_name":"vg","lv_name":"web","lv_size":"1073741824","lv_tags":"{{tags}}","lv_kernel_major":"253","lv_kernel_minor":"3","lv_uuid":"u","origin":"","pool_lv":"{{pool}}"}"""));

    private static string Groups(string name, string exported, string missing) => Report("vg", $$"""{"vg_name":"{{name}}","vg_exported":"{{exported}}","vg_missing_pv_count":"{{missing}}"}""");

    private static string Report(string kind, params string[] rows) => $$"""{"report":[{"{{kind}}":[{{string.Join(',', rows)}}]}]}""";

    private static DeploymentPlan Needs(params GuestNeed[] needs) => new() { Guests = [new("web") { Needs = needs }] };
}
