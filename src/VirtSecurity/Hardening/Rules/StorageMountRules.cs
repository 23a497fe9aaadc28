using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.SELinux;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>The file systems that hold images, as they are mounted now.</summary>
internal static class StorageMountRules
{
    private const string NoMounts = "no file system is mounted for images";

    private static FactQuestion FreeSpace { get; } = FactQuestion.Run("store-free-space", StorePaths.FreeSpace() with { Display = "stat -f MOUNTPOINT...   # of block devices" });

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("STO-03", "File systems for images are mounted outside the system's and people's directories")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = GuestImages.NeedsMounts,
            Source = "RHEL 5 Virtualization Guide, the storage procedure's third step",
            Why = "Below /home, /usr and their like a rule for images would open what is not an image, and the next relabel would close it.",
            Expected = $"each mounted where images may lie: in a directory of its own, or at or below {string.Join(" or ", HostPath.ImageTrees)}",
            Judge = host => Each(host, mount => (HostPath.IsImagePlace(mount.MountPoint), $"{mount.MountPoint}: {mount.Source}"), "each is"),
            Remedy = "Mount it elsewhere: in /etc/fstab, in the guests' definitions, and in the rule for its label (Set-VirtImageContext).",
        },
        new("STO-04", "File systems for images are mounted nodev, nosuid and noexec")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Medium, Needs = GuestImages.NeedsMounts,
            Source = "ComplianceAsCode mount_option_nodev_nonroot_local_partitions",
            Why = "Images are neither devices nor programs: what else comes to lie there, by an upload or a shared disk, must not become one.",
            Expected = "nodev and nosuid; noexec as well, or Warn",
            Judge = HaveLeastOptions,
            Remedy = "Mount it again with them, and write them into its line of /etc/fstab (Repair-SecureGuestVolume does both).",
            Repair = host => [.. GuestImages.Of(host).ImageMounts(host.Plan).Where(mount => MissingOptions(mount).Length > 0 && mount.Source.StartsWith("/dev/", StringComparison.Ordinal)).Select(mount => new Change(
                "remount", [Mount.Remount(mount.Source, mount.MountPoint, Without(mount.Options).Concat(VolumeProblems.LeastOptions))], Mount.HasOptions(mount.MountPoint, VolumeProblems.LeastOptions), [Mount.Remount(mount.Source, mount.MountPoint, mount.Options)]))],
        },
        new("STO-06", "File systems with images keep a label for each file")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.High, Needs = GuestImages.NeedsMounts, NeedsSELinux = true,
            Source = "RHEL 5 Virtualization Guide, the storage procedure's second step",
            Why = "Without labels of their own, images cannot be kept apart from one another, whatever the rules say.",
            Expected = "seclabel among the options in /proc/self/mountinfo; where one label for all is planned (NetworkImages), context= of an image type",
            Judge = KeepLabels,
            Remedy = "Move the images to ext4 or xfs: New-SecureGuestVolume, Move-VirtImage.",
        },
        new("STO-09", "Images do not lie on the root file system")
        {
            Category = StorageRules.Category, Severity = HardeningSeverity.Low, Needs = [.. GuestImages.NeedsMounts, FreeSpace],
            Source = "RHEL 7 Virtualization Security Guide, host security",
            Why = "An image that grows fills the file system it is on: that of the host's logs and its own state, too.",
            Expected = "each image file on a file system other than that of /",
            Judge = LieOffTheRoot,
            Remedy = "Give images a volume of their own: New-SecureGuestVolume, then Move-VirtImage.",
        },
        new("STO-10", "What is mounted later is seen by guests that run")
        {
            Category = StorageRules.Category, AppliesTo = Hypervisor.Kvm, Severity = HardeningSeverity.Low, Needs = [Questions.Mounts],
            Source = "libvirt, QEMU passthrough and its mount namespaces",
            Why = "libvirt gives each QEMU a mount namespace; where / is private, what is mounted or unmounted afterwards is not so for it, and a volume stays in use unseen.",
            Expected = "/ is mounted shared, as systemd does it",
            Judge = host =>
            {
                var root = GuestImages.Of(host).MountOf("/");
                var evidence = $"/proc/self/mountinfo: / ({root.Source}){(root.IsShared ? " shared" : " not shared")}";
                return root.IsShared ? Verdict.Pass("shared", evidence) : Verdict.Fail("the root mount is private", evidence);
            },
            Remedy = "mount --make-rshared / , before guests are started, and find out what makes it private at boot.",
        },
    ];

    private static Verdict Each(Judged host, Func<MountFact, (bool IsRight, string Evidence)> judge, string allRight)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        foreach (var mount in images.ImageMounts(host.Plan))
        {
            var (isRight, evidence) = judge(mount);
            found.Add(isRight, evidence);
        }

        return found.Settle(allRight, NoMounts);
    }

    private static string[] MissingOptions(MountFact mount) => [.. VolumeProblems.LeastOptions.Except(mount.Options)];

    /// <summary>Without what contradicts them.</summary>
    private static IEnumerable<string> Without(IEnumerable<string> options) => options.Except(VolumeProblems.LeastOptions.Select(option => option[2..])).Except(VolumeProblems.LeastOptions);

    private static Verdict HaveLeastOptions(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        foreach (var mount in images.ImageMounts(host.Plan))
        {
            var missing = MissingOptions(mount);
            var evidence = $"{mount.MountPoint}: {string.Join(',', mount.Options)}{(missing.Length > 0 ? $", without {string.Join(',', missing)}" : "")}";
            if (missing is ["noexec"]) found.Weak(evidence);
            else found.Add(missing.Length == 0, evidence);
        }

        return found.Settle("each has them", NoMounts);
    }

    private static Verdict KeepLabels(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.Begin();
        var holding = images.All.Where(image => image.IsDisk && !image.IsDevice).ToLookup(image => images.MountOf(image.Path).MountPoint, image => image.Image.Guest);
        foreach (var mount in images.ImageMounts(host.Plan).Concat(holding.Select(guests => images.MountOf(guests.Key))).DistinctBy(mount => mount.MountPoint))
        {
            var evidence = $"{mount.MountPoint}: {mount.FileSystem}, {string.Join(',', mount.SuperOptions)}";
            var isPlanned = holding[mount.MountPoint].Any() && holding[mount.MountPoint].All(guest => GuestImages.Needed(host.Plan, guest, GuestNeed.NetworkImages));
            if (mount.KeepsLabels) found.Right(evidence);
            else if (ImagePlaceRules.LabelOf(mount) is not { } label || !ImageTypes.All.Contains(label.Type)) found.Wrong($"{evidence}: no labels");
            else if (isPlanned) found.Right($"{evidence}: one label for all, as planned");
            else found.Weak($"{evidence}: one label for all");
        }

        return found.Settle("each does", "no guest has an image file, and nothing is mounted for images");
    }

    private static Verdict LieOffTheRoot(Judged host)
    {
        var images = GuestImages.Of(host);
        var found = images.BeginLooked();
        // How much is left is said where it is known; what is asked for is the file system.
        var free = host.Facts.Has(FreeSpace) ? host.Facts.Read(FreeSpace, FactUnknown.Unless(StorePaths.ReadFreeSpace)) : new Dictionary<string, long>();
        foreach (var image in images.All.Where(image => image.IsDisk && !image.IsDevice))
        {
            // The same file system may be mounted elsewhere too, as btrfs's subvolumes are.
            var (mount, root) = (images.MountOf(image.Path), images.MountOf("/"));
            found.Add(mount.Device != root.Device, $"{image}: on {mount.MountPoint}{(free.TryGetValue(mount.MountPoint, out var bytes) ? $", {bytes >> 20} MiB free" : "")}");
        }

        return found.Settle("none does", "no guest has an image file");
    }
}
