using VirtSecurity.Facts;
using VirtSecurity.Images;
using VirtSecurity.Planning;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

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

    /// <summary>Headers of copy-on-write images, and what is below them.</summary>
    public static FactQuestion ChainHeaders { get; } = FactQuestion.Run("image-chains", ImageChains.Look());

    /// <summary>The questions that images need.</summary>
    public static IReadOnlyList<FactQuestion> Needs { get; } = [.. GuestFiles.Needs, Questions.Processes, LocalPaths, RemotePaths];

    /// <summary>Those that the rules for labels need.</summary>
    public static IReadOnlyList<FactQuestion> NeedsContexts { get; } = [Questions.FileContexts, Questions.SELinuxConfig, Questions.SELinuxState];

    /// <summary>Those that their places need besides.</summary>
    public static IReadOnlyList<FactQuestion> NeedsPlaces { get; } = [.. Needs, .. NeedsContexts];

    /// <summary>Those that what is below them needs besides.</summary>
    public static IReadOnlyList<FactQuestion> NeedsChains { get; } = [.. NeedsPlaces, ChainHeaders];

    /// <summary>Those that their mounts need besides.</summary>
    public static IReadOnlyList<FactQuestion> NeedsMounts { get; } = [.. Needs, Questions.Mounts, StoreInodes];

    private readonly HardeningFacts facts;
    private readonly Lazy<ImageDefinitions> definitions;
    private readonly Lazy<(IReadOnlyDictionary<string, PathLook> Looks, IReadOnlyList<string> Listed, IReadOnlyList<string> Problems)> paths;
    private readonly Lazy<IReadOnlyList<FoundImage>> images;
    private readonly Lazy<IReadOnlyList<MountFact>> mounts;
    private readonly Lazy<IReadOnlyDictionary<string, PathFact>> roots;
    private readonly Lazy<SELinuxFact> selinux;
    private readonly Lazy<ImageChainsFact> chains;

    private GuestImages(HardeningFacts facts)
    {
        this.facts = facts;
        definitions = new(() => ImageDefinitions.From(GuestFiles.Read(facts)));
        paths = new(ReadPaths);
        images = new(() => [.. Definitions.Images.Select(image => new FoundImage(image, Looks.GetValueOrDefault(image.Use.Path)))]);
        mounts = new(() => facts.Read(Questions.Mounts, FactUnknown.Unless(Mount.ReadTable)) is { Count: > 0 } all ? all : throw new FormatException("it names no mount"));
        roots = new(() => facts.Read(StoreInodes, FactUnknown.Unless(Coreutils.ReadStat)).DistinctBy(root => root.Path).ToDictionary(root => root.Path));
        selinux = new(ReadSELinux);
        chains = new(() => facts.Read(ChainHeaders, FactUnknown.Unless(ImageChains.Read)));
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

    /// <summary>The state of SELinux, and the rules for labels.</summary>
    public SELinuxFact SELinux => selinux.Value;

    /// <summary>The rules for labels.</summary>
    public FileContexts Contexts => SELinux.FileContexts;

    /// <summary>The host with its rules for labels.</summary>
    public HostFacts Host => new(
        facts.Name, facts.IsOffline ? new HostProbeFact(true, true, null, facts.Hypervisor == Hypervisor.Xen, facts.Hypervisor == Hypervisor.Kvm, [], [], null) : facts.Read(HardeningFacts.Host, HostProbe.Read), SELinux, new HashSet<string>());

    /// <summary>The header of a copy-on-write image, by any path; null: it was not read, or not understood.</summary>
    public Qcow2Header? HeaderOf(string path) => chains.Value.Headers.GetValueOrDefault(RealPathOf(path))?.Header;

    /// <summary>A path without links, as far as that is known.</summary>
    public string RealPathOf(string path) => (Looks.GetValueOrDefault(path) ?? chains.Value.Looks.GetValueOrDefault(path))?.RealPath ?? ImageName.Canonical(path);

    /// <summary>Those of a host.</summary>
    public static GuestImages Of(Judged host) => host.Facts.Once(facts => new GuestImages(facts));

    /// <summary>Findings that begin with what keeps the images from being known: a definition that was not understood may name any, and so may that of a guest that runs by none.</summary>
    /// <param name="found">Findings to add to; null: new ones.</param>
    public Findings Begin(Findings? found = null)
    {
        found ??= new Findings();
        foreach (var problem in Definitions.Problems) found.Unknown(problem.Message);
        foreach (var guest in found.Known(() => GuestsWithoutDefinition().ToArray()) ?? []) found.Unknown($"{guest} runs by no definition that was read: its images are not known");
        return found;
    }

    /// <summary>The same for what is at their paths, and for what lies in places for images.</summary>
    /// <param name="found">Findings to add to; null: new ones.</param>
    public Findings BeginLooked(Findings? found = null)
    {
        found = Begin(found);
        foreach (var problem in paths.Value.Problems) found.Unknown(problem);
        // Where nobody looked at all, that has been said.
        foreach (var image in All.Where(image => facts.Has(LocalPaths) && image.Look is null or { State: PathState.Unknown })) found.Unknown($"{image}: it could not be looked at");
        return found;
    }

    /// <summary>What is below images as far as headers may be believed.</summary>
    public BackingChains Chains(DeploymentPlan? plan)
    {
        var looks = new Dictionary<string, PathLook>(chains.Value.Looks);
        foreach (var (path, look) in Looks) looks[path] = look;
        return new(looks, chains.Value.Headers, path => IsInPlace(path, '-', plan));
    }

    /// <summary>
    /// Whether a path without links lies where images belong: in the distribution's directories for them, or where a rule of the administrator's gives an image type. Where SELinux is off there are
    /// no rules: then the plan's word is enough (and SEL-01 fails).
    /// </summary>
    public bool IsInPlace(string path, char fileType, DeploymentPlan? plan) =>
        PlannedPlace.Holds(path, true, null) == true || PlannedPlace.Holds(path, false, Contexts.Lookup(path, fileType)) == true || (SELinux.Mode == SELinuxMode.Disabled && IsInPlan(path, plan) == true);

    /// <summary>Whether a path lies in a volume of the plan's; null: there is no plan.</summary>
    public static bool? IsInPlan(string path, DeploymentPlan? plan) => plan?.Volumes.Any(volume => volume.MountPoint is { } point && HostPath.IsAtOrBelow(path, point));

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

    private IEnumerable<string> GuestsWithoutDefinition()
    {
        if (facts.IsOffline) return [];
        if (facts.Hypervisor == Hypervisor.Xen)
        {
            // A guest's device model may run in a domain of its own, which has its name.
            return facts.TextOrMissing(GuestFiles.RunningDomains) is not { } list ? [] : XlList.Parse(list).Where(name => !IsDefined(name) && !(name.EndsWith("-dm", StringComparison.Ordinal) && IsDefined(name[..^3]))).Select(name => $"xl list: guest {name}");
        }

        // QEMU's arguments double a comma, and a process is known by what comes before it.
        var names = Definitions.Guests.Select(name => name.Split(',')[0]).ToHashSet();
        return facts.Read(Questions.Processes, ProcessTable.Read).Where(process => process.IsQemu && (process.Guest is null || !names.Contains(process.Guest))).Select(process => process.ToString());

        bool IsDefined(string name) => Definitions.Guests.Contains(name);
    }

    private SELinuxFact ReadSELinux()
    {
        var config = SELinuxConfig.Read(facts.Files(Questions.SELinuxConfig));
        var mode = (facts.IsOffline ? config.Mode : facts.File(Questions.SELinuxState, "/sys/fs/selinux/enforce")?.Text.Trim()) switch
        {
            "1" or "enforcing" => SELinuxMode.Enforcing,
            null or "disabled" => SELinuxMode.Disabled,
            _ => SELinuxMode.Permissive,
        };
        var files = facts.Files(Questions.FileContexts).ToDictionary(file => file.Path);
        string PathOf(string name) => $"/etc/selinux/{config.Store}/contexts/files/{name}";
        if (mode != SELinuxMode.Disabled && !files.ContainsKey(PathOf(SELinuxFs.Files[0]))) throw new FormatException($"there is no {PathOf(SELinuxFs.Files[0])}");
        return SELinuxFs.FactOf(mode, config.Store, name => files.TryGetValue(PathOf(name), out var file) ? file.Text + "\n" : "");
    }

    private (IReadOnlyDictionary<string, PathLook>, IReadOnlyList<string>, IReadOnlyList<string>) ReadPaths()
    {
        var (looks, listed, problems) = (new Dictionary<string, PathLook>(), new List<string>(), new List<string>());
        // A server that gives no answer costs its own images: they are those that nobody looked at. What a tree defines is known all the same.
        foreach (var question in new[] { LocalPaths, RemotePaths })
        {
            try
            {
                var fact = facts.Read(question, FactUnknown.Unless(ImagePaths.Read));
                foreach (var (path, look) in fact.Looks) looks[path] = look;
                listed.AddRange(fact.Listed);
                if (fact.Problem.Length > 0) problems.Add(fact.Problem);
            }
            catch (VirtException problem)
            {
                problems.Add(problem.Message);
            }
        }

        return (looks, listed, problems);
    }
}
