using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A denial of SELinux's, as auditd logs it.</summary>
/// <param name="Source">The type of who was denied it.</param>
/// <param name="Target">The type of what it was denied to do it with.</param>
/// <param name="Class">What kind of thing that is, such as file.</param>
/// <param name="Permissions">What was denied, such as read.</param>
/// <param name="IsPermissive">It was let through all the same.</param>
internal sealed record Denial(string Source, string Target, string Class, string Permissions, bool IsPermissive)
{
    /// <summary>Whether virtualization has a part in it, by the types' names.</summary>
    public bool IsOfVirtualization => new[] { Source, Target }.Any(type => type.Contains("virt", StringComparison.Ordinal) || type.StartsWith("xen", StringComparison.Ordinal) || type.StartsWith("qemu", StringComparison.Ordinal));

    /// <summary>As audit2why would say it.</summary>
    public override string ToString() => $"{Source} {{ {Permissions} }} {Target}:{Class}{(IsPermissive ? " (permissive)" : "")}";
}

/// <summary>auditd's log, and the rules of audit: auditctl(8), audit.rules(7).</summary>
internal static partial class AuditLog
{
    // The log's end only: it rolls over, and what is older is no news.
    private const string Script = """
        f=/var/log/audit/audit.log
        if [ ! -r "$f" ]; then exit 127; fi
        tail -c 4194304 -- "$f" | grep -a 'avc:  denied' | grep -aE 'virt|xen|qemu' | tail -n 500
        exit 0
        """;

    /// <summary>Asks for the latest denials in which virtualization has a part. Exit code 127: there is no log.</summary>
    public static ToolCall Denials() => ToolCall.Script("avc-denials", Script) with { Display = "ausearch -m AVC   # virt, xen, qemu" };

    /// <summary>Reads <see cref="Denials"/>: each once, with how often.</summary>
    public static IReadOnlyList<(Denial Denial, int Count)> Parse(string text) => [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Avc().Match(line)).Where(match => match.Success)
        .Select(match => new Denial(match.Groups["source"].Value, match.Groups["target"].Value, match.Groups["class"].Value, match.Groups["permissions"].Value.Trim(), match.Groups["permissive"].Value == "1"))
        .GroupBy(denial => denial).Select(group => (group.Key, group.Count())).OrderByDescending(pair => pair.Item2).ThenBy(pair => pair.Key.ToString(), StringComparer.Ordinal)];

    /// <summary>The directories that rules watch for writing, with all below them: -w PATH, or -F dir=PATH; -F path=PATH is about that one inode (audit.rules(7)).</summary>
    public static IReadOnlyList<string> Watched(string rules) => [.. rules.Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0 && !line.Contains("never,", StringComparison.Ordinal) && !line.Contains(",never", StringComparison.Ordinal) && WatchesWriting(line))
        .SelectMany(line => Watch().Matches(line)).Select(match => match.Groups["path"].Value.TrimEnd('/')).Select(path => path.Length == 0 ? "/" : path).Distinct()];

    // Without -p or perm all four kinds of access are watched.
    private static bool WatchesWriting(string line) => Permission().Match(line) is not { Success: true } permission || permission.Groups["kinds"].Value.Contains('w', StringComparison.Ordinal);

    [GeneratedRegex(@"avc:  denied  \{(?<permissions>[^}]*)\}.* scontext=[^:\s]+:[^:\s]+:(?<source>[^:\s]+)\S* tcontext=[^:\s]+:[^:\s]+:(?<target>[^:\s]+)\S* tclass=(?<class>\S+)( permissive=(?<permissive>[01]))?", RegexOptions.ExplicitCapture)]
    private static partial Regex Avc();

    [GeneratedRegex(@"(^|\s)(-w\s+|-F\s*dir=)(?<path>/\S*)", RegexOptions.ExplicitCapture)]
    private static partial Regex Watch();

    [GeneratedRegex(@"(^|\s)(-p\s+|-F\s*perm=)(?<kinds>[rwxa]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Permission();
}
