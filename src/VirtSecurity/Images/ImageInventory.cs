using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>From a host's facts to its images: every name of an image is brought together with its other names, its guests and its pool. Pure.</summary>
internal sealed class ImageInventory
{
    private readonly HostImages facts;
    private readonly Dictionary<string, (string VolumeGroup, LogicalVolumeFact Volume)> volumes = [];
    private readonly ILookup<string, GuestImage> usesByKey;
    private readonly ILookup<string, GuestImage> usesByInode;
    private readonly ILookup<string, ImageProblem> problems;
    private readonly HashSet<string> named;
    private readonly bool isEveryUseKnown;

    private ImageInventory(HostImages facts)
    {
        this.facts = facts;
        foreach (var volume in facts.Volumes)
        {
            volumes[Lvm.DevicePath(volume.VolumeGroup, volume.Name)] = (volume.VolumeGroup, volume);
            volumes[Lvm.MapperPath(volume.VolumeGroup, volume.Name)] = (volume.VolumeGroup, volume);
        }

        var chains = Chains(facts, out _);
        var below = facts.Definitions.Images.Where(HasChain).SelectMany(image => chains[(image.Use.Path, image.Use.Format)].Links.Select(link =>
            image with { Use = new ImageUse(link.Path, link.Role, link.Format) { IsReadOnly = link.Role == ImageRole.Backing || image.Use.IsReadOnly } }));
        var uses = facts.Definitions.Images.Concat(below).Distinct().ToArray();
        usesByKey = uses.ToLookup(use => KeyOf(use.Use.Path));
        usesByInode = uses.Where(use => InodeOf(use.Use.Path) is not null).ToLookup(use => InodeOf(use.Use.Path)!);
        problems = chains.Values.SelectMany(chain => chain.Problems).Distinct().ToLookup(problem => KeyOf(problem.Path), problem => problem.Problem);
        named = [.. facts.Definitions.Paths.Concat(facts.Definitions.Paths.Select(path => facts.Looks.GetValueOrDefault(path)?.RealPath ?? path)).Select(path => path.TrimEnd('/'))];
        isEveryUseKnown = facts.Definitions.Problems.Count == 0 && chains.Values.All(chain => chain.IsKnown);
    }

    /// <summary>The images, by path.</summary>
    public static IReadOnlyList<VirtImage> Find(HostImages facts)
    {
        var inventory = new ImageInventory(facts);
        var logical = facts.Definitions.Pools.Where(pool => pool.VolumeGroup is not null).Select(pool => pool.VolumeGroup!).ToHashSet();
        var named = inventory.usesByKey.SelectMany(uses => uses.Select(use => use.Use.Path))
            .Concat(facts.Listed.Where(inventory.IsImage))
            .Concat(facts.Volumes.Where(volume => logical.Contains(volume.VolumeGroup) && !facts.Volumes.Any(other => other.VolumeGroup == volume.VolumeGroup && other.Pool == volume.Name)).Select(volume => Lvm.DevicePath(volume.VolumeGroup, volume.Name)));
        return [.. named.Distinct().GroupBy(inventory.KeyOf).Select(inventory.ImageOf).OrderBy(image => image.Path, StringComparer.Ordinal)];
    }

    /// <summary>What must be looked at, and read, before all of its images can be told: nothing in the end.</summary>
    public static (IReadOnlySet<string> ToLook, IReadOnlyDictionary<string, int> ToRead) Missing(HostImages facts)
    {
        _ = Chains(facts, out var walk);
        walk.ToLook.UnionWith(facts.Definitions.Images.Select(image => image.Use.Path).Where(path => !facts.Looks.ContainsKey(path)));
        return (walk.ToLook, walk.ToRead);
    }

    private static Dictionary<(string Path, string? Format), BackingChain> Chains(HostImages facts, out BackingChains walk)
    {
        var chains = new BackingChains(facts.Looks, facts.Headers, path => facts.RuleFor(path, '-').IsPlanned == true);
        walk = chains;
        return facts.Definitions.Images.Where(HasChain).Select(image => (image.Use.Path, image.Use.Format)).Distinct().ToDictionary(top => top, top => chains.Walk(top.Path, top.Format));
    }

    private static bool HasChain(GuestImage image) => !image.Use.HasWholeChain && image.Use.Role is ImageRole.Disk or ImageRole.CdRom or ImageRole.Floppy or ImageRole.Backing or ImageRole.Mirror;

    /// <summary>What is found in a place for images may be a directory, by a link, or no image at all.</summary>
    private bool IsImage(string path) => facts.Looks[path] is { State: PathState.Found, Inode.FileType: '-' or 'b' } or { State: not PathState.Found, IsLink: true };

    /// <summary>The same for all names of one image.</summary>
    private string KeyOf(string path)
    {
        if (volumes.TryGetValue(path, out var found)) return Lvm.DevicePath(found.VolumeGroup, found.Volume.Name);
        if (!facts.Looks.TryGetValue(path, out var look)) return path;
        if (look.Inode?.FileType != 'b') return look.RealPath;
        return facts.Volumes.FirstOrDefault(volume => volume.Device == look.Inode.Device) is { } active ? Lvm.DevicePath(active.VolumeGroup, active.Name) : look.RealPath;
    }

    private string? InodeOf(string path) => facts.Looks.GetValueOrDefault(path)?.Inode?.Id;

    private VirtImage ImageOf(IGrouping<string, string> names)
    {
        var look = names.Select(name => facts.Looks.GetValueOrDefault(name)).OfType<PathLook>().OrderBy(look => look.State).FirstOrDefault();
        var volume = volumes.GetValueOrDefault(names.Key).Volume;
        var isDevice = look?.Inode?.FileType is 'b' or 'c' || volume is not null || names.Key.StartsWith("/dev/", StringComparison.Ordinal);
        // A hard link is another path to the same bytes.
        var uses = usesByKey[names.Key].Concat(look?.Inode is { FileType: '-' } inode ? usesByInode[inode.Id] : []).Distinct().ToArray();
        var path = !isDevice ? names.Key : uses.Select(use => use.Use.Path).FirstOrDefault(names.Contains) ?? names.First();
        var realPath = look?.RealPath ?? path;
        var (rule, isPlanned, ruleProblem) = facts.RuleFor(realPath, look?.Inode?.FileType ?? (isDevice ? 'b' : '-'));
        var formats = uses.Select(use => use.Use.Format).OfType<string>().Distinct().ToArray();
        var isOpen = look?.Inode is not null && facts.OpenByGuests.Contains(look.Inode.Id);
        return new VirtImage
        {
            VirtHost = facts.Host,
            Path = path,
            OtherPath = [.. names.Where(name => name != path).Order(StringComparer.Ordinal)],
            Kind = look?.Inode?.FileType switch { '-' => ImageKind.File, 'b' => ImageKind.BlockDevice, 'd' => ImageKind.Directory, null => volume is null ? null : ImageKind.BlockDevice, _ => ImageKind.Other },
            Format = formats is [var format] ? format : null,
            Size = look?.Inode?.FileType switch { '-' => look.Inode.Size, 'b' when facts.DeviceSizes.TryGetValue(look.Inode.Device, out var bytes) => bytes, _ => volume?.Size },
            Allocated = look?.Inode is { FileType: '-' } file ? file.Allocated : null,
            Guest = [.. uses.Select(use => use.Guest).Distinct().Order(StringComparer.Ordinal)],
            GuestState = uses.Length == 0 ? null : uses.Any(use => use.IsRunning) ? GuestState.Running : GuestState.Defined,
            Role = [.. uses.Select(use => use.Use.Role).Distinct().Order()],
            IsReadOnly = uses.Length == 0 ? null : uses.All(use => use.Use.IsReadOnly),
            IsShareable = uses.Any(use => use.Use.IsShareable),
            IsOrphaned = uses.Length > 0 || isOpen || names.Append(realPath).Any(IsNamed) ? false : isEveryUseKnown ? true : null,
            Pool = facts.Definitions.Pools.FirstOrDefault(pool => names.Any(name => IsIn(pool, name)) || (volume is not null && pool.VolumeGroup == volume.VolumeGroup))?.Name,
            Context = look?.Inode?.Context,
            ExpectedContext = rule?.Context,
            FileContextRule = rule?.Text,
            IsMissing = volume is not null || look?.State == PathState.Found ? false : look?.State == PathState.Missing ? true : null,
            InPlannedPlace = isDevice ? null : isPlanned,
            Problem = [.. ProblemsOf(names.Key, look, volume, formats), .. ruleProblem is null ? [] : new[] { ruleProblem }],
        };
    }

    /// <summary>A definition has the path, or a directory above it, if not as an image: such as one in QEMU's own arguments.</summary>
    private bool IsNamed(string path)
    {
        for (var end = path.Length; end >= 0; end = end == 0 ? -1 : path.LastIndexOf('/', end - 1))
        {
            if (named.Contains(path[..end])) return true;
        }

        return false;
    }

    private IEnumerable<ImageProblem> ProblemsOf(string key, PathLook? look, LogicalVolumeFact? volume, string[] formats)
    {
        if (volume is null && look?.State is null or PathState.Unknown) yield return new ImageProblem("PathUnreadable", Messages.Format("PathUnreadable"));
        if (formats.Length > 1) yield return new ImageProblem("FormatsDiffer", Messages.Format("FormatsDiffer", string.Join(", ", formats)));
        foreach (var problem in problems[key].DistinctBy(problem => problem.Message)) yield return problem;
    }

    /// <summary>Pools hold what lies directly in their directory; of a disk, its partitions.</summary>
    private static bool IsIn(StoragePool pool, string path) =>
        (pool.Target is { } target && path.Length > target.Length + 1 && path.StartsWith(target, StringComparison.Ordinal) && path[target.Length] == '/' && path.LastIndexOf('/') == target.Length
            && pool.Type is not ("disk" or "scsi" or "mpath"))
        || (pool.Disk is { } disk && path.Length > disk.Length && path.StartsWith(disk, StringComparison.Ordinal) && char.IsAsciiDigit(path[^1]) && !path[disk.Length..].Contains('/', StringComparison.Ordinal));
}
