using System.Globalization;

namespace VirtSecurity.Tools;

/// <summary>An account of passwd(5).</summary>
/// <param name="Name">Its name; what begins with + or - is NIS's.</param>
/// <param name="Password">What stands in the password's field: <c>x</c> (it is in shadow), empty, <c>*</c>, <c>!</c>, or <c>set</c>.</param>
/// <param name="Id">Its number; null: not a number.</param>
/// <param name="Group">The number of its first group; null: not a number.</param>
/// <param name="Shell">What it logs in to; empty: /bin/sh.</param>
internal sealed record Account(string Name, string Password, long? Id, long? Group, string Shell)
{
    private static readonly string[] NoShells = ["nologin", "false", "true", "sync", "halt", "shutdown", "poweroff", "reboot"];

    /// <summary>Whether it is a line for NIS, and no account.</summary>
    public bool IsNis => Name.StartsWith('+') || Name.StartsWith('-');

    /// <summary>Whether one can work in what it logs in to.</summary>
    public bool HasShell => !NoShells.Contains(Path.GetFileName(Shell.Trim()));
}

/// <summary>A group of group(5).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its number; null: not a number.</param>
/// <param name="Members">Its members by name; those who have it for their first group are not among them.</param>
internal sealed record AccountGroup(string Name, long? Id, IReadOnlyList<string> Members);

/// <summary>passwd(5), shadow(5), group(5), login.defs(5), nsswitch.conf(5).</summary>
internal static class Passwd
{
    /// <summary>sed for passwd and group: a hash that stands there, as on old hosts, stays on the host.</summary>
    public const string Secrets = """
        s/^\([^:]*\):\([x*!]\{0,3\}\):/\1:\2:/
        t end
        s/^\([^:]*\):[^:]*:/\1:set:/
        """;

    /// <summary>sed for shadow: nothing leaves the host but the name, and whether its password is empty, locked or set.</summary>
    public const string ShadowSecrets = """
        s/^\([^:]*\)::.*/\1:empty/
        t end
        s/^\([^:]*\):[!*].*/\1:locked/
        t end
        s/^\([^:]*\):[^:]\{1,\}:.*/\1:set/
        t end
        s/.*/?:set/
        """;

    /// <summary>Accounts, and lines for NIS.</summary>
    /// <exception cref="FormatException">A line is none.</exception>
    public static IReadOnlyList<Account> Accounts(string text) => [.. Lines(text).Select(line => line.Split(':') switch
    {
        [var name, var password, var id, var group, _, _, var shell] => new Account(name, password, Number(id), Number(group), shell),
        [['+' or '-', ..] nis, ..] => new Account(nis, "", null, null, ""),
        _ => throw new FormatException($"'{line}' is no account"),
    })];

    /// <summary>Groups.</summary>
    /// <exception cref="FormatException">A line is none.</exception>
    public static IReadOnlyList<AccountGroup> Groups(string text) => [.. Lines(text).Where(line => line[0] is not ('+' or '-')).Select(line => line.Split(':') is [var name, _, var id, var members]
        ? new AccountGroup(name, Number(id), members.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        : throw new FormatException($"'{line}' is no group"))];

    /// <summary>What became of shadow by <see cref="ShadowSecrets"/>: empty, locked or set, by name.</summary>
    /// <exception cref="FormatException">A line is none.</exception>
    public static IReadOnlyDictionary<string, string> Passwords(string text)
    {
        var passwords = new Dictionary<string, string>();
        foreach (var line in Lines(text))
        {
            if (line.Split(':') is not [var name, "empty" or "locked" or "set"]) throw new FormatException("a line of shadow is not understood");
            passwords[name] = line[(name.Length + 1)..];
        }

        return passwords;
    }

    /// <summary>The first number of people's accounts, UID_MIN.</summary>
    public static long FirstPerson(string loginDefs) => loginDefs.Split('\n').Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words is ["UID_MIN", var number, ..] && Number(number) is not null).Select(words => Number(words[1])!.Value).LastOrDefault(1000);

    /// <summary>Where else than in passwd accounts come from: sources that only their own tools could list.</summary>
    public static IReadOnlyList<string> OtherSources(string nsswitch)
    {
        var words = nsswitch.Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.StartsWith("passwd:", StringComparison.Ordinal)).Select(line => line["passwd:".Length..].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).LastOrDefault() ?? [];
        // systemd's are made when a service runs and have no shell; altfiles is a second file of the distribution's own accounts.
        return [.. words.Where(word => word[0] != '[' && word is not ("files" or "compat" or "systemd" or "altfiles"))];
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Where(line => line.Trim().Length > 0 && line[0] != '#');

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
