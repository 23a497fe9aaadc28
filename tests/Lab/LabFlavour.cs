using System.Collections.Immutable;

namespace VirtSecurity.Lab;

/// <summary>
/// One kind of lab machine: what is installed and how QEMU starts it. Everything here is part of the image's key.
/// In <see cref="Initrd"/> and <see cref="Kernel"/> the text <c>{boot}</c> stands for the folder with the image's kernel
/// files; a multiboot kernel such as Xen takes "file arguments,file" as its initrd, hence templates and no plain paths.
/// </summary>
/// <param name="Name">Short name, also the name of the QEMU machine.</param>
/// <param name="Suite">Debian release.</param>
/// <param name="Packages">Debian packages besides the essential ones; recommended ones are not followed.</param>
/// <param name="Kernel">Template of QEMU's -kernel.</param>
/// <param name="Initrd">Template of QEMU's -initrd.</param>
/// <param name="Append">QEMU's -append.</param>
/// <param name="Cpu">QEMU's -cpu under software emulation.</param>
/// <param name="MemoryMiB">Memory of the machine in MiB.</param>
public sealed record LabFlavour(
    string Name,
    string Suite,
    ImmutableArray<string> Packages,
    string Kernel,
    string Initrd,
    string Append,
    string Cpu,
    int MemoryMiB)
{
    // Debian defaults to AppArmor: without security=selinux the policy is never loaded.
    private const string LinuxArguments =
        "root=/dev/vda rw console=ttyS0 net.ifnames=0 security=selinux selinux=1 mitigations=off quiet systemd.show_status=1";

    /// <summary>A KVM host as libvirt sees it: SELinux enforcing, sVirt, LVM. Guests inside are emulated (type='qemu').</summary>
    public static LabFlavour Kvm { get; } = new(
        "kvm",
        "bookworm",
        [
            "linux-image-amd64", "initramfs-tools", "zstd", "systemd-sysv", "udev", "kmod", "dbus", "procps", "iproute2",
            "openssh-server", "sudo", "lsof", "attr", "python3", "libicu72",
            "lvm2", "e2fsprogs", "xfsprogs", "fdisk",
            "selinux-policy-default", "selinux-utils", "policycoreutils", "policycoreutils-python-utils", "auditd",
            // firewalld reads /etc/protocols, which netbase brings, and ends without a word where it is missing.
            "nftables", "firewalld", "netbase",
            "libvirt-daemon-system", "libvirt-clients", "libvirt-daemon-driver-qemu", "qemu-system-x86", "qemu-utils",
        ],
        "{boot}/vmlinuz",
        "{boot}/initrd",
        LinuxArguments,
        "max",
        2048);
}
