using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>Files of /proc/sys and /sys by which the kernel is told something.</summary>
internal static class KernelFile
{
    /// <summary>Tells it.</summary>
    public static ToolCall Write(string path, string value) => ToolCall.Script("kernel-file", """printf '%s\n' "$2" >"$1" """, path, value) with { Mutating = true, Display = $"echo {value} >{path}" };

    /// <summary>Prints something exactly while it has that value.</summary>
    public static ToolCall Is(string path, string value) => new("grep", "-sxF", "--", value, path);
}
