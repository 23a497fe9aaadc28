using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>What is at a path.</summary>
internal enum PathState
{
    /// <summary>Something.</summary>
    Found,

    /// <summary>Nothing, or a link that leads to nothing.</summary>
    Missing,

    /// <summary>It was not to be seen: no permission, or no answer from its file system's server.</summary>
    Unknown,
}

/// <summary>What a path leads to, all links followed.</summary>
/// <param name="Path">As asked for.</param>
/// <param name="RealPath">The same without any link in it, as far as it exists.</param>
/// <param name="State">Whether there is something.</param>
/// <param name="Inode">What there is; null: nothing that was seen.</param>
/// <param name="IsLink">The path itself is a symbolic link.</param>
/// <param name="IsRemote">It lies on a file system whose server may not answer.</param>
internal sealed record PathLook(string Path, string RealPath, PathState State, ImageInode? Inode, bool IsLink, bool IsRemote);

/// <summary>An inode that may be an image.</summary>
/// <param name="FileType">First column of <c>ls -l</c>.</param>
/// <param name="Size">Bytes; of a device 0.</param>
/// <param name="Allocated">Bytes that it takes on its file system.</param>
/// <param name="Id">device:inode, decimal.</param>
/// <param name="Device">Of a device's node, its major:minor; otherwise 0:0.</param>
/// <param name="Context">Its label; null: none, or SELinux is off.</param>
internal sealed record ImageInode(char FileType, long Size, long Allocated, string Id, string Device, SecurityContext? Context);

/// <summary>What is at the paths that images have.</summary>
/// <param name="Looks">By path as asked for.</param>
/// <param name="Listed">Those that were found in places for images; the others look like paths in definitions.</param>
/// <param name="Problem">What could not be listed, in find's words; empty: nothing.</param>
internal sealed record ImagePathsFact(IReadOnlyDictionary<string, PathLook> Looks, IReadOnlyList<string> Listed, string Problem);

/// <summary>
/// The paths of images: those that definitions name, and what lies in places for images. They are found and looked at on the host in one
/// call, so that it costs no second round trip: whatever looks like a path in a definition is looked at, rather one too many.
/// </summary>
internal static class ImagePaths
{
    /// <summary>The first argument of <see cref="Common"/>: what lies on this host.</summary>
    internal const string LocalMode = "local";

    private const string RemoteMode = "remote";
    private const int InodeFields = 8;

    private static readonly TimeSpan LocalLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan RemoteLimit = TimeSpan.FromMinutes(1);

    // %t and %T are a device's own numbers, in hexadecimal.
    private const string InodeFormat = @"i\0%n\0%f\0%s\0%b\0%d:%i\0%t:%T\0%C\0";

    // For the paths given as arguments: n, all of them and what they really are; l a link; m nothing; u not to be seen, because somebody or a
    // server that does not answer is in the way; i what there is.
    private const string LookScript = """
        printf 'n\0%s\0' "$#"
        printf '%s\0' "$@"
        realpath -mz -- "$@"
        for p; do
          if [ -L "$p" ]; then printf 'l\0%s\0' "$p"; fi
          if [ -e "$p" ]; then continue; fi
          q=$p
          while [ -n "$q" ] && ! [ -e "$q" ] && ! [ -L "$q" ]; do q=${q%/*}; done
          if [ "$mode" = remote ] && ! printf '%s\n' "$q" | grep -qE "^($servers)(/|\$)"; then printf 'u\0%s\0' "$p"
          elif [ -d "$q" ] && [ ! -x "$q" ]; then printf 'u\0%s\0' "$p"
          else printf 'm\0%s\0' "$p"; fi
        done
        stat -L --printf "$format" -- "$@" 2>/dev/null
        exit 0
        """;

    // No path is longer than 4095 bytes, and xargs gives up at what no command line can hold.
    // A server that hangs would hang us: network and FUSE file systems, and what asking may mount, are looked at by a call of its own.
    /// <summary>Shell: <c>mine</c> lets paths through that are for this call, and <c>look</c> hands them to the script that is the third argument.</summary>
    internal const string Common = """
        export mode="$1" format="$2"
        look=$3
        export servers="$(sed -n 's#^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - \(nfs4\{0,1\}\|cifs\|smb3\{0,1\}\|smbfs\|ceph\|afs\|9p\|lustre\|beegfs\|gpfs\|fuse[^ ]*\|autofs\) .*#\1#p' /proc/self/mountinfo |
          sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g' | tr '\n' '\0' | xargs -0r printf '%b\n' | sed 's/[][\\.*^$+?(){}|]/\\&/g' | paste -s -d '|' -)"
        if [ "$mode-$servers" = remote- ]; then exit 0; fi
        mine() {
          if [ -z "$servers" ]; then cat
          elif [ "$mode" = local ]; then grep -zvE "^($servers)(/|\$)"
          else grep -zE "^($servers)(/|\$)"; fi
        }
        look() { sed -z '/^.\{4096\}/d' | xargs -0r sh -c "$look" image-look; }

        """;

    // XML has five entities; whoever writes others is looked at in the next round trip. A password may look like a path.
    /// <summary>Shell: <c>named</c> prints those files that there are, <c>guesses MOST XMLSECRETS XENSECRETS</c> whatever in definitions looks like a path.</summary>
    internal const string Guesses = """
        named() { for f; do if [ -f "$f" ]; then printf '%s\0' "$f"; fi; done; }
        guesses() {
          {
            xml named | xargs -0r head -q -c "$1" -- | sed -e "$2" | tr "'\"<>\n" '\0' | sed -z "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&amp;/\&/g"
            xen named | xargs -0r head -q -c "$1" -- | sed -e "$3" | tr "'\"(),\n" '\0' | sed -z 's#^phy:\([^/]\)#/dev/\1#'
          } | sed -zn 's#^[^/]*##; /^\//p' | sort -zu
        }

        """;

    private const string FindScript = Common + GuestDefinitions.Files + StorePaths.MountPoints + StorePaths.Rules + Guesses + """
        pooltext() { pools named | xargs -0r head -q -c "$1" -- | sed -n "$2" | sed "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&amp;/\&/g"; }
        pooldirs() { pooltext "$1" 's#.*<path>\(/[^<]*\)</path>.*#\1#p' | grep -vxE '/+|/dev/*|/dev/(mapper|disk.*)/*' | tr '\n' '\0'; }
        partitions() {
          pooltext "$1" "s#.*<device path='\(/dev/[^']*\)'.*#\1#p" | while IFS= read -r d; do
            for p in "$d"[0-9]* "$d"p[0-9]* "$d"-part[0-9]*; do if [ -b "$p" ]; then printf '%s\0' "$p"; fi; done
          done
        }
        # The roots of what is mounted from devices and labelled for images, and the paths of the administrator's rules for them.
        trees() {
          printf '%s\0' /var/lib/libvirt/images /var/lib/xen/images
          rules "$1" | names | grep -zvxE '/|/(bin|boot|dev|etc|home|lib|lib32|lib64|proc|root|run|sbin|srv|sys|tmp|usr|var)'
          mounts | names | xargs -0r stat --printf '%C %n\0' -- 2>/dev/null | grep -z "^[^ ]*:\($1\):" | cut -z -d ' ' -f 2-
        }
        existing() { xargs -0r sh -c 'for d; do if [ -e "$d" ]; then printf "%s\0" "$d"; fi; done' existing; }
        list() { xargs -0r sh -c 'find -H "$@" -xdev -name lost+found -prune -o \( -type f -o -type b -o -type l \) -print0' image-list; }
        listdir() { xargs -0r sh -c 'find -H "$@" -mindepth 1 -maxdepth 1 \( -type f -o -type b -o -type l \) -print0' image-list; }

        printf 'g\0\0'
        guesses "$4" "$6" "$7" | mine | look
        printf 'd\0\0'
        {
          trees "$5" | sort -zu | mine | existing | list
          pooldirs "$4" | sort -zu | mine | existing | listdir
          if [ "$mode" = local ]; then partitions "$4"; fi
        } | sort -zu | look
        exit 0
        """;

    private const string LookAtScript = Common + """
        printf 'g\0\0'
        mine | look
        exit 0
        """;

    private static readonly string Types = string.Join(@"\|", ImageTypes.All);

    /// <summary>Asks for them; the second call is for file systems with a server, which may take its time or give no answer.</summary>
    public static (ToolCall Local, ToolCall Remote) Find() => (Find(LocalMode), Find(RemoteMode));

    /// <summary>Asks for what is at some paths, as <see cref="Find()"/> does.</summary>
    public static (ToolCall Local, ToolCall Remote) Look(IReadOnlyCollection<string> paths) => (Look(LocalMode, paths), Look(RemoteMode, paths));

    /// <summary>Reads both.</summary>
    public static ImagePathsFact Read(ToolResult result)
    {
        var isRemote = result.Call.Argv.Contains(RemoteMode);
        var fields = result.Stdout.Split('\0');
        var (real, inodes) = (new Dictionary<string, string>(), new Dictionary<string, ImageInode>());
        var (unknown, links, listed) = (new HashSet<string>(), new HashSet<string>(), new HashSet<string>());
        var isListing = false;
        for (var i = 0; i + 1 < fields.Length;)
        {
            var (tag, first) = (fields[i], fields[i + 1]);
            i += 2;
            switch (tag)
            {
                case "d": isListing = true; break;
                case "l": links.Add(first); break;
                case "u": unknown.Add(first); break;
                case "i":
                    inodes[first] = Inode(fields.AsSpan(i, InodeFields - 2));
                    i += InodeFields - 2;
                    break;
                case "n":
                    var count = int.Parse(first, NumberStyles.None, CultureInfo.InvariantCulture);
                    for (var k = i; k < i + count; k++)
                    {
                        real[fields[k]] = fields[k + count];
                        if (isListing) listed.Add(fields[k]);
                    }

                    i += 2 * count;
                    break;
                case "g" or "m": break;
                default: throw new FormatException($"'{tag}' is no record");
            }
        }

        // What vanished between the look at its name and at its inode is missing.
        PathState StateOf(string path) => inodes.ContainsKey(path) ? PathState.Found : unknown.Contains(path) ? PathState.Unknown : PathState.Missing;
        return new ImagePathsFact(
            real.ToDictionary(entry => entry.Key, entry => new PathLook(entry.Key, entry.Value, StateOf(entry.Key), inodes.GetValueOrDefault(entry.Key), links.Contains(entry.Key), isRemote)),
            [.. listed], Problems(result));
    }

    private static ToolCall Find(string mode) =>
        ToolCall.Script(
            $"image-paths-{mode}", FindScript, mode, InodeFormat, LookScript.ReplaceLineEndings("\n"), GuestDefinitions.MostBytes.ToString(CultureInfo.InvariantCulture), Types,
            GuestDefinitions.XmlSecrets.ReplaceLineEndings("\n"), GuestDefinitions.XenSecrets.ReplaceLineEndings("\n")) with
        { TimeLimit = LimitOf(mode) };

    private static ToolCall Look(string mode, IReadOnlyCollection<string> paths) =>
        ToolCall.Script($"image-look-{mode}", LookAtScript, mode, InodeFormat, LookScript.ReplaceLineEndings("\n")) with { TimeLimit = LimitOf(mode), Stdin = HostText.EncodeRecords(paths) };

    private static TimeSpan LimitOf(string mode) => mode == LocalMode ? LocalLimit : RemoteLimit;

    /// <summary>What find could not list; what went away meanwhile is none.</summary>
    private static string Problems(ToolResult result) =>
        string.Join('\n', result.Stderr.Split('\n').Where(line => line.StartsWith("find: ", StringComparison.Ordinal) && !line.EndsWith(": No such file or directory", StringComparison.Ordinal)));

    private static ImageInode Inode(ReadOnlySpan<string> fields)
    {
        var device = fields[4].Split(':').Select(number => int.Parse(number, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToArray();
        return new ImageInode(
            Coreutils.TypeOf(int.Parse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)),
            long.Parse(fields[1], CultureInfo.InvariantCulture), 512 * long.Parse(fields[2], CultureInfo.InvariantCulture), fields[3],
            string.Create(CultureInfo.InvariantCulture, $"{device[0]}:{device[1]}"), SecurityContext.Parse(fields[5]));
    }
}
