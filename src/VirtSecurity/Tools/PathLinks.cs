using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>
/// Symbolic links on the way to paths. A rule is looked up by the path without them, as restorecon and matchpathcon do, and what a guest opens is
/// what they lead to.
/// </summary>
internal sealed class PathLinks(IReadOnlyDictionary<string, string?> targets)
{
    // The test for a link is the shell's own: a process is started for links only, and those are few.
    private const string Script = """
        exec xargs -0r sh -c 'for p; do
          if [ -L "$p" ]; then printf "%s\0" "$p"; realpath -ez -- "$p" 2>/dev/null || printf "\0"; fi
        done; exit 0' path-links
        """;

    /// <summary>Asks which of these paths, and of the directories above them, are links, and where they lead to.</summary>
    public static ToolCall Find(IEnumerable<string> paths) => ToolCall.Script("path-links", Script) with
    {
        Stdin = HostText.Encode(string.Concat(paths.Select(path => path + "\0"))),
        TimeLimit = TimeSpan.FromMinutes(10),
    };

    /// <summary>Reads <see cref="Find"/>.</summary>
    public static PathLinks Read(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        var targets = new Dictionary<string, string?>();
        for (var i = 0; i + 1 < fields.Length; i += 2) targets[fields[i]] = fields[i + 1].Length == 0 ? null : fields[i + 1];
        return new(targets);
    }

    /// <summary>The path without links; null: a link leads nowhere. The deepest link on the way decides: its target has none, and nothing below it is one.</summary>
    /// <param name="path">Absolute and canonical.</param>
    public string? Resolve(string path)
    {
        if (targets.Count == 0) return path;
        for (var end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (targets.TryGetValue(path[..end], out var target)) return target is null ? null : (target == "/" && end < path.Length ? "" : target) + path[end..];
        }

        return path;
    }
}
