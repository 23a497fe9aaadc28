using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>How guests use images: who shares one, what QEMU may find out by itself, what lies below.</summary>
internal static class ImageUseRules
{
    private const string QemuConf = "/etc/libvirt/qemu.conf";

    /// <summary>File systems that other hosts may have mounted too.</summary>
    private static readonly string[] SharedFileSystems = ["nfs", "nfs4", "cifs", "smb3", "ceph", "gfs2", "ocfs2", "lustre", "beegfs", "gpfs", "fuse.glusterfs"];

    private static readonly FactQuestion[] ConfNeeds = [Questions.LibvirtFiles, HardeningFacts.Hypervisors];

    private static Verdict NoLibvirt => Verdict.NotApplicable("the host has no libvirt");

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("IMG-05", "No two guests write to one image")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = [.. GuestImages.Needs, GuestImages.GuestHolds],
            Source = "libvirt, QEMU driver: sVirt",
            Why = "Two guests that write to one image ruin it, and each has what the other keeps there.",
            Expected = "an image that a guest writes to is another's only if all its definitions call it shareable; no other guest's QEMU has it open, nor the label that is on it",
            Judge = NoneIsSharedUnawares,
            Remedy = "Give each guest an image of its own, or, for a cluster's file system, write <shareable/> into each definition. Where two have one label, take <seclabel> out of the definitions and start both again.",
        },
        new("IMG-13", "The format of each image is declared")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = GuestImages.NeedsChains,
            Source = "libvirt knowledge base, secure usage",
            Why = "Where QEMU finds out the format, a guest with a raw disk writes a header into it that names any file of the host as its backing file.",
            Expected = "each disk has <driver type='...'/>, each backing store a format, and each image that names a backing file that one's format",
            Judge = FormatsAreDeclared,
            Remedy = "Write the format into the definition (virsh edit); into an image: qemu-img rebase -u -F FORMAT -b BACKING IMAGE, while its guest is stopped.",
        },
        new("IMG-14", "Backing files lie in the directories for images")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = GuestImages.NeedsChains,
            Source = "libvirt knowledge base, secure usage",
            Why = "The name of a backing file stands in the image, and images come from others: it may name any file of the host's.",
            Expected = "each backing file, by definition or header, in /var/lib/libvirt/images or below a directory that a rule of the administrator's gives an image type",
            Judge = BackingFilesAreInPlace,
            Remedy = "Move the backing file to a place for images and tell the image: qemu-img rebase -u -F FORMAT -b BACKING IMAGE, while its guest is stopped.",
        },
        new("IMG-15", "Guests' output goes through virtlogd")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = ConfNeeds,
            Source = "libvirt, qemu.conf",
            Why = "A guest that writes to a log file without end fills the host's disk; virtlogd turns the file over.",
            Expected = "stdio_handler is not \"file\"",
            Judge = OutputGoesThroughVirtlogd,
            Remedy = $"Take stdio_handler out of {QemuConf}, or set it to \"logd\"; it counts for guests that are started then.",
        },
        new("IMG-16", "Images on shared storage are locked")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = [.. GuestImages.Needs, Questions.Mounts, .. ConfNeeds],
            Source = "libvirt, qemu.conf and locking",
            Why = "Two hosts that share images may start the same guest twice, and both then ruin its disk.",
            Expected = "lock_manager is \"lockd\" or \"sanlock\" where images lie on a file system that other hosts may mount",
            Judge = SharedImagesAreLocked,
            Remedy = $"Set lock_manager = \"lockd\" in {QemuConf}, with its lease directory on the shared storage, on each of the hosts.",
        },
    ];

    private static Verdict OutputGoesThroughVirtlogd(Judged host)
    {
        if (!HasLibvirt(host.Facts)) return NoLibvirt;
        var conf = Conf(host.Facts, "qemu");
        return conf.Value("stdio_handler") == "file" ? Verdict.Fail("QEMU writes log files itself", conf.Line("stdio_handler")) : Verdict.Pass(conf.Value("stdio_handler") ?? "virtlogd, as libvirt has it", conf.Line("stdio_handler"));
    }

    /// <summary>One image by whatever name: a device by its number, a file by its inode.</summary>
    private static string IdentityOf(FoundImage image) => image.Look?.Inode is { } inode ? inode.FileType == 'b' ? "device " + inode.Device : "inode " + inode.Id : image.Path;

    private static Verdict NoneIsSharedUnawares(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.BeginLooked();
        foreach (var same in images.All.Where(image => image.IsDisk).GroupBy(IdentityOf))
        {
            var guests = same.GroupBy(image => image.Image.Guest).ToArray();
            var names = $"{same.First().Image.Use.Path}: {string.Join(", ", guests.Select(guest => $"guest {guest.Key}{(guest.Any(image => image.Image.IsRunning) ? " (running)" : "")}{(guest.All(image => image.Image.Use.IsReadOnly) ? " reads" : " writes")}"))}";
            var isShared = guests.Length > 1 && same.Any(image => !image.Image.Use.IsReadOnly);
            if (!isShared || same.All(image => image.Image.Use.IsShareable)) found.Right(names);
            else if (guests.Count(guest => guest.Any(image => image.Image.IsRunning)) > 1) found.Wrong(names);
            else found.Weak($"{names}; they do not run at once now");
        }

        var running = images.All.Where(image => image.Image.IsRunning && image.IsDisk && !image.Image.Use.IsReadOnly && !image.Image.Use.IsShareable && image.Look is { State: PathState.Found }).ToArray();
        if (running.Length > 0 && found.Known(() => host.Facts.Read(GuestImages.GuestHolds, FactUnknown.Unless(GuestHolds.Read))) is { } holds) JudgeProcesses(running, holds, found);
        return found.Settle("each is one guest's, or shareable", "no guest has an image");
    }

    /// <summary>What definitions do not tell: whose QEMU has an image open, or in the /dev made for it, and whose label is on it.</summary>
    private static void JudgeProcesses(IReadOnlyList<FoundImage> running, GuestHolds holds, Findings found)
    {
        var byGuest = holds.Processes.Where(process => process.Guest is not null).ToLookup(process => process.Guest!);
        foreach (var guest in running.Select(image => image.Image.Guest).Distinct().Where(guest => !byGuest.Contains(guest))) found.Unknown($"guest {guest}: it is said to run, and no QEMU of it was found");
        foreach (var same in byGuest.SelectMany(guest => guest).Where(process => process.Range is not null).GroupBy(process => process.Range!).Where(same => same.DistinctBy(process => process.Guest).Count() > 1))
            found.Wrong($"/proc/*/attr/current: {string.Join(" and ", same.Select(process => $"guest {process.Guest}").Distinct())} run with one label, {same.Key}: each may open the other's images");
        foreach (var image in running)
        {
            var inode = image.Look!.Inode!;
            var isDevice = inode.FileType == 'b';
            foreach (var other in holds.Processes.Where(process => process.Guest is not null && process.Guest != image.Image.Guest))
            {
                if (isDevice ? other.Devices.ContainsKey(inode.Device) : other.Inodes.Contains(InodeNumber.Parse(System.Text.Encoding.UTF8.GetBytes(inode.Id)))) found.Wrong($"{image}: /proc/{other.Process}: guest {other.Guest} has it too");
            }

            // A device's label is the one that its guest's process sees.
            foreach (var own in byGuest[image.Image.Guest])
            {
                var label = isDevice ? own.Devices.GetValueOrDefault(inode.Device) : inode.Context;
                var owner = label is { HasCategories: true, Range: { } range } && range != own.Range ? byGuest.SelectMany(guest => guest).FirstOrDefault(process => process.Range == range && process.Guest != own.Guest) : null;
                if (owner is not null) found.Wrong($"{image}: {label}: these are the categories of guest {owner.Guest}");
            }
        }
    }

    /// <summary>The images below which another may lie, but for those whose definition names all that does.</summary>
    private static IEnumerable<FoundImage> WithChains(GuestImages images) => images.All.Where(image =>
        image.Image.Use is { HasWholeChain: false, Format: not (null or "raw"), Role: ImageRole.Disk or ImageRole.CdRom or ImageRole.Floppy or ImageRole.Backing or ImageRole.Mirror });

    private static Verdict FormatsAreDeclared(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        foreach (var image in images.All.Where(image => image.Image.Use.Role is ImageRole.Disk or ImageRole.CdRom or ImageRole.Floppy or ImageRole.Backing or ImageRole.Mirror))
            found.Add(image.Image.Use.Format is not null, $"{image}: {image.Image.Use.Format ?? "its format is not declared"}");

        // What the definition names to the end of the chain QEMU does not ask the image for.
        var tops = WithChains(images).ToArray();
        if (tops.Length > 0 && found.Known(() => images.Chains(host.Plan)) is { } chains)
        {
            foreach (var image in tops)
            {
                var chain = chains.Walk(image.Image.Use.Path, image.Image.Use.Format);
                var undeclared = chain.Links.Where(link => link.Role == ImageRole.Backing).Select(link => link.Path).Prepend(image.Image.Use.Path)
                    .Select(path => (Path: path, Header: images.HeaderOf(path))).FirstOrDefault(link => link.Header is { Backing: { } backing, BackingFormat: null } && !backing.StartsWith("json:", StringComparison.Ordinal));
                if (undeclared.Header is { } header) found.Wrong($"{image}: the header of {undeclared.Path} names the backing file {header.Backing} and no format");
                else if (!chain.IsKnown) found.Unknown($"{image}: {NotKnown(chain)}");
            }
        }

        return found.Settle("each is", "no guest has an image");
    }

    private static Verdict BackingFilesAreInPlace(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.BeginLooked();
        foreach (var image in images.All.Where(image => image.Image.Use.Role is ImageRole.Backing && !image.IsDevice)) found.Add(images.IsInPlace(image.Path, '-', host.Plan), image.ToString());

        var tops = WithChains(images).ToArray();
        if (tops.Length > 0 && found.Known(() => images.Chains(host.Plan)) is { } chains)
        {
            foreach (var image in tops)
            {
                var chain = chains.Walk(image.Image.Use.Path, image.Image.Use.Format);
                foreach (var link in chain.Links)
                {
                    var path = images.RealPathOf(link.Path);
                    // A device is a place for images only if a definition says so.
                    var isInPlace = path.StartsWith("/dev/", StringComparison.Ordinal) ? images.All.Any(other => other.IsDevice && other.Path == path) : images.IsInPlace(path, '-', host.Plan);
                    found.Add(isInPlace, $"{image}: {link.Role} {link.Path}{(path == link.Path ? "" : $" -> {path}")}");
                }

                if (chain.Links.Count == 0 && chain.IsKnown) found.Right($"{image}: nothing is below it");
                if (!chain.IsKnown) found.Unknown($"{image}: {NotKnown(chain)}");
            }
        }

        return found.Settle("each does, as far as there are any", "no guest has a copy-on-write image");
    }

    private static string NotKnown(BackingChain chain) => $"what is below {(chain.Links.Count == 0 ? "it" : chain.Links[^1].Path)} is not known{string.Concat(chain.Problems.Select(problem => $": {problem.Problem}"))}";

    private static Verdict SharedImagesAreLocked(Judged host)
    {
        if (!HasLibvirt(host.Facts)) return NoLibvirt;
        var images = GuestImages.Of(host);
        var found = images.BeginLooked();
        var conf = Conf(host.Facts, "qemu");
        foreach (var image in images.All.Where(image => image.IsDisk && !image.IsDevice && !image.Image.Use.IsReadOnly))
        {
            var mount = images.MountOf(image.Path);
            if (SharedFileSystems.Contains(mount.FileSystem)) found.Add(conf.Value("lock_manager") is "lockd" or "sanlock", $"{image}: on {mount.FileSystem} at {mount.MountPoint}; {conf.Line("lock_manager")}");
        }

        return found.Settle("they are", "no image lies on a file system that other hosts may mount");
    }
}
