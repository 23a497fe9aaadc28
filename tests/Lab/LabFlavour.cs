using System.Collections.Immutable;

namespace VirtSecurity.Lab;

/// <summary>
/// One way to boot the lab's image, and all of it is part of the snapshot's key. In <see cref="Initrd"/> and <see cref="Kernel"/> the
/// text <c>{boot}</c> stands for the folder with the image's kernel files; a multiboot kernel such as Xen takes "file
/// arguments,file" as its initrd, hence templates and no plain paths.
/// </summary>
/// <param name="Name">Short name, also the name of the QEMU machine.</param>
/// <param name="Kernel">Template of QEMU's -kernel.</param>
/// <param name="Initrd">Template of QEMU's -initrd.</param>
/// <param name="Append">QEMU's -append.</param>
/// <param name="Cpu">QEMU's -cpu under software emulation.</param>
/// <param name="MemoryMiB">Memory of the machine in MiB.</param>
public sealed record LabFlavour(string Name, string Kernel, string Initrd, string Append, string Cpu, int MemoryMiB)
{
    // Debian defaults to AppArmor: without security=selinux the policy is never loaded.
    private const string LinuxArguments = "root=/dev/vda rw net.ifnames=0 security=selinux selinux=1 mitigations=off quiet systemd.show_status=1";

    /// <summary>Debian release of the image.</summary>
    public const string Suite = "bookworm";

    /// <summary>Debian packages of the image, which is one for all flavours; recommended ones are not followed.</summary>
    public static ImmutableArray<string> Packages { get; } =
    [
        "linux-image-amd64", "initramfs-tools", "zstd", "systemd-sysv", "udev", "kmod", "dbus", "procps", "iproute2",
        "openssh-server", "sudo", "lsof", "attr", "python3", "libicu72",
        "lvm2", "e2fsprogs", "xfsprogs", "fdisk", "btrfs-progs", "cryptsetup-bin", "mdadm", "dosfstools", "nfs-kernel-server",
        "selinux-policy-default", "selinux-policy-mls", "selinux-utils", "policycoreutils", "policycoreutils-python-utils", "auditd",
        // firewalld reads /etc/protocols, which netbase brings, and ends without a word where it is missing.
        "nftables", "firewalld", "netbase",
        "libvirt-daemon-system", "libvirt-clients", "libvirt-daemon-driver-qemu", "qemu-system-x86", "qemu-utils",
        "xen-utils-4.17", "xen-hypervisor-4.17-amd64",
    ];

    /// <summary>A KVM host as libvirt sees it: SELinux enforcing, sVirt, LVM. Guests inside are emulated (type='qemu').</summary>
    public static LabFlavour Kvm { get; } = new("kvm", "{boot}/vmlinuz", "{boot}/initrd", "console=ttyS0 " + LinuxArguments, "max", 2048);

    /// <summary>
    /// A Xen dom0: SELinux enforcing, LVM, xl. For rules, labels and volumes; guests of its own make the emulated dom0
    /// misbehave. With SMAP or SMEP the paravirtual kernel ends at its first exception.
    /// </summary>
    public static LabFlavour Xen { get; } = new(
        "xen", "{boot}/xen", $"{{boot}}/vmlinuz console=hvc0 {LinuxArguments},{{boot}}/initrd",
        "console=com1 com1=115200,8n1 dom0_mem=2048M dom0_max_vcpus=2", "max,-smap,-smep", 3072);
}
