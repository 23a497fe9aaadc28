# What the lab machine is for: a KVM host, or the same disk as a Xen dom0, on which tests make guests and storage.
# What it has to be weak in, so that guests run under emulation and tests come in, is waived here, each with its reason.
@{
    FormatVersion  = 1

    Services       = @(
        @{ Name = 'ssh.service'; Purpose = 'tests come in by it' }
        @{ Name = 'dbus.service'; Purpose = 'systemd, firewalld and polkit talk by it' }
        @{ Name = 'dbus.socket'; Purpose = 'the same' }
        @{ Name = 'systemd-*.service'; Purpose = 'the parts of systemd itself' }
        @{ Name = 'systemd-*.socket'; Purpose = 'the same' }
        @{ Name = 'syslog.socket'; Purpose = 'what is logged goes to the journal' }
        @{ Name = 'auditd.service'; Purpose = 'tests read from it what was run' }
        @{ Name = 'firewalld.service'; Purpose = 'the host denies by default' }
        @{ Name = 'polkit.service'; Purpose = 'libvirt asks it who may do what' }
        @{ Name = 'libvirtd.service'; Purpose = 'guests of KVM; it is started when it is asked' }
        @{ Name = 'libvirtd*.socket'; Purpose = 'the same' }
        @{ Name = 'libvirt-guests.service'; Purpose = 'guests go down with the host' }
        @{ Name = 'virtlogd*.service'; Purpose = 'what guests print' }
        @{ Name = 'virtlogd*.socket'; Purpose = 'the same' }
        @{ Name = 'virtlockd*.service'; Purpose = 'locks of images' }
        @{ Name = 'virtlockd*.socket'; Purpose = 'the same' }
        @{ Name = 'dm-event.service'; Purpose = 'thin pools are watched' }
        @{ Name = 'dm-event.socket'; Purpose = 'the same' }
        @{ Name = 'lvm2-*.service'; Purpose = 'the same' }
        @{ Name = 'lvm2-*.socket'; Purpose = 'the same' }
        @{ Name = 'xen*.service'; Purpose = 'the store and the consoles of a dom0' }
        @{ Name = 'serial-getty@hvc0.service'; Purpose = 'the console of a dom0' }
        @{ Name = 'mdmonitor*.service'; Purpose = 'comes with mdadm, for tests of what a device holds' }
    )
    Sockets        = @( @{ Port = 22; Protocol = 'tcp'; Service = 'sshd' } )
    Users          = 'admin'
    Administrators = 'operator'

    # Software emulation writes code and runs it: without it a rightly labelled guest ends as well.
    Booleans       = @{ virt_use_execmem = $true }

    # What tests of the checks make.
    Volumes        = @( @{ VolumeGroup = 'volumegroup'; Name = 'images'; MountPoint = '/virtstorage'; Size = 300MB } )
    Guests         = @( @{ Name = 'web'; Services = @( @{ Name = 'nothing'; Purpose = 'it writes to its disk, and tests look whether it still does' } ) } )

    Waivers        = @(
        @{ Id = 'KRN-01'; Reason = 'Mitigations cost an emulated processor time, and its guests are the tests'' own'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'KRN-02'; Reason = 'KVM''s module is loaded with its defaults; guests here are emulated'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'KRN-06'; Reason = 'Debian builds Xen without XSM'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'KRN-10'; Reason = 'The settings are Debian''s'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'QMU-03'; Reason = 'Tests start guests without a label too'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'QMU-06'; Reason = 'Debian''s policy lets libvirt make no mount namespace for a guest'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'QMU-07'; Reason = 'Debian''s policy lets libvirt use no control groups for a guest'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'SEL-07'; Reason = 'Debian''s policy has no domain for some daemons'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'SVC-15'; Reason = 'Tests log in as whom they need'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'SVC-16'; Reason = 'The machine has no network; its clock is set after each restore'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'ACC-06'; Reason = 'Tests of sudo -n need an account that is not asked'; Owner = 'lab'; Expires = '2036-12-31' }
        @{ Id = 'AUD-03'; Reason = 'Tests replace the rules of audit by their own'; Owner = 'lab'; Expires = '2036-12-31' }
    )
}
