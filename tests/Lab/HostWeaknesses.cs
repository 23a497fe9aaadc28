namespace VirtSecurity.Lab;

/// <summary>What may be wrong with the host itself: SELinux, services, the firewall, accounts, the kernel.</summary>
public static class HostWeaknesses
{
    /// <summary>SELinux only watches. The first to be made: in what follows nothing is refused any more.</summary>
    public static Weakness Permissive { get; } = new("SELinux is permissive", "setenforce 0", "setenforce 1") { Finds = [("SEL-01", "/sys/fs/selinux/enforce: 0")] };

    /// <summary>And will at the next boot.</summary>
    public static Weakness PermissiveAtBoot { get; } = new(
        "SELinux is permissive at the next boot", "sed -i 's/^SELINUX=.*/SELINUX=permissive/' /etc/selinux/config", "sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config")
    { Finds = [("SEL-02", "SELINUX=permissive")] };

    /// <summary>The kernel's line switches it off.</summary>
    public static Weakness KernelLine { get; } = Added("the kernel's next line has enforcing=0", "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet enforcing=0\"", ("SEL-03", @"/etc/default/grub:\d+: enforcing=0"));

    /// <summary>A copy of a program is started from a shell: a daemon of virtualization by its name, in the shell's domain.</summary>
    public static Weakness StrayDaemon { get; } = new("a virtlockd runs in the domain of a shell", """
        cp /usr/bin/sleep /usr/local/sbin/virtlockd
        (setsid /usr/local/sbin/virtlockd 36000 >/dev/null 2>&1 </dev/null &)
        """, """
        pkill -x virtlockd
        rm /usr/local/sbin/virtlockd
        """)
    { Finds = [("SEL-08", @"\(virtlockd\): unconfined_t")] };

    /// <summary>A module of the administrator's with booleans that Debian's policy does not have, on.</summary>
    public static Weakness Holes { get; } = new("booleans open holes in the confinement of guests", """
        cat >/root/lab_holes.cil <<'END'
        (boolean virt_hooks_unconfined true)
        (boolean xend_disable_trans true)
        (booleanif virt_hooks_unconfined (true (allow unconfined_t unconfined_t (file (read)))))
        (booleanif xend_disable_trans (true (allow unconfined_t unconfined_t (file (write)))))
        END
        semodule -i /root/lab_holes.cil
        """, """
        semodule -r lab_holes
        rm /root/lab_holes.cil
        """)
    { Finds = [("SEL-13", "virt_hooks_unconfined: on")] };

    /// <summary>A service and a socket that no plan has.</summary>
    public static Weakness Unplanned { get; } = new("a service runs that nobody planned", "systemd-run --quiet --unit=stray sleep 36000", "systemctl stop stray.service")
    { Finds = [("SVC-01", @"stray\.service: active \(running\)")] };

    /// <summary>No firewall.</summary>
    public static Weakness NoFirewall { get; } = new("the firewall is off", "systemctl --quiet disable --now firewalld.service 2>&1", """
        systemctl --quiet enable --now firewalld.service 2>&1
        for i in $(seq 60); do if firewall-cmd --quiet --state; then break; fi; sleep 1; done
        """)
    { Finds = [("FWL-01", "no rule and no policy at input"), ("FWL-02", "no chain filters input of ip"), ("FWL-03", "no chain filters input of ip6"), ("FWL-04", "tcp 16509 ")] };

    /// <summary>An account of a person's.</summary>
    public static Weakness Person { get; } = new("a person has an account", "useradd --create-home --shell /bin/bash stranger", "userdel --remove stranger 2>/dev/null") { Finds = [("ACC-01", @"stranger \(\d+\) has /bin/bash")] };

    /// <summary>A second root. Not by useradd: userdel will not remove a user who runs the first process.</summary>
    public static Weakness SecondRoot { get; } = new("a second account has the number 0", """
        echo 'toor:x:0:0::/root:/bin/sh' >>/etc/passwd
        echo 'toor:!:19000:0:99999:7:::' >>/etc/shadow
        """, "sed -i '/^toor:/d' /etc/passwd /etc/shadow")
    { Finds = [("ACC-02", "toor has the number 0")] };

    /// <summary>A user in a group that amounts to root.</summary>
    public static Weakness Member { get; } = new("a user is in the group libvirt", "gpasswd --add admin libvirt >/dev/null", "gpasswd --delete admin libvirt >/dev/null") { Finds = [("ACC-03", "admin is in libvirt")] };

    /// <summary>polkit says yes to all.</summary>
    public static Weakness OpenPolkit { get; } = new("polkit lets everybody manage guests", """
        cat >/etc/polkit-1/rules.d/00-stray.rules <<'END'
        polkit.addRule(function(action, subject) {
            if (action.id == "org.libvirt.unix.manage") return polkit.Result.YES;
        });
        END
        """, "rm /etc/polkit-1/rules.d/00-stray.rules")
    { Finds = [("ACC-04", @"00-stray\.rules: yes to anybody")] };

    /// <summary>An account without a password.</summary>
    public static Weakness EmptyPassword { get; } = new("an account has an empty password", "passwd --quiet --delete admin", "usermod --password '!' admin") { Finds = [("ACC-05", "the password of admin is empty")] };

    /// <summary>A plan that others may read.</summary>
    public static Weakness OpenPlan { get; } = new("everybody reads the host's plan", """
        mkdir -p /etc/virtsecurity
        echo '@{}' >/etc/virtsecurity/plan.psd1
        chmod 0644 /etc/virtsecurity/plan.psd1
        """, "rm -r /etc/virtsecurity")
    { Finds = [("PLN-01", @"/etc/virtsecurity/plan\.psd1: 0:0 0644")] };

    /// <summary>Guests share pages.</summary>
    public static Weakness SharedPages { get; } = new("guests share memory pages (KSM)", "echo 1 >/sys/kernel/mm/ksm/run", "echo 0 >/sys/kernel/mm/ksm/run") { Finds = [("KRN-03", "/sys/kernel/mm/ksm/run: 1")] };

    /// <summary>One line more in a file.</summary>
    internal static Weakness Added(string what, string file, string line, params (string, string)[] finds)
    {
        var (make, takeBack) = Weakness.Line(file, line);
        return new Weakness(what, make, takeBack) { Finds = finds };
    }
}
