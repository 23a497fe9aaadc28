using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>
/// A disk as xl-disk-configuration(5) writes it: positional (<c>target,format,vdev,access</c>), by names, or with the prefixes of xend's times
/// (<c>phy:</c>, <c>file:</c>, <c>tap2:qcow2:</c>).
/// </summary>
internal static partial class XlDisk
{
    private const int MostPrefixLength = 8;
    private const string Blanks = " \t\n";

    private static readonly string[] Formats = ["raw", "qcow", "qcow2", "vhd", "qed"];

    /// <summary>Prefixes that mean nothing to the target, or its format.</summary>
    private static readonly string[] Prefixes = ["raw", "qcow", "qcow2", "vhd", "tapdisk", "tap", "tap2", "aio", "ioemu", "file", "phy"];

    /// <summary>What a script makes of its target is a device of its own: it is no path.</summary>
    private static readonly string[] Scripts = ["iscsi", "nbd", "enbd", "drbd"];

    private static readonly string[] Flags = ["direct-io-safe", "discard", "no-discard", "colo", "no-colo", "trusted", "untrusted"];

    /// <summary>Reads one; null: an empty drive, or nothing that has a path on this host.</summary>
    /// <param name="text">As between the quotes.</param>
    /// <param name="problem">Why it is not understood; empty: it is.</param>
    public static ImageUse? Parse(string text, out string problem)
    {
        problem = "";
        string? format = null, target = null, script = null, backend = null, access = null, vdev = null;
        var (isCdRom, hasPrefix) = (false, false);
        var rest = text.AsSpan().Trim();
        while (PrefixOf(rest) is { } prefix)
        {
            if (Scripts.Contains(prefix)) script = prefix;
            else if (Formats.Contains(prefix)) format = prefix;
            else if (prefix is "aio" or "file" or "phy") format ??= "raw";
            hasPrefix = true;
            rest = rest[(prefix.Length + 1)..];
        }

        var hasFormat = hasPrefix;
        while (rest.Length > 0)
        {
            rest = rest.TrimStart(Blanks);
            if (rest.StartsWith("target=", StringComparison.Ordinal))
            {
                target = rest["target=".Length..].ToString();   // it takes all that follows
                break;
            }

            var comma = rest.IndexOf(',');
            var word = (comma < 0 ? rest : rest[..comma]).TrimEnd(Blanks).ToString();
            rest = comma < 0 ? [] : rest[(comma + 1)..];
            if (Flags.Contains(word)) continue;
            if (word == "cdrom")
            {
                isCdRom = true;
                continue;
            }

            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && !word.StartsWith('/'))
            {
                var value = word[(equals + 1)..];
                switch (word[..equals])
                {
                    case "format": format = value; hasFormat = true; break;
                    case "devtype": isCdRom = value == "cdrom"; break;
                    case "access": access = value; break;
                    case "script": script = value; break;
                    case "backend": backend = value; break;
                    case "vdev": vdev = value; break;
                }
            }
            else if (target is null && script is null && UnknownPrefix().IsMatch(word)) return Not("its prefix is unknown", out problem);
            else if (target is null) target = word;
            else if (!hasFormat && !(target.Length == 0 && word.Contains(':', StringComparison.Ordinal))) (format, hasFormat) = (word.Length == 0 ? null : word, true);
            else if (vdev is null) (vdev, hasFormat) = (word, true);
            else if (access is null) access = word;
            else return Not("it has too many positions", out problem);
        }

        if (format is not (null or "" or "empty") && !Formats.Contains(format)) return Not($"its format '{format}' is unknown", out problem);
        isCdRom |= vdev?.EndsWith(":cdrom", StringComparison.Ordinal) == true;
        // xend's exclamation mark: whether others write to it is not its business.
        var isShared = access?.EndsWith('!') == true;
        var mode = access?.TrimEnd('!');
        if (mode is not (null or "" or "r" or "ro" or "w" or "rw")) return Not($"its access '{access}' is unknown", out problem);
        if (string.IsNullOrEmpty(target) || script is not null || backend is not (null or "0" or "Domain-0")) return null;
        return new ImageUse(target.StartsWith('/') ? target : "/dev/" + target, isCdRom ? ImageRole.CdRom : ImageRole.Disk, format is "" or "empty" ? null : format)
        {
            IsReadOnly = mode is "r" or "ro" || (mode is null or "" && isCdRom),
            IsShareable = isShared,
        };
    }

    private static ImageUse? Not(string why, out string problem)
    {
        problem = why;
        return null;
    }

    private static string? PrefixOf(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        if (colon is <= 0 or > MostPrefixLength) return null;
        var word = text[..colon].ToString();
        return Prefixes.Contains(word) || Scripts.Contains(word) ? word : null;
    }

    [GeneratedRegex(@"\A[a-z][a-z0-9]*:", RegexOptions.CultureInvariant)]
    private static partial Regex UnknownPrefix();
}
