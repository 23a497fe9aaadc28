namespace VirtSecurity.Lab;

/// <summary>What may be wrong with a dom0 and its guests. The store /virtstorage is there; no guest runs.</summary>
public static class XenWeaknesses
{
    /// <summary>A guest of xl's with all that its file can have wrong: a display for everybody, a device, a whole disk, an image anywhere.</summary>
    public static Weakness StrayGuest { get; } = new("a guest of xl's that nobody planned, open wherever it can be", """
        mkdir -p /srv/stray
        truncate -s 1M /srv/stray/stray.img
        cat >/etc/xen/stray.cfg <<'END'
        name = "stray"
        type = "hvm"
        memory = 64
        vnclisten = "0.0.0.0"
        pci = [ "0000:00:03.0,permissive=1" ]
        disk = [ "file:/srv/stray/stray.img,xvda,w", "phy:/dev/vdc,xvdb,w" ]
        END
        """, "rm -r /etc/xen/stray.cfg /srv/stray")
    {
        Finds =
        [
            ("PLN-02", @"stray \(defined\)"), ("SVC-18", @"vnc on 0\.0\.0\.0, without a password"), ("KRN-12", "permissive=1"), ("KRN-11", "neither dm_restrict, device_model_user nor a stub domain"), ("IMG-01", "/srv/stray/stray.img: no rule"),
            ("IMG-02", "/srv/stray: "), ("STO-02", "/dev/vdc is a whole disk"),
        ],
    };

    /// <summary>A file of xend's, which this Xen does not read: what an old host has is judged all the same.</summary>
    public static Weakness Xend { get; } = new("xend takes guests from anybody, and serves anybody", """
        cat >/etc/xen/xend-config.sxp <<'END'
        (xend-relocation-server yes)
        (xend-relocation-address '')
        (xend-relocation-hosts-allow '')
        (xend-http-server yes)
        (vnc-listen '0.0.0.0')
        END
        """, "rm /etc/xen/xend-config.sxp")
    { Finds = [("SVC-11", @"\(xend-relocation-hosts-allow ''\)"), ("SVC-12", @"\(xend-http-server yes\)")] };

    /// <summary>The holes of any host, and the one that only a dom0 has.</summary>
    public static Weakness Holes { get; } = HostWeaknesses.Holes with { Finds = [.. HostWeaknesses.Holes.Finds, ("SEL-14", "xend_disable_trans: on")] };

    /// <summary>A boolean, until the next boot.</summary>
    public static Weakness NetworkBoolean { get; } = new("the toolstack may use NFS", "setsebool xen_use_nfs on", "setsebool xen_use_nfs off") { Finds = [("SEL-12", "xen_use_nfs: on")] };

    /// <summary>A label that no rule gives.</summary>
    public static Weakness WrongLabel { get; } = new("an image has another label than the rules give", "touch /virtstorage/loose.img && chcon -t default_t /virtstorage/loose.img", "rm /virtstorage/loose.img") { Finds = [("IMG-03", "/virtstorage/loose.img")] };

    /// <summary>The host has a guest's disk mounted.</summary>
    public static Weakness Mounted { get; } = new("dom0 has a guest's disk mounted", """
        lvcreate -q -y -n held -L 64M volumegroup
        mke2fs -q /dev/volumegroup/held
        mkdir /mnt/held
        mount /dev/volumegroup/held /mnt/held
        cat >/etc/xen/held.cfg <<'END'
        name = "held"
        memory = 64
        disk = [ "phy:/dev/volumegroup/held,xvda,w" ]
        END
        """, """
        rm /etc/xen/held.cfg
        umount /mnt/held
        rmdir /mnt/held
        lvremove -q -y volumegroup/held
        """)
    { Finds = [("STO-08", "mounted at /mnt/held")] };
}
