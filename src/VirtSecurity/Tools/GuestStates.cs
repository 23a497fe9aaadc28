using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What libvirt keeps of guests that do not run: each holds their definition, and with it the paths of their images.</summary>
internal static class GuestStates
{
    private const string Script = """
        for f in /var/lib/libvirt/qemu/save/*.save /var/lib/libvirt/libxl/save/*.save; do
          if [ -e "$f" ]; then n=${f##*/}; printf '%s\0a managed save (%s)\0' "${n%.save}" "$f"; fi
        done
        for k in snapshot checkpoint; do
          for d in /var/lib/libvirt/qemu/$k/*/; do
            set -- "$d"*.xml
            if [ -e "$1" ]; then d=${d%/}; printf '%s\0a %s (%s)\0' "${d##*/}" "$k" "$1"; fi
          done
        done
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("guest-states", Script);

    /// <summary>Reads <see cref="Look"/>: guest, and what there is in words.</summary>
    public static IReadOnlyList<(string Guest, string What)> Read(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return [.. Enumerable.Range(0, fields.Length / 2).Select(i => (fields[2 * i], fields[2 * i + 1]))];
    }
}
