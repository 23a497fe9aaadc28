using System.Text.RegularExpressions;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>The state of SELinux on a host.</summary>
public enum SELinuxMode
{
    /// <summary>Off: no label is enforced, none is set on new files.</summary>
    Disabled,

    /// <summary>Violations are logged, not refused.</summary>
    Permissive,

    /// <summary>On.</summary>
    Enforcing,
}

/// <summary>What a host says of its SELinux: the kernel's state and the policy store's file contexts.</summary>
internal sealed record SELinuxFact(SELinuxMode Mode, string? Store, FileContexts FileContexts);

/// <summary>selinuxfs, /etc/selinux/config, and the file_contexts files of the policy the host uses (its name is the distribution's).</summary>
internal static partial class SELinuxFs
{
    private static readonly string[] EquivalenceFiles = ["file_contexts.subs", "file_contexts.subs_dist"];

    /// <summary>The names of the files with rules for labels, in a store's <c>contexts/files</c>.</summary>
    public static IReadOnlyList<string> Files { get; } = ["file_contexts", "file_contexts.homedirs", "file_contexts.local", .. EquivalenceFiles];

    /// <summary>Shell: <c>$s</c> is the name of the policy's store.</summary>
    internal const string StoreName = """
        s=$(sed -n 's/^[[:space:]]*SELINUXTYPE[[:space:]]*=[[:space:]]*\([A-Za-z0-9_.-]*\).*/\1/p' /etc/selinux/config 2>/dev/null | tail -n 1)

        """;

    // Each file behind tail's line "==> NAME <==", which is neither a rule nor a comment. A file is opened once and read to its end, so that one that a
    // commit replaces meanwhile is the old one or the new one. What is not there is passed over.
    private const string ReadScript = """
        e=
        if [ -r /sys/fs/selinux/enforce ]; then read -r e </sys/fs/selinux/enforce || :; fi   # it has no newline
        printf '%s\n' "$e"

        """ + StoreName + """
        printf '%s\n' "$s"
        cd "/etc/selinux/$s/contexts/files" 2>/dev/null || exit 0
        tail -v -n +1 -- "$@" 2>/dev/null
        exit 0
        """;

    /// <summary>Asks for all of it.</summary>
    public static ToolCall Read() => ToolCall.Script("selinux-state", ReadScript, [.. Files]);

    /// <summary>Reads <see cref="Read"/>.</summary>
    /// <exception cref="Resources.VirtException">FileContextNotUnderstood: a line that libselinux would refuse.</exception>
    public static SELinuxFact ReadFact(ToolResult result)
    {
        var text = result.Stdout;
        var mode = NextLine(ref text) switch { "1" => SELinuxMode.Enforcing, "0" => SELinuxMode.Permissive, _ => SELinuxMode.Disabled };
        var store = NextLine(ref text) is { Length: > 0 } name ? name : null;
        var texts = new Dictionary<string, string>();
        var headers = Header().Matches(text);
        for (var i = 0; i < headers.Count; i++)
        {
            // The newline before the next header is tail's.
            var end = i + 1 < headers.Count ? headers[i + 1].Index : text.Length;
            texts[headers[i].Groups["name"].Value] = text[(headers[i].Index + headers[i].Length)..end];
        }

        return FactOf(mode, store, file => texts.GetValueOrDefault(file, ""));
    }

    /// <summary>The same of the files' texts.</summary>
    /// <param name="mode">The kernel's state.</param>
    /// <param name="store">The policy's store; null: unknown.</param>
    /// <param name="text">By name of <see cref="Files"/>: what is in it; empty: there is none.</param>
    /// <exception cref="Resources.VirtException">FileContextNotUnderstood.</exception>
    public static SELinuxFact FactOf(SELinuxMode mode, string? store, Func<string, string> text)
    {
        var rules = new[] { RuleSource.Policy, RuleSource.HomeDirectories, RuleSource.Local }.SelectMany(source => FileContextsText.ReadRules(text(FileContextsText.FileOf(source)), source));
        return new SELinuxFact(mode, store, new FileContexts([.. rules], [.. EquivalenceFiles.Select(file => FileContextsText.ReadEquivalences(text(file), file))]));
    }

    /// <summary>Asks for the types that restorecon leaves as they are unless told otherwise (-F), customizable_types(5).</summary>
    public static ToolCall CustomizableTypes() => ToolCall.Script(
        "customizable-types",
        StoreName + """
        f=/etc/selinux/$s/contexts/customizable_types
        if [ -e "$f" ]; then cat -- "$f"; fi
        """);

    /// <summary>Reads <see cref="CustomizableTypes"/>.</summary>
    public static IReadOnlySet<string> ReadCustomizableTypes(ToolResult result) =>
        result.Stdout.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#').ToHashSet();

    /// <summary>Asks which types the loaded policy knows: selinuxfs's <c>context</c> node refuses a context it does not.</summary>
    public static ToolCall KnownTypes(IReadOnlyCollection<string> types) => ToolCall.Script(
        "known-types",
        """
        for t in "$@"; do
          if printf 'system_u:object_r:%s:s0' "$t" >/sys/fs/selinux/context; then printf '%s\n' "$t"; fi
        done 2>/dev/null
        exit 0
        """,
        [.. types]);

    /// <summary>Reads <see cref="KnownTypes"/>.</summary>
    public static IReadOnlySet<string> ReadKnownTypes(ToolResult result) => result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet();

    private static string NextLine(ref string text)
    {
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        var line = end < 0 ? text : text[..end];
        text = end < 0 ? "" : text[(end + 1)..];
        return line;
    }

    [GeneratedRegex(@"(?:\A|\n)==> (?<name>file_contexts[a-z_.]*) <==\n", RegexOptions.CultureInvariant)]
    private static partial Regex Header();
}
