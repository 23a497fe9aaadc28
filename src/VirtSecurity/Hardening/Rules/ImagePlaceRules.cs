using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Planning;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Images lie where only guests reach them.</summary>
internal static class ImagePlaceRules
{
    /// <summary>Directories of people, and those that everybody writes to.</summary>
    private static readonly string[] PeoplesTrees = ["/home", "/root", "/tmp", "/var/tmp"];

    private static FactQuestion Access { get; } = FactQuestion.Run("image-access", ImageAccess.Look());

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("IMG-01", "Images lie in the directories made for them")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.High, Needs = GuestImages.NeedsPlaces,
            Source = "RHEL 5 and RHEL 7 Virtualization Security Guides, host security",
            Why = "Elsewhere an image has another label, other readers, and nobody who thinks of it when the policy or the disk is changed.",
            Expected = "each image file in /var/lib/libvirt/images or /var/lib/xen/images, or below a directory that a rule of the administrator's gives an image type and that the plan, if there is one, names; media also where the policy has virt_content_t",
            Judge = LieInTheirPlaces,
            Remedy = "Move the image there (Move-VirtImage), or make the place one for images: New-SecureGuestVolume, Set-VirtImageContext, and a volume in the plan.",
        },
        new("IMG-09", "Nobody but QEMU and root reads or exchanges images")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.Medium, Needs = [.. GuestImages.Needs, Access],
            Source = "libvirt, QEMU driver: access to files",
            Why = "Who reads an image has the guest's secrets, who writes it has the guest, and who may write to its directory exchanges it; where QEMU cannot pass, people open more than they need.",
            Expected = "images of root's or QEMU's user with nothing for others (media may be read); their directories not listed or written by others; each directory above searchable by QEMU and written by root alone",
            Judge = AreClosedToOthers,
            Remedy = "chmod 0600 (or 0660) the image and give it to root; chmod 0711 its directory; chmod o-w what is above.",
        },
        new("IMG-10", "No image lies in a home or a temporary directory")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.Medium, Needs = GuestImages.Needs,
            Source = "RHEL 5 Virtualization Guide, SELinux considerations; virt-manager issue 335",
            Why = "To let a guest in there, a home must be opened to QEMU; and whoever owns the directory owns the image.",
            Expected = $"none below {string.Join(", ", PeoplesTrees)}",
            Judge = host =>
            {
                var images = GuestImages.Of(host);
                var found = images.BeginLooked();
                foreach (var image in images.All.Where(image => !image.IsDevice)) found.Add(!PeoplesTrees.Any(tree => HostPath.IsAtOrBelow(image.Path, tree) || HostPath.IsAtOrBelow(image.Image.Use.Path, tree)), image.ToString());
                return found.Settle("none", "no guest has an image file");
            },
            Remedy = "Move the image to a place for images: Move-VirtImage.",
        },
        new("IMG-12", "Images without labels of their own are planned so")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.Medium, Needs = [.. GuestImages.NeedsMounts, SELinuxBooleanRules.Booleans], NeedsSELinux = true,
            Source = "libvirt, QEMU driver: sVirt; RHEL 5 Virtualization Guide",
            Why = "On NFS, CIFS and VFAT all files have one label: what lets one guest in lets every guest in, to every image there.",
            Expected = "mounted with context= of an image type, or the policy's boolean for that file system on; and the plan's guests with such images need NetworkImages",
            Judge = LossOfLabelsIsPlanned,
            Remedy = "Mount it with context=system_u:object_r:virt_image_t:s0 (xen_image_t under Xen) and write NetworkImages among the guest's needs in the plan; or move the image to a file system that keeps labels.",
        },
    ];

    private static Verdict LieInTheirPlaces(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        foreach (var image in images.All.Where(image => image.IsDisk && !image.IsDevice))
        {
            // By the text of its name alone a path may lead anywhere.
            if (image.Look is null or { State: PathState.Unknown })
            {
                found.Unknown($"{image}: where it leads could not be looked at");
                continue;
            }

            var isRuled = images.IsInPlace(image.Path, image.Look.Inode?.FileType ?? '-', host.Plan);
            // Where the policy itself keeps what guests only read.
            var isContent = !isRuled && image.IsContent && images.Contexts.Lookup(image.Path, '-')?.Context?.Type == ImageTypes.Content;
            var isLeftOut = isRuled && PlannedPlace.Holds(image.Path, true, null) != true && GuestImages.IsInPlan(image.Path, host.Plan) == false;
            found.Add((isRuled || isContent) && !isLeftOut, isLeftOut ? $"{image}: the plan names no volume there" : isRuled || isContent ? image.ToString() : $"{image}: no rule makes it a place for images");
        }

        return found.Settle("each is where images belong", "no guest has an image file");
    }

    private static Verdict AreClosedToOthers(Judged host)
    {
        var images = GuestImages.Of(host);
        var isKvm = host.Facts.Hypervisor != Hypervisor.Xen;
        var found = images.BeginLooked();
        if (found.Known(() => host.Facts.Read(Access, FactUnknown.Unless(ImageAccess.Read))) is not { } access) return found.Settle("", "");
        long[] owners = [0, .. isKvm && access.QemuUser is { } user ? [user] : Array.Empty<long>()];
        long[] groups = [0, .. isKvm ? access.QemuGroups : []];
        if (isKvm && access.QemuUser is null && images.All.Any(image => !image.IsDevice)) found.Unknown("id: whom QEMU runs as is not known, and so not where it can pass");
        foreach (var image in images.All.Where(image => (image.IsDisk || image.IsContent) && image.Look is { State: PathState.Found }))
        {
            if (!access.Entries.TryGetValue(image.Path, out var entry))
            {
                found.Unknown($"{image}: whose it is could not be looked at");
                continue;
            }

            var readable = image.IsContent ? UnixFileMode.None : UnixFileMode.OtherRead;
            var isClosed = (entry.Mode & (UnixFileMode.OtherWrite | readable)) == 0 && (image.IsDevice || owners.Contains(entry.Owner)) && (image.IsDevice || !entry.Mode.HasFlag(UnixFileMode.GroupWrite) || groups.Contains(entry.Group));
            found.Add(isClosed, $"{image}: {entry}");
            if (image.IsDevice) continue;
            var above = HostPath.Chain(image.Path).SkipLast(1).ToArray();
            foreach (var directory in above) JudgeDirectory(directory, directory == above[^1] && image.IsDisk && !image.IsContent);
        }

        return found.Settle("each is closed to others", "no guest has an image");

        void JudgeDirectory(string path, bool holdsImages)
        {
            if (!access.Entries.TryGetValue(path, out var entry))
            {
                found.Unknown($"{path}: whose it is could not be looked at");
                return;
            }

            // In a directory with the sticky bit, such as /tmp, others still cannot exchange what is not theirs; what lies there is IMG-10's.
            var isForeign = entry.Mode.HasFlag(UnixFileMode.OtherWrite) && !entry.Mode.HasFlag(UnixFileMode.StickyBit);
            var isGroups = entry.Mode.HasFlag(UnixFileMode.GroupWrite) && !groups.Contains(entry.Group);
            if (isForeign || isGroups || !owners.Contains(entry.Owner)) found.Wrong($"{path}: {entry}: others than root may exchange what is in it");
            else if (holdsImages && entry.Mode.HasFlag(UnixFileMode.OtherRead)) found.Wrong($"{path}: {entry}: others may list it");
            else if (isKvm && access.QemuUser is { } qemu && qemu != 0 && !entry.IsSearchableBy(qemu, access.QemuGroups)) found.Wrong($"{path}: {entry}: QEMU's user {qemu} cannot pass");
            else found.Right($"{path}: {entry}");
        }
    }

    private static Verdict LossOfLabelsIsPlanned(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.BeginLooked();
        foreach (var image in images.All.Where(image => !image.IsDevice))
        {
            var mount = images.MountOf(image.Path);
            if (mount.KeepsLabels) continue;
            var boolean = BooleanOf(mount.FileSystem, host.Facts.Hypervisor == Hypervisor.Xen);
            var isOpened = LabelOf(mount) is { } label ? ImageTypes.All.Contains(label.Type) : boolean is not null && host.Facts.Read(SELinuxBooleanRules.Booleans, SELinuxBooleans.ReadValues).TryGetValue(boolean, out var value) && value.IsOn;
            var where = $"{image}: on {mount.FileSystem} at {mount.MountPoint}";
            if (!isOpened) found.Wrong($"{where}, without context= of an image type{(boolean is null ? "" : $" and with {boolean} off")}");
            else if (GuestImages.Needed(host.Plan, image.Image.Guest, GuestNeed.NetworkImages)) found.Right($"{where}, as planned");
            else if (host.Plan is null) found.Weak($"{where}: without a plan nobody has accepted that its guests are not kept apart");
            else found.Wrong($"{where}: the plan's guest does not need NetworkImages");
        }

        return found.Settle("as planned", "no image lies on a file system without labels");
    }

    /// <summary>The one label that a mount gives all its files; null: none.</summary>
    internal static SecurityContext? LabelOf(MountFact mount) =>
        mount.SuperOptions.Concat(mount.Options).FirstOrDefault(option => option.StartsWith("context=", StringComparison.Ordinal)) is { } option ? SecurityContext.Parse(option["context=".Length..].Trim('"')) : null;

    /// <summary>The policy's boolean that lets guests use a file system as a whole (virt.te, xen.te); null: there is none.</summary>
    private static string? BooleanOf(string fileSystem, bool isXen) => fileSystem switch
    {
        "nfs" or "nfs4" => isXen ? "xen_use_nfs" : "virt_use_nfs",
        "cifs" or "smb3" when !isXen => "virt_use_samba",
        ['f', 'u', 's', 'e', ..] when !isXen => "virt_use_fusefs",
        _ => null,
    };
}
