using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>What the guests of a host use: those defined, and those that run.</summary>
/// <param name="Disks">Each file, directory or device that a guest's definition names.</param>
/// <param name="Links">The devices' other names, so that any of them is recognised.</param>
internal sealed record GuestUse(IReadOnlyList<GuestDisk> Disks, DeviceLinks Links)
{
    /// <summary>Adds the questions to a batch. A definition that cannot be read or understood is an error: FactUnknown.</summary>
    public static Func<GuestUse> Ask(FactBatch batch)
    {
        var disks = batch.Ask(GuestDefinitions.Read(), FactUnknown.Unless(GuestDefinitions.ReadDisks));
        var links = batch.Ask(DeviceLinks.Find(), FactUnknown.Unless(DeviceLinks.Read));
        return () => new GuestUse(disks.Value, links.Value);
    }

    /// <summary>
    /// What guests use of these: a device by any of its names, a file, or anything at or below a directory. Empty: no guest does. A volume that
    /// is inactive has no node, so pass all names it may be written by.
    /// </summary>
    public IReadOnlyList<GuestDisk> Of(params string[] paths)
    {
        var nodes = paths.Concat(paths.Select(Links.Resolve)).Distinct().ToArray();
        return [.. Disks.Where(disk => nodes.Any(node => HostPath.IsAtOrBelow(disk.Source, node) || HostPath.IsAtOrBelow(Links.Resolve(disk.Source), node)))];
    }
}
