using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>A weakness that is planted, and by what each tool would be said to have found it: a finding that it did not have before, and that one of these matches.</summary>
/// <param name="Weakness">What is planted, with the checks of ours.</param>
/// <param name="Lynis">An expression for Lynis's findings: its test's id, or words of the weakness.</param>
/// <param name="OpenScap">An expression for OpenSCAP's rules.</param>
internal sealed record Planted(Weakness Weakness, string Lynis, string OpenScap)
{
    private const string SshFile = "/etc/ssh/sshd_config.d/00-weak.conf";

    /// <summary>Taken from a list of tests of Lynis's, or of rules of OpenSCAP's content, whether or not we have a check for it.</summary>
    public bool IsTheirs { get; private init; }

    /// <summary>Bash: makes of the machine what it would be without any of these, as far as it can. The store /virtstorage is there; libvirt's daemon must not answer for its files.</summary>
    public const string Strong = """
        set -e
        truncate -s 16M /virtstorage/web.img
        chmod 0600 /virtstorage/web.img
        lab-guest-define web /virtstorage/web.img
        systemctl stop libvirtd.service
        rm /etc/sudoers.d/operator
        echo 'AllowUsers root' >/etc/ssh/sshd_config.d/10-allow.conf
        systemctl reload ssh
        echo 'GRUB_CMDLINE_LINUX="security=selinux selinux=1"' >/etc/default/grub
        sysctl -q -w kernel.dmesg_restrict=1 kernel.kptr_restrict=2 kernel.yama.ptrace_scope=1
        systemctl start chrony.service
        """;

    /// <summary>Of the peers' own lists: what can be made wrong here with a few commands, in the order of those lists.</summary>
    private static IEnumerable<Planted> Theirs { get; } = new Planted[]
    {
        new(HostWeaknesses.SecondRoot, "^AUTH-9204", "^accounts_no_uid_except_zero$"),
        new(HostWeaknesses.EmptyPassword, "^AUTH-9283", "^no_empty_passwords"),
        new(HostWeakness("sudo asks nobody for a password", "echo 'operator ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/weak", ("ACC-06", "without a password")), "sudo", "^sudo_remove_nopasswd$|^sudo_require_authentication$"),
        new(HostWeakness("root may log in with a password", $"printf '%s\\n' 'PermitRootLogin yes' 'PasswordAuthentication yes' >{SshFile}; systemctl reload ssh", ("SVC-15", "permitrootlogin yes")), "^SSH-7408.*PermitRootLogin", "^sshd_disable_root_login$|^sshd_disable_root_password_login$"),
        new(HostWeakness("nobody is listed who may log in", "rm /etc/ssh/sshd_config.d/10-allow.conf; systemctl reload ssh", ("SVC-15", "neither AllowUsers nor AllowGroups")), "^SSH-7440|AllowUsers", "^sshd_limit_user_access$"),
        new(HostWeakness("an empty password is enough for ssh", $"echo 'PermitEmptyPasswords yes' >>{SshFile}; systemctl reload ssh"), "^SSH-7408.*PermitEmptyPasswords", "^sshd_disable_empty_passwords$"),
        new(HostWeaknesses.NoFirewall, "^FIRE-", "iptables|^service_ufw_enabled$|nftables|firewalld"),
        new(HostWeakness("auditd does not run", "systemctl --quiet disable auditd.service 2>&1; auditctl --signal stop || kill $(pidof auditd)", ("AUD-01", "no daemon listens|does not start at boot")), "^ACCT-9628|auditd", "^service_auditd_enabled$"),
        new(HostWeakness("nothing keeps the clock", "systemctl --quiet disable --now chrony.service 2>&1", ("SVC-16", "chrony|systemctl: neither")), "^TIME-3104", "^service_(chronyd|ntp|ntpd)_enabled$"),
        new(HostWeakness("the kernel shows its addresses", "sysctl -q -w kernel.kptr_restrict=0", ("KRN-10", "kptr_restrict: 0")), "^KRNL-6000", "^sysctl_kernel_kptr_restrict$"),
        new(HostWeaknesses.PermissiveAtBoot, "^MACF-6234", "^selinux_state$"),
        new(HostWeakness("a newer kernel is installed than runs", "cp /boot/vmlinuz-$(uname -r) /boot/vmlinuz-6.99.0-1-amd64", ("KRN-09", @"6\.99\.0-1-amd64")), "^KRNL-5830", "kernel_(updated|latest)"),
        new(HostWeakness("an NFS server gives its directory to everybody", "mkdir -p /srv/share; echo '/srv/share *(rw)' >/etc/exports; systemctl --quiet enable --now rpcbind.socket nfs-server.service 2>&1", ("SVC-02", "nfs-")), "^STRG-19", "^service_(nfs|rpcbind)|_squash_exports$"),
        new(HostWeakness("others may remove files in /tmp", "chmod -t /tmp"), "^FILE-6362", "^dir_perms_world_writable_sticky_bits$"),
        new(HostWeakness("everybody reads /etc/shadow", "chmod 0644 /etc/shadow"), "^(FILE-7524|AUTH-).*shadow", "^file_permissions_etc_shadow$"),
    }.Select(planted => planted with { IsTheirs = true });

    /// <summary>Of our own: what only a host of guests can have.</summary>
    private static IEnumerable<Planted> Ours { get; } =
    [
        new(LibvirtWeaknesses.PlainTcp, "16509|libvirt", "libvirt"), new(LibvirtWeaknesses.OpenTcp, "libvirt", "libvirt"), new(LibvirtWeaknesses.OpenSocket, "libvirt", "libvirt"), new(LibvirtWeaknesses.NoDriver, "qemu|libvirt", "qemu|libvirt"),
        new(LibvirtWeaknesses.QemuAsRoot, "qemu|libvirt", "qemu|libvirt"), new(LibvirtWeaknesses.NoFilter, "qemu|libvirt", "qemu|libvirt"), new(GuestWeaknesses.OpenDisplay, "shown|vnc|590", "vnc"), new(GuestWeaknesses.NoLabel, "free|seclabel", "svirt"),
        new(GuestWeaknesses.ImageInHome, "athome", "athome"), new(GuestWeaknesses.OpenImage, "open\\.img", "world"), new(GuestWeaknesses.Probed, "probed", "virt"), new(GuestWeaknesses.Mounted, "held", "mount_option"),
        new(GuestWeaknesses.WholeDisk, "vdc", "virt"), new(HostWeaknesses.Member, "libvirt", "group"), new(HostWeaknesses.OpenPolkit, "polkit", "polkit"),
    ];

    /// <summary>All thirty.</summary>
    public static IReadOnlyList<Planted> All { get; } = [.. Theirs, .. Ours];

    // The machine is thrown away: nothing is taken back.
    private static Weakness HostWeakness(string what, string make, params (string, string)[] finds) => new(what, make, ":") { Finds = finds };
}
