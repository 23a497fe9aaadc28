using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>semanage(8), semanage-import(8): the only writer of the policy's local file contexts.</summary>
internal static class Semanage
{
    /// <summary>The name of the call that commits edits.</summary>
    public const string ImportName = "semanage import";

    // Our own runs wait for one another under our lock, as long as it takes. Another's semanage holds libsemanage's lock on the
    // store, on which ours would give up after five seconds: that is waited for too, and lost to once more if a third came first
    // ("libsemanage.semanage_get_lock: Could not get direct transaction lock at ...", libsemanage 3.4).
    private const string ImportScript = """
        edits=$(cat)
        mkdir -p -m 0700 /run/virtsecurity
        exec 9>/run/virtsecurity/policy.lock
        flock -w 600 9 || { echo "another run has held /run/virtsecurity/policy.lock for 600 s" >&2; exit 75; }

        """ + SELinuxFs.StoreName + """
        lock=/var/lib/selinux/$s/semanage.trans.LOCK
        tries=0
        while :; do
          if [ -e "$lock" ]; then flock -w 120 -E 75 -- "$lock" true || exit; fi
          said=$(printf '%s\n' "$edits" | semanage import -N 9>&- 2>&1)
          code=$?
          if [ -n "$said" ]; then printf '%s\n' "$said" >&2; fi
          tries=$((tries + 1))
          case $said in
            *"transaction lock"*) if [ "$tries" -lt 5 ]; then continue; fi; exit 75;;
          esac
          exit "$code"
        done
        """;

    /// <summary>flock(1)'s -E: the lock was not had in time.</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string> { [75] = "LockTimedOut", [1] = "SemanageFailed" };

    /// <summary>Adds a rule for all file types.</summary>
    public static string Add(string pattern, string type) => $"fcontext -a -f a -t {type} -r s0 '{pattern}'";

    /// <summary>Adds a rule for all file types with a whole context.</summary>
    public static string Add(string pattern, SecurityContext context) =>
        $"fcontext -a -f a -t {context.Type} -r {context.Range ?? "s0"} -s {context.User} '{pattern}'";

    /// <summary>Changes the type of the rule with exactly that pattern.</summary>
    public static string Modify(string pattern, string type, string range) => $"fcontext -m -f a -t {type} -r {range} '{pattern}'";

    /// <summary>Removes the rule with exactly that pattern.</summary>
    public static string Delete(string pattern) => $"fcontext -d -f a '{pattern}'";

    /// <summary>
    /// All edits as one transaction on the policy store: what one edit costs, many cost. -N: file contexts are
    /// userspace's, the kernel's policy need not be loaded again.
    /// </summary>
    public static ToolCall Import(IEnumerable<string> edits)
    {
        var lines = edits.ToArray();
        return ToolCall.Script(ImportName, ImportScript) with
        {
            Stdin = HostText.Encode(string.Concat(lines.Select(edit => edit + "\n"))),
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            TimeLimit = TimeSpan.FromMinutes(15),
            Display = $"{ShellQuote.Line(["printf", @"%s\n", .. lines])} | semanage import -N   # under a lock",
        };
    }

    /// <summary>The line semanage writes into file_contexts.local for a rule (libsemanage 3.4).</summary>
    public static string LocalLine(string pattern, string type) => $"{pattern}    {new SecurityContext("system_u", "object_r", type, "s0")}";
}
