using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>The right side of a rule of sudoers(5): commands, as whom they are run, and whether a password is asked for.</summary>
internal static partial class SudoCommands
{
    /// <summary>Whether all commands are among them, as root; and whether that is (or, if it is not all, any of it is) without a password.</summary>
    public static (bool IsAll, bool WithoutPassword) Read(string what, SudoAliases aliases)
    {
        var commands = NextHosts().Split(what).SelectMany((list, index) => Commands(index == 0 ? list : list.Split('=', 2)[^1], aliases)).ToArray();
        var all = commands.Where(command => command.IsAll).ToArray();
        return (all.Length > 0, (all.Length > 0 ? all : commands).Any(command => command.WithoutPassword));
    }

    /// <summary>Whom it is run as, and whether a password is asked for, holds for the commands that follow too, until it is said otherwise.</summary>
    private static IEnumerable<(bool IsAll, bool WithoutPassword)> Commands(string list, SudoAliases aliases)
    {
        var (asRoot, withoutPassword) = (true, false);
        foreach (var item in Comma().Split(list))
        {
            var match = Command().Match(item.Trim());
            if (match.Groups["as"] is { Success: true } users) asRoot = IsRoot(users.Value, aliases);
            foreach (var tag in match.Groups["tag"].Captures.Select(tag => tag.Value))
            {
                if (tag is "NOPASSWD" or "PASSWD") withoutPassword = tag == "NOPASSWD";
            }

            yield return (asRoot && aliases.Members("Cmnd", match.Groups["command"].Value).Contains("ALL"), withoutPassword);
        }
    }

    /// <summary>Whether a list of users and groups to run as has root in it. A group of users, or of the network, may have.</summary>
    private static bool IsRoot(string users, SudoAliases aliases) => aliases.Members("Runas", users.Split(':')[0]).Any(user => user is "ALL" or "root" or "#0" || user[0] is '%' or '+');

    // After a colon that is no tag's the rule goes on with other hosts.
    [GeneratedRegex(@"(?<!\b(NO)?(PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|FOLLOW|INTERCEPT|MAIL)\s*):(?=[^:=(),/\\]*=)", RegexOptions.ExplicitCapture)]
    private static partial Regex NextHosts();

    // A comma in the parentheses is that list's; one behind a backslash is the command's.
    [GeneratedRegex(@"(?<!\\),(?![^()]*\))")]
    private static partial Regex Comma();

    [GeneratedRegex(@"^(\((?<as>[^)]*)\)\s*)?([A-Z]+=\S+\s+)*((?<tag>[A-Z_]+)\s*:\s*)*(?<command>.*)$", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Command();
}
