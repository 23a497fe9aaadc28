using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>The hypervisor a host runs, or an image is for.</summary>
public enum Hypervisor
{
    /// <summary>Linux KVM with QEMU and libvirt.</summary>
    Kvm,

    /// <summary>Xen, seen from dom0.</summary>
    Xen,
}

/// <summary>What every domain wants to know of a host before it plans anything there.</summary>
internal sealed record HostFacts(VirtHost Host, HostProbeFact Probe, SELinuxFact SELinux, IReadOnlySet<string> KnownTypes)
{
    /// <summary>The tools the module calls on a host.</summary>
    public static IReadOnlyList<string> Tools { get; } =
    [
        "lvs", "vgs", "lvcreate", "lvremove", "lvextend", "lvreduce", "mke2fs", "mkfs.xfs", "dumpe2fs", "resize2fs", "xfs_info", "xfs_growfs", "mount", "umount", "findmnt", "lsblk", "chattr", "lsattr", "chgrp",
        "semanage", "restorecon", "chcon", "flock", "systemctl", "base64", "timeout",
        "lvchange", "udevadm", "blkid", "wipefs", "blockdev", "dd", "cmp", "find", "setpriv", "virsh",
    ];

    /// <summary>What the host is; Xen first, as a dom0 may have /dev/kvm too. Null: neither.</summary>
    public Hypervisor? Hypervisor => Probe.IsXenDom0 ? Facts.Hypervisor.Xen : Probe.IsKvm ? Facts.Hypervisor.Kvm : null;

    /// <summary>Adds the questions to a batch.</summary>
    public static Func<HostFacts> Ask(FactBatch batch, VirtHost host)
    {
        var probe = batch.Ask(HostProbe.Look(Tools), HostProbe.Read);
        var selinux = batch.Ask(SELinuxFs.Read(), SELinuxFs.ReadFact);
        var types = batch.Ask(SELinuxFs.KnownTypes(ImageTypes.All), SELinuxFs.ReadKnownTypes);
        return () => new HostFacts(host, probe.Value, selinux.Value, types.Value);
    }

    /// <summary>Before anything is read: root, who alone sees all, and the host's own mounts.</summary>
    /// <exception cref="VirtException">NotPrivileged, PrivateMountNamespace.</exception>
    public void RequireReadable() => RequireReadable(Host, Probe);

    /// <summary>The same, where nothing but the probe is known.</summary>
    /// <exception cref="VirtException">NotPrivileged, PrivateMountNamespace.</exception>
    public static void RequireReadable(VirtHost host, HostProbeFact probe)
    {
        if (!probe.IsRoot) throw new VirtException("NotPrivileged", host);
        if (!probe.HasHostsMounts) throw new VirtException("PrivateMountNamespace", host);
    }

    /// <summary>Before anything is changed: root, SELinux enforcing, and the tools the change needs.</summary>
    /// <exception cref="VirtException">NotPrivileged, PrivateMountNamespace, SELinuxDisabled, SELinuxPermissive, ToolNotFound.</exception>
    public void RequireReady(IEnumerable<string> tools)
    {
        RequireReadable();
        if (SELinux.Mode == SELinuxMode.Disabled) throw new VirtException("SELinuxDisabled", Host);
        if (SELinux.Mode == SELinuxMode.Permissive) throw new VirtException("SELinuxPermissive", Host);
        if (tools.FirstOrDefault(tool => !Probe.FoundTools.Contains(tool)) is { } missing)
            throw new VirtException("ToolNotFound", missing, $"{missing}: not found in /usr/sbin, /usr/bin, /sbin or /bin");
    }

    /// <summary>Whether a type is one for images of what the host runs; where that is not known, any image type is.</summary>
    public bool IsImageType(string? type) =>
        type is not null && ImageTypes.All.Contains(type) && !(type == ImageTypes.Xen && Hypervisor == Facts.Hypervisor.Kvm) && !(type == ImageTypes.Kvm && Hypervisor == Facts.Hypervisor.Xen);

    /// <summary>
    /// The image type to use. The hypervisor asked for must be the host's: the reference policy lets every KVM guest open
    /// xen_image_t (virt.te), so the other one's type is a hole, not a label.
    /// </summary>
    /// <exception cref="VirtException">HypervisorUnknown, WrongHypervisor, NotAnImageType, TypeUnknown.</exception>
    public string ImageType(Hypervisor? asked, string? askedType)
    {
        if (asked is not null && Hypervisor is not null && asked != Hypervisor) throw new VirtException("WrongHypervisor", asked, Host, Hypervisor);
        var hypervisor = asked ?? Hypervisor;
        if (hypervisor is null && askedType is null) throw new VirtException("HypervisorUnknown", Host);

        var type = askedType ?? (hypervisor == Facts.Hypervisor.Xen ? ImageTypes.Xen : ImageTypes.Kvm);
        if (!ImageTypes.All.Contains(type)) throw new VirtException("NotAnImageType", type, string.Join(", ", ImageTypes.All));
        if ((type == ImageTypes.Xen && hypervisor == Facts.Hypervisor.Kvm) || (type == ImageTypes.Kvm && hypervisor == Facts.Hypervisor.Xen))
            throw new VirtException("WrongHypervisor", type, Host, hypervisor);
        return KnownTypes.Contains(type) ? type : throw new VirtException("TypeUnknown", type, SELinux.Store);
    }

    /// <summary>A libvirt daemon that was running when the rules changed keeps the label table it read when it started.</summary>
    public IEnumerable<Note> NotesOfRules(bool rulesChanged) =>
        rulesChanged ? Probe.Daemons.Where(daemon => daemon is "libvirtd" or "virtqemud").Select(daemon => new Note("DaemonHasOldRules", Host.Name, daemon)) : [];
}
