using System.Buffers.Binary;
using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What the header of a qcow or qcow2 image says of other files. It is what the guest, too, may have written.</summary>
/// <param name="Backing">The name of the image it is based on, as QEMU reads it; null: none.</param>
/// <param name="BackingFormat">That one's format, as declared; null: not declared.</param>
/// <param name="Data">The name of the file that holds its data; null: it holds them itself.</param>
internal sealed record Qcow2Header(string? Backing, string? BackingFormat, string? Data);

/// <summary>A header that was asked for.</summary>
/// <param name="Header">Null: there is none, or it was not understood.</param>
/// <param name="Reason">Why there is none.</param>
/// <param name="BytesNeeded">So many more would have to be read; 0: those that were are enough.</param>
internal sealed record Qcow2Answer(Qcow2Header? Header, string Reason, int BytesNeeded);

/// <summary>
/// The headers of QEMU's copy-on-write images (docs/interop/qcow2.txt in QEMU's sources; version 1 is docs/interop/qcow.txt's). Nothing but the
/// beginning of a regular file is read, and of what is no such image nothing leaves the host.
/// </summary>
internal static class Qcow2
{
    /// <summary>So much is read at first: QEMU itself puts all of it into the first bytes.</summary>
    public const int FirstBytes = 4096;

    /// <summary>The largest cluster; the name of a backing file lies in the first one.</summary>
    public const int MostBytes = 2 << 20;

    private const int MostNameBytes = 1023;
    private const uint Magic = 0x514649FB;   // QFI\xfb
    private const uint BackingFormat = 0xE2792ACA;
    private const uint DataFile = 0x44415441;

    // Twice told by whom it is opened: no link on the way there, none at its end, no device, and no waiting for a writer. The case is
    // base64 of the magic number and of two zeros, which follow in every version.
    private const string Script = """
        while [ $# -gt 0 ]; do
          p=$1 n=$2
          shift 2
          if [ ! -f "$p" ] || [ -L "$p" ] || [ "$(realpath -e -- "$p" 2>/dev/null)" != "$p" ]; then printf '%s\0no\0\0' "$p"; continue; fi
          b=$(dd if="$p" iflag=nofollow,nonblock,fullblock bs="$n" count=1 2>/dev/null | base64 -w 0)
          case $b in UUZJ+wAA*) printf '%s\0yes\0%s\0' "$p" "$b";; '') printf '%s\0empty\0\0' "$p";; *) printf '%s\0other\0\0' "$p";; esac
        done
        """;

    /// <summary>Asks for headers.</summary>
    /// <param name="name">What the call is named: of two in a batch, each differently.</param>
    /// <param name="files">Paths without any link in them, and how many bytes to read of each.</param>
    public static ToolCall Headers(string name, IEnumerable<KeyValuePair<string, int>> files) =>
        ToolCall.Script(name, """xargs -0r -n 200 sh -c "$1" "$0" """, Script.ReplaceLineEndings("\n")) with
        {
            Stdin = HostText.EncodeRecords(files.SelectMany(file => new[] { file.Key, file.Value.ToString(CultureInfo.InvariantCulture) })),
            TimeLimit = TimeSpan.FromMinutes(1),
        };

    /// <summary>Reads <see cref="Headers"/>, by path.</summary>
    public static IReadOnlyDictionary<string, Qcow2Answer> ReadHeaders(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return Enumerable.Range(0, fields.Length / 3).Select(i => 3 * i).DistinctBy(i => fields[i]).ToDictionary(i => fields[i], i => fields[i + 1] switch
        {
            "yes" => Parse(Convert.FromBase64String(fields[i + 2])),
            "empty" => new Qcow2Answer(null, "it is empty, or cannot be read", 0),
            "other" => new Qcow2Answer(null, "it is no qcow2 image", 0),
            _ => new Qcow2Answer(null, "it is no regular file any more, or a link leads there", 0),
        });
    }

    /// <summary>Reads a header. Any bytes are an answer.</summary>
    public static Qcow2Answer Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 24 || BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic) return Bad("it is no qcow2 image");
        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        return version switch
        {
            1 => Named(bytes, MostBytes, null, null),
            2 or 3 => ParseExtensions(bytes, version),
            _ => Bad($"its version {version} is unknown"),
        };
    }

    private static Qcow2Answer ParseExtensions(ReadOnlySpan<byte> bytes, uint version)
    {
        const int version2Length = 72;
        const int version3Length = 104;
        if (bytes.Length < version3Length) return Bad("its header is cut off");
        var clusterBits = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        if (clusterBits is < 9 or > 21) return Bad($"its cluster size 2^{clusterBits} is none");
        var cluster = 1 << (int)clusterBits;
        var length = version == 2 ? version2Length : BinaryPrimitives.ReadUInt32BigEndian(bytes[100..]);
        if (length < version2Length || length > cluster) return Bad($"its header length {length} is none");

        string? format = null, data = null;
        // The extensions end with one of type 0, or where the backing file's name begins.
        var end = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) is > 0 and var name ? Math.Min(name, (ulong)cluster) : (ulong)cluster;
        for (ulong at = length; at + 8 <= end;)
        {
            if (at + 8 > (ulong)bytes.Length) return More(bytes, cluster);
            var type = BinaryPrimitives.ReadUInt32BigEndian(bytes[(int)at..]);
            if (type == 0) break;
            var size = BinaryPrimitives.ReadUInt32BigEndian(bytes[((int)at + 4)..]);
            at += 8;
            if (size > end - at) return Bad("one of its header extensions is cut off");
            if (type is BackingFormat or DataFile)
            {
                if (size > MostNameBytes) return Bad("a name in its header is too long");
                if (at + size > (ulong)bytes.Length) return More(bytes, cluster);
                var text = HostText.Decode(bytes.Slice((int)at, (int)size)).TrimEnd('\0');
                if (type == BackingFormat) format = text;
                else data = text;
            }

            at += (size + 7UL) & ~7UL;
        }

        return Named(bytes, cluster, format, data);
    }

    private static Qcow2Answer Named(ReadOnlySpan<byte> bytes, int cluster, string? format, string? data)
    {
        var offset = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        var size = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        if (offset == 0 || size == 0) return new Qcow2Answer(new Qcow2Header(null, null, data), "", 0);
        if (size > MostNameBytes) return Bad("the name of its backing file is too long");
        if (offset > (ulong)cluster || offset + size > (ulong)cluster) return Bad("the name of its backing file lies outside its first cluster");
        if (offset + size > (ulong)bytes.Length) return More(bytes, cluster);
        var name = HostText.Decode(bytes.Slice((int)offset, (int)size)).TrimEnd('\0');
        return name.Length == 0 || name.Contains('\0', StringComparison.Ordinal) ? Bad("the name of its backing file is none") : new Qcow2Answer(new Qcow2Header(name, format, data), "", 0);
    }

    /// <summary>What is asked for again as a whole and still is too short, is.</summary>
    private static Qcow2Answer More(ReadOnlySpan<byte> bytes, int cluster) =>
        bytes.Length < cluster && bytes.Length == FirstBytes ? new Qcow2Answer(null, "its header is long", cluster) : Bad("its header is cut off");

    private static Qcow2Answer Bad(string reason) => new(null, reason, 0);
}
