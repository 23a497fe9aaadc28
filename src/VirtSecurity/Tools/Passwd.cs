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
    /// <summary>The account that owns nothing; it may have a number above people's first.</summary>
    private const long Nobody = 65534;

    private static readonly string[] NoShells = ["nologin", "false", "true", "sync", "halt", "shutdown", "poweroff", "reboot", "git-shell"];

    /// <summary>Whether it is a line for NIS, and no account.</summary>
    public bool IsNis => Name.StartsWith('+') || Name.StartsWith('-');

    /// <summary>Whether one can work in what it logs in to.</summary>
    public bool HasShell => !NoShells.Contains(Path.GetFileName(Shell.Trim()));

    /// <summary>Whether it is a person's, who can log in.</summary>
    /// <param name="first">The first number of people's accounts.</param>
    public bool IsOfPerson(long first) => !IsNis && Id >= first && Id != Nobody && HasShell;
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

    /// <summary>Where sssd is told of directories, and systemd of people (systemd-homed, nss-systemd(8)), as patterns.</summary>
    public static IReadOnlyList<string> Directories { get; } = ["/etc/sssd/sssd.conf", "/etc/sssd/conf.d/*.conf", "/etc/userdb/*.user", "/var/lib/systemd/home/*.identity"];

    /// <summary>Groups whose members have the host, or its guests, without any password: by a guest with the host's disk, by the disk itself, by a container.</summary>
    public static IReadOnlyList<string> RootGroups { get; } = ["libvirt", "libvirtd", "libvirt-qemu", "kvm", "qemu", "disk", "docker", "lxd", "incus-admin"];

    private static readonly char[] Blanks = [' ', '\t'];

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
    public static long FirstPerson(string loginDefs) => loginDefs.Split('\n').Select(line => line.Split(Blanks, StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words is ["UID_MIN", var number, ..] && Number(number) is not null).Select(words => Number(words[1])!.Value).LastOrDefault(1000);

    /// <summary>
    /// Where else than in its own file a database gets its entries from, by nsswitch.conf(5): sources that only their own tools could list. systemd's has people only where
    /// it was given them, sss (which distributions name wherever it might be installed) only where it has a configuration.
    /// </summary>
    /// <param name="nsswitch">The file's text; empty: there is none.</param>
    /// <param name="database">passwd, group or sudoers.</param>
    /// <param name="directories">What there is of <see cref="Directories"/>.</param>
    public static IReadOnlyList<string> OtherSources(string nsswitch, string database, IReadOnlyCollection<string> directories)
    {
        var words = nsswitch.Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.StartsWith(database + ":", StringComparison.Ordinal)).Select(line => line[(database.Length + 1)..].Split(Blanks, StringSplitOptions.RemoveEmptyEntries)).LastOrDefault() ?? [];
        return [.. words.Where(word => word[0] != '[' && word switch
        {
            // altfiles is a second file of the distribution's own accounts; mymachines has those of containers, which cannot log in here.
            "files" or "compat" or "altfiles" or "mymachines" => false,
            "sss" => directories.Any(path => path.StartsWith("/etc/sssd/", StringComparison.Ordinal)),
            "systemd" => directories.Any(path => !path.StartsWith("/etc/sssd/", StringComparison.Ordinal)),
            _ => true,
        })];
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Where(line => line.Trim().Length > 0 && line[0] != '#');

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
