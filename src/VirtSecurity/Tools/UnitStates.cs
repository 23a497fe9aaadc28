using System.Diagnostics.CodeAnalysis;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A service or socket of systemd's, now and at the next boot.</summary>
/// <param name="Name">Its name, <c>sshd.service</c>.</param>
/// <param name="Active">Its state in general: active, inactive, failed ...; empty: it is not loaded, or the host does not run.</param>
/// <param name="Sub">Its state in particular: running, listening, exited, dead ...</param>
/// <param name="FileState">What becomes of it at boot: enabled, disabled, static, masked ...; empty: it has no file.</param>
internal sealed record UnitState(string Name, string Active, string Sub, string FileState)
{
    private static readonly string[] Sessions = ["user@", "user-runtime-dir@", "session-"];

    /// <summary>The kind of service: simple, notify, oneshot ...; empty: not told.</summary>
    public string Type { get; init; } = "";

    /// <summary>The permissions of a socket, in octal digits; empty: it is none.</summary>
    public string SocketMode { get; init; } = "";

    /// <summary>What starts it when somebody comes, such as its socket; empty: nothing.</summary>
    public IReadOnlyList<string> TriggeredBy { get; init; } = [];

    /// <summary>Processes of a service run, or a socket waits for somebody to start one.</summary>
    public bool IsAtWork => Active is "active" or "activating" or "reloading" or "deactivating" && Sub is not "exited";

    /// <summary>It does something once and ends: at work it is now and then.</summary>
    public bool IsPassing => Type == "oneshot";

    /// <summary>It is made by logging in, by asking too: it is nobody's plan.</summary>
    public bool IsOfSession => Sessions.Any(start => Name.StartsWith(start, StringComparison.Ordinal));

    /// <summary>It is started at boot.</summary>
    public bool IsEnabled => FileState is "enabled" or "enabled-runtime";

    /// <summary>It is at work, or will be after the next boot.</summary>
    public bool IsOn => IsAtWork || IsEnabled;

    /// <summary>As evidence shows it.</summary>
    public override string ToString() => $"{Name}: {(Active.Length > 0 ? $"{Active} ({Sub})" : "not loaded")}{(FileState.Length > 0 ? $", {FileState}" : "")}";
}

/// <summary>Services and sockets with their state at boot, from systemctl(1), which starts nothing for these questions; without it, from the links that a boot follows.</summary>
internal static class UnitStates
{
    private const string EndMark = "@end";
    private const string UnitDirectory = "/etc/systemd/system";

    // Where /lib is no part of /usr yet, systemd is in /lib, and all of init's scripts go on counting. Below a link, some hundred files more would be looked at for a minute.
    private const string Manager = "/usr/lib/systemd/systemd";
    private const string PackageDirectory = "/usr/lib/systemd/system";

    private static readonly string[] WaysDown = ["shutdown", "poweroff", "reboot", "halt", "kexec", "final", "umount", "suspend", "hibernate", "sleep"];

    /// <summary>The links that systemd, and init before it, follow at boot, and what stands in a unit's place: where it is masked, or where init's script of that name counts for nothing.</summary>
    [SuppressMessage("Performance", "CA1819", Justification = "A constant.")]
    public static string[] BootLinks => ["/etc/systemd/system/*.wants/*", "/etc/systemd/system/*.requires/*", "/etc/systemd/system/*.service", "/etc/systemd/system/*.socket", "/etc/rc[0-9].d/S*",
        Manager, $"{PackageDirectory}/*.service"];

    // sd_booted(3): without that directory another init runs, and systemctl, if there is one, knows nothing.
    private const string Script = """
        if ! systemctl show --no-pager -p Id,Type,ActiveState,SubState,UnitFileState,SocketMode,TriggeredBy -- '*.service' '*.socket'; then
          if [ -d /run/systemd/system ]; then exit 1; fi
          exit 127
        fi
        printf '\n@end\n'
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("unit-states", Script) with { Display = "systemctl show '*.service' '*.socket'" };

    /// <summary>Reads <see cref="Look"/>: what is loaded. What has a file only is not, unless a boot starts it: see <see cref="OfLinks"/>.</summary>
    /// <exception cref="FormatException">It is not whole, or shows no unit: where systemd runs there is one.</exception>
    public static IReadOnlyList<UnitState> Read(string text)
    {
        if (!text.EndsWith($"\n{EndMark}\n", StringComparison.Ordinal)) throw new FormatException("its end is missing");
        var units = new Dictionary<string, UnitState>();
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var of = block.Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]);
            if (of.GetValueOrDefault("Id") is { Length: > 0 } name)
                units[name] = new(name, of.GetValueOrDefault("ActiveState", ""), of.GetValueOrDefault("SubState", ""), of.GetValueOrDefault("UnitFileState", "")) { Type = of.GetValueOrDefault("Type", ""), SocketMode = of.GetValueOrDefault("SocketMode", ""), TriggeredBy = of.GetValueOrDefault("TriggeredBy", "").Split(' ', StringSplitOptions.RemoveEmptyEntries) };
        }

        return units.Values.Any(unit => unit.Active.Length > 0) ? [.. units.Values.OrderBy(unit => unit.Name, StringComparer.Ordinal)] : throw new FormatException("it shows no unit that is loaded");
    }

    /// <summary>Services and sockets that are started at boot, by <see cref="BootLinks"/>. What runs is not known from them.</summary>
    /// <param name="links">The links, looked at.</param>
    public static IReadOnlyList<UnitState> OfLinks(IReadOnlyList<HostFile> links)
    {
        HashSet<string> Names(IEnumerable<HostFile> files) => [.. files.Select(file => Path.GetFileName(file.Path))];
        var masked = Names(links.Where(link => DirectoryOf(link) == UnitDirectory && IsNothing(link)));
        // systemd-sysv-generator(8): a unit of the same name goes before init's script, and is started by links of its own.
        var units = links.Any(link => link.Path == Manager) ? Names(links.Where(link => DirectoryOf(link) is UnitDirectory or PackageDirectory)) : [];
        var wanted = links.Where(link => Path.GetExtension(DirectoryOf(link)) is ".wants" or ".requires").Select(WantedOf).OfType<string>();
        var started = links.Where(link => link.Path.StartsWith("/etc/rc", StringComparison.Ordinal)).Select(StartedOf).OfType<string>().Where(name => !units.Contains(name));
        return [.. wanted.Concat(started).Distinct().Order(StringComparer.Ordinal)
            .Where(name => Path.GetExtension(name) is ".service" or ".socket" && !masked.Contains(name)).Select(name => new UnitState(name, "", "", "enabled"))];
    }

    private static string DirectoryOf(HostFile link) => link.Path[..link.Path.LastIndexOf('/')];

    /// <summary>systemd.unit(5): a unit that is a link to /dev/null, or an empty file, is masked; one that leads nowhere is none.</summary>
    private static bool IsNothing(HostFile file) => file.FileType is 'c' or 'l' || file is { FileType: '-', Size: 0 };

    /// <summary>What is wanted on the way down is no boot's.</summary>
    private static string? WantedOf(HostFile link) => WaysDown.Contains(Path.GetFileName(DirectoryOf(link)).Split('.')[0]) ? null : Path.GetFileName(link.Path);

    /// <summary>Of init's links only those of the levels 2 to 5 are a boot's; they have S and a number before the name.</summary>
    private static string? StartedOf(HostFile link) => Path.GetFileName(link.Path) is var name && link.Path[^(name.Length + 4)] is >= '2' and <= '5'
        ? $"{name[1..].TrimStart('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')}.service" : null;

    /// <summary>Switches a unit off, now and at boot.</summary>
    public static ToolCall Disable(string unit) => new("systemctl", "disable", "--now", "--", unit) { Mutating = true };

    /// <summary>Switches a unit on: now, at boot, or both.</summary>
    public static ToolCall Enable(string unit, bool isNow, bool isAtBoot)
    {
        string[] how = !isAtBoot ? ["start"] : isNow ? ["enable", "--now"] : ["enable"];
        return new(["systemctl", .. how, "--", unit]) { Mutating = true };
    }

    /// <summary>Prints something exactly while a unit is off.</summary>
    public static ToolCall IsOff(string unit) => ToolCall.Script("unit-is-off", "systemctl -q is-enabled -- \"$1\" || systemctl -q is-active -- \"$1\" || printf 'off\\n'", unit) with { Display = $"systemctl is-enabled {unit}; systemctl is-active {unit}" };
}
