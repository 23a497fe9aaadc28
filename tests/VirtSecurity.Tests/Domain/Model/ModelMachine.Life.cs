using System.Globalization;
using System.Text;

namespace VirtSecurity.Tests.Domain.Model;

/// <summary>A volume's later life: growing, wiping, removing, and who is in the way.</summary>
internal sealed partial class ModelMachine
{
    /// <summary>Processes that hold a device: major:minor, number, name.</summary>
    public List<(string Device, int ProcessId, string Name)> Processes { get; } = [];

    private Said Life(string name, string[] arguments, byte[] input) => (name, arguments) switch
    {
        ("is-gone", _) => Gone(arguments, input),
        ("is-released", [_, _, var path]) => Root.Inodes.GetValueOrDefault(path) is { Immutable: true } ? Said.Nothing : Said.Text("released\n"),
        ("protect-beneath", [_, _, var path]) => ProtectBeneath(path),
        ("make-again", [var path, var mode, var label, var group]) => MakeAgain(path, mode, label, group),
        ("beneath-mount", [_, _, var path, _]) => Beneath(path),
        ("device-users", []) => Said.Text(string.Concat(Processes.Select(one => $"name {one.ProcessId} {one.Name}\nnode {Hex(one.Device)} {one.ProcessId}\n"))),
        ("fstab-take", [_, .. var numbers]) => TakeLines(input, Numbers(numbers)),
        ("fstab-put", [_, .. var numbers]) => PutLines(input, Numbers(numbers)),
        ("fstab-gone", [_, .. var numbers]) => Numbers(numbers).Any(number => Where(LinesOf(input), number, LinesOf(Fstab)) < 0) ? Said.Text("gone\n") : Said.Nothing,
        ("require-that" or "require-idle" or "require-unmarked", [var path, var selection, var otherwise]) =>
            Volumes.Exists(volume => $"{volume.Group}/{volume.Name}" == path && Selects(selection, volume))
                ? Said.Nothing : Said.Failure(1, $"{path} {otherwise}\n"),
        ("lvremove", [var selection, var path]) => Remove(path, selection),
        ("wipe", [var device, _]) => WipeVolume(device),
        ("fs-grown", [_, var device, _, var before, var after]) => HasGrown(device, long.Parse(before, CultureInfo.InvariantCulture), long.Parse(after, CultureInfo.InvariantCulture)),
        ("lvreduce-if-it-fits", [_, var device, _, _, var bytes, _]) => ReduceIfItFits(device, long.Parse(bytes, CultureInfo.InvariantCulture)),
        _ => Moves(name, arguments, input),
    };

    private Said LifeTool(string[] argv) => argv switch
    {
        ["lvextend", "-L", var size, var path] => Extend(path, long.Parse(size.TrimEnd('b'), CultureInfo.InvariantCulture)),
        ["resize2fs", var device] => GrowFileSystem(Volumes.Find(volume => volume.Node == device)),
        ["xfs_growfs", "-d", var point] => GrowFileSystem(Volumes.Find(volume => Mounts.Exists(mount => mount.Point == point && mount.FileSystem == volume.FileSystem))),
        ["dumpe2fs", "-h", var device] => Superblock(Volumes.Find(volume => volume.Node == device)!.FileSystem!),
        ["xfs_info", var point] => XfsInfo(Mounts.Last(mount => mount.Point == point).FileSystem),
        _ => throw Unknown(argv),
    };

    private Said Gone(string[] argv, byte[] input)
    {
        var said = Run(new VirtSecurity.Hosts.ToolCall(argv) { Stdin = input });
        return said.Code switch { 0 when said.Output.Length > 0 => Said.Nothing, 0 or 1 => Said.Text("gone\n"), _ => Said.Failure(2, said.Error) };
    }

    private Said ProtectBeneath(string path)
    {
        if (!Root.Inodes.TryGetValue(path, out var inode)) return Said.Failure(1, $"chattr: No such file or directory while trying to stat {path}\n");
        inode.Immutable = true;
        return Said.Nothing;
    }

    private bool IsMounted(ModelVolume volume) => Mounts.Exists(mount => mount.FileSystem == volume.FileSystem);

    private Said Beneath(string path)
    {
        if (!Root.Inodes.TryGetValue(path, out var inode)) return Said.Nothing;
        return Said.Text($"{path}\0{TypeBits(inode.Type) | Convert.ToInt32(inode.Mode, 8):x}\0{inode.Owner}\0{inode.Group}\0{inode.Mode}\0{inode.Label}\0{(Root.IsEmpty(path) ? "empty" : "")}{(inode.Immutable ? " immutable" : "")}");
    }

    private Said MakeAgain(string path, string mode, string label, string group)
    {
        if (Look(path) is not null) return Said.Nothing;
        var said = MakeDirectory(path, mode);
        if (said.Code == 0) Look(path)!.Group = group;
        if (said.Code == 0 && label.Length > 0) Look(path)!.Label = label;
        return said;
    }

    private Said WipeVolume(string device)
    {
        if (Volumes.Find(volume => volume.Node == device) is not { } volume) return Said.Failure(1, $"blkdiscard: cannot open {device}: No such file or directory\n");
        if (IsMounted(volume)) return Said.Failure(1, $"blkdiscard: cannot open {device}: Device or resource busy\n");
        volume.FileSystem = null;
        volume.IsZeroed = true;
        return Said.Nothing;
    }

    private Said Extend(string path, long bytes)
    {
        var volume = Volumes.Find(volume => $"{volume.Group}/{volume.Name}" == path)!;
        if (bytes == volume.Size) return Said.Failure(5, $"  New size ({bytes / Groups[volume.Group].ExtentSize} extents) matches existing size.\n");
        if (bytes - volume.Size > Free(Groups[volume.Group])) return Said.Failure(5, "  Insufficient free space\n");
        volume.Size = bytes;
        return Said.Text($"  Logical volume {path} successfully resized.\n");
    }

    private static Said GrowFileSystem(ModelVolume? volume)
    {
        volume!.FileSystem!.Size = volume.Size;
        return Said.Nothing;
    }

    private Said HasGrown(string device, long before, long after)
    {
        var size = Volumes.Find(volume => volume.Node == device)!.FileSystem!.Size;
        return size >= after ? Said.Text("grown\n") : size == before ? Said.Nothing : Said.Failure(2, "");
    }

    private Said ReduceIfItFits(string device, long bytes)
    {
        var volume = Volumes.Find(volume => volume.Node == device)!;
        if (volume.FileSystem!.Size > bytes) return Said.Failure(1, $"the file system on {device} has {volume.FileSystem.Size} bytes already: the volume stays as it is\n");
        volume.Size = bytes;
        return Said.Nothing;
    }

    /// <summary>As dumpe2fs 1.47.0 writes it, of a file system with blocks of 4 KiB; only what is read.</summary>
    private static Said Superblock(ModelFileSystem files) => Said.Text(string.Create(CultureInfo.InvariantCulture, $"""
        Filesystem volume name:   <none>
        Block count:              {files.Size / 4096}
        Reserved GDT blocks:      63
        First block:              0
        Block size:               4096
        Group descriptor size:    64
        Blocks per group:         32768
        Inode blocks per group:   512

        """));

    /// <summary>As xfs_info 6.1.0 writes it.</summary>
    private static Said XfsInfo(ModelFileSystem files) => Said.Text(string.Create(CultureInfo.InvariantCulture, $"""
        meta-data=/dev/mapper/volumegroup-x isize=512    agcount=4, agsize=25600 blks
                 =                       sectsz=512   attr=2, projid32bit=1
        data     =                       bsize=4096   blocks={files.Size / 4096}, imaxpct=25
                 =                       sunit=0      swidth=0 blks
        naming   =version 2              bsize=4096   ascii-ci=0, ftype=1
        log      =internal log           bsize=4096   blocks=16384, version=2

        """));

    private static string Hex(string device) => string.Join(':', device.Split(':').Select(part => int.Parse(part, CultureInfo.InvariantCulture).ToString("x", CultureInfo.InvariantCulture)));

    private static int[] Numbers(string[] words) => [.. words.Select(word => int.Parse(word, CultureInfo.InvariantCulture))];

    /// <summary>Lines with what ends them; a byte is a character.</summary>
    private static List<string> LinesOf(byte[] file)
    {
        var lines = Encoding.Latin1.GetString(file).Split('\n').Select(line => line + "\n").ToList();
        lines[^1] = lines[^1][..^1];
        if (lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    /// <summary>The index that the old file's line has now, as the same one of all that read alike; -1: it is not there.</summary>
    private static int Where(List<string> old, int number, List<string> now)
    {
        var text = old[number - 1].TrimEnd('\n');
        var nth = old.Take(number).Count(line => line.TrimEnd('\n') == text);
        var places = now.Index().Where(line => line.Item.TrimEnd('\n') == text).Select(line => line.Index).ToArray();
        return places.Length < nth ? -1 : places[nth - 1];
    }

    private Said TakeLines(byte[] file, int[] numbers)
    {
        var (old, now) = (LinesOf(file), LinesOf(Fstab));
        foreach (var number in numbers.OrderDescending())
        {
            if (Where(old, number, now) is >= 0 and var at) now.RemoveAt(at);
        }

        Fstab = Encoding.Latin1.GetBytes(string.Concat(now));
        return Said.Nothing;
    }

    private Said PutLines(byte[] file, int[] numbers)
    {
        var (old, now) = (LinesOf(file), LinesOf(Fstab));
        foreach (var number in numbers.Order())
        {
            if (Where(old, number, now) >= 0) continue;
            var at = Enumerable.Range(1, number - 1).Reverse().Select(above => Where(old, above, now)).FirstOrDefault(place => place >= 0, -1) + 1;
            if (at > 0 && !now[at - 1].EndsWith('\n')) now[at - 1] += "\n";
            now.Insert(at, at < now.Count ? old[number - 1].TrimEnd('\n') + "\n" : old[number - 1]);
        }

        Fstab = Encoding.Latin1.GetBytes(string.Concat(now));
        return Said.Nothing;
    }
}
