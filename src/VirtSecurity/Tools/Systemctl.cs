using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>systemctl(1).</summary>
internal static class Systemctl
{
    /// <summary>Has systemd read the units again that it makes from fstab.</summary>
    public static ToolCall DaemonReload() => new("systemctl", "daemon-reload") { Mutating = true };
}
