using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A device's node and its label.</summary>
/// <param name="Path">The node.</param>
/// <param name="Kind">b or c, as ls -l shows it.</param>
/// <param name="Context">Its label.</param>
internal sealed record DeviceLabel(string Path, char Kind, string Context);

/// <summary>find(1) over /dev: nodes without a label of their own.</summary>
internal static class DeviceLabels
{
    /// <summary>Asks for devices of the types that stand for no label.</summary>
    public static ToolCall Wrong() => new("find", "/dev", "-xdev", "(", "-type", "b", "-o", "-type", "c", ")", "(", "-context", "*:device_t:*", "-o", "-context", "*:unlabeled_t:*", ")", "-printf", @"%Z\0%y\0%p\0");

    /// <summary>Reads <see cref="Wrong"/>.</summary>
    /// <exception cref="FormatException">find failed, or its answer is not whole.</exception>
    public static IReadOnlyList<DeviceLabel> ReadWrong(ToolResult result)
    {
        if (result.ExitCode != 0) throw new FormatException(result.Stderr);
        var fields = result.Stdout.Split('\0');
        if (fields.Length % 3 != 1) throw new FormatException("its last record is not whole");
        return [.. fields.SkipLast(1).Chunk(3).Select(record => record is [var context, ['b' or 'c'], var path] ? new DeviceLabel(path, record[1][0], context) : throw new FormatException($"'{record[1]}' is no kind of device"))];
    }
}
