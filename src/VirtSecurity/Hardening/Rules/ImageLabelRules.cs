using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Planning;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Images have the labels that the rules give them, and no label opens one to other guests.</summary>
internal static class ImageLabelRules
{
    /// <summary>The type of a running guest's images; without categories every guest has them.</summary>
    internal const string GuestsType = "svirt_image_t";

    /// <summary>Where packages put kernels and media of their own.</summary>
    private static readonly string[] SystemsTrees = ["/usr", "/boot"];

    private static readonly IReadOnlyList<FactQuestion> LabelNeeds = [.. GuestImages.NeedsPlaces, Questions.Mounts, GuestImages.GuestHolds];

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("IMG-02", "The rules give images and their directories an image type")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.High, Needs = [.. GuestImages.NeedsPlaces, Questions.Mounts], NeedsSELinux = true,
            Source = "RHEL 5 Virtualization Guide, the storage procedure's fifth step",
            Why = "A label that no rule gives is lost with the next relabel, and a new image in that directory never has it.",
            Expected = "for each directory with image files the rules give it and a file in it virt_image_t (xen_image_t under Xen; virt_content_t for media)",
            Judge = DirectoriesAreRuled,
            Remedy = "Give the directory a rule: Set-VirtImageContext -Path DIRECTORY -Recurse.",
        },
        new("IMG-03", "Images are labelled as the rules have it")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.High, Needs = LabelNeeds, NeedsSELinux = true,
            Source = "RHEL 5 Virtualization Guide, the storage procedure's sixth step",
            Why = "A wrong label keeps the guest from its image, or lets others have it.",
            Expected = "each image's label as the rules give it; a running guest's with that guest's categories, a device at rest fixed_disk_device_t",
            Judge = LabelsAreRight,
            Remedy = "Get-VirtImage | Set-VirtImageContext: it labels the images listed and leaves those that a running guest holds.",
        },
        new("IMG-04", "No image keeps the categories of a guest that is gone")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = LabelNeeds, NeedsSELinux = true,
            Source = "SELinux Notebook, virtual machine support",
            Why = "Another guest may be given the same categories by chance, and then has the image.",
            Expected = "categories only on what a running guest has open or has in its definition",
            Judge = host =>
            {
                var (images, found) = Begin(host);
                foreach (var image in Labelled(host, images, found)) found.Add(!image.IsLeftBehind, $"{image}: {image.Judgement.Context}");
                return found.Settle("none", "there is no image");
            },
            Remedy = "Get-VirtImage | Set-VirtImageContext gives them the label at rest.",
        },
        new("IMG-11", "Media and kernels are labelled as content that guests only read")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = GuestImages.NeedsPlaces, NeedsSELinux = true,
            Source = "SELinux reference policy virt.fc",
            Why = "What many guests read and one may write carries that one's will to the others.",
            Expected = "the rules give media, kernels and RAM disks virt_content_t, but for those of the system's own in /usr and /boot",
            Judge = host =>
            {
                var images = GuestImages.Of(host);
                var found = images.BeginLooked();
                foreach (var image in images.All.Where(image => image.IsContent && !image.IsDevice))
                {
                    // What lies with the system's own files has the system's types, and guests may read those.
                    if (SystemsTrees.Any(tree => HostPath.IsAtOrBelow(image.Path, tree))) continue;
                    var type = images.Contexts.Lookup(image.Path, '-')?.Context?.Type;
                    found.Add(type == ImageTypes.Content, $"{image}: {type ?? "no label"}");
                }

                return found.Settle("all of it", "no guest has a medium or a kernel of its own");
            },
            Remedy = $"Keep them in /var/lib/libvirt/isos or /var/lib/libvirt/boot, or give their directory a rule: Set-VirtImageContext -SELinuxType {ImageTypes.Content}.",
        },
        new("IMG-17", "Nothing on a KVM host is labelled for Xen's guests")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = LabelNeeds, NeedsSELinux = true,
            Source = "SELinux reference policy virt.te",
            Why = "The policy lets every KVM guest read and write xen_image_t, whatever its categories are.",
            Expected = "no image and no rule of the administrator's with xen_image_t",
            Judge = host =>
            {
                var (images, found) = Begin(host);
                foreach (var image in Labelled(host, images, found)) found.Add(image.Judgement.Context?.Type != ImageTypes.Xen, $"{image}: {image.Judgement.Context}");
                JudgeLocalRules(images, found, ImageTypes.Xen);
                return found.Settle("nothing", "");
            },
            Remedy = "Give the rule and the images virt_image_t: Set-VirtImageContext.",
        },
        new("IMG-18", "Only what is planned to be shared is labelled for all guests")
        {
            Category = ImageRules.Category, Severity = HardeningSeverity.Medium, Needs = LabelNeeds, NeedsSELinux = true,
            Source = "libvirt, QEMU driver: sVirt",
            Why = "svirt_image_t without categories is every guest's to write.",
            Expected = "svirt_image_t:s0 on no image and in no rule, but for disks that a definition calls shareable and whose guests' needs in the plan have SharedDisk",
            Judge = SharedIsPlanned,
            Remedy = "Take <shareable/> out of the definitions, or write SharedDisk among the guests' needs in the plan; give the image back its label: Set-VirtImageContext.",
        },
    ];

    private static (GuestImages Images, Findings Found) Begin(Judged host)
    {
        var images = GuestImages.Of(host);
        return (images, images.BeginLooked());
    }

    /// <summary>What guests have and what lies in places for images, each inode by one of its paths, with the verdict on its label. What has none is a finding.</summary>
    private static IEnumerable<LabelledImage> Labelled(Judged host, GuestImages images, Findings found)
    {
        var holds = host.Facts.Read(GuestImages.GuestHolds, FactUnknown.Unless(GuestHolds.Read));
        var verdict = new ImageVerdict(new LabelFacts(images.Host, holds, new MountPlaces(images.Mounts), new HashSet<string>()), isStrict: false);
        var users = images.All.ToLookup(image => image.Path);
        foreach (var look in images.All.Select(image => image.Look).Concat(images.Listed.Select(path => images.Looks[path])).OfType<PathLook>().Where(look => look is { State: PathState.Found, Inode.FileType: '-' or 'b' }).DistinctBy(look => look.RealPath))
        {
            if (look.Inode!.Context is null)
            {
                found.Unknown($"{look.RealPath}: its label could not be read");
                continue;
            }

            var entry = new TreeEntry(look.RealPath, look.Inode.FileType, look.Inode.Context, InodeNumber.Parse(System.Text.Encoding.UTF8.GetBytes(look.Inode.Id)), 1);
            var device = look.Inode.FileType == 'b' ? look.Inode.Device : null;
            yield return new(look.RealPath, verdict.Of(look.RealPath, entry, device), [.. users[look.RealPath]], holds.Inodes.ContainsKey(entry.Inode) || (device is not null && holds.Devices.ContainsKey(device)));
        }
    }

    private static void JudgeLocalRules(GuestImages images, Findings found, string type)
    {
        var rules = images.Contexts.Rules.Where(rule => rule.Source == RuleSource.Local && rule.Context?.Type == type).ToArray();
        foreach (var rule in rules) found.Wrong($"{rule.File}:{rule.Line}: {rule.Text}");
        if (rules.Length == 0) found.Right($"file_contexts.local: no rule gives {type}");
    }

    private static Verdict DirectoriesAreRuled(Judged host)
    {
        var (images, found) = Begin(host);
        foreach (var (directory, image) in images.All.Where(image => image.IsDisk && !image.IsDevice).Select(image => (Path.GetDirectoryName(image.Path)!, image)).DistinctBy(pair => pair.Item1))
        {
            // One label for all of it: nothing that a rule could give. IMG-12 is about it.
            if (!images.MountOf(image.Path).KeepsLabels) continue;
            var rule = images.Contexts.Lookup(directory, 'd');
            var types = new[] { rule?.Context?.Type, images.Contexts.Lookup($"{directory}/image", '-')?.Context?.Type };
            found.Add(types.All(images.Host.IsImageType), $"{directory}: {string.Join(", in it ", types.Select(type => type ?? "no label").Distinct())}{(rule is null ? "" : $" ({rule.File}:{rule.Line})")}");
        }

        return found.Settle("each directory has one", "no guest has an image file where labels are kept");
    }

    private static Verdict LabelsAreRight(Judged host)
    {
        var (images, found) = Begin(host);
        foreach (var image in Labelled(host, images, found))
        {
            var (judged, label) = (image.Judgement, $"{image}: {image.Judgement.Context}");
            if (image.IsLeftBehind)
            {
                found.Wrong(judged is { Verdict: ContextVerdict.StaleCategories, Message: { } words } ? words : $"{label}: categories, and no running guest has it");
                continue;
            }

            switch (judged)
            {
                case { IsCompliant: true }: found.Right(label); break;
                case { Verdict: ContextVerdict.WrongType } when image.IsAsLibvirtLeavesIt: found.Right($"{label}, as libvirt leaves it"); break;
                // A medium that no guest has now may be one that libvirt has given so; a disk would be open to all guests' eyes.
                case { Verdict: ContextVerdict.WrongType, Context.Type: ImageTypes.Content } when image.Users.Count == 0 && ImageTypes.All.Contains(judged.Rule?.Context?.Type): found.Weak(judged.Message ?? label); break;
                // Neither right nor wrong: IMG-12 is about it.
                case { Verdict: ContextVerdict.NotSupported }: break;
                // As the rules have it, if not as they should: IMG-02 is about it.
                case { Verdict: ContextVerdict.NoRule } when judged.Rule?.Context?.Type == judged.Context?.Type: break;
                case { IsCompliant: false }: found.Wrong(judged.Message ?? label); break;
                default: found.Unknown($"{label}: {judged.Message}"); break;
            }
        }

        return found.Settle("each is as the rules have it", "there is no image for which rules give a label");
    }

    private static Verdict SharedIsPlanned(Judged host)
    {
        var (images, found) = Begin(host);
        foreach (var image in Labelled(host, images, found))
        {
            var label = $"{image}: {image.Judgement.Context}";
            if (image.Judgement.Context is not { Type: GuestsType, HasCategories: false }) found.Right(label);
            else if (image.Users.Count == 0 || !image.Users.All(user => user.Image.Use.IsShareable)) found.Wrong($"{label}, and it is not shareable");
            else if (image.Users.All(user => GuestImages.Needed(host.Plan, user.Image.Guest, GuestNeed.SharedDisk))) found.Right($"{label}, as planned");
            else if (host.Plan is null) found.Weak($"{label}: shareable, but without a plan nobody has accepted it");
            else found.Wrong($"{label}, and its guests' needs in the plan have no SharedDisk");
        }

        JudgeLocalRules(images, found, GuestsType);
        return found.Settle("nothing else is", "");
    }

    /// <summary>An inode, what is to be said of its label, the images of guests that it is, and whether a guest's process has it.</summary>
    private sealed record LabelledImage(string Path, Judgement Judgement, IReadOnlyList<FoundImage> Users, bool IsOpen)
    {
        /// <summary>Its categories are a guest's that does not have it, or that is gone; that another guest, or a container, has the same ones now makes it no better.</summary>
        public bool IsLeftBehind => Judgement.Verdict == ContextVerdict.StaleCategories || (Judgement is { Verdict: ContextVerdict.RunningGuest, Context.HasCategories: true } && !IsOpen && !Users.Any(user => user.Image.IsRunning));

        /// <summary>
        /// libvirt does not take back what it gives to images that guests only read, or share: others may still use them (src/security/security_selinux.c). Who may do what with them stays
        /// the same, and IMG-18 is about those that are shared.
        /// </summary>
        public bool IsAsLibvirtLeavesIt => Users.Count > 0 && Judgement.Context is { HasCategories: false, Type: var type }
            && ((type == ImageTypes.Content && Users.All(user => user.Image.Use.IsReadOnly)) || (type == GuestsType && Users.All(user => user.Image.Use.IsShareable)));

        public override string ToString() => Users.Count == 0 ? Path : $"{string.Join(", ", Users.Select(user => $"guest {user.Image.Guest}").Distinct())}: {Path}";
    }
}
