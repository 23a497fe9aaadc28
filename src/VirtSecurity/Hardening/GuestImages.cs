using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Planning;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>An image of a guest's, and what is at its path.</summary>
/// <param name="Image">Whose, and what for.</param>
/// <param name="Look">What is there; null: nobody looked, as the server of its file system gave no answer.</param>
internal sealed record FoundImage(GuestImage Image, PathLook? Look)
{
    /// <summary>Without links, as far as that is known.</summary>
    public string Path => Look?.RealPath ?? ImageName.Canonical(Image.Use.Path);

    /// <summary>It is a device, or would be if it were there.</summary>
    public bool IsDevice => Look?.Inode is { } inode ? inode.FileType is 'b' or 'c' : Path.StartsWith("/dev/", StringComparison.Ordinal);

    /// <summary>It holds what the guest writes or reads as a disk; otherwise it is firmware, a kernel and their like, which lie where their packages put them.</summary>
    public bool IsDisk => Image.Use.Role is ImageRole.Disk or ImageRole.CdRom or ImageRole.Floppy or ImageRole.Backing or ImageRole.Data or ImageRole.Mirror or ImageRole.Memory;

    /// <summary>What a guest installs from or boots: nobody has to write to it.</summary>
    public bool IsContent => Image.Use.Role is ImageRole.CdRom or ImageRole.Kernel or ImageRole.Initrd or ImageRole.DeviceTree;

    /// <summary>As evidence names it.</summary>
    public override string ToString() => $"guest {Image.Guest}: {Image.Use.Path}{(Look is not null && Look.RealPath != Image.Use.Path ? $" -> {Look.RealPath}" : "")}";
}

/// <summary>The images of a host as the rules of images and storage see them, out of the facts; each part is made when it is first wanted, and tells then what keeps it from being known.</summary>
internal sealed class GuestImages
{
    private static readonly (Hosts.ToolCall Local, Hosts.ToolCall Remote) Find = ImagePaths.Find();

    /// <summary>What the definitions name and what lies in places for images, on this host's own file systems.</summary>
    public static FactQuestion LocalPaths { get; } = FactQuestion.Run("image-paths", Find.Local with { Display = "stat IMAGE...; find /var/lib/libvirt/images /var/lib/xen/images   # and where rules and labels are those of images" });

    /// <summary>The same where a server may not answer.</summary>
    public static FactQuestion RemotePaths { get; } = FactQuestion.Run("image-paths-remote", Find.Remote with { Display = "stat IMAGE...   # on network file systems" });

    /// <summary>What running guests hold.</summary>
    public static FactQuestion GuestHolds { get; } = FactQuestion.Run("guest-holds", Tools.GuestHolds.Look() with { Display = "stat /proc/QEMU/fd/* /proc/QEMU/root/dev/*; cat /proc/*/attr/current" });

    /// <summary>Roots of mounted block devices, and the paths of the administrator's image rules.</summary>
    public static FactQuestion StoreInodes { get; } = FactQuestion.Run("store-inodes", StorePaths.Inodes() with { Display = "stat MOUNTPOINT...   # of block devices, and the paths of rules for image types" });

    /// <summary>The questions that images need.</summary>
    public static IReadOnlyList<FactQuestion> Needs { get; } = [Questions.GuestDefinitions, LocalPaths, RemotePaths];

    /// <summary>Those that their places need besides.</summary>
    public static IReadOnlyList<FactQuestion> NeedsPlaces { get; } = [.. Needs, Questions.FileContexts];

    /// <summary>Those that their mounts need besides.</summary>
    public static IReadOnlyList<FactQuestion> NeedsMounts { get; } = [.. Needs, Questions.Mounts, StoreInodes];

    private readonly HardeningFacts facts;
    private readonly Lazy<ImageDefinitions> definitions;
    private readonly Lazy<(IReadOnlyDictionary<string, PathLook> Looks, IReadOnlyList<string> Listed, IReadOnlyList<string> Problems)> paths;
    private readonly Lazy<IReadOnlyList<FoundImage>> images;
    private readonly Lazy<IReadOnlyList<MountFact>> mounts;
    private readonly Lazy<IReadOnlyDictionary<string, PathFact>> roots;
    private readonly Lazy<HostFacts> host;

    private GuestImages(HardeningFacts facts)
    {
        this.facts = facts;
        definitions = new(() => ImageDefinitions.From(facts.Read(Questions.GuestDefinitions, FactUnknown.Unless(GuestDefinitions.ReadFiles))));
        paths = new(ReadPaths);
        images = new(() => [.. Definitions.Images.Select(image => new FoundImage(image, Looks.GetValueOrDefault(image.Use.Path)))]);
        mounts = new(() => facts.Read(Questions.Mounts, FactUnknown.Unless(Mount.ReadTable)) is { Count: > 0 } all ? all : throw new FormatException("it names no mount"));
        roots = new(() => facts.Read(StoreInodes, FactUnknown.Unless(Coreutils.ReadStat)).DistinctBy(root => root.Path).ToDictionary(root => root.Path));
        host = new(() => new HostFacts(facts.Name, facts.Read(HardeningFacts.Host, HostProbe.Read), facts.Read(Questions.FileContexts, FactUnknown.Unless(SELinuxFs.ReadFact)), new HashSet<string>()));
    }

    /// <summary>What the definitions say.</summary>
    public ImageDefinitions Definitions => definitions.Value;

    /// <summary>What is at the paths that they name, and at those of <see cref="Listed"/>.</summary>
    public IReadOnlyDictionary<string, PathLook> Looks => paths.Value.Looks;

    /// <summary>The paths found in places for images.</summary>
    public IReadOnlyList<string> Listed => paths.Value.Listed;

    /// <summary>The guests' images.</summary>
    public IReadOnlyList<FoundImage> All => images.Value;

    /// <summary>What is mounted.</summary>
    public IReadOnlyList<MountFact> Mounts => mounts.Value;

    /// <summary>By path: roots of mounted block devices, and the paths of the administrator's image rules.</summary>
    public IReadOnlyDictionary<string, PathFact> Roots => roots.Value;

    /// <summary>The host with its rules for labels.</summary>
    public HostFacts Host => host.Value;

    /// <summary>The rules for labels.</summary>
    public FileContexts Contexts => Host.SELinux.FileContexts;

    /// <summary>Those of a host.</summary>
    public static GuestImages Of(Judged host) => host.Facts.Once(facts => new GuestImages(facts));

    /// <summary>Findings that begin with what keeps the images from being known: a definition that was not understood may name any.</summary>
    public Findings Begin()
    {
        var found = new Findings();
        foreach (var problem in Definitions.Problems) found.Unknown(problem.Message);
        return found;
    }

    /// <summary>The same for what is at their paths, and for what lies in places for images.</summary>
    public Findings BeginLooked()
    {
        var found = Begin();
        foreach (var problem in paths.Value.Problems) found.Unknown(problem);
        foreach (var image in All.Where(image => image.Look is null or { State: PathState.Unknown })) found.Unknown($"{image}: it could not be looked at");
        return found;
    }

    /// <summary>The mount that a path without links lies on, by its text; of mounts on one place the last.</summary>
    /// <exception cref="FormatException">None is known.</exception>
    public MountFact MountOf(string path) =>
        Mounts.Where(mount => HostPath.IsAtOrBelow(path, mount.MountPoint)).Aggregate((MountFact?)null, (best, next) => best is null || next.MountPoint.Length >= best.MountPoint.Length ? next : best)
            ?? throw new FormatException("nothing is mounted at /");

    /// <summary>
    /// The mounts made for images: those that are labelled so, or planned, or that hold images and are no directory of the system's that others use too.
    /// </summary>
    public IReadOnlyList<MountFact> ImageMounts(DeploymentPlan? plan)
    {
        var holding = All.Where(image => image.IsDisk && !image.IsDevice).Select(image => MountOf(image.Path)).Where(mount => !IsCommon(mount.MountPoint));
        var labelled = Mounts.Where(mount => ImageTypes.All.Contains(Roots.GetValueOrDefault(mount.MountPoint)?.Context?.Type) && mount.Source.StartsWith("/dev/", StringComparison.Ordinal));
        var planned = Mounts.Where(mount => plan?.Volumes.Any(volume => volume.MountPoint == mount.MountPoint) == true);
        return [.. holding.Concat(labelled).Concat(planned).GroupBy(mount => mount.MountPoint).Select(same => Mounts.Last(mount => mount.MountPoint == same.Key)).OrderBy(mount => mount.MountPoint, StringComparer.Ordinal)];
    }

    /// <summary>Whether a guest is planned to have something.</summary>
    public static bool Needed(DeploymentPlan? plan, string guest, GuestNeed need) => plan?.Guests.Any(planned => planned.Name == guest && planned.Needs.Contains(need)) == true;

    /// <summary>Directories that administrators give a file system of its own, whatever is in it.</summary>
    private static bool IsCommon(string point) => point is "/" or "/home" or "/opt" or "/root" or "/srv" or "/tmp" or "/usr" or "/var" or "/var/lib" or "/var/lib/libvirt" or "/var/lib/xen" or "/var/tmp";

    private (IReadOnlyDictionary<string, PathLook>, IReadOnlyList<string>, IReadOnlyList<string>) ReadPaths()
    {
        var local = facts.Read(LocalPaths, FactUnknown.Unless(ImagePaths.Read));
        var looks = new Dictionary<string, PathLook>(local.Looks);
        List<string> listed = [.. local.Listed], problems = [.. local.Problem.Length > 0 ? new[] { local.Problem } : []];
        // A server that gives no answer costs its own images: they are those that nobody looked at.
        if (facts.Has(RemotePaths))
        {
            var remote = facts.Read(RemotePaths, FactUnknown.Unless(ImagePaths.Read));
            foreach (var (path, look) in remote.Looks) looks[path] = look;
            listed.AddRange(remote.Listed);
            if (remote.Problem.Length > 0) problems.Add(remote.Problem);
        }
        else
        {
            problems.Add("what lies on network file systems could not be looked at");
        }

        return (looks, listed, problems);
    }
}
