using System.Globalization;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>Who holds a file or device.</summary>
/// <param name="Guest">The guest's name as QEMU was told it, or its process; null: not known.</param>
/// <param name="Context">The label as the guest's process sees it, where that may be another than the host's: a device in libvirt's private /dev.</param>
internal sealed record Holder(string? Guest, SecurityContext? Context);

/// <summary>A process that runs a guest, or is of QEMU's tools.</summary>
/// <param name="Guest">The guest's name as libvirt gave it; null: it has none, as libvirt did not start it.</param>
/// <param name="Process">Its number.</param>
/// <param name="Range">The MCS range with categories of its label; null: it has none.</param>
/// <param name="Inodes">Files that it has open.</param>
/// <param name="Devices">By number (major:minor): block devices that it has open or that are in the /dev made for it, and their label as it sees it.</param>
internal sealed record HoldingProcess(string? Guest, string Process, string? Range, IReadOnlySet<InodeNumber> Inodes, IReadOnlyDictionary<string, SecurityContext?> Devices);

/// <summary>What running guests hold, from /proc and libvirt's own files; nothing is asked of a daemon.</summary>
/// <param name="Inodes">Files that a QEMU has open.</param>
/// <param name="Ranges">MCS ranges with categories that a running process has, or that libvirt has given a guest that is being started.</param>
/// <param name="Devices">By number (major:minor): block devices that a QEMU has open or that are in the /dev made for it.</param>
internal sealed record GuestHolds(
    IReadOnlyDictionary<InodeNumber, Holder> Inodes, IReadOnlyDictionary<string, Holder> Ranges, IReadOnlyDictionary<string, Holder> Devices)
{
    /// <summary>Shell: prints <c>range R</c> for each. A category set that any process has is in use, whatever that process is; a guest is given its images before its QEMU has the label.</summary>
    public const string RangesScript = """
        held_ranges() {
          grep -asH '' /proc/[0-9]*/attr/current | tr -d '\000' | sed -n 's,^/proc/[0-9]*/attr/current:[^:]*:[^:]*:[^:]*:\(s[0-9]*:c[^ ]*\)$,range \1,p'
          for f in /run/libvirt/qemu/*.xml; do
            if [ ! -f "$f" ]; then continue; fi
            p=$(sed -n "s/^<domstatus .* pid='\([0-9]*\)'.*/\1/p" "$f" | head -n 1)
            if [ -n "$p" ] && [ -d "/proc/$p" ]; then sed -n 's,.*<imagelabel>[^:]*:[^:]*:[^:]*:\(s[0-9]*:c[^<]*\)</imagelabel>.*,range \1,p' "$f"; fi
          done
        }
        qemus() { grep -ls '^qemu' /proc/[0-9]*/comm | sed 's,/comm$,,'; }

        """;

    // A guest of libvirt's may have a /dev of its own, in a mount namespace of its own: there its devices carry the guest's label, and on the host
    // they do not.
    private const string Script = RangesScript + """
        exec 2>/dev/null
        held_ranges | sort -u
        m=$(readlink /proc/self/ns/mnt)
        for p in $(qemus); do
          printf 'guest %s %s\n' "${p#/proc/}" "$(tr '\000' '\n' <"$p/cmdline" | sed -n 's/^guest=\([^,]*\).*/\1/p' | head -n 1)"
          printf 'label %s\n' "$(tr -d '\000' <"$p/attr/current")"
          stat -L --printf 'open %d:%i %f %t:%T %C\n' -- "$p"/fd/*
          if [ "$(readlink "$p/ns/mnt")" != "$m" ]; then find "$p/root/dev/" -xdev -type b -exec stat --printf 'node %t:%T %C\n' -- {} +; fi
        done
        exit 0
        """;

    /// <summary>The same by process.</summary>
    public IReadOnlyList<HoldingProcess> Processes { get; init; } = [];

    /// <summary>Nothing is held.</summary>
    public static GuestHolds None { get; } = new(new Dictionary<InodeNumber, Holder>(), new Dictionary<string, Holder>(), new Dictionary<string, Holder>());

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("guest-holds", Script);

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static GuestHolds Read(ToolResult result)
    {
        var inodes = new Dictionary<InodeNumber, Holder>();
        var ranges = new Dictionary<string, Holder>();
        var devices = new Dictionary<string, Holder>();
        var processes = new List<HoldingProcess>();
        var (open, own) = (new HashSet<InodeNumber>(), new Dictionary<string, SecurityContext?>());
        string? guest = null;
        foreach (var words in result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')))
        {
            switch (words)
            {
                case ["range", var range]:
                    ranges[range] = new(null, null);
                    break;
                case ["guest", var process, .. var name]:
                    guest = string.Join(' ', name) is { Length: > 0 } given ? given : $"process {process}";
                    (open, own) = ([], []);
                    processes.Add(new(name is [{ Length: > 0 }, ..] ? guest : null, process, null, open, own));
                    break;
                case ["label", var label] when SecurityContext.Parse(label) is { HasCategories: true, Range: { } range }:
                    ranges[range] = new(guest, null);
                    if (processes.Count > 0) processes[^1] = processes[^1] with { Range = range };
                    break;
                case ["open", var inode, var mode, var number, var label]:
                    var file = InodeNumber.Parse(Encoding.UTF8.GetBytes(inode));
                    inodes[file] = new(guest, null);
                    open.Add(file);
                    if (IsBlock(mode)) devices[DeviceNumber.FromHex(number)] = new(guest, own[DeviceNumber.FromHex(number)] = SecurityContext.Parse(label));
                    break;
                case ["node", var number, var label]:
                    var node = new Holder(guest, SecurityContext.Parse(label));
                    devices.TryAdd(DeviceNumber.FromHex(number), node);
                    own.TryAdd(DeviceNumber.FromHex(number), node.Context);
                    break;
            }
        }

        return new(inodes, ranges, devices) { Processes = processes };
    }

    /// <summary>Who holds an inode, by an open file, by the categories of its label, or as a device; null: no running guest.</summary>
    /// <param name="entry">The inode.</param>
    /// <param name="device">Its own number, if it is a block device.</param>
    public Holder? Of(TreeEntry entry, string? device = null)
    {
        if (device is not null && Devices.TryGetValue(device, out var holder)) return holder;
        if (Inodes.TryGetValue(entry.Inode, out holder)) return holder;
        return entry.Context is { HasCategories: true, Range: { } range } && Ranges.TryGetValue(range, out holder) ? holder : null;
    }

    private static bool IsBlock(string mode) => (int.Parse(mode, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 0xF000) == 0x6000;
}
