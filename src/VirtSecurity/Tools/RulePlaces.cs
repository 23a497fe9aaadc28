using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What there is of a rule's path.</summary>
/// <param name="IsThere">The path that the pattern stands for, its escapes read, exists.</param>
/// <param name="IsThereAsWritten">A path exists that is the pattern's very text, no sign of it taken for an operator.</param>
/// <param name="HasAny">Something exists that begins with what every match begins with.</param>
internal sealed record RulePlace(bool IsThere, bool IsThereAsWritten, bool HasAny);

/// <summary>
/// Which of the administrator's rules are for something that exists: the patterns are read and looked at on the host, so that it costs no second
/// round trip. Paths on network and FUSE file systems are not touched by a walk: each is one look.
/// </summary>
internal static class RulePlaces
{
    // Four texts a rule, one a line: the pattern; its path, with a tree's suffix gone and escapes read; that as it is written; and what every match begins
    // with: it ends before the first operator that is not escaped, and a quantifier may take the sign before it away. coreutils' printf reads \xHH as
    // a pattern does. A few processes for many rules: at most 28 texts of 4 KiB each are certain to fit into xargs' line.
    private const string Script = SELinuxFs.StoreName + """
        sed -n -e '/^[[:space:]]*\//!d' -e 's/^[[:space:]]*\([^[:space:]]*\).*/\1/' \
          -e 'h; s/\\/\\\\/g; p; g' -e 's#(/\.\*)?$##; s#/\.\*$##; h' \
          -e 's/\\\([^x]\)/\1/g; p; g' -e 's/\\/\\\\/g; p; g' \
          -e 's/\([^\\]\)[.^$+|[(].*/\1/; s/.[*?{].*//; s/\\$//; s/\\x[0-9A-Fa-f]\{0,1\}$//; s/\\\([^x]\)/\1/g; p' \
          "/etc/selinux/$s/contexts/files/file_contexts.local" 2>/dev/null |
        tr '\n' '\0' | xargs -0r printf '%b\0' | xargs -0r -x -n 28 sh -c '
          is() { if [ -e "$1" ] || [ -L "$1" ]; then printf 1; else printf 0; fi; }
          while [ "$#" -gt 3 ]; do
            printf "%s\0" "$1"; is "$2"; is "$3"
            for f in "$4"*; do is "$f"; break; done
            printf "\0"
            shift 4
          done' rule-place
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("rule-places", Script);

    /// <summary>Reads <see cref="Look"/>: pattern to what there is of it.</summary>
    public static IReadOnlyDictionary<string, RulePlace> Read(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        var places = new Dictionary<string, RulePlace>();
        for (var i = 0; i + 1 < fields.Length; i += 2) places[fields[i]] = new(fields[i + 1][0] == '1', fields[i + 1][1] == '1', fields[i + 1][2] == '1');
        return places;
    }
}
