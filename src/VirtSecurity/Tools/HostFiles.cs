using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>Some files under one name: paths, or patterns of the shell's for them.</summary>
internal sealed record FileSet(string Key, IReadOnlyList<string> Paths);

/// <summary>
/// Small files of a host, many in one call of a handful of processes. Below another root (the tree of a host that does not run) every link is
/// followed as that host would follow it: an absolute one from that root, and <c>..</c> never out of it.
/// </summary>
internal static class HostFiles
{
    /// <summary>A larger file is not read: none that is asked for is, unless something is wrong with it.</summary>
    public const int MostBytes = 1 << 20;

    // `sed` prints a file's name once (F) and its lines behind a blank, so that no content can be taken for a name; what reduces it may
    // have put lines together. Names with a newline are only looked at.
    private const string Script = """
        root=$1 most=$2 reduce=$3
        shift 3
        IFS=
        nl='
        '
        resolve() {
          rest=${1#/} at= n=0
          while [ -n "$rest" ]; do
            part=${rest%%/*}
            case $rest in */*) rest=${rest#*/};; *) rest=;; esac
            case $part in ''|.) continue;; ..) at=${at%/*}; continue;; esac
            if [ -L "$root$at/$part" ]; then
              n=$((n + 1))
              if [ "$n" -gt 40 ]; then return 1; fi
              t=$(readlink -- "$root$at/$part")
              case $t in /*) at=;; esac
              rest=$t${rest:+/$rest}
            else
              at=$at/$part
            fi
          done
          r=$root$at
        }
        say() {
          case $what in
            names) printf '%s\0%s\0%s\0' "$key" "$1" "$r";;
            *) case $r in *"$nl"*) ;; *) printf '%s\0' "$r";; esac;;
          esac
        }
        walk() {
          resolve "$1" || return 0
          case $2 in
            */*) for f in "$r/"${2%%/*}; do if [ -e "$f" ] || [ -L "$f" ]; then walk "$1/${f##*/}" "${2#*/}"; fi; done;;
            *) for f in "$r/"$2; do if [ -e "$f" ] || [ -L "$f" ]; then resolve "$1/${f##*/}" || r=/dev/null/loop; say "$1/${f##*/}"; fi; done;;
          esac
        }
        each() {
          what=$1
          shift
          for w; do
            case $w in
              @*) key=${w#@};;
              *) if [ -n "$root" ]; then walk '' "${w#/}"
                 else for f in $w; do if [ -e "$f" ] || [ -L "$f" ]; then r=$f; say "$f"; fi; done
                 fi;;
            esac
          done
        }
        each names "$@"
        printf '\0'
        each files "$@" | xargs -0r stat -L --printf '%n\0%f %u %g %s %Y\0%C\0' -- 2>/dev/null
        printf '\0'
        if [ "$most" != 0 ]; then
          each files "$@" | xargs -0r sh -c 'm=$1; shift; exec find -L "$@" -maxdepth 0 -type f -size "-${m}c" -print0' find-small "$most" 2>/dev/null |
            xargs -0r sed -s -e 1F -e "$reduce" -e :end -e 's/^/ /mg' --
        fi
        printf '\0end'
        exit 0
        """;

    /// <summary>Asks for files and what is in them.</summary>
    /// <param name="root">The tree they are in, as the directory where it is mounted; empty: the host's own.</param>
    /// <param name="reduce">A sed script that takes secrets out on the host; it may jump to <c>end</c>. Empty: there are none.</param>
    /// <param name="sets">Which.</param>
    public static ToolCall Read(string root, string reduce, IEnumerable<FileSet> sets) => Call("host-files", root, (MostBytes + 1).ToString(CultureInfo.InvariantCulture), reduce, sets);

    /// <summary>Asks which files there are, and nothing of what is in them.</summary>
    public static ToolCall Look(string root, IEnumerable<FileSet> sets) => Call("host-files-look", root, "0", "", sets);

    /// <summary>Reads either: the files of each set, in the order of their paths; a set without files is there, empty.</summary>
    /// <exception cref="FormatException">The answer is not whole.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<HostFile>> ReadFiles(ToolResult result)
    {
        var words = result.Call.Argv.Skip(4).ToArray();
        var isRead = words[1] != "0";
        var fields = result.Stdout.Split('\0');
        if (fields[^1] != "end") throw new FormatException("its end is missing");
        var at = 0;
        var names = Records(fields, ref at);
        var looks = Records(fields, ref at).DistinctBy(look => look[0]).ToDictionary(look => look[0], look => HostFile.FromStat(look[0], look[1], look[2]));
        var contents = isRead ? Contents(string.Join('\0', fields[at..^1])) : [];
        var complaints = result.Stderr.Split('\n');
        var sets = words.Skip(3).Where(word => word[0] == '@').ToDictionary(word => word[1..], _ => (IReadOnlyList<HostFile>)new List<HostFile>());
        foreach (var name in names.DistinctBy(name => (name[0], name[1])).OrderBy(name => name[1], StringComparer.Ordinal)) ((List<HostFile>)sets[name[0]]).Add(File(name[1], name[2]));
        return sets;

        HostFile File(string path, string real)
        {
            if (!looks.TryGetValue(real, out var look))
                return real.Contains('\n', StringComparison.Ordinal)
                    ? new HostFile(path, '?', 0, 0, 0, 0, 0, null, null, "there is a newline in its name")
                    : new HostFile(path, 'l', 0, 0, 0, 0, 0, null, null, "it is a link that leads nowhere");
            look = look with { Path = path };
            if (!isRead) return look;
            if (look.FileType != '-') return look with { Reason = "it is no regular file" };
            if (look.Size > MostBytes) return look with { Reason = $"it has more than {MostBytes >> 10} KiB" };
            if (contents.TryGetValue(real, out var content)) return look with { Content = content, Reason = "" };
            return complaints.FirstOrDefault(line => line.Contains($" {real}: ", StringComparison.Ordinal)) is { } complaint ? look with { Reason = complaint } : look with { Content = "", Reason = "" };
        }
    }

    private static ToolCall Call(string name, string root, string most, string reduce, IEnumerable<FileSet> sets)
    {
        var all = sets.ToArray();
        return ToolCall.Script(name, Script, [root.TrimEnd('/'), most, reduce.ReplaceLineEndings("\n"), .. all.SelectMany(set => set.Paths.Prepend("@" + set.Key))]) with
        {
            Display = $"cat {string.Join(' ', all.SelectMany(set => set.Paths).Select(path => root.TrimEnd('/') + path))}{(reduce.Length > 0 ? "   # less secrets" : "")}",
        };
    }

    /// <summary>Records of three fields, up to the empty one that ends them.</summary>
    private static IReadOnlyList<string[]> Records(string[] fields, ref int at)
    {
        var records = new List<string[]>();
        for (; at < fields.Length && fields[at].Length > 0; at += 3)
        {
            if (at + 3 > fields.Length) throw new FormatException("its last record is not whole");
            records.Add(fields[at..(at + 3)]);
        }

        if (at >= fields.Length) throw new FormatException("its end is missing");
        at++;
        return records;
    }

    private static Dictionary<string, string> Contents(string text)
    {
        var contents = new Dictionary<string, string>();
        List<string>? lines = null;
        var name = "";
        // The last file's last line may lack its newline, as in the file itself.
        var answer = text.EndsWith('\n') ? text[..^1] : text;
        foreach (var line in answer.Length == 0 ? [] : answer.Split('\n'))
        {
            if (line.StartsWith(' '))
            {
                (lines ?? throw new FormatException("a line of no file")).Add(line[1..]);
                continue;
            }

            Keep();
            lines = [];
            name = line;
        }

        Keep();
        return contents;

        void Keep()
        {
            if (lines is not null) contents[name] = string.Join('\n', lines);
        }
    }
}
