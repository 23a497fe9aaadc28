using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>semanage(8), semanage-import(8): the only writer of the policy's local file contexts.</summary>
internal static class Semanage
{
    /// <summary>flock(1)'s -E: the lock was not had in time.</summary>
    public static IReadOnlyDictionary<int, string> ExitCodes { get; } = new Dictionary<int, string> { [75] = "LockTimedOut", [1] = "SemanageFailed" };

    /// <summary>Adds a rule for all file types.</summary>
    public static string Add(string pattern, string type) => $"fcontext -a -f a -t {type} -r s0 '{pattern}'";

    /// <summary>Changes the type of the rule with exactly that pattern.</summary>
    public static string Modify(string pattern, string type, string range) => $"fcontext -m -f a -t {type} -r {range} '{pattern}'";

    /// <summary>Removes the rule with exactly that pattern.</summary>
    public static string Delete(string pattern) => $"fcontext -d -f a '{pattern}'";

    /// <summary>
    /// All edits as one transaction on the policy store: what one edit costs, many cost. -N: file contexts are
    /// userspace's, the kernel's policy need not be loaded again. Under our own lock, as semanage itself gives up after
    /// five seconds when another runs.
    /// </summary>
    public static ToolCall Import(IEnumerable<string> edits) =>
        new("flock", "-w", "120", "-E", "75", "/run/lock/virtsecurity-policy.lock", "semanage", "import", "-N")
        {
            Stdin = Encoding.UTF8.GetBytes(string.Concat(edits.Select(edit => edit + "\n"))),
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            TimeLimit = TimeSpan.FromMinutes(15),
        };

    /// <summary>The line semanage writes into file_contexts.local for a rule (libsemanage 3.4).</summary>
    public static string LocalLine(string pattern, string type) => $"{pattern}    {new SecurityContext("system_u", "object_r", type, "s0")}";
}
