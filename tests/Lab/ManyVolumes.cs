using System.Globalization;

namespace VirtSecurity.Lab;

/// <summary>A host with many logical volumes: written into LVM's metadata at once, as making them one by one would take the emulated machine a quarter of an hour.</summary>
public static class ManyVolumes
{
    /// <summary>
    /// A bash script for a machine whose volume group `volumegroup` is empty: v0, v1 ... of 4 MiB each, active, tagged as made by this module.
    /// </summary>
    public static string Script(int count) => string.Create(CultureInfo.InvariantCulture, $$"""
        set -e
        # Where SELinux lets LVM write, and its archives are.
        vgcfgbackup -q -f /etc/lvm/backup/many.vg volumegroup >/dev/null
        python3 - {{count}} /etc/lvm/backup/many.vg <<'END'
        import sys
        count, file = int(sys.argv[1]), sys.argv[2]
        def identity(i):
            digits = '%032d' % i
            at, parts = 0, []
            for length in (6, 4, 4, 4, 4, 4, 6):
                parts.append(digits[at:at + length])
                at += length
            return '-'.join(parts)
        volumes = ''.join('''
        v%d {
        id = "%s"
        status = ["READ", "WRITE", "VISIBLE"]
        flags = []
        tags = ["virtsecurity"]
        segment_count = 1
        segment1 {
        start_extent = 0
        extent_count = 1
        type = "striped"
        stripe_count = 1
        stripes = ["pv0", %d]
        }
        }''' % (i, identity(i + 1), i) for i in range(count))
        text = open(file).read()
        end = text.rindex('}')
        open(file, 'w').write(text[:end] + 'logical_volumes {' + volumes + '\n}\n' + text[end:])
        END
        vgcfgrestore -q -f /etc/lvm/backup/many.vg volumegroup >/dev/null
        vgchange -q -ay volumegroup >/dev/null
        udevadm settle --timeout=600
        rm /etc/lvm/backup/many.vg

        """);
}
