using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>Questions that rules of more than one category ask.</summary>
internal static class Questions
{
    /// <summary>What the kernel says of SELinux; without it there is nothing of this.</summary>
    public static FactQuestion SELinuxState { get; } = FactQuestion.Files("selinux-state", "/sys/fs/selinux/enforce", "/sys/fs/selinux/mls", "/sys/fs/selinux/policyvers");

    /// <summary>What will be of SELinux at the next boot.</summary>
    public static FactQuestion SELinuxConfig { get; } = FactQuestion.Files("selinux-config", "/etc/selinux/config");

    /// <summary>What the running kernel was told, less the passwords of storage on the network.</summary>
    public static FactQuestion KernelCommandLine { get; } = FactQuestion.Files("kernel-command-line", "/proc/cmdline") with { Reduce = BootConfig.Secrets };

    /// <summary>What the kernel will be told at the next boot: the boot loader's own files, and what they are made from. GRUB's may hold the hash of a password.</summary>
    public static FactQuestion BootEntries { get; } = FactQuestion.Files(
        "boot-entries", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/grubenv", "/boot/grub2/grubenv", "/boot/loader/entries/*.conf", "/etc/default/grub", "/etc/default/grub.d/*.cfg", "/etc/kernel/cmdline") with
    { Reduce = BootConfig.Secrets };

    /// <summary>What is mounted.</summary>
    public static FactQuestion Mounts { get; } = FactQuestion.Run("mounts", Mount.Table());

    /// <summary>What is to be mounted at boot, less its passwords.</summary>
    public static FactQuestion Fstab { get; } = FactQuestion.Files("fstab", Tools.Fstab.Path) with { Reduce = Tools.Fstab.Secrets };

    /// <summary>The rules of the policy's files for labels.</summary>
    public static FactQuestion FileContexts { get; } = FactQuestion.Files("file-contexts", [.. SELinuxFs.Files.Select(name => $"/etc/selinux/*/contexts/files/{name}")]);

    /// <summary>The accounts, less their hashes.</summary>
    public static FactQuestion Accounts { get; } = FactQuestion.Files("passwd", "/etc/passwd") with { Reduce = Passwd.Secrets };

    /// <summary>The groups, less their hashes.</summary>
    public static FactQuestion Groups { get; } = FactQuestion.Files("group", "/etc/group") with { Reduce = Passwd.Secrets };

    /// <summary>libvirt's own files, less the passwords of displays.</summary>
    public static FactQuestion LibvirtFiles { get; } = FactQuestion.Files("libvirt-conf", "/etc/libvirt/libvirtd.conf", "/etc/libvirt/virt*.conf", "/etc/libvirt/qemu.conf", "/etc/default/libvirtd", "/etc/sysconfig/libvirtd") with
    { Reduce = LibvirtConf.Secrets };

    /// <summary>The processes, without their arguments, which may hold secrets.</summary>
    public static FactQuestion Processes { get; } = FactQuestion.Run("processes", ProcessTable.Look());
}
