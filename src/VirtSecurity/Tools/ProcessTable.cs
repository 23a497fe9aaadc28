using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>A process, as the kernel shows it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its command name, at most 15 bytes.</param>
/// <param name="Parent">Its parent's number.</param>
/// <param name="User">The number of its effective user; -1: not told.</param>
/// <param name="Group">The number of its effective group; -1: not told.</param>
/// <param name="Seccomp">The mode of its system-call filter: 0 none, 2 filtered; null: not told.</param>
/// <param name="Context">Its security context; null: none.</param>
/// <param name="Executable">What it runs; null: a thread of the kernel's.</param>
/// <param name="Guest">The guest that it is the QEMU of, by the name that libvirt gave it; null: none.</param>
/// <param name="ControlGroup">Its control group's path, which names the unit of systemd that it belongs to; null: not told.</param>
internal sealed record ProcessFact(int Id, string Name, int Parent, long User, long Group, int? Seccomp, SecurityContext? Context, string? Executable, string? Guest, string? ControlGroup)
{
    /// <summary>proc(5): what the kernel puts behind the path of a program whose file is gone.</summary>
    private const string Replaced = " (deleted)";

    /// <summary>The name of the program it runs, also of one that was replaced on disk since; empty: a thread of the kernel's.</summary>
    public string Program => Executable is { } path ? Path.GetFileName(path.EndsWith(Replaced, StringComparison.Ordinal) ? path[..^Replaced.Length] : path) : "";

    /// <summary>It is a guest's QEMU. Debian's QEMU for Xen is xen-qemu-system-i386.</summary>
    public bool IsQemu => Program.StartsWith("qemu-system-", StringComparison.Ordinal) || Program.StartsWith("xen-qemu-system-", StringComparison.Ordinal) || Program is "qemu-kvm" or "qemu-dm";

    /// <summary>
    /// It is dom0's own QEMU, which serves disks and has no guest's devices: of Xen's unit for it or, where Debian's init script starts it with Xen's daemons, of theirs. A
    /// guest's belongs to whoever started the guest.
    /// </summary>
    public bool IsOfDom0 => IsQemu && ControlGroup is { } group && (group.Contains("xen-qemu-dom0-disk-backend", StringComparison.Ordinal) || group.EndsWith("/xen.service", StringComparison.Ordinal));

    /// <summary>As evidence names it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"/proc/{Id} ({Name}{(Guest is null ? "" : $", guest {Guest}")})");
}

/// <summary>The processes of a host, from /proc. Of their arguments only the names of guests are read: others may be secrets.</summary>
internal static class ProcessTable
{
    // One process a column, for all processes of the host. Fields end with NUL where a process chooses them itself (its executable's path).
    private const string Script = """
        cd /proc || exit 1
        exec 2>/dev/null
        find [0-9]*/exe -maxdepth 0 -printf '%p:%l\0'
        printf '\0'
        grep -aHE '^(Name|PPid|Uid|Gid|Seccomp):' [0-9]*/status
        grep -aH '' [0-9]*/attr/current | tr -d '\0'
        grep -aHE '^(0:|1:name=systemd:)' [0-9]*/cgroup
        grep -zaoHE '^guest=[^,]+' [0-9]*/cmdline | tr '\0' '\n'
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("processes", Script) with { Display = "head /proc/[0-9]*/status /proc/[0-9]*/attr/current /proc/[0-9]*/cgroup; ls -l /proc/[0-9]*/exe" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">It shows no process, or is not whole.</exception>
    public static IReadOnlyList<ProcessFact> Read(ToolResult result)
    {
        var text = result.Stdout;
        var end = text.IndexOf("\0\0", StringComparison.Ordinal);
        if (end < 0) throw new FormatException("it shows no process");
        var executables = text[..end].Split('\0').Select(field => field.Split("/exe:", 2)).Where(parts => parts.Length == 2 && parts[1].Length > 0).ToDictionary(parts => parts[0], parts => parts[1]);
        var columns = new Dictionary<string, Dictionary<string, string>>();
        foreach (var line in text[(end + 2)..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 123/status:Name:<tab>x, 123/attr/current:a:b:c, 123/cgroup:0::/x, 123/cmdline:guest=x
            var parts = line.Split(':', 2);
            if (parts is not [var path, var value] || path.IndexOf('/', StringComparison.Ordinal) is var slash && slash <= 0) continue;
            if (!columns.TryGetValue(path[..slash], out var of)) columns[path[..slash]] = of = [];
            var name = path[(slash + 1)..];
            if (name == "status" && value.Split(':', 2) is [var key, var status]) of[key] = status.Trim();
            else if (name == "cgroup") of[name] = value.Split(':', 3)[^1];
            else of.TryAdd(name, value);
        }

        var processes = columns.Where(column => column.Value.ContainsKey("Name")).Select(column => From(column.Key, column.Value, executables.GetValueOrDefault(column.Key))).OrderBy(process => process.Id).ToArray();
        return processes.Length > 0 ? processes : throw new FormatException("it shows no process");
    }

    private static ProcessFact From(string id, Dictionary<string, string> of, string? executable)
    {
        // Real, effective, saved and file system's.
        long Effective(string name) => of.TryGetValue(name, out var ids) && ids.Split('\t') is [_, var effective, ..] ? long.Parse(effective, CultureInfo.InvariantCulture) : -1;
        return new(
            int.Parse(id, CultureInfo.InvariantCulture), of["Name"], int.Parse(of.GetValueOrDefault("PPid", "0"), CultureInfo.InvariantCulture), Effective("Uid"), Effective("Gid"),
            of.TryGetValue("Seccomp", out var mode) ? int.Parse(mode, CultureInfo.InvariantCulture) : null, SecurityContext.Parse(of.GetValueOrDefault("attr/current")), executable,
            of.TryGetValue("cmdline", out var guest) && guest.StartsWith("guest=", StringComparison.Ordinal) ? guest["guest=".Length..] : null, of.GetValueOrDefault("cgroup"));
    }
}
