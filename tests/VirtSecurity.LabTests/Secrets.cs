namespace VirtSecurity.LabTests;

/// <summary>Secrets of a host, wherever one may be that checks look at.</summary>
internal static class Secrets
{
    /// <summary>What each of them has in it.</summary>
    public const string Mark = "PLANTED";

    /// <summary>Bash: plants them; the guests are named secretive.</summary>
    public const string Plant = $$"""
        set -e
        usermod --password '$6${{Mark}}1${{Mark}}2' admin
        echo 'old:{{Mark}}3:1500:100::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
        cat >/etc/libvirt/qemu/secretive.xml <<'END'
        <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>secretive</name>
          <memory unit='MiB'>16</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <sysinfo type='fwcfg'><entry name='opt/key'>{{Mark}}4</entry></sysinfo>
          <devices>
            <graphics type='vnc' listen='0.0.0.0' passwd='{{Mark}}5'/>
            <graphics type='spice' listen='0.0.0.0' passwd="{{Mark}}6"/>
          </devices>
          <qemu:commandline>
            <qemu:arg value='-object'/><qemu:arg value='secret,id=key,data={{Mark}}7'/>
          </qemu:commandline>
        </domain>
        END
        mkdir -p /etc/libvirt/secrets /etc/pki/libvirt/private /boot/grub
        echo "<secret private='yes'><uuid>5ee2d0a5-9e5e-4f2c-8d9b-0a4f8c6d7e10</uuid></secret>" >/etc/libvirt/secrets/5ee2d0a5-9e5e-4f2c-8d9b-0a4f8c6d7e10.xml
        echo {{Mark}}8 >/etc/libvirt/secrets/5ee2d0a5-9e5e-4f2c-8d9b-0a4f8c6d7e10.base64
        echo {{Mark}}9 >/etc/pki/libvirt/private/serverkey.pem
        printf '%s\n' 'vnc_password = "{{Mark}}10"' "spice_password = '{{Mark}}11'" >>/etc/libvirt/qemu.conf
        cat >/etc/xen/secretive.cfg <<'END'
        name = "secretive"
        memory = 64
        type = "hvm"
        vncpasswd = "{{Mark}}12"
        spicepasswd = '{{Mark}}13'
        vfb = [ "type=vnc,vnclisten=0.0.0.0,vncpasswd={{Mark}}14" ]
        END
        echo "(vncpasswd '{{Mark}}15')" >/etc/xen/xend-config.sxp
        echo 'password_pbkdf2 root grub.pbkdf2.sha512.10000.{{Mark}}16' >/boot/grub/grub.cfg
        echo '//server/share /mnt/share cifs noauto,nofail,username=u,password={{Mark}}17 0 0' >>/etc/fstab
        (exec -a 'worker --password={{Mark}}18' sleep 36000 >/dev/null 2>&1 </dev/null &)
        systemctl stop libvirtd.service
        """;
}
