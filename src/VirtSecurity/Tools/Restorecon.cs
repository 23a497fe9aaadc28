using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>restorecon(8) and chcon(1), over explicit lists only: never a tree that may hold a guest's files.</summary>
internal static class Restorecon
{
    private const string ListName = "restorecon-list";
    private const string WholeName = "restorecon-whole";

    // Judged again just before, over "device:inode label path" records ended by NUL, so that any path passes unharmed. restorecon gets a pipe:
    // its SELinux domain may not read a file of ours.
    private const string Begin = GuestHolds.RangesScript + """
        set -eu
        d=$(mktemp -d /run/virtsecurity-relabel.XXXXXX)
        trap 'rm -rf "$d"' EXIT
        open_inodes() {
          for p in $(qemus); do stat -L --printf '^%d:%i \n' -- "$p"/fd/* 2>/dev/null || :; done
        }

        """;

    // What has categories is a running guest's, what a QEMU holds open is too.
    private const string ListScript = Begin + """
        open_inodes >"$d/held"
        printf '^[^ ]* [^ :]*:[^ :]*:[^ :]*:s[^ ]*:c\n' >>"$d/held"
        xargs -0r stat --printf '%d:%i %C %n\0' -- >"$d/all" || :   # one that is gone needs no label
        { grep -zvf "$d/held" <"$d/all" || :; } | cut -z -d ' ' -f 3- | restorecon -0 -f -
        """;

    // Only what still has the very label it was seen with: libvirt gives a guest that is started other categories, or the same ones, which then are
    // a running process's or in the file libvirt keeps of that guest.
    private const string WholeScript = Begin + """
        sort -z >"$d/before"
        open_inodes >"$d/held"
        held_ranges | sort -u | sed 's/^range \(.*\)$/^[^ ]* [^ :]*:[^ :]*:[^ :]*:\1 /' >>"$d/held"
        cut -z -d ' ' -f 2- <"$d/before" | xargs -0r stat --printf '%d:%i %C %n\0' -- >"$d/all" || :
        { grep -zvf "$d/held" <"$d/all" || :; } | cut -z -d ' ' -f 2- | sort -z | comm -z -12 - "$d/before" | cut -z -d ' ' -f 2- | restorecon -F -0 -f -
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

    /// <summary>
    /// Gives each path the whole context the policy has for it, user and range too (-F), where the type alone is not what is wrong or restorecon would leave the type
    /// that is there: left-over categories, customizable types. Standard input is "label path" records, ended by NUL each, with the label it was seen with.
    /// </summary>
    public static ToolCall Whole(IReadOnlyCollection<(string Path, string Before)> labels) => ToolCall.Script(WholeName, WholeScript) with
    {
        Stdin = HostText.EncodeRecords(labels.Select(label => $"{label.Before} {label.Path}")),
        Mutating = true,
        TimeLimit = TimeSpan.FromMinutes(30),
        Display = labels.Count > 20
            ? $"restorecon -F -0 -f -   # {labels.Count} paths whose label is as it was, less what a running guest holds"
            : $"restorecon -F -- {string.Join(' ', labels.Select(label => ShellQuote.Word(label.Path)))}   # if the label is as it was, less what a running guest holds",
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
