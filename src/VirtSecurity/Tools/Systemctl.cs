using System.Globalization;
using System.Text;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>systemctl(1).</summary>
internal static class Systemctl
{
    /// <summary>Has systemd read the units again that it makes from fstab.</summary>
    public static ToolCall DaemonReload() => new("systemctl", "daemon-reload") { Mutating = true };

    /// <summary>The name of the unit that systemd makes of a mount point's line in fstab (systemd.unit(5): "/" is written "-", and what is no letter, digit, ":", "_" or "." as its byte).</summary>
    public static string MountUnitOf(string mountPoint)
    {
        if (mountPoint == "/") return "-.mount";
        var unit = new StringBuilder();
        foreach (var value in HostText.Encode(mountPoint.Trim('/')))
        {
            var isPlain = char.IsAsciiLetterOrDigit((char)value) || value is (byte)':' or (byte)'_' || (value == (byte)'.' && unit.Length > 0);
            unit.Append(value == (byte)'/' ? "-" : isPlain ? ((char)value).ToString() : string.Create(CultureInfo.InvariantCulture, $@"\x{value:x2}"));
        }

        return unit.Append(".mount").ToString();
    }

    /// <summary>Whether a call is <see cref="DaemonReload"/>, which may be run at any time.</summary>
    public static bool IsReload(ToolCall call) => call.Argv is ["systemctl", "daemon-reload"];
}
