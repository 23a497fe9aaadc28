using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Model;

/// <summary>What a tool said: exit code, standard output, standard error.</summary>
internal readonly record struct Said(int Code, byte[] Output, string Error)
{
    public static Said Nothing { get; } = new(0, [], "");

    public static Said Text(string output) => new(0, HostText.Encode(output), "");

    public static Said Bytes(IEnumerable<byte> output) => new(0, [.. output], "");

    public static Said Failure(int code, string error) => new(code, [], error);
}

/// <summary>
/// A KVM host in memory. It reads the very argument vectors our builders write, and answers in the formats of Debian 12's tools
/// (LVM 2.03.16, util-linux 2.38, coreutils 9.1, policycoreutils 3.4). A call it does not know is a fault of the test.
/// </summary>
internal sealed partial class ModelMachine
{
    public const string Unlabelled = "system_u:object_r:unlabeled_t:s0";
    public const int FreeBlocks = 1000;
    private const string DefaultLabel = "unconfined_u:object_r:default_t:s0";

    /// <summary>Debian's installer writes such a file; its last line is whole unless a test cuts it.</summary>
    private const string FirstFstab = "# /etc/fstab: static file system information.\nUUID=6a1f2c1e-8b0a-4f0e-9d7c-2f1f6e1d3a55 / ext4 errors=remount-ro 0 1\n";

    public ModelMachine()
    {
        Root = new ModelFileSystem("ext4", "6a1f2c1e-8b0a-4f0e-9d7c-2f1f6e1d3a55", 8, 1);
        Mounts.Add(new ModelMount(Root, "/", "rw,relatime", "/dev/vda1"));
        Root.Add("", 'd', "755", "system_u:object_r:root_t:s0");
        foreach (var directory in (string[])["/etc", "/srv", "/var", "/var/lib"]) Root.Add(directory, 'd', "755", "system_u:object_r:var_t:s0");
    }

    public ModelFileSystem Root { get; }

    public byte[] Fstab { get; set; } = Encoding.UTF8.GetBytes(FirstFstab);

    /// <summary>Paths of which stat says an I/O error, as of a file system that has shut down.</summary>
    public Func<string, bool> IsUnreadable { get; set; } = _ => false;

    /// <summary>The journal's files by run.</summary>
    public SortedDictionary<string, string> JournalFiles { get; } = new(StringComparer.Ordinal);

    /// <summary>The journal's lines, of all runs.</summary>
    public IEnumerable<string> Journal => JournalFiles.Values.SelectMany(text => text.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Mount points for which systemd still has a unit of a line that is in fstab no more; its device is gone.</summary>
    public HashSet<string> StaleUnits { get; init; } = [];

    /// <summary>Daemons and tools as the probe finds them.</summary>
    public List<string> Daemons { get; } = ["libvirtd"];

    public HashSet<string> MissingTools { get; } = [];

    public string UserId { get; set; } = "0";

    /// <summary>A Xen dom0 instead of a KVM host.</summary>
    public bool IsXen { get; init; }

    /// <summary>The group of Debian's QEMU; null: there is no libvirt to say.</summary>
    public string? QemuGroup { get; set; } = "libvirt-qemu";

    /// <summary>All that a failed run must leave as it was; the journal and the numbers of devices and inodes are not among it.</summary>
    public string Snapshot()
    {
        var text = new StringBuilder();
        foreach (var group in Groups.Values) text.AppendLine(CultureInfo.InvariantCulture, $"group {group.Name} extents of {group.ExtentSize}, {Free(group)} free");
        foreach (var volume in Volumes.OrderBy(volume => volume.Name, StringComparer.Ordinal))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"volume {volume.Group}/{volume.Name} {volume.Size} tags {string.Join(',', volume.Tags)} {volume.FileSystem?.Type} {volume.FileSystem?.Uuid} {volume.FileSystem?.Size}");
            text.AppendLine("  " + DeviceState(volume));
            if (volume.FileSystem is not null) Write(text, "  in it ", volume.FileSystem);
        }

        foreach (var partition in Partitions)
        {
            text.AppendLine(DeviceState(partition));
            if (partition.FileSystem is not null) Write(text, $"in {partition.Node} ", partition.FileSystem);
        }

        foreach (var (path, definition) in Definitions.OrderBy(file => file.Key, StringComparer.Ordinal)) text.AppendLine(CultureInfo.InvariantCulture, $"definition {path} {definition}");
        foreach (var (path, rule) in UdevRules) text.AppendLine(CultureInfo.InvariantCulture, $"{path} {rule}");
        foreach (var mount in Mounts.OrderBy(mount => mount.Point, StringComparer.Ordinal)) text.AppendLine(CultureInfo.InvariantCulture, $"mount {mount.Source} at {mount.Point} {mount.FileSystem.Type} {mount.Options}");
        text.AppendLine("fstab " + Encoding.Latin1.GetString(Fstab).Replace("\n", "\\n\n      ", StringComparison.Ordinal));
        // A rule that is deleted and added again stands at the end of its file.
        foreach (var (pattern, context) in LocalRules.OrderBy(rule => rule.Pattern, StringComparer.Ordinal)) text.AppendLine(CultureInfo.InvariantCulture, $"rule {pattern} {context}");
        Write(text, "", Root);
        return text.ToString();
    }

    /// <summary>A snapshot without what is chosen by chance in each run, for comparing two runs.</summary>
    public string SnapshotOfAnyRun() => ChosenByChance().Replace(Snapshot(), "*");

    /// <summary>Runs a call as the host's tool would.</summary>
    public Said Run(ToolCall call) => call.Argv switch
    {
        ["sh", "-c", _, var name, .. var arguments] => Script(name, arguments, call.Stdin ?? []),
        ["lvs" or "vgs" or "lvcreate" or "lvchange" or "mke2fs" or "mkfs.xfs" or "lsblk", ..] => Volume(call.Argv),
        ["lvextend" or "resize2fs" or "xfs_growfs" or "dumpe2fs" or "xfs_info", ..] => LifeTool(call.Argv),
        ["mount" or "umount" or "findmnt", ..] => MountTool(call.Argv),
        ["cat", "/proc/self/mountinfo"] => Said.Text(MountInfo()),
        ["cat", "/etc/fstab"] => new(0, Fstab, ""),
        ["grep", "-axF", "-e", var line, "--", "/etc/fstab"] => FstabLines().Contains(line) ? Said.Text(line + "\n") : Said.Failure(1, ""),
        ["grep", "-axF", "-e", var line, "-e", _, "--", "/etc/fstab"] => FstabLines().Contains(line) ? Said.Text(line + "\n") : Said.Failure(1, ""),
        ["find", "-L", var device, "-maxdepth", "0", "-context", var label] => Volumes.Exists(volume => volume.Node == device && volume.NodeLabel == label) ? Said.Text(device + "\n") : Said.Nothing,
        ["xargs", "-0", "-n", "2", "chcon", "-h", "--"] => Chcon(call.Stdin!),
        ["xargs", "-0r", "stat", "--printf", @"%C\0%n\0", "--"] => Labels(call.Stdin!),
        ["xargs", "-0r", "stat", "--printf", Tools.Coreutils.StatFormat, "--"] => Stat(Records(call.Stdin!)),
        ["rm" or "restorecon", ..] or ["xargs", "-0r", "stat", "-L", ..] => MoveTool(call.Argv, call.Stdin),
        ["systemctl", "daemon-reload"] => Reload(),
        ["find", "/dev", "-xdev", "-ignore_readdir_race", "-path", "/dev/char", "-prune", "-o", "-type", "l", "-printf", @"%p\0%l\0"] => DeviceLinks(),
        _ => File(call.Argv),
    };

    private Said Script(string name, string[] arguments, byte[] input) => (name, arguments) switch
    {
        ("device-look", [var path]) => LookAtDevice(path),
        ("device-mkfs", [_, var node, var number, var size, var expected, var uuid, .. var mkfs]) => MakeOnDevice([node, number, size], expected, uuid, mkfs),
        ("device-made", [var node, var number, var size, var uuid]) => IsMadeOnDevice([node, number, size], uuid),
        ("device-unmake", [_, var node, var number, var size, var uuid]) => UnmakeOnDevice([node, number, size], uuid),
        ("block-nodes", []) => BlockNodes(),
        ("label-node", [var device, var before, var label]) => LabelNode(device, before, label),
        ("udev-rule-write", [var path, var device]) => WriteUdevRule(path, device, input),
        ("udev-rule-has", [var path]) => UdevRules.TryGetValue(path, out var rule) && rule == Encoding.UTF8.GetString(input) ? Said.Text(path + "\n") : Said.Nothing,
        ("udev-rule-remove", [var path, var device, var mode, var label]) => RemoveUdevRule(path, device, mode, label, input),
        ("journal", [_, var run]) => WriteJournal(run, input),
        ("journal-all", [_]) => ShowJournal(_ => true),
        ("journal-some", [_, .. var runs]) => ShowJournal(runs.Contains),
        ("journal-unfinished", [_]) => ShowJournal(run => !JournalFiles[run].TrimEnd('\n').Split('\n')[^1].EndsWith("\"event\":\"end\"}", StringComparison.Ordinal)),
        ("is-made", [var device, var uuid]) => IsMade(device, uuid),
        ("is-immutable", [var path]) => Look(path) is { Immutable: true } ? Said.Text("immutable\n") : Said.Nothing,
        ("directory-states", []) => DirectoryStates(Records(input)),
        ("fstab-append", [_, var line]) => AppendToFstab(line),
        ("fstab-remove", [_, var line, var newlineWasOurs]) => RemoveFromFstab(line, newlineWasOurs == "1"),
        ("semanage import", []) => SemanageImport(input),
        ("fstab-replace", [_, var line, var other]) => ReplaceInFstab(line, other),
        ("host-probe", _) => Probe(arguments),
        ("selinux-state", _) => SELinuxState(arguments),
        ("known-types", _) => Said.Text(string.Concat(arguments.Where(KnownTypes.Contains).Select(type => type + "\n"))),
        ("guest-holds", []) => GuestHolds(),
        ("customizable-types", []) => Said.Text(string.Concat(CustomizableTypes.Select(type => type + "\n"))),
        ("list-labels", [_, _, var depth]) => Said.Bytes(Records(input).SelectMany(path => Tree(path, depth.Length == 0))),
        ("restorecon-whole", []) => RestoreconWhole(input),
        ("guest-definitions", [_, _, _]) => GuestDefinitions(),
        ("store-inodes", [_, _]) => Stat([.. Mounts.Select(mount => mount.Point).Concat(RulePaths()).Where(path => Look(path) is not null && !IsUnreadable(path))]),
        ("store-free-space", []) => Said.Text(string.Concat(Mounts.Select(mount => $"{mount.Point}\0{FreeBlocks}\04096\0"))),
        ("restorecon-list", []) => RestoreconList(input),
        _ => Life(name, arguments, input),
    };

    private Said Probe(string[] tools)
    {
        var said = new StringBuilder($"uid {UserId}\nhosts-mounts\nos Debian GNU/Linux 12 (bookworm)\n{(IsXen ? "xen" : "kvm")}\n");
        foreach (var tool in tools.Except(MissingTools)) said.Append("tool ").Append(tool).Append('\n');
        if (QemuGroup is not null) said.Append("qemu-group ").Append(QemuGroup).Append('\n');
        foreach (var daemon in Daemons) said.Append("daemon ").Append(daemon).Append('\n');
        return Said.Text(said.ToString());
    }

    private Said WriteJournal(string run, byte[] lines)
    {
        var text = JournalFiles.GetValueOrDefault(run, "");
        if (text.Length > 0 && text[^1] != '\n') text = text[..(text.LastIndexOf('\n') + 1)];
        JournalFiles[run] = text + HostText.Decode(lines);
        return Said.Nothing;
    }

    /// <summary>As tail -v shows files.</summary>
    private Said ShowJournal(Func<string, bool> which) =>
        Said.Text(string.Join('\n', JournalFiles.Where(file => which(file.Key)).Select(file => $"==> ./{file.Key} <==\n{file.Value}")) + "\n");

    private static void Write(StringBuilder text, string indent, ModelFileSystem files)
    {
        foreach (var (path, inode) in files.Inodes) text.AppendLine(CultureInfo.InvariantCulture, $"{indent}{(path.Length == 0 ? "/" : path)} {inode}");
    }

    private static InvalidOperationException Unknown(IEnumerable<string> argv) => new("The model knows no such call: " + ShellQuote.Line(argv));

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")]
    private static partial Regex ChosenByChance();
}
