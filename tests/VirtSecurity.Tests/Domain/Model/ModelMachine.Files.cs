using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Model;

internal sealed record ModelMount(ModelFileSystem FileSystem, string Point, string Options, string Source);

/// <summary>Directories, mounts and /etc/fstab.</summary>
internal sealed partial class ModelMachine
{
    /// <summary>As fs/proc_namespace.c writes them, however they were given.</summary>
    private static readonly string[] KernelOrder = ["rw", "nosuid", "nodev", "noexec", "relatime"];

    public List<ModelMount> Mounts { get; } = [];

    /// <summary>Takes the final newline of /etc/fstab away, as an editor may.</summary>
    public void CutFstabNewline() => Fstab = Fstab[..^1];

    public void AddToFstab(string line) => Fstab = [.. Fstab, .. HostText.Encode(line + "\n")];

    public void MountVolume(ModelVolume volume, string point, string options = "rw,nosuid,nodev,noexec,relatime") =>
        Mounts.Add(new ModelMount(volume.FileSystem!, point, string.Join(',', options.Split(',').OrderBy(option => Math.Max(0, Array.IndexOf(KernelOrder, option)))), volume.MapperNode));

    /// <summary>What is mounted after the next boot: what /etc/fstab says, where it can be.</summary>
    public void Reboot()
    {
        Mounts.RemoveRange(1, Mounts.Count - 1);
        foreach (var fields in FstabLines().Where(line => !line.StartsWith('#')).Select(line => line.Split(' ')))
        {
            var volume = Volumes.Find(volume => volume.Node == fields[0] || volume.MapperNode == fields[0]);
            if (volume?.FileSystem?.Type != fields[2] || Look(fields[1]) is not { IsDirectory: true }) continue;
            MountVolume(volume, fields[1], $"rw,{string.Join(',', fields[3].Split(',').Where(Tools.Mount.IsForKernel))},relatime");
        }
    }

    public ModelInode AddFile(string path, char type, string mode, string label, int owner = 0)
    {
        var (files, inside) = Find(path);
        return files.Add(inside, type, mode, label, owner);
    }

    public ModelInode? Look(string path)
    {
        var (files, inside) = Find(path);
        return files.Inodes.GetValueOrDefault(inside);
    }

    private (ModelFileSystem Files, string Inside) Find(string path)
    {
        var mount = Mounts.Where(mount => mount.Point == "/" || path == mount.Point || path.StartsWith(mount.Point + "/", StringComparison.Ordinal))
            .Aggregate((best, next) => next.Point.Length >= best.Point.Length ? next : best);
        return (mount.FileSystem, mount.Point == "/" ? path.TrimEnd('/') : path[mount.Point.Length..]);
    }

    private string Identity(string path) => string.Create(CultureInfo.InvariantCulture, $"{Find(path).Files.DeviceNumber}:{Look(path)!.Number}");

    private Said File(string[] argv) => argv switch
    {
        ["mkdir", "-p", "-m", var mode, "--", var path] => Look(path) is not null ? Said.Nothing : MakeDirectory(path, mode),
        ["mkdir", "-m", var mode, "--", var path] => MakeDirectory(path, mode),
        ["rmdir", "--", var path] => RemoveDirectory(path, false),
        ["rmdir", "--ignore-fail-on-non-empty", "--", var path] => RemoveDirectory(path, true),
        ["chmod", "o-rw", "--", var path] => ChangeMode(path, Convert.ToString(Convert.ToInt32(Look(path)?.Mode ?? "0", 8) & ~6, 8)),
        ["chmod", var mode, "--", var path] => ChangeMode(path, mode),
        ["chgrp", "--", var group, var path] => ChangeGroup(path, group),
        ["chattr", "+i", "--", var path] => ChangeAttribute(path, true),
        ["chattr", "-i", "--", var path] => ChangeAttribute(path, false),
        ["find", var path, "-maxdepth", "0", "-type", "d", "-perm", var mode] => FindSelf(path, inode => Octal(inode.Mode) == Octal(mode)),
        ["find", var path, "-maxdepth", "0", "-group", var group] => FindSelf(path, inode => inode.Group == group),
        ["find", var path, "-maxdepth", "0", "-type", "d", "-empty"] => FindSelf(path, _ => IsEmpty(path)),
        ["find", var path, "-maxdepth", "0"] => Look(path) is null ? Said.Failure(1, $"find: '{path}': No such file or directory\n") : Said.Text(path + "\n"),
        _ => throw Unknown(argv),
    };

    private Said MakeDirectory(string path, string mode)
    {
        if (Look(path) is not null) return Said.Failure(1, $"mkdir: cannot create directory '{path}': File exists\n");
        var parent = path[..Math.Max(1, path.LastIndexOf('/'))];
        if (Look(parent) is not { } above) return Said.Failure(1, $"mkdir: cannot create directory '{path}': No such file or directory\n");
        if (above.Immutable) return Said.Failure(1, $"mkdir: cannot create directory '{path}': Operation not permitted\n");
        AddFile(path, 'd', Octal(mode), DefaultLabel);
        return Said.Nothing;
    }

    private Said RemoveDirectory(string path, bool ignoreNonEmpty)
    {
        if (Look(path) is not { } inode) return Said.Failure(1, $"rmdir: failed to remove '{path}': No such file or directory\n");
        if (Mounts.Exists(mount => mount.Point == path)) return Said.Failure(1, $"rmdir: failed to remove '{path}': Device or resource busy\n");
        if (!IsEmpty(path)) return ignoreNonEmpty ? Said.Nothing : Said.Failure(1, $"rmdir: failed to remove '{path}': Directory not empty\n");
        if (inode.Immutable) return Said.Failure(1, $"rmdir: failed to remove '{path}': Operation not permitted\n");
        var (files, inside) = Find(path);
        files.Inodes.Remove(inside);
        return Said.Nothing;
    }

    private Said ChangeMode(string path, string mode)
    {
        if (Look(path) is not { } inode) return Said.Failure(1, $"chmod: cannot access '{path}': No such file or directory\n");
        if (inode.Immutable) return Said.Failure(1, $"chmod: changing permissions of '{path}': Operation not permitted\n");
        inode.Mode = Octal(mode);
        return Said.Nothing;
    }

    private Said ChangeGroup(string path, string group)
    {
        if (Look(path) is not { } inode) return Said.Failure(1, $"chgrp: cannot access '{path}': No such file or directory\n");
        if (inode.Immutable) return Said.Failure(1, $"chgrp: changing group of '{path}': Operation not permitted\n");
        inode.Group = group;
        return Said.Nothing;
    }

    private Said ChangeAttribute(string path, bool immutable)
    {
        if (Look(path) is not { } inode) return Said.Failure(1, $"chattr: No such file or directory while trying to stat {path}\n");
        inode.Immutable = immutable;
        return Said.Nothing;
    }

    private Said Stat(string[] paths)
    {
        var found = paths.Where(path => Look(path) is not null).Select(path => (path, inode: Look(path)!));
        var output = string.Concat(found.Select(entry =>
            $"{entry.path}\0{TypeBits(entry.inode.Type) | Convert.ToInt32(entry.inode.Mode, 8):x}\0{entry.inode.Owner}\0{entry.inode.Group}\0{entry.inode.Mode}\0{entry.inode.Label}\0"));
        var missing = paths.Where(path => Look(path) is null).Select(path => $"stat: cannot statx '{path}': No such file or directory\n").ToArray();
        return new(missing.Length == 0 ? 0 : 1, HostText.Encode(output), string.Concat(missing));
    }

    private Said FindSelf(string path, Func<ModelInode, bool> matches) => Look(path) switch
    {
        null => Said.Failure(1, $"find: '{path}': No such file or directory\n"),
        { IsDirectory: true } inode when matches(inode) => Said.Text(path + "\n"),
        _ => Said.Nothing,
    };

    /// <summary>As find prints it; what does not exist is passed over.</summary>
    private byte[] Tree(string path, bool recurse)
    {
        var (files, inside) = Find(path);
        if (Look(path) is null) return [];
        var below = files.Inodes.Where(entry => entry.Key == inside || (recurse && entry.Key.StartsWith(inside + "/", StringComparison.Ordinal)));
        return HostText.Encode(string.Concat(below.Select(entry => string.Create(
            CultureInfo.InvariantCulture,
            $"{(entry.Value.Type == '-' ? 'f' : entry.Value.Type)}{entry.Key[inside.Length..].Count(sign => sign == '/')} 1 {files.DeviceNumber}:{entry.Value.Number}\0{entry.Value.Label}\0{path}{entry.Key[inside.Length..]}\0"))));
    }

    private Said DirectoryStates(string[] paths) => Said.Text(string.Concat(
        StaleUnits.Select(point => $"unit\0{Tools.Systemctl.MountUnitOf(point)}\0")
            .Concat(paths.Where(path => Look(path) is { IsDirectory: true } && IsEmpty(path)).Select(path => $"empty\0{path}\0"))
            .Concat(paths.Where(path => Look(path) is { Immutable: true }).Select(path => $"immutable\0{path}\0"))));

    private bool IsEmpty(string path)
    {
        var (files, inside) = Find(path);
        return files.IsEmpty(inside);
    }

    private Said Reload()
    {
        StaleUnits.Clear();
        return Said.Nothing;
    }

    private Said MountTool(string[] argv)
    {
        switch (argv)
        {
            case ["mount", "-t", var type, "-o", var options, "--", var device, var point]:
                if (Volumes.Concat(Partitions).FirstOrDefault(volume => volume.Node == device) is not { } volume) return Said.Failure(32, $"mount: {point}: special device {device} does not exist.\n");
                if (Look(point) is not { IsDirectory: true }) return Said.Failure(32, $"mount: {point}: mount point does not exist.\n");
                if (volume.FileSystem?.Type != type) return Said.Failure(32, $"mount: {point}: wrong fs type, bad option, bad superblock on {volume.MapperNode}.\n");
                if (Mounts.Exists(mount => mount.Point == point && mount.FileSystem == volume.FileSystem)) return Said.Failure(32, $"mount: {point}: {volume.MapperNode} already mounted on {point}.\n");
                // A unit bound to a device that is not there: systemd unmounts what appears at its mount point.
                if (!StaleUnits.Contains(point)) MountVolume(volume, point, InKernelsOrder(options));
                return Said.Nothing;
            case ["mount", "-o", var options, "--", var device, var point]:
                var again = Mounts.FindLastIndex(mount => mount.Point == point && Volumes.Concat(Partitions).Any(volume => volume.Node == device && volume.FileSystem == mount.FileSystem));
                if (again < 0 || !options.StartsWith("remount,", StringComparison.Ordinal)) return Said.Failure(32, $"mount: {point}: mount point not mounted or bad option.\n");
                Mounts[again] = Mounts[again] with { Options = options["remount,".Length..] };
                return Said.Nothing;
            case ["findmnt", "--noheadings", "--output", "TARGET", "--options", var wanted, "--mountpoint", var point]:
                return Mounts.LastOrDefault(mount => mount.Point == point) is { } seen && wanted.Split(',').All(option => seen.Options.Split(',').Contains(option[1..]))
                    ? Said.Text(point + "\n")
                    : Said.Failure(1, "");
            case ["umount", "--", var point]:
                var top = Mounts.FindLastIndex(mount => mount.Point == point);
                if (top < 0) return Said.Failure(32, $"umount: {point}: not mounted.\n");
                Mounts.RemoveAt(top);
                return Said.Nothing;
            case ["findmnt", "--noheadings", "--output", "TARGET", "--source", var device, "--mountpoint", var point]:
                var source = Volumes.Concat(Partitions).FirstOrDefault(volume => volume.Node == device)?.MapperNode;
                return Mounts.Exists(mount => mount.Point == point && mount.Source == source) ? Said.Text(point + "\n") : Said.Failure(1, "");
            default:
                throw Unknown(argv);
        }
    }

    /// <summary>As show_mnt_opts writes them, fs/proc_namespace.c.</summary>
    private static string InKernelsOrder(string options)
    {
        var asked = options.Split(',');
        return string.Join(',', ((string[])[asked.Contains("ro") ? "ro" : "rw", "nosuid", "nodev", "noexec", "relatime"]).Where(option => option is "rw" or "ro" or "relatime" || asked.Contains(option)));
    }

    private string MountInfo() => string.Concat(Mounts.Select((mount, i) => string.Create(
        CultureInfo.InvariantCulture,
        $"{22 + i} 1 {mount.FileSystem.Device} / {Escape(mount.Point)} {mount.Options} shared:{i + 1} - {mount.FileSystem.Type} {Escape(mount.Source)} rw,seclabel\n")));

    private List<string> FstabLines()
    {
        var lines = HostText.Decode(Fstab).Split('\n').ToList();
        if (lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    private Said AppendToFstab(string line)
    {
        if (Fstab is [.., not (byte)'\n']) Fstab = [.. Fstab, (byte)'\n'];
        AddToFstab(line);
        return Said.Nothing;
    }

    private Said ReplaceInFstab(string line, string other)
    {
        var lines = FstabLines();
        if (lines.IndexOf(line) is not (>= 0 and var at)) return lines.Contains(other) ? Said.Nothing : Said.Failure(1, $"/etc/fstab has no such line any more: {line}\n");
        var lacks = Fstab is [.., not (byte)'\n'];
        lines[at] = other;
        Fstab = HostText.Encode(string.Concat(lines.Select(one => one + "\n")));
        if (lacks) CutFstabNewline();
        return Said.Nothing;
    }

    private Said RemoveFromFstab(string line, bool newlineWasOurs)
    {
        var lines = FstabLines();
        if (!lines.Contains(line)) return Said.Nothing;
        var lacks = Fstab is [.., not (byte)'\n'];
        var cut = lines[^1] == line ? newlineWasOurs : lacks;
        Fstab = HostText.Encode(string.Concat(lines.Where(other => other != line).Select(other => other + "\n")));
        if (cut) CutFstabNewline();
        return Said.Nothing;
    }

    /// <summary>As the kernel writes a path into mountinfo, seq_path(..., " \t\n\\").</summary>
    private static string Escape(string path) => path
        .Replace(@"\", @"\134", StringComparison.Ordinal).Replace(" ", @"\040", StringComparison.Ordinal).Replace("\t", @"\011", StringComparison.Ordinal);

    private static string Octal(string mode) => mode.TrimStart('0') is { Length: > 0 } digits ? digits : "0";

    private static int TypeBits(char type) => type switch { 'd' => 0x4000, '-' => 0x8000, 'l' => 0xA000, 'b' => 0x6000, _ => throw new ArgumentOutOfRangeException(nameof(type)) };
}
