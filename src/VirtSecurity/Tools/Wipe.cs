using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>blkdiscard(8) -z, or dd(1) where it is missing: a volume's every byte made zero.</summary>
internal static class Wipe
{
    /// <summary>The name of the call that does it.</summary>
    public const string Name = "wipe";

    // -z has the kernel write zeros (BLKZEROOUT without unmapping), and opens the device exclusively: one that is mounted stays as it is. In
    // steps, as one ioctl over a whole disk could not be interrupted.
    private const string Script = """
        set -eu
        if [ ! -b "$1" ]; then
          echo "$1 is no block device now" >&2
          exit 1
        fi
        if [ -n "$(command -v blkdiscard)" ]; then
          blkdiscard -z -p 64M -- "$1"
        else
          dd if=/dev/zero of="$1" bs=4M count="$2" iflag=count_bytes oflag=direct conv=fsync,notrunc,nocreat
        fi
        """;

    /// <summary>Overwrites a device of so many bytes with zeros.</summary>
    public static ToolCall Zero(string device, long bytes) =>
        ToolCall.Script(Name, Script, device, bytes.ToString(System.Globalization.CultureInfo.InvariantCulture)) with
        {
            Mutating = true,
            Stop = StopPolicy.Interrupt,
            TimeLimit = TimeSpan.FromHours(24),
            Display = $"blkdiscard -z -- {ShellQuote.Word(device)}   # dd of zeros where there is no blkdiscard",
        };
}
