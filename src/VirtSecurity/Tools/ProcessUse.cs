using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A process that holds something of a device: a file, a directory, a mapping, or the device's own node.</summary>
/// <param name="Device">major:minor.</param>
/// <param name="ProcessId">Its number.</param>
/// <param name="Name">Its command name (comm), as the kernel cuts it.</param>
internal sealed record DeviceUser(string Device, int ProcessId, string Name);

/// <summary>Which processes hold which devices, from /proc: names and numbers only, never arguments.</summary>
internal static class ProcessUse
{
    // One find for all processes, as a stat for each would take seconds. A node opened itself counts for the device it is (%t:%T), not for the
    // file system it lies on. Processes come and go meanwhile: what cannot be read is of one that ended.
    private const string Script = """
        cd /proc
        exec 2>/dev/null
        grep -H '' [0-9]*/comm | sed 's,/comm:, ,; s/^/name /'
        {
          find -L [0-9]*/fd -mindepth 1 -maxdepth 1 \( -type b -exec stat -L --printf 'node %t:%T %n\n' {} + , -printf 'file %D %p\n' \)
          find -L [0-9]*/cwd [0-9]*/root [0-9]*/exe -maxdepth 0 -printf 'file %D %p\n'
          grep -sHE '^[^ ]* [^ ]* [^ ]* [^ ]* [1-9]' [0-9]*/maps | sed -n 's,^\([0-9]*\)/maps:[^ ]* [^ ]* [^ ]* \([^ ]*\) .*,map \2 \1,p'
        } | sed 's,/.*,,' | sort -u
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Find() => ToolCall.Script("device-users", Script);

    /// <summary>Reads <see cref="Find"/>. A name may have a newline in it: its first line counts.</summary>
    public static IReadOnlyList<DeviceUser> Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 3)).Where(words => words.Length == 3).ToArray();
        var names = lines.Where(words => words[0] == "name").DistinctBy(words => words[1]).ToDictionary(words => words[1], words => words[2]);
        return [.. lines.Where(words => words[0] != "name")
            .Select(words => new DeviceUser(words[0] == "file" ? DeviceNumber.FromPacked(ulong.Parse(words[1], CultureInfo.InvariantCulture)) : DeviceNumber.FromHex(words[1]), int.Parse(words[2], CultureInfo.InvariantCulture), names.GetValueOrDefault(words[2], "?")))
            .Distinct()];
    }
}
