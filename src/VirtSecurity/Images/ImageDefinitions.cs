using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>A guest's use of an image.</summary>
/// <param name="Guest">The guest's name.</param>
/// <param name="IsRunning">The guest that runs now has it; otherwise only its definition does.</param>
/// <param name="Use">What it uses, and what for.</param>
internal sealed record GuestImage(string Guest, bool IsRunning, ImageUse Use);

/// <summary>What the definitions on a host say of images.</summary>
/// <param name="Images">The images of guests.</param>
/// <param name="Paths">Every path that guests' definitions have, rather one too many: also those of directories, and in QEMU's own arguments.</param>
/// <param name="Pools">The storage pools.</param>
/// <param name="Problems">The files that were not read, or not understood, or not wholly; the others are none the worse for it.</param>
internal sealed record ImageDefinitions(IReadOnlyList<GuestImage> Images, IReadOnlySet<string> Paths, IReadOnlyList<StoragePool> Pools, IReadOnlyList<VirtException> Problems)
{
    /// <summary>The names of the guests, also of those without images.</summary>
    public IReadOnlySet<string> Guests { get; init; } = new HashSet<string>();

    /// <summary>Reads them.</summary>
    public static ImageDefinitions From(IReadOnlyList<DefinitionFile> files)
    {
        var problems = new List<VirtException>();
        var pools = files.Where(GuestDefinitions.IsPool).Select(file => Understood(file, StoragePools.Parse, problems)).OfType<StoragePool>().DistinctBy(pool => pool.Name).ToArray();
        var byName = pools.ToDictionary(pool => pool.Name);
        var guests = files.Where(file => !GuestDefinitions.IsPool(file)).Select(file => Understood(file, text => Read(file.Path, text, byName, problems), problems)).OfType<Definition>().ToArray();
        return new ImageDefinitions(
            [.. guests.SelectMany(guest => guest.Images).Distinct()], guests.SelectMany(guest => guest.Paths).Where(path => path.StartsWith('/')).ToHashSet(), pools, problems)
        { Guests = guests.Select(guest => guest.Name).OfType<string>().ToHashSet() };
    }

    private static Definition Read(string path, string text, IReadOnlyDictionary<string, StoragePool> pools, List<VirtException> problems)
    {
        switch (GuestDefinitions.KindOf(path))
        {
            case DefinitionKind.Libvirt:
                var domain = DomainXml.Parse(text);
                return Of(domain.Name, path.StartsWith("/run/", StringComparison.Ordinal), domain.Images(pools), domain.Paths(pools));
            case DefinitionKind.Libxl:
                var running = LibxlDomain.Parse(text);
                return Of(running.Name, true, running.Images, []);
            case DefinitionKind.Xend:
                var managed = XendDomain.Parse(text);
                return Of(managed.Name, false, managed.Images, managed.Paths);
            default:
                var config = XlConfig.Parse(text);
                // /etc/xen holds other files too. One that is for xl by its name or place, or speaks of a guest or of paths and is no script, is a definition.
                var isDefinition = path.EndsWith(".cfg", StringComparison.Ordinal) || path.StartsWith("/etc/xen/auto/", StringComparison.Ordinal) || config.IsGuest || (config.Paths.Any() && !text.StartsWith("#!", StringComparison.Ordinal));
                if (isDefinition && config.Problems.Count > 0) problems.Add(new VirtException("DefinitionNotUnderstood", path, string.Join("; ", config.Problems)));
                return isDefinition ? Of(config.Name ?? Path.GetFileNameWithoutExtension(path), false, config.Images, config.Paths) : new Definition(null, [], []);
        }
    }

    private static Definition Of(string guest, bool isRunning, IEnumerable<ImageUse> images, IEnumerable<string> paths) =>
        new(guest, [.. images.Select(image => new GuestImage(guest, isRunning, image))], [.. paths]);

    private static T? Understood<T>(DefinitionFile file, Func<string, T> parse, List<VirtException> problems)
        where T : class
    {
        try
        {
            return parse(file.Text ?? throw new FormatException(file.Reason));
        }
        catch (FormatException problem)
        {
            problems.Add(new VirtException(problem, "DefinitionNotUnderstood", file.Path, problem.Message));
            return null;
        }
    }

    private sealed record Definition(string? Name, IReadOnlyList<GuestImage> Images, IReadOnlyList<string> Paths);
}
