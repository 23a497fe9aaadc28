namespace VirtSecurity.Storage;

/// <summary>Which volumes are asked for: each part is a list of names, any of which will do; an empty one asks nothing. Linux names: case counts.</summary>
internal sealed class VolumeFilter
{
    private readonly (Func<SecureGuestVolume, string?> Of, IReadOnlyList<string> Asked)[] parts;
    private readonly Func<string, bool> isWild;
    private readonly Func<string, string, bool> matches;

    /// <summary>A filter.</summary>
    /// <param name="volumeGroup">Names of volume groups.</param>
    /// <param name="name">Names of logical volumes.</param>
    /// <param name="mountPoint">Mount points.</param>
    /// <param name="devicePath">Devices.</param>
    /// <param name="isWild">Whether a name has a wildcard.</param>
    /// <param name="matches">Whether a name with wildcards, the first, matches the second.</param>
    public VolumeFilter(
        IReadOnlyList<string> volumeGroup, IReadOnlyList<string> name, IReadOnlyList<string> mountPoint, IReadOnlyList<string> devicePath,
        Func<string, bool> isWild, Func<string, string, bool> matches)
    {
        parts =
        [
            (volume => volume.VolumeGroup, volumeGroup), (volume => volume.Name, name), (volume => volume.MountPoint, mountPoint), (volume => volume.DevicePath, devicePath),
        ];
        this.isWild = isWild;
        this.matches = matches;
    }

    /// <summary>Those that match.</summary>
    public IEnumerable<SecureGuestVolume> Of(IEnumerable<SecureGuestVolume> volumes) => volumes.Where(volume => Array.TrueForAll(parts, part => Matches(part, volume)));

    /// <summary>Names without wildcards that no volume has; where each is some volume's, those that are not together any one's.</summary>
    public IReadOnlyList<string> Missing(IReadOnlyList<SecureGuestVolume> volumes)
    {
        var literals = parts.SelectMany(part => part.Asked.Where(asked => !isWild(asked)).Select(asked => (Part: part, Asked: asked))).ToArray();
        var nobodys = literals.Where(literal => !volumes.Any(volume => literal.Part.Of(volume) == literal.Asked)).Select(literal => literal.Asked).Distinct().ToArray();
        if (nobodys.Length > 0) return nobodys;
        var apart = literals
            .Where(literal => !volumes.Any(volume => literal.Part.Of(volume) == literal.Asked && Array.TrueForAll(parts, other => other == literal.Part || other.Asked.Any(isWild) || Matches(other, volume))))
            .Select(literal => literal.Asked).ToArray();
        return apart.Length == 0 ? [] : [string.Join(' ', apart)];
    }

    private bool Matches((Func<SecureGuestVolume, string?> Of, IReadOnlyList<string> Asked) part, SecureGuestVolume volume) =>
        part.Asked.Count == 0 || (part.Of(volume) is { } actual && part.Asked.Any(asked => asked == actual || (isWild(asked) && matches(asked, actual))));
}
