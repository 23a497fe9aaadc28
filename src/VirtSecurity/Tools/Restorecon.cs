using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>restorecon(8) and chcon(1), over explicit lists only: never a tree that may hold a guest's files.</summary>
internal static class Restorecon
{
    private const string ListName = "restorecon-list";

    // Judged again just before: what has categories is a running guest's, what a QEMU holds open is too. Written as three
    // filters over "device:inode label path" records ended by NUL, so that any path passes unharmed. restorecon gets
    // a pipe: its SELinux domain may not read a file of ours.
    private const string ListScript = """
        set -eu
        d=$(mktemp -d /run/virtsecurity-relabel.XXXXXX)
        trap 'rm -rf "$d"' EXIT
        for c in $(grep -ls '^qemu' /proc/[0-9]*/comm); do stat -L --printf '^%d:%i \n' "${c%comm}"fd/* 2>/dev/null || :; done >"$d/open"
        printf '^[^ ]* [^ :]*:[^ :]*:[^ :]*:s[^ ]*:c\n' >>"$d/open"
        xargs -0r stat --printf '%d:%i %C %n\0' -- >"$d/all" || :   # one that is gone needs no label
        { grep -zvf "$d/open" <"$d/all" || :; } | cut -z -d ' ' -f 3- | restorecon -0 -f -
        """;

    /// <summary>Gives each path the label the policy has for it; standard input is the list, ended by NUL each.</summary>
    public static ToolCall List(IReadOnlyCollection<string> paths) => ToolCall.Script(ListName, ListScript) with
    {
        Stdin = HostText.EncodeRecords(paths),
        Mutating = true,
        TimeLimit = TimeSpan.FromMinutes(30),
        Display = paths.Count > 20
            ? $"restorecon -0 -f -   # {paths.Count} paths, less what a running guest holds"
            : $"restorecon -- {string.Join(' ', paths.Select(ShellQuote.Word))}   # less what a running guest holds",
    };

    /// <summary>Gives each path back the label it had; standard input is label, path, label, path ... ended by NUL each.</summary>
    public static ToolCall GiveBack(IReadOnlyCollection<(string Path, string Context)> labels) =>
        new("xargs", "-0", "-n", "2", "chcon", "-h", "--")
        {
            Stdin = HostText.EncodeRecords(labels.SelectMany(label => new[] { label.Context, label.Path })),
            Mutating = true,
            TimeLimit = TimeSpan.FromMinutes(30),
            Display = string.Join("; ", labels.Select(label => ShellQuote.Line(["chcon", "-h", "--", label.Context, label.Path]))),
        };

    /// <summary>Asks for the labels of paths; what is gone is not in the answer. Standard input is the list, ended by NUL each.</summary>
    public static ToolCall Look(IReadOnlyCollection<string> paths) =>
        new("xargs", "-0r", "stat", "--printf", @"%C\0%n\0", "--") { Stdin = HostText.EncodeRecords(paths), TimeLimit = TimeSpan.FromMinutes(30) };

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static IReadOnlyDictionary<string, SecurityContext?> ReadLook(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        return Enumerable.Range(0, fields.Length / 2).ToDictionary(i => fields[2 * i + 1], i => SecurityContext.Parse(fields[2 * i]));
    }
}
