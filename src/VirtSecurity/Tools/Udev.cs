using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>A volume's node as it is now, and our rule for it.</summary>
/// <param name="Mode">Permission bits, octal; null: it has no node.</param>
/// <param name="Context">Its label.</param>
/// <param name="Rule">The rule file's text; null: there is none.</param>
internal sealed record VolumeNodeFact(string? Mode, SecurityContext? Context, string? Rule);

/// <summary>All nodes of block devices, by device number (major:minor), and the text of our rules, by their files.</summary>
internal sealed record UdevFact(IReadOnlyDictionary<string, (string Mode, SecurityContext? Context)> Nodes, IReadOnlyDictionary<string, string> Rules)
{
    /// <summary>Those of a volume that is there or not; its device number is null while it has no node.</summary>
    public VolumeNodeFact Of(string volumeGroup, string name, string? device) => new(
        device is not null && Nodes.TryGetValue(device, out var node) ? node.Mode : null,
        device is not null && Nodes.TryGetValue(device, out node) ? node.Context : null,
        Rules.GetValueOrDefault(Udev.RulePath(volumeGroup, name)));
}

/// <summary>
/// udev(7): what gives a volume's node its label each time it is made. File contexts cannot: restorecon on a node is undone by the next
/// activation, and chcon too. One file a volume, so that taking it back is taking the file away.
/// </summary>
internal static class Udev
{
    /// <summary>The name of the call that asks.</summary>
    public const string LookName = "block-nodes";

    /// <summary>The name of the call that writes a rule.</summary>
    public const string WriteName = "udev-rule-write";

    /// <summary>The name of the call that asks whether a rule is there.</summary>
    public const string HasName = "udev-rule-has";

    /// <summary>The name of the call that labels a node.</summary>
    public const string LabelName = "label-node";

    /// <summary>The name of the call that takes a rule away.</summary>
    public const string RemoveName = "udev-rule-remove";

    /// <summary>
    /// The mode a node with a rule gets. udev (systemd 252, udev-node.c) sets a label on an existing node only while it changes mode or owner: it
    /// has to differ from the 0660 a node is made with.
    /// </summary>
    private const string Mode = "0600";

    private const string Directory = "/etc/udev/rules.d";

    private const string Prefix = Directory + "/85-virtsecurity-";

    // udev's links by number; one process for all nodes and one for all rules, however many there are.
    private const string LookScript = $"""
        stat -L --printf '%n\0%a\0%C\0' -- /dev/block/*:* 2>/dev/null
        printf '\0'
        grep -sH '' {Prefix}*.rules
        exit 0
        """;

    // Written beside its place and renamed: udevd never reads half a rule. A node that is there already is given back the mode it was
    // made with, so that udev has something to change; then it is labelled like any that is made later.
    private const string WriteScript = """
        set -eu
        t=$(mktemp "$1.XXXXXX")
        trap 'rm -f -- "$t"' EXIT
        cat >"$t"
        chmod 0644 "$t"
        sync -- "$t"
        mv -fT -- "$t" "$1"
        trap - EXIT
        sync -- "${1%/*}"
        udevadm control --reload
        if n=$(readlink -e -- "$2"); then
          case $(stat -c %C -- "$n") in
            *:s[0-9]*:c[0-9]*) ;;   # a running guest's
            *) chmod 0660 "$n"; udevadm trigger --action=change --settle "$n";;
          esac
        fi
        """;

    private const string HasScript = """
        if [ ! -e "$1" ]; then exit 0; fi
        cmp -s -- "$1" -
        case $? in 0) echo "$1";; 1) ;; *) exit 2;; esac
        """;

    // Only as we wrote it. $3 and $4: the mode and label that a node which stays had before.
    private const string RemoveScript = """
        set -eu
        if [ ! -e "$1" ] || ! cmp -s -- "$1" -; then exit 0; fi
        rm -- "$1"
        sync -- "${1%/*}"
        udevadm control --reload
        if [ -n "$3" ] && n=$(readlink -e -- "$2"); then
          chmod "$3" "$n"
          chcon -- "$4" "$n"
        fi
        """;

    /// <summary>What a volume's node has that no rule of ours is for.</summary>
    public static VolumeNodeFact Plain { get; } = new("0660", SecurityContext.Parse($"system_u:object_r:{ImageTypes.FixedDisk}:s0"), null);

    /// <summary>The file with a volume's rule; after 60-persistent-storage-dm.rules, which names what it matches.</summary>
    public static string RulePath(string volumeGroup, string name) => $"{Prefix}{Path.GetFileName(Lvm.MapperPath(volumeGroup, name))}.rules";

    /// <summary>
    /// The rule: by LVM's own names, which device-mapper's rules put into the environment. udev takes values for shell patterns; of what LVM
    /// allows in a name nothing is special in one.
    /// </summary>
    public static string RuleFor(string volumeGroup, string name, string type) =>
        $"""
        # Made by New-SecureGuestVolume -Raw: the label of a guest's own disk, at every activation.
        ACTION!="remove", SUBSYSTEM=="block", ENV{"{DM_VG_NAME}"}=="{volumeGroup}", ENV{"{DM_LV_NAME}"}=="{name}", MODE="{Mode}", SECLABEL{"{selinux}"}="system_u:object_r:{type}:s0"

        """.ReplaceLineEndings("\n");

    /// <summary>The type that a rule of ours gives; null: it gives none.</summary>
    public static string? TypeOf(string? rule)
    {
        const string label = "SECLABEL{selinux}=\"";
        return rule?.IndexOf(label, StringComparison.Ordinal) is >= 0 and var at ? SecurityContext.Parse(rule[(at + label.Length)..].Split('"')[0])?.Type : null;
    }

    /// <summary>Asks for all nodes of block devices, and for our rules.</summary>
    public static ToolCall Look() => ToolCall.Script(LookName, LookScript);

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static UdevFact ReadLook(ToolResult result)
    {
        var nodes = new Dictionary<string, (string, SecurityContext?)>();
        var fields = result.Stdout.Split('\0');
        var i = 0;
        for (; fields[i].Length > 0; i += 3) nodes[Path.GetFileName(fields[i])] = (fields[i + 1].PadLeft(4, '0'), SecurityContext.Parse(fields[i + 2]));
        // LVM allows no colon in a name.
        var rules = fields[i + 1].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':', 2))
            .GroupBy(line => line[0], line => line[1] + "\n")
            .ToDictionary(file => file.Key, string.Concat);
        return new(nodes, rules);
    }

    /// <summary>Writes a volume's rule, has udevd read it, and labels the node if there is one.</summary>
    public static ToolCall Write(string volumeGroup, string name, string rule) =>
        ToolCall.Script(WriteName, WriteScript, RulePath(volumeGroup, name), Lvm.DevicePath(volumeGroup, name)) with
        {
            Stdin = HostText.Encode(rule),
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            Display = $"echo {ShellQuote.Word(rule.TrimEnd('\n').Split('\n')[^1])} >{RulePath(volumeGroup, name)}; udevadm control --reload; udevadm trigger --action=change --settle {Lvm.DevicePath(volumeGroup, name)}",
        };

    /// <summary>Prints the rule's path if it is there as written.</summary>
    public static ToolCall Has(string volumeGroup, string name, string rule) =>
        ToolCall.Script(HasName, HasScript, RulePath(volumeGroup, name)) with { Stdin = HostText.Encode(rule) };

    /// <summary>Takes the rule away as it was written, and gives a node that stays what it had.</summary>
    /// <param name="volumeGroup">Of the volume.</param>
    /// <param name="name">Of the volume.</param>
    /// <param name="rule">As it was written.</param>
    /// <param name="before">The node before; one without mode goes with its volume.</param>
    public static ToolCall Remove(string volumeGroup, string name, string rule, VolumeNodeFact before) =>
        ToolCall.Script(RemoveName, RemoveScript, RulePath(volumeGroup, name), Lvm.DevicePath(volumeGroup, name), before.Mode ?? "", before.Context?.ToString() ?? "") with
        {
            Stdin = HostText.Encode(rule),
            Mutating = true,
            Stop = StopPolicy.LetFinish,
            Display = $"rm {RulePath(volumeGroup, name)}; udevadm control --reload" + (before.Mode is null ? "" : $"; chmod {before.Mode} {Lvm.DevicePath(volumeGroup, name)}; chcon {before.Context} {Lvm.DevicePath(volumeGroup, name)}"),
        };

    /// <summary>Labels the node that a volume has now, if it has the label it had: a guest that was started meanwhile keeps its own. The next activation makes another node.</summary>
    public static ToolCall Label(string device, SecurityContext before, SecurityContext context) => ToolCall.Script(
        LabelName,
        """
        l=$(stat -L -c %C -- "$1") || exit 1
        if [ "$l" = "$2" ]; then exec chcon --dereference -- "$3" "$1"; fi
        if [ "$l" = "$3" ]; then exit 0; fi
        echo "$1 is labelled $l now" >&2
        exit 1
        """,
        device, before.ToString(), context.ToString()) with
    { Mutating = true, Display = $"chcon --dereference -- {context} {ShellQuote.Word(device)}   # if it is still {before}" };

    /// <summary>Prints the device if the node it has now is so labelled.</summary>
    public static ToolCall HasLabel(string device, SecurityContext context) => new("find", "-L", device, "-maxdepth", "0", "-context", context.ToString());
}
