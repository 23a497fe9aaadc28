using System.Globalization;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Tests.Domain.Model;

/// <summary>Images that are moved, and libvirt's own part in it.</summary>
internal sealed partial class ModelMachine
{
    /// <summary>Files that a process has open: path, number and name.</summary>
    public List<(string Path, int ProcessId, string Name)> OpenFiles { get; } = [];

    /// <summary>What libvirt keeps of guests: guest and what.</summary>
    public List<(string Guest, string What)> GuestStates { get; } = [];

    /// <summary>What is free on the file system of any path, in bytes.</summary>
    public long FreeBytes { get; set; } = 1L << 40;

    /// <summary>Headers of copy-on-write images: path to the name of what they are based on.</summary>
    public Dictionary<string, string> BackingNames { get; } = [];

    private Said Moves(string name, string[] arguments, byte[] input) => (name, arguments) switch
    {
        ("guest-states", []) => Said.Text(string.Concat(GuestStates.Select(state => $"{state.Guest}\0{state.What}\0"))),
        ("image-move-look", [var source, var target, _]) => Said.Text(
            FileFact("source", source) + string.Concat(OpenFiles.Where(open => open.Path == source).Select(open => $"open\0{open.ProcessId} {open.Name}\0")) + FileFact("target", target)
            + string.Create(CultureInfo.InvariantCulture, $"free\0{FreeBytes}\0")),
        ("list-files", []) => Said.Text(string.Concat(Records(input).SelectMany(FilesIn).Select(path => path + "\0"))),
        ("image-headers", [_]) => Said.Text(string.Concat(Records(input).Where((_, i) => i % 2 == 0).Select(path => BackingNames.TryGetValue(path, out var backing) ? $"{path}\0yes\0{Header(backing)}\0" : $"{path}\0other\0\0"))),
        ("image-begin", [var copy]) => Begin(copy),
        ("image-copy", [var source, var identity, var copy, var target]) => Copy(source, identity, copy, target),
        ("image-copied", [var source, var target, var mark]) => Look(target) is { Type: '-' } made && (MarkOf(made) == mark || Look(source) is null) ? Said.Text("copied\n") : Said.Nothing,
        ("image-take-back", [var source, var target, var mark]) => TakeBack(source, target, mark),
        ("image-labelled", [var path, var label]) => Look(path)?.Label is { } now && (now == label || now.Contains(":c", StringComparison.Ordinal)) ? Said.Text("labelled\n") : Said.Nothing,
        ("image-remove", [var source, var identity, var copy, var target]) => RemoveOld(source, identity, copy, target),
        ("guest-defined", [var file, var old, var other]) => Definitions.TryGetValue(file, out var text) && Sed(text, other).Length > 0 && Sed(text, old).Length == 0 ? Said.Text("defined\n") : Said.Nothing,
        ("virsh define", [_, var guest, var edit, var target, var mark, var source]) => Redefine($"/etc/libvirt/qemu/{guest}.xml", edit, source, target, mark),
        ("xl-config", [var file, var edit, var target, var mark, var source]) => Redefine(file, edit, source, target, mark),
        _ => throw Unknown([name, .. arguments]),
    };

    private Said MoveTool(string[] argv, byte[]? input)
    {
        switch (argv)
        {
            case ["rm", "-f", "--", .. var paths]:
                foreach (var path in paths) Delete(path);
                return Said.Nothing;
            case ["restorecon", "-F", "--", var path]:
                if (Look(path) is not { } inode) return Said.Failure(255, $"restorecon: lstat({path}) failed: No such file or directory\n");
                if (ContextFor(path, inode.Type) is { } context) inode.Label = context;
                return Said.Nothing;
            case ["xargs", "-0r", "stat", "-L", "--printf", Coreutils.InodeFormat, "--"]:
                return Said.Text(string.Concat(Records(input!).Where(path => Look(path) is not null).Select(path => $"{path}\0{Identity(path)}\0")));
            default:
                throw Unknown(argv);
        }
    }

    private string FileFact(string key, string path) => Look(path) is { Type: '-' } file
        ? string.Create(CultureInfo.InvariantCulture, $"{key}\0{IdentityOf(path)}\0{file.Content?.Length ?? 0}\08\0512\0{file.Written}\01\0")
        : "";

    private string IdentityOf(string path) => string.Create(CultureInfo.InvariantCulture, $"{Identity(path)} {Look(path)!.Content?.Length ?? 0} {Look(path)!.Written}.000000000");

    private static string MarkOf(ModelInode file) => string.Create(CultureInfo.InvariantCulture, $"{file.Content?.Length ?? 0} {file.Written}");

    private IEnumerable<string> FilesIn(string directory)
    {
        var (files, inside) = Find(directory);
        return files.Inodes.Where(entry => entry.Value.Type == '-' && entry.Key.StartsWith(inside + "/", StringComparison.Ordinal) && entry.Key.LastIndexOf('/') == inside.Length).Select(entry => directory.TrimEnd('/') + entry.Key[inside.Length..]);
    }

    /// <summary>A header of version 2 with the name of a backing file.</summary>
    private static string Header(string backing)
    {
        var bytes = new byte[104 + backing.Length];
        "QFI\xfb"u8[..3].CopyTo(bytes);
        bytes[3] = 0xFB;
        bytes[7] = 2;
        bytes[15] = 104;
        bytes[19] = (byte)backing.Length;
        bytes[23] = 16;
        HostText.Encode(backing).CopyTo(bytes, 104);
        return Convert.ToBase64String(bytes);
    }

    private Said Begin(string copy)
    {
        if (Look(copy) is not null) return Said.Failure(2, $"cannot create {copy}: File exists\n");
        AddFile(copy, '-', "600", DefaultLabel).Content = "";
        return Said.Nothing;
    }

    private Said Copy(string source, string identity, string copy, string target)
    {
        if (Look(source) is not { } from || IdentityOf(source) != identity) return Said.Failure(1, $"{source} has changed\n");
        if (Look(target) is not null) return Said.Failure(1, $"ln: failed to create hard link '{target}': File exists\n");
        Delete(copy);
        var made = AddFile(target, '-', from.Mode, DefaultLabel, from.Owner);
        (made.Group, made.Content, made.Written) = (from.Group, from.Content, from.Written);
        return Said.Nothing;
    }

    private Said TakeBack(string source, string target, string mark)
    {
        if (Unused(source, target, mark) is { } reason) return Said.Failure(1, reason);
        Delete(target);
        return Said.Nothing;
    }

    private Said RemoveOld(string source, string identity, string copy, string target)
    {
        Delete(copy);
        if (Look(source) is null) return Said.Nothing;
        if (Look(target) is null || IdentityOf(source) != identity || OpenFiles.Exists(open => open.Path == source)) return Said.Failure(1, $"{source} has changed since it was copied\n");
        Delete(source);
        return Said.Nothing;
    }

    private Said Redefine(string file, string edit, string source, string target, string mark)
    {
        if (mark.Length > 0 && Unused(source, target, mark) is { } reason) return Said.Failure(1, reason);
        if (!Definitions.TryGetValue(file, out var text)) return Said.Failure(1, "error: failed to get domain\n");
        Definitions[file] = Sed(text, edit);
        return Said.Nothing;
    }

    /// <summary>What sed makes of a text, with as much of its language as the edits are written in: <c>s/pattern/replacement/g</c>, and <c>/pattern/p</c>.</summary>
    private static string Sed(string text, string program)
    {
        var parts = SedParts().Split(program.Split("/g;")[0]);
        var pattern = new Regex(BasicExpression().Replace(parts[1], match => match.Value switch { @"\(" => "(", @"\)" => ")", @"\|" => "|", _ => match.Value }), RegexOptions.Multiline);
        return program[0] == 's' ? pattern.Replace(text, match => match.Groups[1].Value + Backslash().Replace(parts[2][2..^2], "$1") + match.Groups[2].Value) : string.Concat(pattern.Matches(text).Select(match => match.Value));
    }

    private string? Unused(string source, string target, string mark) => Look(target) is not { } made ? null
        : Look(source) is null ? $"{source} is gone: {target} is the only one there is\n"
        : MarkOf(made) != mark || OpenFiles.Exists(open => open.Path == target) ? $"{target} has been written to since it was copied: it is not given up\n"
        : null;

    private void Delete(string path)
    {
        var (files, inside) = Find(path);
        files.Inodes.Remove(inside);
    }

    [GeneratedRegex(@"(?<!\\)/")]
    private static partial Regex SedParts();

    [GeneratedRegex(@"\\[()|]")]
    private static partial Regex BasicExpression();

    [GeneratedRegex(@"\\(.)")]
    private static partial Regex Backslash();
}
