using VirtSecurity.Planning;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.ImageHost;
using static VirtSecurity.Tests.Domain.Hardening.Scenarios.Scenario;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

internal static class ImageScenarios
{
    private const string Guests = "system_u:object_r:svirt_image_t:s0";
    private const string Nfs = "30 22 0:40 / /net rw,relatime shared:9 - nfs4 filer:/v rw,vers=4.1";
    private const string NfsWithContext = Nfs + ",context=system_u:object_r:virt_image_t:s0";

    /// <summary>What qemu-img 7.2.22 wrote for <c>create -f qcow2 -b /srv/base.raw -F raw</c> and without either, less the zeros at the end (see Fixtures/debian12/qcow2-headers.tsv).</summary>
    private static readonly Lazy<IReadOnlyDictionary<string, string>> Headers = new(() => File.ReadLines(Path.Combine(Engine.EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "debian12", "qcow2-headers.tsv"))
        .Where(line => !line.StartsWith('#')).Select(line => line.Split('\t')).ToDictionary(fields => fields[0], fields => fields[1]));

    private static readonly Img Disk = new("web", Store + "web.img");
    private static readonly Img Iso = new("web", "/var/lib/libvirt/isos/a.iso") { Device = "cdrom", Mode = 0x81A4, Context = "system_u:object_r:virt_content_t:s0" };
    private static readonly Img Net = new("web", "/net/web.img") { Context = "system_u:object_r:nfs_t:s0" };
    private static readonly Img Cow = new("web", Store + "web.qcow2") { Format = "qcow2" };
    private static readonly Img LiveVolume = Img.Block("a", "/dev/vg/a", "fd:3", "/dev/dm-3") with { IsRunning = true };
    private static readonly Img Running = Disk with { IsRunning = true, Context = Guests + ":c1,c2" };

    public static IReadOnlyList<Scenario> All { get; } =
    [
        Pass("IMG-01", "/virtstorage/web.img", host => With(host, Disk, new("db", Default + "db.img"))),
        Pass("IMG-01", "/virtstorage/web.img", host => With(host, Disk).WithPlan(new() { Volumes = [new("/virtstorage")] })),
        Pass("IMG-01", "/srv/kvm/a.img", host => WithoutSELinux(With(host, new Img("a", "/srv/kvm/a.img"))).WithPlan(new() { Volumes = [new("/srv/kvm")] })),
        Pass("IMG-01", "/var/lib/libvirt/isos/a.iso", host => With(host, Iso)),
        Fail("IMG-01", "/srv/kvm/a.img: no rule", host => WithoutSELinux(With(host, new Img("a", "/srv/kvm/a.img")))),
        Fail("IMG-01", "/srv/a.img: no rule", host => With(host, new Img("a", "/srv/a.img"))),
        Fail("IMG-01", "-> /srv/a.img", host => With(host, new Img("a", Default + "a.img") { Real = "/srv/a.img" })),
        Fail("IMG-01", "the plan names no volume", host => With(host, Disk).WithPlan(new())),
        NotApplicable("IMG-01", "no guest has an image file", host => With(host, Img.Block("a", "/dev/vg/a", "fd:3"))),
        Unknown("IMG-01", "odd.xml", host => Broken(With(host, Disk))),
        Unknown("IMG-01", "could not be looked at", host => With(host, Disk with { IsUnseen = true })),
        Unknown("IMG-01", "no answer within", host => With(host, Disk).Hangs("libvirt-defined")),
        Unknown("IMG-01", "/proc/7 (qemu-system-x86) runs by no definition", host => With(host, Disk).Says("processes", Processes(""))),
        Unknown("IMG-01", "/proc/7 (qemu-system-x86, guest other) runs by no definition", host => With(host, Disk).Says("processes", Processes("other"))),
        Unknown("IMG-01", "xl list: guest other runs by no definition", host => With(host.Xen(), Disk).Says("xl-list", Domains("web", "web-dm", "other"))),
        Unknown("IMG-01", "where it leads could not be looked at", host => With(host, Disk).Offline()),

        Pass("IMG-02", "/virtstorage: virt_image_t (file_contexts.local:1)", host => With(host, Disk)),
        Fail("IMG-02", "/srv: default_t", host => With(host, new Img("a", "/srv/a.img"))),
        Fail("IMG-02", "xen_image_t", host => With(host, new Img("a", "/var/lib/xen/images/a.img"))),
        NotApplicable("IMG-02", "where labels are kept", host => Mounts(With(host, Net), Nfs)),
        NotApplicable("IMG-02", "SELinux is off", _ => { }),

        Pass("IMG-03", "virt_image_t", host => With(host, Disk)),
        Pass("IMG-03", "fixed_disk_device_t", host => With(host, Img.Block("a", "/dev/vg/a", "fd:3"))),
        Pass("IMG-03", "svirt_image_t:s0:c1,c2", host => With(host, Running).Says("guest-holds", "guest 7 web\nlabel system_u:system_r:svirt_t:s0:c1,c2\nopen 64768:100 8180 0:0 system_u:object_r:svirt_image_t:s0:c1,c2\n")),
        Pass("IMG-03", "svirt_image_t:s0:c1,c2", host => With(host, Img.Block("a", "/dev/vg/a", "fd:3") with { IsRunning = true }).Says("guest-holds", "guest 7 a\nlabel system_u:system_r:svirt_t:s0:c1,c2\nnode fd:3 system_u:object_r:svirt_image_t:s0:c1,c2\n")),
        Fail("IMG-03", "default_t", host => With(host, Disk with { Context = "unconfined_u:object_r:default_t:s0" })),
        Fail("IMG-03", "/virtstorage/left.img", host => With(host, new Img("", Store + "left.img") { Context = "system_u:object_r:unlabeled_t:s0" })),
        Fail("IMG-03", "no longer runs", host => With(host, Running).Says("guest-holds", "")),
        // Another guest, or a container, has the categories now that were the guest's: that makes the label no better.
        Fail("IMG-03", "no running guest has it", host => With(host, Disk with { Context = Guests + ":c1,c2" }).Says("guest-holds", "range s0:c1,c2\n")),
        Pass("IMG-03", "virt_content_t:s0, as libvirt leaves it", host => With(host, Iso with { Path = Default + "a.iso" })),
        Fail("IMG-03", "virt_content_t", host => With(host, Disk with { Context = "system_u:object_r:virt_content_t:s0" })),
        Warn("IMG-03", "/virtstorage/ejected.iso", host => With(host, new Img("", Store + "ejected.iso") { Context = "system_u:object_r:virt_content_t:s0" })),
        Pass("IMG-03", "svirt_image_t:s0, as libvirt leaves it", host => With(host, Disk with { Context = Guests, Inside = "<shareable/>" })),
        Fail("IMG-03", "svirt_image_t:s0", host => With(host, Disk with { Context = Guests })),
        Unknown("IMG-03", "its label could not be read", host => With(host, Disk with { Context = "?" })),
        Unknown("IMG-03", "none that libvirt gives", host => With(host, Running with { Context = "system_u:object_r:etc_t:s0" }).Says("guest-holds", "guest 7 web\nopen 64768:100 8180 0:0 system_u:object_r:etc_t:s0\n")),
        NotApplicable("IMG-03", "no image", host => With(host)),

        Pass("IMG-04", "virt_image_t", host => With(host, Disk)),
        Fail("IMG-04", "svirt_image_t:s0:c1,c2", host => With(host, Disk with { Context = Guests + ":c1,c2" })),
        Fail("IMG-04", "svirt_image_t:s0:c1,c2", host => With(host, Disk with { Context = Guests + ":c1,c2" }).Says("guest-holds", "range s0:c1,c2\n" + Holds(7, "db", "s0:c1,c2"))),
        Pass("IMG-04", "svirt_image_t:s0:c1,c2", host => With(host, Running).Says("guest-holds", "range s0:c1,c2\n")),
        Pass("IMG-04", "svirt_image_t:s0:c1,c2", host => With(host, Running)),
        NotApplicable("IMG-04", "runs Xen", host => With(host.Xen(), Disk)),

        Pass("IMG-05", "guest db writes", host => With(host, Disk, new("db", Store + "db.img"))),
        Pass("IMG-05", "guest db reads", host => With(host, Iso with { Inode = 5 }, Iso with { Guest = "db", Inode = 5 })),
        Pass("IMG-05", "guest db", host => With(host, Disk with { Inside = "<shareable/>", IsRunning = true, Inode = 5 }, Disk with { Guest = "db", Inside = "<shareable/>", IsRunning = true, Inode = 5 })),
        Fail("IMG-05", "guest db (running) writes, guest web (running) writes", host => With(host, Disk with { IsRunning = true, Inode = 5 }, Disk with { Guest = "db", Path = "/link.img", Real = Disk.Path, IsRunning = true, Inode = 5 })),
        Fail("IMG-05", "guest db (running) reads", host => With(host, Disk with { IsRunning = true, Inode = 5 }, Disk with { Guest = "db", Inside = "<readonly/>", IsRunning = true, Inode = 5 })),
        Fail("IMG-05", "/dev/vg/a", host => With(host, Img.Block("a", "/dev/vg/a", "fd:3", "/dev/dm-3") with { IsRunning = true }, Img.Block("b", "/dev/mapper/vg-a", "fd:3", "/dev/dm-3") with { IsRunning = true })),
        Warn("IMG-05", "do not run at once", host => With(host, Disk with { Inode = 5 }, Disk with { Guest = "db", Inode = 5 })),
        Pass("IMG-05", "guest web (running) writes", host => With(host, Running, Running with { Guest = "db", Path = Store + "db.img", Context = Guests + ":c3,c4" })),
        Fail("IMG-05", "guest web and guest db run with one label, s0:c1,c2", host => With(host, Running, Running with { Guest = "db", Path = Store + "db.img" }).Says("guest-holds", Holds(7, "web", "s0:c1,c2", Running) + Holds(8, "db", "s0:c1,c2"))),
        Fail("IMG-05", "these are the categories of guest db", host => With(host, Running with { Context = Guests + ":c3,c4" }, new("db", Store + "db.img") { IsRunning = true, Context = Guests + ":c3,c4" })),
        Fail("IMG-05", "svirt_image_t:s0:c3,c4: these are the categories of guest db", host => With(host, LiveVolume, Running with { Guest = "db", Context = Guests + ":c3,c4" })
            .Says("guest-holds", Holds(7, "a", "s0:c1,c2") + "node fd:3 system_u:object_r:svirt_image_t:s0:c3,c4\n" + Holds(8, "db", "s0:c3,c4"))),
        Fail("IMG-05", "/proc/8: guest db has it too", host => With(host, Running with { Inode = 100 }, Running with { Guest = "db", Path = Store + "db.img", Context = Guests + ":c3,c4" }).Says("guest-holds", Holds(7, "web", "s0:c1,c2", Running with { Inode = 100 }) + Holds(8, "db", "s0:c3,c4", Running with { Inode = 100 }))),
        Fail("IMG-05", "/proc/8: guest db has it too", host => With(host, LiveVolume, Running with { Guest = "db", Context = Guests + ":c3,c4" }).Says("guest-holds", Holds(7, "a", "s0:c1,c2", LiveVolume) + Holds(8, "db", "s0:c3,c4", LiveVolume))),
        Unknown("IMG-05", "no QEMU of it was found", host => With(host, Running).Says("guest-holds", "")),
        Unknown("IMG-05", "no answer within", host => With(host, Running).Hangs("guest-holds")),
        NotApplicable("IMG-05", "no guest has", host => With(host)),

        Pass("IMG-06", "/virtstorage(/.*)?", host => Rules(host, LocalRules, "/virtstorage(/.*)?\0110\0")),
        Fail("IMG-06", "/srv/vm.img", host => Rules(host, "/srv/vm.img\tsystem_u:object_r:etc_t:s0\n", "/srv/vm.img\0110\0")),
        Fail("IMG-06", "/gone", host => Rules(host, "/gone\tsystem_u:object_r:etc_t:s0\n", "/gone\0000\0")),
        NotApplicable("IMG-06", "made no such rule", host => Rules(host, "", "")),
        Fail("IMG-06", "/srv/vm.img", host => Contexts(With(host), "/srv/vm.img\tsystem_u:object_r:etc_t:s0\n").Offline()),
        Unknown("IMG-06", "no answer", host => Contexts(With(host), "/srv/vm\tsystem_u:object_r:etc_t:s0\n").Offline()),
        Unknown("IMG-06", "there is no /etc/selinux/default/contexts/files/file_contexts", host => With(host).Without(ImageHost.Rules + "file_contexts")),

        Pass("IMG-07", "/virtstorage", host => Rules(host, LocalRules, "/virtstorage(/.*)?\0110\0")),
        Fail("IMG-07", "/virtualization", host => Rules(host, "/virtualization(/.*)?\tsystem_u:object_r:virt_image_t:s0\n", "/virtualization(/.*)?\0000\0").Says("store-inodes", Root("/virtstorage", "default_t"))),
        Fail("IMG-07", "/nowhere", host => Rules(host, LocalRules + "/nowhere(/.*)?\tsystem_u:object_r:virt_image_t:s0\n", "/virtstorage(/.*)?\0110\0/nowhere(/.*)?\0000\0")),
        NotApplicable("IMG-07", "made no such rule", host => Rules(host, "/gone\tsystem_u:object_r:etc_t:s0\n", "/gone\0000\0")),

        Pass("IMG-08", "/virtstorage", host => With(host)),
        Fail("IMG-08", "file_contexts.local:2", host => Contexts(With(host), LocalRules + "/etc/guests(/.*)?\tsystem_u:object_r:virt_image_t:s0\n")),
        Fail("IMG-08", "/home/[^/]+/vms", host => Contexts(With(host), "/home/[^/]+/vms(/.*)?\tsystem_u:object_r:svirt_image_t:s0\n")),
        Fail("IMG-08", "/.*", host => Contexts(With(host), "/.*\\.img\tsystem_u:object_r:virt_image_t:s0\n")),
        Pass("IMG-08", "/srv/vms/vm[0-9]+", host => Contexts(With(host), "/srv/vms/vm[0-9]+(/.*)?\tsystem_u:object_r:virt_image_t:s0\n")),
        Fail("IMG-08", "file_contexts.subs:1: /home/vms /var/lib/libvirt/images", host => With(host).File(ImageHost.Rules + "file_contexts.subs", "/home/vms /var/lib/libvirt/images\n")),
        Pass("IMG-08", "file_contexts.subs:2", host => With(host).File(ImageHost.Rules + "file_contexts.subs", "/home/www /var/www\n/srv/vms /var/lib/libvirt/images\n")),
        Fail("IMG-08", "file_contexts.local:1", host => Contexts(With(host), "/etc/guests(/.*)?\tsystem_u:object_r:virt_image_t:s0\n").Offline()),
        Pass("IMG-08", "/virtstorage", host => With(host).Offline()),
        NotApplicable("IMG-08", "no rule for image types", host => Contexts(With(host), "/gone\tsystem_u:object_r:etc_t:s0\n")),

        Pass("IMG-09", "0:0 0600", host => With(host, Disk)),
        Pass("IMG-09", "64055:0 0600", host => With(host, Disk with { Owner = 64055 })),
        Pass("IMG-09", "0:0 0644", host => With(host, Iso)),
        Fail("IMG-09", "0:0 0644", host => With(host, Disk with { Mode = 0x81A4 })),
        Fail("IMG-09", "1000:0 0600", host => With(host, Disk with { Owner = 1000 })),
        Fail("IMG-09", "64055:0 0600", host => With(host.Xen(), Disk with { Owner = 64055 })),
        Fail("IMG-09", "/srv: 0:0 0755: others may list it", host => With(host, new Img("a", "/srv/a.img"))),
        Fail("IMG-09", "cannot pass", host => With(host, Disk).Says("image-access", "64055\064055\0/\041ed 0 0\0/virtstorage\041c0 0 0\0/virtstorage/web.img\08180 0 0\0")),
        Fail("IMG-09", "may exchange", host => With(host, Disk).Says("image-access", "64055\064055\0/\041ed 0 0\0/virtstorage\041f9 0 100\0/virtstorage/web.img\08180 0 0\0")),
        Unknown("IMG-09", "whom QEMU runs as", host => With(host, Disk).Says("image-access", "\0\0/\041ed 0 0\0/virtstorage\041c9 0 0\0/virtstorage/web.img\08180 0 0\0")),
        Unknown("IMG-09", "whose it is", host => With(host, Disk).Says("image-access", "64055\064055\0/\041ed 0 0\0")),
        NotApplicable("IMG-09", "no guest has", host => With(host)),

        Pass("IMG-10", "/virtstorage/web.img", host => With(host, Disk)),
        Fail("IMG-10", "/home/ann/a.img", host => With(host, new Img("a", "/home/ann/a.img"))),
        Fail("IMG-10", "-> /root/a.img", host => With(host, Disk with { Real = "/root/a.img" })),
        Fail("IMG-10", "/home/ann/a.img", host => With(host, new Img("a", "/home/ann/a.img")).Offline()),
        Unknown("IMG-10", "no answer", host => With(host, Disk).Offline()),
        NotApplicable("IMG-10", "no guest has", host => With(host)),
        Unknown("IMG-10", "network file systems", host => With(host, Disk).Hangs("image-paths-remote")),

        Pass("IMG-11", "virt_content_t", host => With(host, Iso)),
        Fail("IMG-11", "virt_image_t", host => With(host, Iso with { Path = Default + "a.iso" })),
        Fail("IMG-11", "/srv/a.iso: default_t", host => With(host, Iso with { Path = "/srv/a.iso" })),
        NotApplicable("IMG-11", "no guest has a medium", host => With(host, Disk, Iso with { Path = "/usr/share/virtio/a.iso" })),

        Pass("IMG-12", "as planned", host => Mounts(With(host, Net), NfsWithContext).WithPlan(Needs(GuestNeed.NetworkImages))),
        Pass("IMG-12", "as planned", host => Mounts(With(host, Net), Nfs).Says("booleans", "virt_use_nfs:1 1\n").WithPlan(Needs(GuestNeed.NetworkImages))),
        Fail("IMG-12", "virt_use_nfs off", host => Mounts(With(host, Net), Nfs)),
        Fail("IMG-12", "does not need NetworkImages", host => Mounts(With(host, Net), NfsWithContext).WithPlan(Needs())),
        Fail("IMG-12", "without context=", host => Mounts(With(host, Net with { Path = "/usb/a.img" }), "30 22 8:17 / /usb rw - vfat /dev/sdb1 rw")),
        Warn("IMG-12", "without a plan", host => Mounts(With(host, Net), NfsWithContext)),
        NotApplicable("IMG-12", "without labels", host => With(host, Disk)),

        Pass("IMG-13", "raw", host => With(host, Disk)),
        Pass("IMG-13", "qcow2", host => Chain(With(host, Cow), Read(Cow.Path, "on-raw"), Found(Store + "base.raw"))),
        Pass("IMG-13", "qcow2", host => Chain(With(host, Cow), Read(Cow.Path, "on-qcow2"), Read(Store + "base.qcow2", "on-raw"), Found(Store + "base.raw"))),
        Pass("IMG-13", "qcow2", host => With(host, Cow with { Inside = "<backingStore/>" })),
        Pass("IMG-13", "raw", host => With(host, Disk).File("/usr/sbin/libvirtd", "").Offline()),
        Fail("IMG-13", "not declared", host => With(host, Disk with { Format = null })),
        Fail("IMG-13", "not declared", host => With(host, Disk with { Format = null }).File("/usr/sbin/libvirtd", "").Offline()),
        Fail("IMG-13", "the header of /virtstorage/web.qcow2 names the backing file /b and no format", host => Chain(With(host, Cow), Header(Cow.Path, Undeclared), Found("/b"))),
        Fail("IMG-13", "the header of /virtstorage/base.qcow2 names the backing file /b and no format", host => Chain(With(host, Cow), Read(Cow.Path, "on-qcow2"), Header(Store + "base.qcow2", Undeclared), Found("/b"))),
        Unknown("IMG-13", "what is below it is not known", host => With(host, Cow)),
        Unknown("IMG-13", "what is below /virtstorage/base.qcow2 is not known", host => Chain(With(host, Cow), Read(Cow.Path, "on-qcow2"), Found(Store + "base.qcow2"))),
        Unknown("IMG-13", "it is no regular file", host => With(host, Img.Block("a", "/dev/vg/a", "fd:3") with { Format = "qcow2" })),
        Unknown("IMG-13", "vmdk images are not read", host => With(host, Disk with { Format = "vmdk" })),
        Unknown("IMG-13", "it does not run", host => With(host, Cow).File("/usr/sbin/libvirtd", "").Offline()),
        NotApplicable("IMG-13", "no guest has", host => With(host)),

        Pass("IMG-14", "nothing is below it", host => Chain(With(host, Cow), Read(Cow.Path, "alone-v3"))),
        Pass("IMG-14", "base.raw", host => Chain(With(host, Cow), Read(Cow.Path, "on-raw"), Found(Store + "base.raw"))),
        Pass("IMG-14", "Backing /virtstorage/base.qcow2", host => Chain(With(host, Cow), Read(Cow.Path, "on-qcow2"), Read(Store + "base.qcow2", "alone-v3"))),
        Pass("IMG-14", "base.raw", host => With(host, Cow with { Inside = Backing(Store + "base.raw", "raw") }, new("other", Store + "base.raw"))),
        Pass("IMG-14", "/srv/kvm/base.raw", host => Chain(WithoutSELinux(With(host, Cow with { Path = "/srv/kvm/web.qcow2" })), Read("/srv/kvm/web.qcow2", "on-raw"), Found("/srv/kvm/base.raw")).WithPlan(new() { Volumes = [new("/srv/kvm")] })),
        Fail("IMG-14", "Backing /srv/base", host => Chain(With(host, Cow with { Path = "/srv/web.qcow2" }), Read("/srv/web.qcow2", "on-raw"), Found("/srv/base.raw"))),
        Fail("IMG-14", "Backing /virtstorage/base.raw -> /etc/shadow", host => Chain(With(host, Cow), Read(Cow.Path, "on-raw"), Found(Store + "base.raw", "/etc/shadow"))),
        Fail("IMG-14", "-> /dev/sda", host => Chain(With(host, Cow), Read(Cow.Path, "on-raw"), Found(Store + "base.raw", "/dev/sda", "device"))),
        Fail("IMG-14", "/etc/shadow", host => With(host, Cow with { Inside = Backing("/etc/shadow", "raw") })),
        Unknown("IMG-14", "is not known", host => Chain(With(host, Cow), Read(Cow.Path, "on-qcow2"))),
        Unknown("IMG-14", "is not known", host => With(host, Cow)),
        Unknown("IMG-14", "its end is missing", host => With(host, Cow).Says("image-chains", "")),
        NotApplicable("IMG-14", "no guest has a copy-on-write image", host => With(host, Disk)),

        Pass("IMG-15", "as libvirt has it", host => host.File("/etc/libvirt/qemu.conf", "")),
        Pass("IMG-15", "as libvirt has it", host => host.File("/usr/sbin/libvirtd", "")),
        Pass("IMG-15", "logd", host => host.File("/etc/libvirt/qemu.conf", "stdio_handler = \"file\"\nstdio_handler = \"logd\"\n")),
        Fail("IMG-15", "stdio_handler = file", host => host.File("/etc/libvirt/qemu.conf", "stdio_handler = \"file\"   # logs\n")),
        NotApplicable("IMG-15", "the host has no libvirt", _ => { }),

        Pass("IMG-16", "lockd", host => Mounts(With(host, Net), Nfs).File("/etc/libvirt/qemu.conf", "lock_manager = \"lockd\"\n")),
        Fail("IMG-16", "lock_manager is not set", host => Mounts(With(host, Net), Nfs).File("/etc/libvirt/qemu.conf", "")),
        NotApplicable("IMG-16", "other hosts may mount", host => With(host, Disk).File("/etc/libvirt/qemu.conf", "")),

        Pass("IMG-17", "no rule gives xen_image_t", host => With(host, Disk)),
        Fail("IMG-17", "xen_image_t", host => With(host, new Img("", "/var/lib/xen/images/a.img") { Context = "system_u:object_r:xen_image_t:s0" })),
        Fail("IMG-17", "file_contexts.local:1", host => Contexts(With(host, Disk), "/virtstorage(/.*)?\tsystem_u:object_r:xen_image_t:s0\n")),
        NotApplicable("IMG-17", "runs Xen", host => With(host.Xen())),

        Pass("IMG-18", "no rule gives svirt_image_t", host => With(host, Disk)),
        Pass("IMG-18", "as planned", host => With(host, Disk with { Context = Guests, Inside = "<shareable/>" }).WithPlan(Needs(GuestNeed.SharedDisk))),
        Fail("IMG-18", "not shareable", host => With(host, Disk with { Context = Guests })),
        Fail("IMG-18", "have no SharedDisk", host => With(host, Disk with { Context = Guests, Inside = "<shareable/>" }).WithPlan(Needs())),
        Fail("IMG-18", "file_contexts.local:1", host => Contexts(With(host), "/virtstorage(/.*)?\tsystem_u:object_r:svirt_image_t:s0\n")),
        Warn("IMG-18", "nobody has accepted", host => With(host, Disk with { Context = Guests, Inside = "<shareable/>" })),
        NotApplicable("IMG-18", "SELinux is off", _ => { }),
    ];

    /// <summary>A version 3 header that names /b and no format: of the recorded one, with its extensions cut off.</summary>
    private static string Undeclared
    {
        get
        {
            var bytes = Convert.FromBase64String(Headers.Value["alone-v3"])[..104];
            Array.Resize(ref bytes, 512);
            bytes[15] = 200;
            bytes[19] = 2;
            "/b"u8.CopyTo(bytes.AsSpan(200));
            return Convert.ToBase64String(bytes);
        }
    }

    /// <summary>What the host says of what is below images.</summary>
    private static ScenarioHost Chain(ScenarioHost host, params string[] records) => host.Says("image-chains", string.Concat(records) + "end");

    private static string Read(string path, string recorded) => Header(path, Convert.ToBase64String(Padded(Convert.FromBase64String(Headers.Value[recorded]))));

    private static string Header(string path, string bytes) => $"{path}\0{path}\0header\0{bytes}\0";

    private static string Found(string path, string? real = null, string kind = "file") => $"{path}\0{real ?? path}\0{kind}\0\0";

    private static byte[] Padded(byte[] bytes)
    {
        Array.Resize(ref bytes, 4096);
        return bytes;
    }

    private static string Backing(string path, string format) => $"<backingStore type='file'><format type='{format}'/><source file='{path}'/><backingStore/></backingStore>";

    private static DeploymentPlan Needs(params GuestNeed[] needs) => new() { Guests = [new("web") { Needs = needs }], Volumes = [new("/virtstorage")] };

    private static ScenarioHost Rules(ScenarioHost host, string local, string places) => Contexts(With(host), local).Says("rule-places", places);
}
