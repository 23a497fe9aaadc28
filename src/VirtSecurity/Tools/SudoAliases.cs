using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>The aliases of sudoers(5): names for lists of users, of users to run as, of hosts and of commands. Each kind has names of its own.</summary>
internal sealed partial class SudoAliases
{
    private readonly Dictionary<(string Kind, string Name), string> lists = [];

    /// <summary>Takes a line that defines some; false: it is none.</summary>
    public bool TryAdd(string line)
    {
        if (Definition().Match(line) is not { Success: true } match) return false;
        var kind = match.Groups["kind"].Value is "Cmd" ? "Cmnd" : match.Groups["kind"].Value;
        foreach (var one in Between().Split(match.Groups["definitions"].Value))
        {
            var parts = one.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts.Length != 2) return false;
            lists[(kind, parts[0])] = parts[1];
        }

        return true;
    }

    /// <summary>The members of a list, aliases in it resolved. Who is taken out of it (<c>!name</c>) is no member; nor is he taken out of what an alias puts in.</summary>
    public IReadOnlyList<string> Members(string kind, string list)
    {
        var (members, seen) = (new List<string>(), new HashSet<string>());
        var waiting = new Queue<string>(Split(list));
        while (waiting.TryDequeue(out var member))
        {
            if (!seen.Add(member) || member.StartsWith('!')) continue;
            if (lists.TryGetValue((kind, member), out var inside)) foreach (var one in Split(inside)) waiting.Enqueue(one);
            else members.Add(member);
        }

        return members;
    }

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"^(?<kind>User|Runas|Host|Cmnd|Cmd)_Alias\s+(?<definitions>[A-Z][A-Z0-9_]*\s*=.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Definition();

    // Several of a kind may stand on a line.
    [GeneratedRegex(@"(?<!\\)\s*:\s*(?=[A-Z][A-Z0-9_]*\s*=)")]
    private static partial Regex Between();
}
