using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What was found of one inode.</summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="IsCompliant">Null: it cannot be told.</param>
/// <param name="Context">The label: of a device that a guest holds, as that guest's process sees it.</param>
/// <param name="Rule">The rule that gives its path a label; null: none does.</param>
/// <param name="Holder">The running guest that holds it; null: none does.</param>
/// <param name="Message">What there is to say; null: nothing.</param>
internal sealed record Judgement(ContextVerdict Verdict, bool? IsCompliant, SecurityContext? Context, FileContextRule? Rule, Holder? Holder, string? Message);

/// <summary>
/// From the facts of one inode to the verdict on its label. Pure. Who holds it comes first, as such a label is libvirt's; then whether there can be
/// a label; then what the rules say.
/// </summary>
/// <param name="facts">The host: its rules, its hypervisor, what its guests hold, what is mounted.</param>
/// <param name="isStrict">Another SELinux user than the rule's is judged as well.</param>
internal sealed class ImageVerdict(LabelFacts facts, bool isStrict)
{
    /// <summary>Firmware and a guest's variables lie where their packages put them, under types of the policy's own that guests may use.</summary>
    private static bool IsSystemsOwn(string path, string type) => (HostPath.IsAtOrBelow(path, "/usr") && type is "usr_t") || HostPath.IsAtOrBelow(path, "/var/lib/libvirt/qemu");

    private readonly FileContexts contexts = facts.Host.SELinux.FileContexts;

    /// <summary>Judges an inode.</summary>
    /// <param name="path">Its path without links, by which rules are looked up.</param>
    /// <param name="entry">The inode, which has a label.</param>
    /// <param name="device">Its own number, major:minor, if it is a block device.</param>
    public Judgement Of(string path, TreeEntry entry, string? device)
    {
        var rule = contexts.Lookup(path, entry.FileType);
        if (facts.Holds.Of(entry, device) is { } holder) return Held(entry, rule, holder);
        var actual = entry.Context!;
        Judgement Say(ContextVerdict verdict, bool? isCompliant, string? message) => new(verdict, isCompliant, actual, rule, null, message);

        if (facts.Mounts.Of(path, entry.Inode.Device) is { KeepsLabels: false } mount)
        {
            return facts.Host.IsImageType(actual.Type)
                ? Say(ContextVerdict.Compliant, true, Messages.Format("JudgedByMount", actual.Type, mount.MountPoint))
                : Say(ContextVerdict.NotSupported, null, NotSupported(mount, actual));
        }

        if (entry.FileType == 'b') return OfDevice(path, actual, rule);
        var expected = rule?.Context;
        if (!facts.Host.IsImageType(expected?.Type))
        {
            if (expected?.Type == actual.Type && IsSystemsOwn(path, actual.Type)) return Say(ContextVerdict.Compliant, true, Messages.Format("JudgedSystems", actual.Type));
            return Say(ContextVerdict.NoRule, false, expected is not null && ImageTypes.All.Contains(expected.Type)
                ? Messages.Format("JudgedOtherHypervisor", path, expected.Type, facts.Host.Hypervisor)
                : Messages.Format("JudgedNoRule", path, expected?.Type ?? "none", actual));
        }

        if (actual.IsUnlabelled) return Say(ContextVerdict.Unlabelled, false, Messages.Format("JudgedUnlabelled", path, expected!.Type));
        if (actual.HasCategories && actual.Range != expected!.Range) return Say(ContextVerdict.StaleCategories, false, Messages.Format("JudgedStale", path, actual, expected));
        if (actual.Type != expected!.Type || actual.Role != expected.Role) return Say(ContextVerdict.WrongType, false, WrongType(path, entry, actual, expected));
        if (actual.Range != expected.Range) return Say(ContextVerdict.WrongRange, false, Messages.Format("JudgedWrongRange", path, actual.Range ?? "none", expected.Range ?? "none"));
        return actual.User != expected.User
            ? Say(ContextVerdict.WrongUser, !isStrict, Messages.Format("JudgedWrongUser", actual.User, expected.User))
            : Say(ContextVerdict.Compliant, true, null);
    }

    /// <summary>At rest a disk's node has the type that all disks have, or an image type by a rule of udev's; file contexts give it neither for long.</summary>
    private Judgement OfDevice(string path, SecurityContext actual, FileContextRule? rule)
    {
        Judgement Say(ContextVerdict verdict, bool isCompliant, string? message) => new(verdict, isCompliant, actual, rule, null, message);
        var atRest = rule?.Context ?? Udev.Plain.Context!;
        if (actual.IsUnlabelled) return Say(ContextVerdict.Unlabelled, false, Messages.Format("JudgedUnlabelled", path, atRest.Type));
        if (actual.HasCategories && actual.Range != atRest.Range) return Say(ContextVerdict.StaleCategories, false, Messages.Format("JudgedStale", path, actual, atRest));
        return actual.Type is ImageTypes.FixedDisk || actual.Type == atRest.Type || facts.Host.IsImageType(actual.Type)
            ? Say(ContextVerdict.Compliant, true, null)
            : Say(ContextVerdict.WrongType, false, Messages.Format("JudgedWrongType", path, actual, atRest));
    }

    /// <summary>Right is what libvirt gives: the guest's own categories, or an image type that guests share. Anything else a guest may have open, but not for long.</summary>
    private Judgement Held(TreeEntry entry, FileContextRule? rule, Holder holder)
    {
        var actual = holder.Context ?? entry.Context;
        var guest = holder.Guest ?? Messages.Format("AGuest");
        var isRight = actual is { HasCategories: true, Range: { } range } ? facts.Holds.Ranges.ContainsKey(range) : actual is not null && (ImageTypes.All.Contains(actual.Type) || actual.Type is "svirt_image_t");
        var label = actual?.ToString() ?? "none";
        return new(ContextVerdict.RunningGuest, isRight ? true : null, actual, rule, holder, isRight ? Messages.Format("JudgedHeld", guest, label) : Messages.Format("JudgedHeldOddly", guest, label));
    }

    private string WrongType(string path, TreeEntry entry, SecurityContext actual, SecurityContext expected)
    {
        var message = Messages.Format("JudgedWrongType", path, actual, expected);
        if (facts.Customizable.Contains(actual.Type)) message += Messages.Format("JudgedCustomizable", actual.Type);
        if (entry.Names > 1 && entry.FileType != 'd') message += Messages.Format("JudgedNames", entry.Names);
        return message;
    }

    /// <summary>Booleans of the policy (virt.te, xen.te of the reference policy and Fedora's) that let guests use a file system as a whole.</summary>
    private string NotSupported(MountFact mount, SecurityContext actual)
    {
        var isXen = facts.Host.Hypervisor == Hypervisor.Xen;
        var boolean = mount.FileSystem switch
        {
            "nfs" or "nfs4" => isXen ? "xen_use_nfs" : "virt_use_nfs",
            "cifs" or "smb3" when !isXen => "virt_use_samba",
            ['f', 'u', 's', 'e', ..] when !isXen => "virt_use_fusefs",
            _ => null,
        };
        var type = isXen ? ImageTypes.Xen : ImageTypes.Kvm;
        return boolean is null
            ? Messages.Format("JudgedNotSupported", mount.FileSystem, mount.MountPoint, actual, type)
            : Messages.Format("JudgedNotSupportedBoolean", mount.FileSystem, mount.MountPoint, actual, type, boolean);
    }
}
