namespace VirtSecurity.Lab;

/// <summary>What may be wrong with guests, their images and what these lie on. The store /virtstorage is there, and of its guests web runs.</summary>
public static class GuestWeaknesses
{
    private const string Raw = "<driver name='qemu' type='raw'/>";

    /// <summary>A QEMU that somebody started by hand: root, in a shell's domain, without a filter, with its display for everybody.</summary>
    public static Weakness StrayQemu { get; } = new("a QEMU was started by hand", """
        # Its translator writes what it runs, which a shell's domain may not; it asks for that once.
        setsebool allow_execmem on
        qemu-system-x86_64 -machine none -nodefaults -vnc 0.0.0.0:7 -S -daemonize -pidfile /run/stray-qemu.pid
        setsebool allow_execmem off
        """, """
        kill "$(cat /run/stray-qemu.pid)"
        for i in $(seq 60); do if ! pgrep -F /run/stray-qemu.pid >/dev/null 2>&1; then break; fi; sleep 0.5; done
        """)
    { Finds = [("SEL-09", @"\(qemu-system-x86\): unconfined_u:"), ("QMU-04", "user 0, group 0"), ("QMU-05", "Seccomp: 0"), ("SVC-03", @"tcp \*:5907 \(qemu"), ("SVC-13", @"tcp \*:5907 \(qemu.*in no guest's definition")] };

    /// <summary>A guest that no plan has.</summary>
    public static Weakness UnplannedGuest { get; } = Guest("a guest that nobody planned", "stray", File("/virtstorage/stray.img"), "", ("PLN-02", @"stray \(defined\)"));

    /// <summary>An image where no rule makes a place for it.</summary>
    public static Weakness StrayImage { get; } = Guest("an image lies outside the places for images", "outside", File("/srv/stray/outside.img"), "", ("IMG-01", "/srv/stray/outside.img: no rule"), ("IMG-02", "/srv/stray: "));

    /// <summary>An image in a home.</summary>
    public static Weakness ImageInHome { get; } = Guest("an image lies in a home", "athome", File("/home/admin/athome.img"), "", ("IMG-10", "/home/admin/athome.img"));

    /// <summary>A label that no rule gives.</summary>
    public static Weakness WrongLabel { get; } = new("an image has another label than the rules give", "touch /virtstorage/loose.img && chcon -t default_t /virtstorage/loose.img", "rm /virtstorage/loose.img") { Finds = [("IMG-03", "/virtstorage/loose.img")] };

    /// <summary>Xen's label, which every guest of KVM's may write to.</summary>
    public static Weakness XensLabel { get; } = new("an image has the label of Xen's", "touch /virtstorage/xens.img && chcon -t xen_image_t /virtstorage/xens.img", "rm /virtstorage/xens.img") { Finds = [("IMG-17", "/virtstorage/xens.img: .*:xen_image_t:")] };

    /// <summary>Two guests that run have one image, as libvirt's own record of them says.</summary>
    public static Weakness Twins { get; } = new("two running guests write to one image", "sed 's#<name>web</name>#<name>twin</name>#' /run/libvirt/qemu/web.xml >/run/libvirt/qemu/twin.xml", "rm /run/libvirt/qemu/twin.xml") { Finds = [("IMG-05", @"guest twin \(running\) writes")] };

    /// <summary>A rule for images on the system's own files.</summary>
    public static Weakness SystemRule { get; } = new(
        "a rule labels the system's files as images", """printf '%s\n' "fcontext -a -f a -t virt_image_t -r s0 '/usr/share/isos(/.*)?'" | semanage import""", """printf '%s\n' "fcontext -d -f a '/usr/share/isos(/.*)?'" | semanage import""")
    { Finds = [("IMG-08", @"file_contexts\.local:\d+: /usr/share/isos")] };

    /// <summary>Everybody reads it.</summary>
    public static Weakness OpenImage { get; } = On(
        "", Guest("everybody may read an image", "open", File("/virtstorage/open.img"), "", ("IMG-09", @"/virtstorage/open\.img: 0:0 0644")), "chmod 0644 /virtstorage/open.img", "");

    /// <summary>QEMU is to find out the format.</summary>
    public static Weakness Probed { get; } = Guest(
        "the format of an image is not declared", "probed", "<disk type='file' device='disk'><source file='/virtstorage/probed.img'/><target dev='vda' bus='virtio'/></disk>", "", ("IMG-13", "/virtstorage/probed.img: its format is not declared"));

    /// <summary>A file system that a guest can forge.</summary>
    public static Weakness MountByLabel { get; } = HostWeaknesses.Added("fstab finds a file system by its label", "/etc/fstab", "LABEL=guests /mnt/guests ext4 noauto,nofail 0 0", ("STO-01", @"/etc/fstab:\d+: LABEL=guests"));

    /// <summary>A whole disk of the host's.</summary>
    public static Weakness WholeDisk { get; } = Guest("a guest has a whole disk of the host's", "whole", Device("/dev/vdc"), "", ("STO-02", "/dev/vdc is a whole disk"));

    /// <summary>A file system without labels.</summary>
    public static Weakness NoLabels { get; } = On("""
        truncate -s 16M /root/vfat
        mkfs.vfat /root/vfat >/dev/null
        mkdir /vfat
        mount -o loop /root/vfat /vfat
        """, Guest("an image lies on a file system without labels", "unlabelled", File("/vfat/unlabelled.img"), "", ("STO-06", "/vfat: vfat, .*: no labels")), "", """
        umount /vfat
        rmdir /vfat
        rm /root/vfat
        """);

    /// <summary>The host has a guest's disk mounted.</summary>
    public static Weakness Mounted { get; } = On("""
        lvcreate -q -y -n held -L 64M volumegroup
        mke2fs -q /dev/volumegroup/held
        mkdir /mnt/held
        mount /dev/volumegroup/held /mnt/held
        """, Guest("the host has a guest's disk mounted", "held", Device("/dev/volumegroup/held"), "", ("STO-08", "mounted at /mnt/held")), "", """
        umount /mnt/held
        rmdir /mnt/held
        lvremove -q -y volumegroup/held
        """);

    /// <summary>A display for everybody.</summary>
    public static Weakness OpenDisplay { get; } = Guest("a guest's display is open to everybody", "shown", "<graphics type='vnc' port='-1' listen='0.0.0.0'/>", "", ("SVC-13", @"vnc of shown on 0\.0\.0\.0, no TLS, nobody is asked"));

    /// <summary>A guest without a label.</summary>
    public static Weakness NoLabel { get; } = Guest("a guest asks for no label", "free", "", "<seclabel type='none'/>", ("QMU-08", "free: the guest: <seclabel type='none'/>"));

    private static string File(string path) => $"<disk type='file' device='disk'>{Raw}<source file='{path}'/><target dev='vda' bus='virtio'/></disk>";

    private static string Device(string path) => $"<disk type='block' device='disk'>{Raw}<source dev='{path}'/><target dev='vda' bus='virtio'/></disk>";

    private static Weakness On(string before, Weakness guest, string after, string end) =>
        guest with { Make = $"{before}\n{guest.Make}\n{after}", TakeBack = $"{guest.TakeBack}\n{end}" };

    /// <summary>A guest, by a file of libvirt's; its image is made, and put into the directory with a label that libvirt would give it back.</summary>
    private static Weakness Guest(string what, string name, string devices, string rest, params (string, string)[] finds)
    {
        var image = devices.Contains("<source file='", StringComparison.Ordinal) ? devices.Split("<source file='")[1].Split('\'')[0] : "";
        return new Weakness(what, $"""
            cat >/etc/libvirt/qemu/{name}.xml <<'END'
            <domain type='qemu'>
              <name>{name}</name>
              <memory unit='MiB'>16</memory>
              <vcpu>1</vcpu>
              <os><type arch='x86_64' machine='pc'>hvm</type></os>
              <devices>{devices}</devices>
              {rest}
            </domain>
            END
            {(image.Length == 0 ? "" : $"mkdir -p {Path.GetDirectoryName(image)}; truncate -s 1M {image}; chmod 0600 {image}")}
            """, $"rm -f /etc/libvirt/qemu/{name}.xml {image}")
        { Finds = finds };
    }
}
