using System.Text.RegularExpressions;
using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>How guests use images: who shares one, what QEMU may find out by itself, what lies below.</summary>
internal static partial class ImageUseRules
{
    private const string QemuConf = "/etc/libvirt/qemu.conf";

    /// <summary>File systems that other hosts may have mounted too.</summary>
    private static readonly string[] SharedFileSystems = ["nfs", "nfs4", "cifs", "smb3", "ceph", "gfs2", "ocfs2", "lustre", "beegfs", "gpfs", "fuse.glusterfs"];

    private static FactQuestion Headers { get; } = FactQuestion.Run("declared-headers", DeclaredHeaders.Look());

    /// <summary>Two settings of it: others are passwords.</summary>
    private static FactQuestion Settings { get; } = FactQuestion.Files("qemu-conf-images", QemuConf) with { Reduce = @"/^[[:space:]]*\(stdio_handler\|lock_manager\)[[:space:]]*=/!d" };

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("IMG-05", "No two guests write to one image")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = GuestImages.Needs,
            Source = "libvirt, QEMU driver: sVirt",
            Why = "Two guests that write to one image ruin it, and each has what the other keeps there.",
            Expected = "an image that a guest writes to is another's only if all its definitions call it shareable",
            Judge = NoneIsSharedUnawares,
            Remedy = "Give each guest an image of its own, or, for a cluster's file system, write <shareable/> into each definition.",
        },
        new("IMG-13", "The format of each image is declared")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.High, Needs = [.. GuestImages.Needs, Headers],
            Source = "libvirt knowledge base, secure usage",
            Why = "Where QEMU finds out the format, a guest with a raw disk writes a header into it that names any file of the host as its backing file.",
            Expected = "each disk has <driver type='...'/>, each backing store a format, and each image that names a backing file that one's format",
            Judge = FormatsAreDeclared,
            Remedy = "Write the format into the definition (virsh edit); into an image: qemu-img rebase -u -F FORMAT -b BACKING IMAGE, while its guest is stopped.",
        },
        new("IMG-14", "Backing files lie in the directories for images")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Medium, Needs = [.. GuestImages.NeedsPlaces, Headers],
            Source = "libvirt knowledge base, secure usage",
            Why = "The name of a backing file stands in the image, and images come from others: it may name any file of the host's.",
            Expected = "each backing file, by definition or header, in /var/lib/libvirt/images or below a directory that a rule of the administrator's gives an image type",
            Judge = BackingFilesAreInPlace,
            Remedy = "Move the backing file to a place for images and tell the image: qemu-img rebase -u -F FORMAT -b BACKING IMAGE, while its guest is stopped.",
        },
        new("IMG-15", "Guests' output goes through virtlogd")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = [Settings],
            Source = "libvirt, qemu.conf",
            Why = "A guest that writes to a log file without end fills the host's disk; virtlogd turns the file over.",
            Expected = "stdio_handler is not \"file\"",
            Judge = OutputGoesThroughVirtlogd,
            Remedy = $"Take stdio_handler out of {QemuConf}, or set it to \"logd\"; it counts for guests that are started then.",
        },
        new("IMG-16", "Images on shared storage are locked")
        {
            Category = ImageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = [.. GuestImages.Needs, Questions.Mounts, Settings],
            Source = "libvirt, qemu.conf and locking",
            Why = "Two hosts that share images may start the same guest twice, and both then ruin its disk.",
            Expected = "lock_manager is \"lockd\" or \"sanlock\" where images lie on a file system that other hosts may mount",
            Judge = SharedImagesAreLocked,
            Remedy = $"Set lock_manager = \"lockd\" in {QemuConf}, with its lease directory on the shared storage, on each of the hosts.",
        },
    ];

    private static Verdict NoConf => Verdict.NotApplicable($"there is no {QemuConf}: libvirt runs no QEMU here");

    /// <summary>A setting of qemu.conf's, null where it is left to the default, and where that was seen, null where there is no such file. The last line counts.</summary>
    private static (string? Value, string? Evidence) Setting(Judged host, string name)
    {
        if (host.Facts.File(Settings, QemuConf) is not { } file) return (null, null);
        var value = file.Lines.Select(line => SettingLine().Match(line)).LastOrDefault(match => match.Success && match.Groups["name"].Value == name)?.Groups["value"].Value;
        return (value, $"{QemuConf}: {name} {(value is null ? "is not set" : $"= \"{value}\"")}");
    }

    private static Verdict OutputGoesThroughVirtlogd(Judged host)
    {
        var (value, evidence) = Setting(host, "stdio_handler");
        if (evidence is null) return NoConf;
        return value == "file" ? Verdict.Fail("QEMU writes log files itself", evidence) : Verdict.Pass(value ?? "virtlogd, by default", evidence);
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

        return found.Settle("each is one guest's, or shareable", "no guest has an image");
    }

    private static Verdict FormatsAreDeclared(Judged host)
    {
        var images = GuestImages.Of(host);
        var headers = host.Facts.Read(Headers, FactUnknown.Unless(Qcow2.ReadHeaders));
        var found = images.Begin();
        foreach (var image in images.All.Where(image => image.Image.Use.Role is ImageRole.Disk or ImageRole.CdRom or ImageRole.Floppy or ImageRole.Backing or ImageRole.Mirror))
        {
            var format = image.Image.Use.Format;
            found.Add(format is not null, $"{image}: {format ?? "its format is not declared"}");
            // What the definition names to the end of the chain QEMU does not ask the image for.
            if (format is not ("qcow2" or "qcow") || image.Image.Use.HasWholeChain || image.IsDevice) continue;
            if (!headers.TryGetValue(image.Path, out var answer) || answer.Header is not { } header) found.Unknown($"{image}: its header is not known{(answer is null ? "" : $": {answer.Reason}")}");
            else if (header is { Backing: { } backing, BackingFormat: null }) found.Add(backing.StartsWith("json:", StringComparison.Ordinal), $"{image}: its header names the backing file {backing} and no format");
        }

        return found.Settle("each is", "no guest has an image");
    }

    private static Verdict BackingFilesAreInPlace(Judged host)
    {
        var images = GuestImages.Of(host);
        var headers = host.Facts.Read(Headers, FactUnknown.Unless(Qcow2.ReadHeaders));
        var found = images.BeginLooked();
        bool IsPlanned(string path) => PlannedPlace.Holds(path, false, images.Contexts.Lookup(path, '-')) == true;
        foreach (var image in images.All.Where(image => image.Image.Use.Role is ImageRole.Backing && !image.IsDevice)) found.Add(IsPlanned(image.Path), image.ToString());

        var chains = new BackingChains(images.Looks, headers, IsPlanned);
        foreach (var image in images.All.Where(image => image.Image.Use is { Format: "qcow2" or "qcow", HasWholeChain: false } && image is { IsDisk: true, IsDevice: false }))
        {
            var chain = chains.Walk(image.Image.Use.Path, image.Image.Use.Format);
            foreach (var link in chain.Links)
            {
                var path = images.Looks.GetValueOrDefault(link.Path)?.RealPath ?? ImageName.Canonical(link.Path);
                if (!link.Path.StartsWith("/dev/", StringComparison.Ordinal)) found.Add(IsPlanned(path), $"{image}: {link.Role} {link.Path}");
            }

            if (chain.Links.Count == 0 && chain.IsKnown) found.Right($"{image}: nothing is below it");
            // One round trip reads the headers of what definitions declare, and no more: what lies deeper is not known.
            if (!chain.IsKnown) found.Unknown($"{image}: what is below {(chain.Links.Count == 0 ? "it" : chain.Links[^1].Path)} is not known{string.Concat(chain.Problems.Select(problem => $": {problem.Problem}"))}");
        }

        return found.Settle("each does, as far as there are any", "no guest has a copy-on-write image");
    }

    private static Verdict SharedImagesAreLocked(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        var (value, evidence) = Setting(host, "lock_manager");
        if (evidence is null) return NoConf;
        foreach (var image in images.All.Where(image => image.IsDisk && !image.IsDevice && !image.Image.Use.IsReadOnly))
        {
            var mount = images.MountOf(image.Path);
            if (SharedFileSystems.Contains(mount.FileSystem)) found.Add(value is "lockd" or "sanlock", $"{image}: on {mount.FileSystem} at {mount.MountPoint}; {evidence}");
        }

        return found.Settle("they are", "no image lies on a file system that other hosts may mount");
    }

    [GeneratedRegex("""^\s*(?<name>[a-z_]+)\s*=\s*["']?(?<value>[^"'#]*?)["']?\s*(#.*)?$""", RegexOptions.ExplicitCapture)]
    private static partial Regex SettingLine();
}
