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

/// <summary>The accounts of people, and who of them may become root, as a plan wants them: also those that a directory lists.</summary>
internal static class Accounts
{
    // getent asks the directories (sssd, LDAP) that list their people, too. Neither a hash in passwd nor in group leaves the host.
    private const string Script = """
        getent passwd | sed 's/^\([^:]*\):[^:]*:/passwd \1:x:/'
        getent group | sed 's/^\([^:]*\):[^:]*:/group \1:x:/'
        sed -n 's/^[[:space:]]*UID_MIN/defs &/p' /etc/login.defs 2>/dev/null
        sed -n 's/^[[:space:]]*passwd:/sources passwd:/p' /etc/nsswitch.conf 2>/dev/null
        for f; do if [ -e "$f" ]; then printf 'directory %s\n' "$f"; fi; done
        for f in /etc/sudoers /etc/sudoers.d/*; do
          case $f in */sudoers.d/*.*|*~) continue;; esac
          if [ -f "$f" ]; then sed 's/^/sudoers /' -- "$f" || exit 1; fi
        done
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("accounts", "set -- " + string.Join(' ', Passwd.Directories) + "\n" + Script) with { Display = "getent passwd; getent group; cat /etc/sudoers /etc/sudoers.d/*" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">A line is no account's or not understood, or there is none.</exception>
    public static AccountsFact Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n').Select(line => line.Split(' ', 2)).Where(words => words.Length == 2).ToLookup(words => words[0], words => words[1]);
        string Text(string word) => string.Join('\n', lines[word]);
        var (accounts, groups) = (Passwd.Accounts(Text("passwd")), Passwd.Groups(Text("group")));
        if (accounts.Count == 0) throw new FormatException("it lists no account");
        var first = Passwd.FirstPerson(Text("defs"));
        var sudoers = Sudoers.Parse([(Sudoers.MainFile, lines["sudoers"].ToArray())]).Grants.Select(grant => grant.Who).ToHashSet();
        var people = accounts.Where(account => account.IsOfPerson(first)).DistinctBy(account => account.Name).Select(account =>
        {
            var memberOf = groups.Where(group => group.Id == account.Group || group.Members.Contains(account.Name)).ToArray();
            var names = memberOf.SelectMany(group => new[] { $"%{group.Name}", $"%#{group.Id}" }).Concat([account.Name, $"#{account.Id}", "ALL"]);
            return new LoginAccount(account.Name, account.Id!.Value, [.. memberOf.Select(group => group.Name).Distinct()], names.Any(sudoers.Contains));
        });
        return new([.. people], Passwd.OtherSources(Text("sources"), "passwd", lines["directory"].ToArray()).Count > 0);
    }
}
