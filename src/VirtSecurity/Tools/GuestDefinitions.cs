using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Tools;

/// <summary>A file, directory or device of the host that a guest's definition names.</summary>
/// <param name="Guest">The guest's name.</param>
/// <param name="IsRunning">It runs now; otherwise it is only defined.</param>
/// <param name="Source">The path as the definition has it.</param>
internal sealed record GuestDisk(string Guest, bool IsRunning, string Source);

/// <summary>A file in which a guest or a storage pool is defined.</summary>
/// <param name="Path">The file.</param>
/// <param name="Text">What is in it, less its passwords; null: it was not read.</param>
/// <param name="Reason">Why it was not read.</param>
internal sealed record DefinitionFile(string Path, string? Text, string Reason);

/// <summary>A guest as one file defines it.</summary>
/// <param name="File">The file.</param>
/// <param name="Guest">The guest's name.</param>
/// <param name="IsRunning">It is of the guest as it runs now.</param>
/// <param name="Paths">Every absolute path it has, rather one too many.</param>
internal sealed record GuestDefinition(DefinitionFile File, string Guest, bool IsRunning, IReadOnlyList<string> Paths);

/// <summary>
/// What guests are defined on a host and what they use, from libvirt's, xl's and xend's own files: virsh would start daemons by their
/// sockets, and asking would change the answer.
/// </summary>
internal static partial class GuestDefinitions
{
    /// <summary>A larger file is not read; libvirt's own have some ten thousand bytes.</summary>
    public const int MostBytes = 4 << 20;

    /// <summary>
    /// Shell: what calls another function with the files that may be definitions, in XML and otherwise. What xl keeps of the guests that run is
    /// removed with them; where it is older than the boot, it is of guests that went down with the host.
    /// </summary>
    internal const string Files = """
        pools() { "$1" /etc/libvirt/storage/*.xml /run/libvirt/storage/*.xml; }
        xml() {
          pools "$1"
          "$1" /etc/libvirt/qemu/*.xml /etc/libvirt/libxl/*.xml /run/libvirt/qemu/*.xml /run/libvirt/libxl/*.xml /var/lib/libvirt/qemu/snapshot/*/*.xml
        }
        xen() {
          for f in /etc/xen/*; do
            case $f in */xlexample*|*/xmexample*|*.conf|*.sxp|*.xml|*~|*.dpkg-*|*.rpm*|*/README*|*/cpupool) ;; *) "$1" "$f";; esac
          done
          b=$(sed -n 's/^btime //p' /proc/stat 2>/dev/null)
          "$1" /etc/xen/auto/* /var/lib/xend/domains/*/config.sxp $(find /var/lib/xen -maxdepth 1 -name 'userdata-d.*.libxl-json' -newermt "@${b:-0}" 2>/dev/null)
        }

        """;

    // libvirt replaces its files by renaming; one that vanished meanwhile is of a guest that ended.
    private const string Script = Files + """
        large="
        $(find -L /etc/libvirt /run/libvirt /var/lib/libvirt/qemu/snapshot /etc/xen /var/lib/xend/domains /var/lib/xen -maxdepth 2 -type f -size "+$1" 2>/dev/null)
        "
        xmlsecrets=$2 xensecrets=$3
        say() {
          for f; do
            if [ ! -f "$f" ]; then continue; fi
            case $large in *"
        $f
        "*) printf '%s\0large\0\0' "$f"; continue;; esac
            case $f in *.xml) s=$xmlsecrets;; *) s=$xensecrets;; esac
            if c=$(sed -e "$s" -- "$f" 2>/dev/null); then printf '%s\0read\0%s\0' "$f" "$c"
            elif [ -e "$f" ]; then printf '%s\0unread\0\0' "$f"; fi
          done
        }
        xml say
        xen say
        exit 0
        """;

    private const string PoolDirectory = "/storage/";

    /// <summary>Asks.</summary>
    public static ToolCall Read() => ToolCall.Script(
        "guest-definitions", Script, (MostBytes / 512).ToString(CultureInfo.InvariantCulture), XmlSecrets.ReplaceLineEndings("\n"), XenSecrets.ReplaceLineEndings("\n"));

    /// <summary>Reads <see cref="Read"/>. Those of /etc/xen/auto are mostly links to others, and so there twice.</summary>
    public static IReadOnlyList<DefinitionFile> ReadFiles(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return [.. Enumerable.Range(0, fields.Length / 3).Select(i => 3 * i).Select(i => fields[i + 1] switch
        {
            "read" => new DefinitionFile(fields[i], fields[i + 2], ""),
            "large" => new DefinitionFile(fields[i], null, $"it has more than {MostBytes >> 20} MiB"),
            _ => new DefinitionFile(fields[i], null, "it cannot be read"),
        })];
    }

    /// <summary>Reads <see cref="Read"/>: every path that a definition has, rather one too many.</summary>
    /// <exception cref="VirtException">FactUnknown: a definition is not understood.</exception>
    public static IReadOnlyList<GuestDisk> ReadDisks(ToolResult result) =>
        [.. ReadGuests(ReadFiles(result)).Guests.SelectMany(guest => guest.Paths.Select(path => new GuestDisk(guest.Guest, guest.IsRunning, path))).Distinct()];

    /// <summary>From files to guests, and to the storage pools that they may name disks by.</summary>
    /// <exception cref="VirtException">FactUnknown: a definition is not understood.</exception>
    public static (IReadOnlyList<GuestDefinition> Guests, IReadOnlyList<StoragePool> Pools) ReadGuests(IReadOnlyList<DefinitionFile> files)
    {
        // A disk may be named by storage pool and volume; libvirt cannot start one whose pool is in neither directory.
        var pools = files.Where(IsPool).Select(file => Understood(file, StoragePools.Parse)).DistinctBy(pool => pool.Name).ToDictionary(pool => pool.Name);
        return ([.. files.Where(file => !IsPool(file)).Select(file => Understood(file, text => Guest(file, text, pools)))], [.. pools.Values]);
    }

    /// <summary>Asks for the files alone, for completion: quick, and as far as the user may see them.</summary>
    public static ToolCall Names() => ToolCall.Script("guest-names", Files + """
        say() { for f; do if [ -f "$f" ]; then printf '%s\0' "$f"; fi; done; }
        xml say
        xen say
        exit 0
        """);

    /// <summary>Reads <see cref="Names"/>: libvirt names its files by guest and pool, and so do most people theirs.</summary>
    public static (IReadOnlyList<string> Guests, IReadOnlyList<string> Pools) ReadNames(ToolResult result)
    {
        var files = result.Stdout.Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Where(path => KindOf(path) is DefinitionKind.Libvirt or DefinitionKind.Xl && !path.Contains("/snapshot/", StringComparison.Ordinal)).Select(path => new DefinitionFile(path, null, ""));
        string[] NamesOf(bool arePools) => [.. files.Where(file => IsPool(file) == arePools).Select(file => Path.GetFileNameWithoutExtension(file.Path)).Distinct()];
        return (NamesOf(false), NamesOf(true));
    }

    /// <summary>Whether a file defines a storage pool, and no guest.</summary>
    public static bool IsPool(DefinitionFile file) => file.Path.Contains(PoolDirectory, StringComparison.Ordinal);

    private static GuestDefinition Guest(DefinitionFile file, string text, IReadOnlyDictionary<string, StoragePool> pools)
    {
        var path = file.Path;
        var (guest, running, paths) = KindOf(path) switch
        {
            DefinitionKind.Libvirt => DomainXml.Parse(text) is var domain ? (domain.Name, path.StartsWith("/run/", StringComparison.Ordinal), domain.Paths(pools)) : default,
            DefinitionKind.Libxl => LibxlDomain.Parse(text) is var domain ? (domain.Name, true, domain.Images.Select(image => image.Path)) : default,
            DefinitionKind.Xend => XendDomain.Parse(text) is var domain ? (domain.Name, false, domain.Paths) : default,
            _ => XlConfig.Parse(text) is var config ? (config.Name ?? Path.GetFileNameWithoutExtension(path), false, config.Paths) : default,
        };
        return new GuestDefinition(file, guest, running, [.. paths.Where(source => source.StartsWith('/')).Distinct()]);
    }

    /// <summary>Whose file it is, by its place.</summary>
    public static DefinitionKind KindOf(string path) => path switch
    {
        _ when path.EndsWith(".xml", StringComparison.Ordinal) => DefinitionKind.Libvirt,
        _ when path.EndsWith(".libxl-json", StringComparison.Ordinal) => DefinitionKind.Libxl,
        _ when path.EndsWith(".sxp", StringComparison.Ordinal) => DefinitionKind.Xend,
        _ => DefinitionKind.Xl,
    };

    private static T Understood<T>(DefinitionFile file, Func<string, T> parse)
    {
        try
        {
            return parse(file.Text ?? throw new FormatException(file.Reason));
        }
        catch (FormatException problem)
        {
            throw new VirtException(problem, "FactUnknown", file.Path, problem.Message);
        }
    }
}

/// <summary>In whose language a guest is defined.</summary>
internal enum DefinitionKind
{
    /// <summary>libvirt's XML.</summary>
    Libvirt,

    /// <summary>What xl keeps of a guest that runs.</summary>
    Libxl,

    /// <summary>xend's S-expressions.</summary>
    Xend,

    /// <summary>xl.cfg, and xm's files, which look alike.</summary>
    Xl,
}
