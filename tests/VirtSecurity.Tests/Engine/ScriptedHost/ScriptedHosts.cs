using System.Globalization;
using VirtSecurity.Changes;
using VirtSecurity.Tools;

namespace VirtSecurity.Tests.Engine;

/// <summary>
/// Hosts without a lab. A stand-in for ssh, first on the engine's PATH, runs what it is sent in a directory tree of the host's own (chroot
/// in a mount namespace), with a stand-in for each administrative tool. The real module, its real script and the
/// host's real shell are in between; only the tools are not real. Needs root.
/// </summary>
public sealed class ScriptedHosts : IDisposable
{
    private readonly DirectoryInfo world = Directory.CreateTempSubdirectory("vs");

    public ScriptedHosts()
    {
        var bin = Directory.CreateDirectory(Path.Combine(world.FullName, "bin")).FullName;
        foreach (var name in (string[])["ssh", "enter"]) File.Copy(Path.Combine(ScriptedHost.Source, name), Path.Combine(bin, name));
        foreach (var name in (string[])["hosts", "home", "run"]) world.CreateSubdirectory(name);
        Environment = new Dictionary<string, string>
        {
            ["PATH"] = $"{bin}:{System.Environment.GetEnvironmentVariable("PATH")}",
            ["HOME"] = Path.Combine(world.FullName, "home"),
            ["XDG_RUNTIME_DIR"] = Path.Combine(world.FullName, "run"),
        };
    }

    /// <summary>What the engine's process needs to meet the stand-in.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>The home directory of the user who runs the engine.</summary>
    public string Home => Environment["HOME"];

    /// <summary>Each call of ssh: its arguments, without the script on its standard input.</summary>
    public IReadOnlyList<string> SshCalls =>
        File.Exists(Path.Combine(world.FullName, "ssh.log")) ? File.ReadAllLines(Path.Combine(world.FullName, "ssh.log")) : [];

    /// <summary>A KVM host that enforces, with a volume group "volumegroup" of 10 GiB in extents of 4 MiB; change it from there.</summary>
    public ScriptedHost Add(string name) => new(Path.Combine(world.FullName, "hosts", name));

    public EngineRun Run(string script, params string[] arguments) => EngineRun.Of(script, arguments, Environment);

    public string Rendering(string script, int width = 80, string? module = null) => EngineRun.Rendering(script, width, Environment, module);

    public void Dispose() => world.Delete(true);
}

/// <summary>One such host: its files, and what was called on it.</summary>
public sealed class ScriptedHost
{
    private const long Extent = 4L << 20;

    /// <summary>Calls of these change a host.</summary>
    private static readonly string[] Mutating =
    [
        "lvcreate", "lvremove", "lvchange", "lvextend", "lvreduce", "resize2fs", "xfs_growfs", "blkdiscard", "mke2fs", "mkfs.xfs", "mkdir", "rmdir", "chmod", "chattr", "mount", "umount", "systemctl", "semanage", "restorecon", "chcon", "virsh",
    ];

    private readonly string root;

    internal ScriptedHost(string root)
    {
        this.root = root;
        foreach (var directory in (string[])
            ["usr", "dev", "etc/selinux", "proc/self", "proc/xen", "sys/fs/selinux", "run/lock", "tmp", "srv", "var/lib", "state/vg", "state/lv", "state/labels", "state/immutable", "state/fail", "state/sbin", "state/proc"])
        {
            Directory.CreateDirectory(Path.Combine(root, directory));
        }

        foreach (var link in (string[])["bin", "sbin", "lib", "lib64"]) File.CreateSymbolicLink(Path.Combine(root, link), "usr/" + link);
        foreach (var tool in Directory.GetFiles(Path.Combine(Source, "sbin"))) File.Copy(tool, Path.Combine(root, "state/sbin", Path.GetFileName(tool)));
        const string files = "etc/selinux/default/contexts/files/";
        Write(files + "file_contexts", Fixture("file_contexts"));
        Write(files + "file_contexts.subs_dist", Fixture("file_contexts.subs_dist"));
        Write(files + "file_contexts.local", "");
        Write("etc/selinux/config", Fixture("selinux-config"));
        Write("etc/os-release", Fixture("os-release"));
        Write("etc/fstab", Fixture("fstab"));
        Write("proc/self/mountinfo", Fixture("mountinfo"));
        Write("proc/1/ns/mnt", "");
        MakeLink("proc/self/ns/mnt", "/proc/1/ns/mnt");
        MakeLink("dev/fd", "/state/proc/self/fd");
        Write("sys/fs/selinux/enforce", "1");
        Write("sys/fs/selinux/context", "");
        Write("state/uid", "0");
        Write("state/log", "");
        Write("dev/null", "");
        Write("dev/kvm", "");
        Group("volumegroup", 10L << 30);
    }

    /// <summary>Where the stand-ins and the files of a Debian 12 host lie.</summary>
    internal static string Source { get; } = Path.Combine(EngineRun.RepoRoot, "tests/VirtSecurity.Tests/Engine/ScriptedHost");

    /// <summary>Each stand-in's call, in order.</summary>
    public IReadOnlyList<string> Calls => Read("state/log").Split('\n');

    /// <summary>Those that change a host.</summary>
    public IReadOnlyList<string> Changes => [.. Calls.Where(line => Mutating.Contains(line.Split(' ')[0]) && !line.StartsWith("systemctl show ", StringComparison.Ordinal))];

    /// <summary>The lines that semanage imported.</summary>
    public IReadOnlyList<string> ImportedRules => Logged("semanage-line ");

    /// <summary>The paths that restorecon was given.</summary>
    public IReadOnlyList<string> Relabelled => Logged("restorecon-path ");

    /// <summary>The journal's lines, of all runs.</summary>
    public IReadOnlyList<string> Journal => Directory.Exists(Path.Combine(root, "var/lib/virtsecurity/journal"))
        ? [.. Directory.GetFiles(Path.Combine(root, "var/lib/virtsecurity/journal")).Order(StringComparer.Ordinal).SelectMany(File.ReadAllLines)]
        : [];

    public string Read(string path) => File.ReadAllText(Path.Combine(root, path));

    /// <summary>The names in a directory.</summary>
    public IReadOnlyList<string> Names(string path) => [.. Directory.GetFileSystemEntries(Path.Combine(root, path)).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal)];

    public bool Has(string path) => Path.Exists(Path.Combine(root, path.TrimStart('/')));

    public ScriptedHost Write(string path, string text)
    {
        var file = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return this;
    }

    public ScriptedHost Write(string path, byte[] bytes)
    {
        Write(path, "");
        File.WriteAllBytes(Path.Combine(root, path), bytes);
        return this;
    }

    /// <summary>A named pipe: who opens it to read without care waits for ever.</summary>
    public ScriptedHost MakePipe(string path)
    {
        using var mkfifo = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(root, path)]);
        mkfifo.WaitForExit();
        return this;
    }

    public ScriptedHost Remove(string path)
    {
        File.Delete(Path.Combine(root, path));
        return this;
    }

    public ScriptedHost RemoveDirectory(string path)
    {
        Directory.Delete(Path.Combine(root, path.TrimStart('/')));
        return this;
    }

    /// <summary>A directory of root's, with permission bits.</summary>
    public ScriptedHost MakeDirectory(string path, UnixFileMode mode)
    {
        var directory = Path.Combine(root, path.TrimStart('/'));
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, mode);
        return this;
    }

    public ScriptedHost MakeLink(string path, string target)
    {
        var link = Path.Combine(root, path.TrimStart('/'));
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        File.CreateSymbolicLink(link, target);
        return this;
    }

    /// <summary>A Xen dom0 instead of a KVM host.</summary>
    public ScriptedHost AsXen() => Remove("dev/kvm").Write("proc/xen/capabilities", "control_d\n");

    /// <summary>Without one of its tools.</summary>
    public ScriptedHost Without(string tool) => Remove($"state/sbin/{tool}");

    /// <summary>A volume group with so many free bytes.</summary>
    public ScriptedHost Group(string name, long free) =>
        Write($"state/vg/{name}", string.Create(CultureInfo.InvariantCulture, $"{Extent} {free}\n"));

    /// <summary>A logical volume that nobody knows of here.</summary>
    public ScriptedHost Volume(string group, string name, long size, string tags = "", string fileSystem = "")
    {
        var volume = $"state/lv/{group}/{name}/";
        Write(volume + "size", size.ToString(CultureInfo.InvariantCulture));
        Write(volume + "tags", tags);
        Write(volume + "minor", "7");
        return fileSystem.Length == 0 ? this : Write(volume + "fstype", fileSystem);
    }

    /// <summary>A partition that nobody uses; its content in blkid's words, such as TYPE=swap. No device of the real machine is behind its node.</summary>
    public ScriptedHost Partition(string name, string content = "")
    {
        const string number = "7:250";
        using var mknod = System.Diagnostics.Process.Start("mknod", [Path.Combine(root, "dev", name), "b", .. number.Split(':')]);
        mknod.WaitForExit();
        return Write($"sys/dev/block/{number}/size", "8388608").Write($"sys/dev/block/{number}/ro", "0").Write($"sys/dev/block/{number}/partition", "1")
            .Write($"state/content/{name}", content.Length == 0 ? "" : content + "\n");
    }

    /// <summary>Gives a path its label.</summary>
    public ScriptedHost Label(string path, string context) => Write("state/labels/" + path.Replace('/', '%'), context);

    /// <summary>A path's label now.</summary>
    public string LabelOf(string path) => Read("state/labels/" + path.Replace('/', '%'));

    /// <summary>From now on a tool fails so.</summary>
    public ScriptedHost Fail(string tool, string words, int code = 1) =>
        Write($"state/fail/{tool}", words + "\n").Write($"state/fail/{tool}.code", code.ToString(CultureInfo.InvariantCulture));

    /// <summary>From now on ssh does not come through, and says so.</summary>
    public ScriptedHost Refuse(string words, int code = 255) =>
        Write("state/refusal", words + "\n").Write("state/refusal.code", code.ToString(CultureInfo.InvariantCulture));

    /// <summary>The journal of a run that was cut off before its one step, a directory.</summary>
    public ScriptedHost CutOff(string run, string subject)
    {
        const string path = "/srv/cut";
        var change = new Change("mkdir", [Coreutils.MakeDirectory(path, "0000")], Coreutils.IsDirectory(path, "0000"), [Coreutils.RemoveDirectory(path)]);
        var line = new Journal(run, "New-SecureGuestVolume").Doing([new ChangeSet(subject, [change], [], []) { Keys = [subject, path] }]).Stdin!;
        return Write($"var/lib/virtsecurity/journal/{run}", System.Text.Encoding.UTF8.GetString(line));
    }

    private static string Fixture(string name) => File.ReadAllText(Path.Combine(Source, "etc", name));

    private string[] Logged(string prefix) =>
        [.. Calls.Where(line => line.StartsWith(prefix, StringComparison.Ordinal)).Select(line => line[prefix.Length..])];
}
