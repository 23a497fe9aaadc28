using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Planning;

/// <summary>What the texts of a plan may be. Each rule says what is wrong with a text; null: nothing.</summary>
internal static partial class PlanRules
{
    /// <summary>A sentence: one line, so that it can be shown anywhere.</summary>
    public const int LongestText = 1024;

    /// <summary>A name: no file system, and no account database, has longer ones.</summary>
    public const int LongestName = 255;

    /// <summary>How a day is written (ISO 8601).</summary>
    public const string DayFormat = "yyyy-MM-dd";

    /// <summary>Any sentence.</summary>
    public static string? Text(string text) =>
        text.Trim().Length == 0 ? "it is empty" : text.Any(char.IsControl) ? "it has a control character in it, such as a new line" : IsTooLong(text, LongestText) ?? Unpaired(text);

    /// <summary>A name that somebody chose: of a guest, a network, or what runs in a guest.</summary>
    public static string? Name(string text) => Text(text) ?? IsTooLong(text, LongestName) ?? (text.Contains('/', StringComparison.Ordinal) ? "a name has no / in it" : null);

    /// <summary>A unit of systemd's, or a pattern of units.</summary>
    public static string? Unit(string text) => IsTooLong(text, LongestName) ?? (UnitShape().IsMatch(text) ? null
        : "it is no unit with its type, such as sshd.service, where * may stand for any text but not for a whole name");

    /// <summary>An account's name, also one from a directory: ann, ann@example.org, EXAMPLE\ann.</summary>
    public static string? Account(string text) => IsTooLong(text, LongestName) ?? (AccountShape().IsMatch(text) ? null : "it is no name of an account");

    /// <summary>A network interface (dev_valid_name in the kernel: at most 15 bytes, no blank, slash or colon).</summary>
    public static string? Interface(string text) =>
        text is "." or ".." || !InterfaceShape().IsMatch(text) ? "it is no name of an interface: up to 15 characters without blanks, / and :" : null;

    /// <summary>A boolean of SELinux.</summary>
    public static string? Boolean(string text) => BooleanShape().IsMatch(text) ? null : "it is no name of a boolean: letters, digits and _";

    /// <summary>A check's id.</summary>
    public static string? Check(string text) => CheckShape().IsMatch(text) ? null : "it is no check's id, such as FWL-02";

    /// <summary>An address, as it is usually written.</summary>
    public static string? Address(string text) => ReadAddress(text) is null ? "it is no IPv4 or IPv6 address" : null;

    /// <summary>An address, or a network in CIDR notation.</summary>
    public static string? Source(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return Address(text);
        var isPrefix = int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefix);
        if (ReadAddress(text[..slash]) is not { } address || !isPrefix || prefix > address.GetAddressBytes().Length * 8) return "it is neither an address nor a network such as 192.0.2.0/24";
        return HasNoBitsBeyond(address, prefix) ? null : $"192.0.2.0/24 is how a network is written: the address has bits beyond the {prefix} of the network";
    }

    /// <summary>Where images may be mounted.</summary>
    public static string? MountPoint(string text) => Refused(() => HostPath.RequireMountPoint(text));

    /// <summary>A partition or disk.</summary>
    public static string? Device(string text) =>
        Refused(() => HostPath.RequireCanonical(text)) ?? (text.StartsWith("/dev/", StringComparison.Ordinal) ? Unpaired(text) : "it is no device below /dev");

    /// <summary>A name of LVM's.</summary>
    public static string? LvmName(string text) => Refused(() => VolumeName.Require(text));

    /// <summary>A volume group's name and a volume's in it, together.</summary>
    public static string? LvmNames(string volumeGroup, string name) => Refused(() => VolumeName.Require(volumeGroup, name));

    /// <summary>A size as New-SecureGuestVolume takes it.</summary>
    public static string? Size(string text) => Refused(() => _ = new VolumeSize(text));

    /// <summary>A file system that New-SecureGuestVolume makes.</summary>
    public static IReadOnlyList<string> FileSystems { get; } = [.. Enum.GetValues<GuestFileSystem>().Select(Mkfs.NameOf)];

    /// <summary>A day.</summary>
    public static DateOnly? Day(string text) => DateOnly.TryParseExact(text, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    private static string? IsTooLong(string text, int most) => text.EnumerateRunes().Count() > most ? $"it is longer than {most} characters" : null;

    private static string? Unpaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return "it is no valid Unicode";
            i++;
        }

        return null;
    }

    private static bool HasNoBitsBeyond(IPAddress network, int prefix)
    {
        var bytes = network.GetAddressBytes();
        return Enumerable.Range(prefix, (bytes.Length * 8) - prefix).All(bit => (bytes[bit / 8] & (0x80 >> (bit % 8))) == 0);
    }

    // Not what inet_aton(3) takes too: 10.1 is 10.0.0.1, and 010.0.0.1 is 8.0.0.1.
    private static IPAddress? ReadAddress(string text) =>
        IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetwork ? Ipv4Shape().IsMatch(text) : Ipv6Shape().IsMatch(text)) ? address : null;

    private static string? Refused(Action require)
    {
        try
        {
            require();
            return null;
        }
        catch (VirtException problem)
        {
            return problem.Message.TrimEnd('.');
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9:_.\\@*-]*[A-Za-z0-9][A-Za-z0-9:_.\\@*-]*\.(service|socket|target|timer|mount|automount|path|swap|device|slice|scope)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex UnitShape();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?\z", RegexOptions.CultureInvariant)]
    private static partial Regex AccountShape();

    [GeneratedRegex(@"\A[!-.0-9;-~]{1,15}\z", RegexOptions.CultureInvariant)]
    private static partial Regex InterfaceShape();

    [GeneratedRegex(@"\A[A-Za-z0-9_]{1,255}\z", RegexOptions.CultureInvariant)]
    private static partial Regex BooleanShape();

    [GeneratedRegex(@"\A[A-Z]{3}-[0-9]{2}\z", RegexOptions.CultureInvariant)]
    private static partial Regex CheckShape();

    [GeneratedRegex(@"\A(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Ipv4Shape();

    [GeneratedRegex(@"\A[0-9A-Fa-f:.]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Ipv6Shape();
}
