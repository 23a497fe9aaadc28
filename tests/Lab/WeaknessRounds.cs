using static VirtSecurity.Lab.GuestWeaknesses;
using static VirtSecurity.Lab.HostWeaknesses;
using static VirtSecurity.Lab.LibvirtWeaknesses;

namespace VirtSecurity.Lab;

/// <summary>What is made wrong on the machine of each flavour, a round at a time: each round at once, and taken back before the next.</summary>
public static class WeaknessRounds
{
    /// <summary>Of the KVM host, of whose guests web runs. libvirt's own file hides what the QEMU that somebody started shows: so that one has a round of its own.</summary>
    public static IReadOnlyList<IReadOnlyList<Weakness>> Kvm { get; } =
    [
        [StrayQemu],
        [
            Permissive, PermissiveAtBoot, KernelLine, StrayDaemon, Holes, Unplanned, NoFirewall, Person,
            SecondRoot, Member, OpenPolkit, EmptyPassword, OpenPlan,
            PlainTcp, OpenTcp, OpenSocket, OpenTls, NoDriver, UnconfinedByDefault, QemuAsRoot, NoFilter,
            UnplannedGuest, StrayImage, WrongLabel, XensLabel, Twins, SystemRule, Probed,
            MountByLabel, WholeDisk, NoLabels, Mounted, OpenDisplay, NoLabel,
        ],
    ];

    /// <summary>Of the Xen dom0.</summary>
    public static IReadOnlyList<IReadOnlyList<Weakness>> Xen { get; } =
    [[
        Permissive, PermissiveAtBoot, KernelLine, StrayDaemon, XenWeaknesses.Holes, XenWeaknesses.NetworkBoolean, Unplanned, NoFirewall, Person,
        SecondRoot, Member, OpenPolkit, EmptyPassword, OpenPlan, XenWeaknesses.StrayGuest, XenWeaknesses.Xend, XenWeaknesses.WrongLabel, XenWeaknesses.Mounted,
        MountByLabel,
    ]];
}
