using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>systemctl(1).</summary>
internal static class Systemctl
{
    /// <summary>Has systemd read the units again that it makes from fstab.</summary>
    public static ToolCall DaemonReload() => new("systemctl", "daemon-reload") { Mutating = true };

    /// <summary>Whether a call is <see cref="DaemonReload"/>, which may be run at any time.</summary>
    public static bool IsReload(ToolCall call) => call.Argv is ["systemctl", "daemon-reload"];
}
