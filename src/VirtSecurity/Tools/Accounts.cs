using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>Somebody who can log in.</summary>
/// <param name="Name">The account.</param>
/// <param name="Id">Its number.</param>
/// <param name="Groups">The groups it is in.</param>
/// <param name="HasSudo">sudoers names it, or a group it is in.</param>
internal sealed record LoginAccount(string Name, long Id, IReadOnlyList<string> Groups, bool HasSudo);

/// <summary>The accounts of a host.</summary>
/// <param name="People">Ordinary accounts with a shell.</param>
/// <param name="HasDirectory">There is a directory (sssd, LDAP, winbind) too, which may know people that it does not list.</param>
internal sealed record AccountsFact(IReadOnlyList<LoginAccount> People, bool HasDirectory);

/// <summary>passwd(5), group(5), login.defs(5), sudoers(5): the accounts of people, and who of them may become root.</summary>
internal static class Accounts
{
    private const long Nobody = 65534;
    private const long UsualFirst = 1000;

    /// <summary>Shells that let nobody in.</summary>
    private static readonly string[] NoShells = ["nologin", "false", "true", "sync", "halt", "shutdown", "git-shell"];

    /// <summary>Sources of nsswitch.conf(5) that list all that they know.</summary>
    private static readonly string[] LocalSources = ["files", "compat", "systemd", "db", "altfiles"];

    // getent asks the directories (sssd, LDAP) that list their people, too. Neither a hash in passwd nor in group leaves the host.
    private const string Script = """
        getent passwd | sed 's/^\([^:]*\):[^:]*:/passwd \1:x:/'
        getent group | sed 's/^\([^:]*\):[^:]*:/group \1:x:/'
        sed -n 's/^[[:space:]]*UID_MIN[[:space:]]\{1,\}\([0-9]\{1,\}\).*/first \1/p' /etc/login.defs 2>/dev/null
        sed -n 's/^[[:space:]]*passwd:/sources /p' /etc/nsswitch.conf 2>/dev/null
        for f in /etc/sudoers /etc/sudoers.d/*; do
          case $f in */sudoers.d/*.*|*~) continue;; esac
          if [ -f "$f" ]; then sed 's/^/sudoers /' -- "$f" || exit 1; fi
        done
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("accounts", Script) with { Display = "getent passwd; getent group; cat /etc/sudoers /etc/sudoers.d/*" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">A line is no account's, or there is none.</exception>
    public static AccountsFact Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n').Select(line => line.Split(' ', 2)).Where(words => words.Length == 2).ToLookup(words => words[0], words => words[1]);
        var first = lines["first"].LastOrDefault() is { } number ? Number(number) : UsualFirst;
        var groups = lines["group"].Select(line => line.Split(':')).Where(fields => fields.Length == 4).ToArray();
        var sudoers = Sudoers(lines["sudoers"]);
        var people = new List<LoginAccount>();
        foreach (var line in lines["passwd"])
        {
            if (line.Split(':') is not [var name, _, var id, var group, _, _, var shell]) throw new FormatException($"'{line}' is no account");
            var uid = Number(id);
            if (uid < first || uid == Nobody || NoShells.Contains(shell.Split('/')[^1])) continue;
            var memberOf = groups.Where(one => one[2] == group || one[3].Split(',').Contains(name)).Select(one => one[0]).Distinct().ToArray();
            people.Add(new LoginAccount(name, uid, memberOf, sudoers.Contains(name) || sudoers.Contains("#" + id) || sudoers.Contains("ALL") || memberOf.Any(one => sudoers.Contains("%" + one))));
        }

        var sources = lines["sources"].SelectMany(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Where(word => word[0] != '[');
        return lines["passwd"].Any() ? new([.. people.DistinctBy(one => one.Name)], sources.Except(LocalSources).Any()) : throw new FormatException("it lists no account");
    }

    /// <summary>Whom sudoers names at the beginning of a rule, aliases of users resolved: names, #ids and %groups.</summary>
    private static HashSet<string> Sudoers(IEnumerable<string> lines)
    {
        var (rules, aliases) = (new List<string>(), new Dictionary<string, string[]>());
        foreach (var line in Joined(lines))
        {
            if (line.StartsWith("User_Alias", StringComparison.Ordinal))
            {
                foreach (var alias in line["User_Alias".Length..].Split(':'))
                {
                    if (alias.Split('=', 2) is [var name, var members]) aliases[name.Trim()] = Names(members);
                }
            }
            else if (line.Contains('=', StringComparison.Ordinal) && !line.StartsWith("Defaults", StringComparison.Ordinal) && !line.Contains("_Alias", StringComparison.Ordinal))
            {
                rules.Add(line);
            }
        }

        var users = new HashSet<string>();
        var waiting = new Queue<string>(rules.SelectMany(Users));
        while (waiting.TryDequeue(out var user))
        {
            if (users.Add(user) && aliases.TryGetValue(user, out var members)) foreach (var member in members) waiting.Enqueue(member);
        }

        return users;
    }

    /// <summary>Lines without comments, those that end with a backslash put together. A # before a digit is no comment but a user's number.</summary>
    private static IEnumerable<string> Joined(IEnumerable<string> lines)
    {
        var whole = "";
        foreach (var line in lines)
        {
            whole += line.TrimEnd() is [.. var begun, '\\'] ? begun + " " : line;
            if (line.TrimEnd().EndsWith('\\')) continue;
            var comment = Enumerable.Range(0, whole.Length).FirstOrDefault(i => whole[i] == '#' && (i + 1 == whole.Length || !char.IsAsciiDigit(whole[i + 1])), whole.Length);
            if (whole[..comment].Trim() is { Length: > 0 } rule) yield return rule;
            whole = "";
        }
    }

    /// <summary>The list of users that a rule begins with: names with commas between them, up to the first blank that no comma is beside.</summary>
    private static string[] Users(string rule)
    {
        var end = 0;
        for (var wants = true; end < rule.Length && (wants || !char.IsWhiteSpace(rule[end]) || rule.AsSpan(end).TrimStart().StartsWith(",")); end++)
        {
            if (!char.IsWhiteSpace(rule[end])) wants = rule[end] == ',';
        }

        return Names(rule[..end]);
    }

    private static string[] Names(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static long Number(string digits) => long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
}
