using System.Text.RegularExpressions;
using VirtSecurity.Resources;

namespace VirtSecurity.Storage;

/// <summary>What LVM takes for a name: lvm(8), "Valid names".</summary>
internal static partial class VolumeName
{
    private static readonly string[] ReservedParts =
    [
        "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_imeta", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta",
        "_vdata", "_vorigin", "_wcorig",
    ];

    /// <summary>A volume group's name and a volume's in it.</summary>
    /// <exception cref="VirtException">InvalidName, with the reason.</exception>
    public static void Require(string volumeGroup, string name)
    {
        Require(volumeGroup);
        Require(name);
        // dm joins both with a hyphen, doubles those inside, and holds 127 bytes.
        if ($"{volumeGroup}{name}".Sum(c => c == '-' ? 2 : 1) > 126) throw new VirtException("InvalidName", name, "it is too long");
    }

    /// <summary>One name.</summary>
    /// <exception cref="VirtException">InvalidName, with the reason.</exception>
    public static void Require(string name)
    {
        var reason = name switch
        {
            _ when !Shape().IsMatch(name) => "LVM allows a-z A-Z 0-9 + _ . - and no hyphen first",
            "." or ".." or "snapshot" or "pvmove" => "LVM reserves it",
            _ when name.StartsWith("snapshot", StringComparison.Ordinal) || name.StartsWith("pvmove", StringComparison.Ordinal) => "LVM reserves it",
            _ when ReservedParts.Any(part => name.Contains(part, StringComparison.Ordinal)) => "LVM reserves it",
            _ => null,
        };
        if (reason is not null) throw new VirtException("InvalidName", name, reason);
    }

    [GeneratedRegex(@"\A[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
