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
    /// <summary>The kind of service: simple, notify, oneshot ...; empty: not told.</summary>
    public string Type { get; init; } = "";

    /// <summary>The permissions of a socket, in octal digits; empty: it is none.</summary>
    public string SocketMode { get; init; } = "";

    /// <summary>Processes of a service run, or a socket waits for somebody to start one.</summary>
    public bool IsAtWork => Active is "active" or "activating" or "reloading" && Sub is "running" or "listening" or "start" or "auto-restart" or "reload";

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
    private const string FilesMark = "@files";
    private const string DefaultMark = "@default";

    /// <summary>The links that systemd, and init before it, follow at boot.</summary>
    [SuppressMessage("Performance", "CA1819", Justification = "A constant.")]
    public static string[] BootLinks => ["/etc/systemd/system/*.wants/*", "/etc/systemd/system/*.requires/*", "/etc/rc[0-9].d/S*"];

    // sd_booted(3): without that directory another init runs, and systemctl, if there is one, knows nothing.
    private const string Script = """
        if [ ! -d /run/systemd/system ]; then exit 127; fi
        systemctl show --no-pager -p Id,Type,ActiveState,SubState,UnitFileState,SocketMode -- '*.service' '*.socket' || exit 1
        printf '\n@files\n'
        systemctl list-unit-files --no-pager --no-legend --full --type=service,socket || exit 1
        printf '@default\n'
        systemctl get-default
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("unit-states", Script) with { Display = "systemctl show '*.service' '*.socket'; systemctl list-unit-files; systemctl get-default" };

    /// <summary>Reads <see cref="Look"/>: what is loaded, and what has a file only.</summary>
    /// <exception cref="FormatException">It is not whole, or shows no unit.</exception>
    public static IReadOnlyList<UnitState> Read(string text)
    {
        var units = new Dictionary<string, UnitState>();
        var (files, end) = Marks(text);
        foreach (var block in text[..files].Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var of = block.Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]);
            if (of.GetValueOrDefault("Id") is { Length: > 0 } name)
                units[name] = new(name, of.GetValueOrDefault("ActiveState", ""), of.GetValueOrDefault("SubState", ""), of.GetValueOrDefault("UnitFileState", "")) { Type = of.GetValueOrDefault("Type", ""), SocketMode = of.GetValueOrDefault("SocketMode", "") };
        }

        foreach (var line in text[(files + FilesMark.Length)..end].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // Name, state and, of newer ones, the distribution's preset. An alias is another name of a unit that is there too.
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is not [var name, var state, ..] || !name.Contains('.', StringComparison.Ordinal)) throw new FormatException($"'{line}' is no unit");
            if (state != "alias") units.TryAdd(name, new(name, "", "", state));
        }

        return units.Count > 0 ? [.. units.Values.OrderBy(unit => unit.Name, StringComparer.Ordinal)] : throw new FormatException("it shows no unit");
    }

    /// <summary>What a boot goes for, <c>multi-user.target</c>.</summary>
    /// <exception cref="FormatException">It is not told.</exception>
    public static string DefaultTarget(string text) => text[(Marks(text).Default + DefaultMark.Length)..].Trim() is { Length: > 0 } target ? target : throw new FormatException("it names no default target");

    /// <summary>Units that are started at boot, by <see cref="BootLinks"/>. What runs is not known from them.</summary>
    public static IReadOnlyList<UnitState> OfLinks(IEnumerable<string> paths) =>
        [.. paths.Select(path => (Path: path, Name: Path.GetFileName(path))).Select(link => link.Path.StartsWith("/etc/rc", StringComparison.Ordinal) ? $"{link.Name[1..].TrimStart('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')}.service" : link.Name)
            .Distinct().Order(StringComparer.Ordinal).Select(name => new UnitState(name, "", "", "enabled"))];

    private static (int Files, int Default) Marks(string text)
    {
        var (files, end) = (text.IndexOf($"\n{FilesMark}\n", StringComparison.Ordinal), text.LastIndexOf($"{DefaultMark}\n", StringComparison.Ordinal));
        return files >= 0 && end > files ? (files + 1, end) : throw new FormatException("its end is missing");
    }

    /// <summary>Switches a unit off, now and at boot.</summary>
    public static ToolCall Disable(string unit) => new("systemctl", "disable", "--now", "--", unit) { Mutating = true };

    /// <summary>Switches a unit on, now and at boot.</summary>
    public static ToolCall Enable(string unit) => new("systemctl", "enable", "--now", "--", unit) { Mutating = true };

    /// <summary>Prints something exactly while a unit is off.</summary>
    public static ToolCall IsOff(string unit) => ToolCall.Script("unit-is-off", "systemctl -q is-enabled -- \"$1\" || systemctl -q is-active -- \"$1\" || printf 'off\\n'", unit) with { Display = $"systemctl is-enabled {unit}; systemctl is-active {unit}" };
}
