using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A unit of systemd's that is loaded.</summary>
/// <param name="Name">Its name, <c>sshd.service</c>.</param>
/// <param name="Active">Its state in general: active, inactive, failed ...</param>
/// <param name="Sub">Its state in particular: running, listening, exited, dead ...</param>
internal sealed record SystemdUnit(string Name, string Active, string Sub)
{
    /// <summary>Processes of a service run, or a socket waits for somebody to start one.</summary>
    public bool IsAtWork => Active is "active" or "activating" or "reloading" && Sub is "running" or "listening" or "start" or "auto-restart" or "reload";
}

/// <summary>systemctl(1), asked for what is there: it starts nothing.</summary>
internal static class SystemdUnits
{
    /// <summary>Asks for services and sockets.</summary>
    public static ToolCall Look() => new("systemctl", "list-units", "--all", "--plain", "--full", "--no-legend", "--no-pager", "--type=service,socket");

    /// <summary>Reads <see cref="Look"/>: unit, load, active, sub, description.</summary>
    /// <exception cref="FormatException">A line is no unit's.</exception>
    public static IReadOnlyList<SystemdUnit> Read(ToolResult result)
    {
        var units = new List<SystemdUnit>();
        foreach (var line in result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // Before version 248 a dot stood before a unit that failed, in plain lists too.
            var words = line.TrimStart(' ', '*', '\u25cf').Split(' ', StringSplitOptions.RemoveEmptyEntries);
            units.Add(words is [var name, _, var active, var sub, ..] && name.Contains('.', StringComparison.Ordinal) ? new(name, active, sub) : throw new FormatException($"'{line}' is no unit"));
        }

        return units.Count > 0 ? units : throw new FormatException("it lists no unit");
    }
}
