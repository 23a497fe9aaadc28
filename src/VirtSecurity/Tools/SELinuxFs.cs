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
internal static class SELinuxFs
{
    private static readonly string[] Files = ["file_contexts", "file_contexts.homedirs", "file_contexts.local", "file_contexts.subs", "file_contexts.subs_dist"];

    // Each file behind a line "NAME LENGTH", so that no content is ever taken for a header.
    private const string ReadScript = """
        printf '%s\n' "$(cat /sys/fs/selinux/enforce 2>/dev/null)"
        s=$(sed -n 's/^[[:space:]]*SELINUXTYPE[[:space:]]*=[[:space:]]*\([A-Za-z0-9_.-]*\).*/\1/p' /etc/selinux/config 2>/dev/null | tail -n 1)
        printf '%s\n' "$s"
        cd "/etc/selinux/$s/contexts/files" 2>/dev/null || exit 0
        for f in "$@"; do
          if [ -r "$f" ]; then printf '%s %s\n' "$f" "$(stat -c %s -- "$f")"; cat -- "$f"; fi
        done
        exit 0
        """;

    /// <summary>Asks for all of it.</summary>
    public static ToolCall Read() => ToolCall.Script("selinux-state", ReadScript, Files);

    /// <summary>Reads <see cref="Read"/>.</summary>
    public static SELinuxFact ReadFact(ToolResult result)
    {
        var bytes = result.StdoutBytes.AsSpan();
        var mode = NextLine(ref bytes) switch { "1" => SELinuxMode.Enforcing, "0" => SELinuxMode.Permissive, _ => SELinuxMode.Disabled };
        var store = NextLine(ref bytes) is { Length: > 0 } name ? name : null;
        var texts = new Dictionary<string, string>();
        while (bytes.Length > 0)
        {
            var header = NextLine(ref bytes).Split(' ');
            var length = int.Parse(header[1], System.Globalization.CultureInfo.InvariantCulture);
            texts[header[0]] = HostText.Decode(bytes[..length]);
            bytes = bytes[length..];
        }

        var rules = Rules(texts, "file_contexts", RuleSource.Policy)
            .Concat(Rules(texts, "file_contexts.homedirs", RuleSource.HomeDirectories))
            .Concat(Rules(texts, "file_contexts.local", RuleSource.Local));
        return new SELinuxFact(mode, store, new FileContexts([.. rules], [Equivalences(texts, "file_contexts.subs"), Equivalences(texts, "file_contexts.subs_dist")]));
    }

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

    private static IEnumerable<FileContextRule> Rules(Dictionary<string, string> texts, string file, RuleSource source) =>
        Lines(texts, file).Select(line => ReadRule(line, source));

    private static FileContextRule ReadRule(string line, RuleSource source)
    {
        var fields = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return fields switch
        {
            [var pattern, ['-', var type], var context] => new(pattern, type, SecurityContext.Parse(context), source, line),
            [var pattern, var context] => new(pattern, null, SecurityContext.Parse(context), source, line),
            _ => throw new Resources.VirtException("FileContextNotUnderstood", line),
        };
    }

    private static List<FileContexts.Equivalence> Equivalences(Dictionary<string, string> texts, string file) =>
        [.. Lines(texts, file)
            .Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length == 2)
            .Select(fields => new FileContexts.Equivalence(fields[0].TrimEnd('/'), fields[1].TrimEnd('/')))];

    private static IEnumerable<string> Lines(Dictionary<string, string> texts, string file) =>
        (texts.TryGetValue(file, out var text) ? text : "").Split('\n')
            .Select(line => line.Trim())
            .Where(line => line.Length > 0 && line[0] != '#');

    private static string NextLine(ref Span<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        if (end < 0) end = bytes.Length;
        var line = HostText.Decode(bytes[..end]);
        bytes = bytes[Math.Min(end + 1, bytes.Length)..];
        return line;
    }
}
