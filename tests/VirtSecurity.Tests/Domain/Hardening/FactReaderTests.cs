using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>How facts are got: in one round trip, each with its own fate, and without secrets.</summary>
public sealed class FactReaderTests
{
    private static readonly DateTime Now = new(2026, 11, 26, 12, 0, 0, DateTimeKind.Utc);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AllThatAllRulesNeedIsOneRoundTripAndEachQuestionIsAskedOnce()
    {
        var host = new CountingHost(_ => null);
        var questions = Catalogue.Questions(Catalogue.Rules);
        var facts = await Dom0FactReader.ReadAsync(host, questions.Concat(questions), "", Now, Test);
        var batch = Assert.Single(host.Batches);
        Assert.Equal(questions.Select(question => question.Key).Order(), facts.Select(fact => fact.Key).Order());
        Assert.Equal(batch.Count, batch.Select(call => string.Join('\0', call.Argv)).Distinct().Count());
        // Files go together: a call for each kind of secret, and not one for each question.
        Assert.True(batch.Count(call => call.Tool.StartsWith("host-files", StringComparison.Ordinal)) < questions.Count(question => question.Command is null) / 3);
        Assert.All(batch, call => Assert.False(call.Mutating));
        Assert.All(facts, fact => Assert.Equal((new VirtHost("kvm1"), Now, 1), (fact.VirtHost, fact.Taken, fact.FormatVersion)));
    }

    [Fact]
    public async Task ACommandThatHangsOrIsMissingOrFailsCostsItsOwnFact()
    {
        var host = new CountingHost(call => call.Tool switch
        {
            "processes" => ToolResult.Of(call, ToolOutcome.TimedOut),
            "booleans" => new ToolResult(call, ToolOutcome.Exited, 127, [], []),
            "permissive-types" => new ToolResult(call, ToolOutcome.Exited, 3, "half"u8.ToArray(), "broken\n"u8.ToArray()),
            "find" => ToolResult.Of(call, ToolOutcome.NotFound),
            "boolean-defaults" => ToolResult.Of(call, ToolOutcome.Lost),
            _ => null,
        });
        var facts = (await Dom0FactReader.ReadAsync(host, Catalogue.Questions(Catalogue.Rules), "", Now, Test)).ToDictionary(fact => fact.Key);
        Assert.Equal(("NoAnswer", "no answer within 60 s"), (facts["processes"].Outcome, facts["processes"].Error));
        Assert.Equal("Missing", facts["booleans"].Outcome);
        Assert.Equal(("Answered", 3, "half", "broken"), (facts["permissive-types"].Outcome, facts["permissive-types"].ExitCode, facts["permissive-types"].Text, facts["permissive-types"].Error));
        Assert.Equal("Missing", facts["unlabelled-devices"].Outcome);
        Assert.Equal("NoAnswer", facts["boolean-defaults"].Outcome);
        Assert.Equal("Missing", facts["selinux-config"].Outcome);
    }

    [Fact]
    public async Task WhoIsNotRootIsTold()
    {
        var host = new CountingHost(call => call.Tool == "host-probe" ? new ToolResult(call, ToolOutcome.Exited, 0, "uid 1000\nhosts-mounts\n"u8.ToArray(), []) : null);
        Assert.Equal("NotPrivileged", (await Assert.ThrowsAsync<VirtException>(() => Dom0FactReader.ReadAsync(host, [], "", Now, Test))).Id);
        Assert.Equal("NotPrivileged", (await Assert.ThrowsAsync<VirtException>(() => Dom0FactReader.ReadAsync(host, [], "/mnt/dom0", Now, Test))).Id);
    }

    [Fact]
    public async Task ATreeThatDoesNotRunIsAskedForItsFilesOnly()
    {
        var host = new CountingHost(_ => null);
        var facts = await Dom0FactReader.ReadAsync(host, Catalogue.Questions(Catalogue.Rules), "/mnt/dom0", Now, Test);
        Assert.All(Assert.Single(host.Batches), call => Assert.True(call.Tool is "host-probe" or "test" or "host-files" or "host-files-look", call.Tool));
        Assert.All(facts, fact => Assert.Equal(Catalogue.Questions(Catalogue.Rules).Single(question => question.Key == fact.Key).IsOfRunningHost ? "NotAsked" : "Missing", fact.Outcome));
        var none = new CountingHost(call => call.Tool == "test" ? new ToolResult(call, ToolOutcome.Exited, 1, [], []) : null);
        Assert.Equal("PathNotFound", (await Assert.ThrowsAsync<VirtException>(() => Dom0FactReader.ReadAsync(none, [], "/mnt/no", Now, Test))).Id);
        Assert.Equal("InvalidPath", (await Assert.ThrowsAsync<VirtException>(() => Dom0FactReader.ReadAsync(none, [], "/mnt/../no", Now, Test))).Id);
    }

    /// <summary>A host's sh is asked, which reads a script without running it: one that it cannot read would make its checks Unknown on every host.</summary>
    [Fact]
    public async Task EveryScriptIsOneThatTheShellCanRead()
    {
        var scripts = Catalogue.Questions(Catalogue.Rules).Select(question => question.Command?.Argv).OfType<IReadOnlyList<string>>().Where(argv => argv is ["sh", "-c", _, ..]).ToArray();
        Assert.True(scripts.Length > 10, $"{scripts.Length} scripts");
        var host = new LocalHost(new VirtHost("localhost"), new QuietLog());
        var read = await host.RunAsync([.. scripts.Select(argv => new ToolCall("sh", "-n", "-c", argv[2]))], BatchMode.RunAll, Test);
        Assert.All(read, (result, i) => Assert.True(result is { ExitCode: 0, Stderr: "" }, $"{scripts[i][3]}: {result.Stderr}"));
    }

    /// <summary>The real script on a real tree: what is planted where secrets lie comes back as set, empty or locked, or not at all.</summary>
    [Fact]
    public async Task NoSecretLeavesTheHost()
    {
        const string planted = "PLANTED";
        using var tree = new Tree();
        tree.Write("/etc/shadow", $"root:$6${planted}1:19000:0:99999:7:::\nanna::19000::::::\nbob:!$y${planted}2:1::::::\nnohash {planted}3\ncarl:{planted}4:{planted}5:\n")
            .Write("/etc/passwd", $"root:x:0:0:root:/root:/bin/bash\nold:{planted}6:1000:1000::/home/old:/bin/sh\nempty::1001:1001::/:/bin/sh\n")
            .Write("/etc/group", $"root:x:0:\nold:{planted}7:1000:\n")
            .Write("/boot/grub/grub.cfg", $"set superusers=\"root\"\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.{planted}8\npassword user {planted}9\nlinux /vmlinuz ro\n")
            .Write("/etc/libvirt/qemu/web.xml", $"<domain><name>web</name><devices><graphics type='vnc' passwd='{planted}10'/><graphics type='spice' passwd=\"{planted}11\"/></devices></domain>")
            .Write("/etc/xen/web.cfg", $"name='web'\nvncpasswd='{planted}12'\nvfb = [ 'type=vnc,vncpasswd={planted}13,vnclisten=0.0.0.0' ]\n");
        var facts = await Dom0FactReader.ReadAsync(new LocalHost(new VirtHost("localhost"), new QuietLog()), Catalogue.Questions(Catalogue.Rules), tree.Root, Now, Test);
        Assert.All(facts, fact => Assert.DoesNotContain(planted, fact.Text + fact.Error + fact.Question, StringComparison.Ordinal));
        // And all that is no secret is still there.
        string Text(string key) => facts.Single(fact => fact.Key == key).Text;
        Assert.Contains(" root:set\n anna:empty\n bob:locked\n ?:set\n carl:set\n", Text("shadow"), StringComparison.Ordinal);
        Assert.Contains(" old:set:1000:1000::/home/old:/bin/sh\n empty::1001", Text("passwd"), StringComparison.Ordinal);
        Assert.Contains("password_pbkdf2 root (set)\n password user (set)\n linux /vmlinuz ro\n", Text("boot-entries"), StringComparison.Ordinal);
        Assert.EndsWith("<domain><name>web</name><devices><graphics type='vnc' passwd='set'/><graphics type='spice' passwd=\"set\"/></devices></domain>\n", Text("libvirt-defined"), StringComparison.Ordinal);
        Assert.Contains("vnclisten=0.0.0.0", Text("xen-defined"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATreesLinksAreFollowedAsItsHostWould()
    {
        using var tree = new Tree();
        tree.Write("/real/a.conf", "inside\n\nlast").Write("/etc/empty", "").Write("/etc/outside", "the tree's own\n").Link("/etc/conf.d", "/real").Link("/real/absolute.conf", "/etc/outside")
            .Link("/real/up.conf", "../../../../../../../../etc/outside").Link("/real/nowhere.conf", "/no/such").Link("/etc/loop", "loop").Write("/etc/with\nnewline", "x\n").Write("/etc/big", new string('x', HostFiles.MostBytes + 1));
        var set = new FileSet("all", ["/etc/conf.d/*.conf", "/etc/empty", "/etc/loop", "/etc/with*", "/etc/big", "/etc", "/etc/missing"]);
        var files = await Read(HostFiles.Read(tree.Root, "", [set, new FileSet("none", ["/nothing"])]));
        Assert.Empty(files["none"]);
        var read = files["all"].ToDictionary(file => file.Path);
        Assert.Equal("inside\n\nlast", read["/etc/conf.d/a.conf"].Text);
        Assert.Equal("the tree's own", read["/etc/conf.d/absolute.conf"].Text);
        Assert.Equal("the tree's own", read["/etc/conf.d/up.conf"].Text);
        Assert.Equal("", read["/etc/empty"].Text);
        Assert.Equal(('l', null), (read["/etc/conf.d/nowhere.conf"].FileType, read["/etc/conf.d/nowhere.conf"].Content));
        Assert.Equal(('l', null), (read["/etc/loop"].FileType, read["/etc/loop"].Content));
        Assert.Contains("newline", read["/etc/with\nnewline"].Reason, StringComparison.Ordinal);
        Assert.Contains("1024 KiB", read["/etc/big"].Reason, StringComparison.Ordinal);
        Assert.Equal('d', read["/etc"].FileType);
        Assert.Equal(9, read.Count);
        Assert.Equal(files["all"], HostFile.Parse(HostFile.Write(files["all"])));
        Assert.Throws<FormatException>(() => read["/etc/big"].Text);
    }

    /// <summary>Content that looks like the frame of another file is content.</summary>
    [Fact]
    public async Task NoFileCanPassForAnother()
    {
        using var tree = new Tree();
        tree.Write("/etc/a", $"{tree.Root}/etc/b\n= - 0644 0 0 1 1 ? /etc/b\n! gone\n\0\0\n x").Write("/etc/b", "true\n").Write("/etc/\udcff", "bytes \udc80\n");
        var files = await Read(HostFiles.Read(tree.Root, "", [new FileSet("all", ["/etc/*"])]));
        var again = HostFile.Parse(HostFile.Write(files["all"]));
        Assert.Equal(files["all"], again);
        Assert.Equal("true", again.Single(file => file.Path == "/etc/b").Text);
        Assert.Equal($"{tree.Root}/etc/b\n= - 0644 0 0 1 1 ? /etc/b\n! gone\n\0\0\n x", again.Single(file => file.Path == "/etc/a").Text);
        Assert.Equal("bytes \udc80", again.Single(file => file.Path == "/etc/\udcff").Text);
    }

    /// <summary>This machine's own /proc, as the reader of processes takes it.</summary>
    [Fact]
    public async Task TheProcessesOfThisMachineAreRead()
    {
        var host = new LocalHost(new VirtHost("localhost"), new QuietLog());
        var processes = ProcessTable.Read((await host.RunAsync([ProcessTable.Look()], BatchMode.RunAll, Test))[0]);
        var own = processes.Single(process => process.Id == Environment.ProcessId);
        Assert.Equal(File.ResolveLinkTarget("/proc/self/exe", false)!.FullName, own.Executable);
        Assert.Equal(0, own.User);
        Assert.Equal(File.ReadAllText("/proc/self/comm").Trim(), own.Name);
    }

    /// <summary>An answer that was cut off anywhere is none.</summary>
    [Fact]
    public async Task HalfAnAnswerIsNotRead()
    {
        using var tree = new Tree();
        tree.Write("/etc/a", "one\ntwo").Write("/etc/b", "three\n");
        var call = HostFiles.Read(tree.Root, "", [new FileSet("all", ["/etc/*"])]);
        var whole = (await new LocalHost(new VirtHost("localhost"), new QuietLog()).RunAsync([call], BatchMode.RunAll, Test))[0];
        Assert.Equal(["one\ntwo", "three"], HostFiles.ReadFiles(whole)["all"].Select(file => file.Text));
        for (var length = 0; length < whole.StdoutBytes.Length; length++) Assert.Throws<FormatException>(() => HostFiles.ReadFiles(whole with { StdoutBytes = whole.StdoutBytes[..length] }));
    }

    private static async Task<IReadOnlyDictionary<string, IReadOnlyList<HostFile>>> Read(ToolCall call)
    {
        var result = (await new LocalHost(new VirtHost("localhost"), new QuietLog()).RunAsync([call], BatchMode.RunAll, Test))[0];
        Assert.True(result.Succeeded, result.Stderr);
        return HostFiles.ReadFiles(result);
    }

    /// <summary>A host that has nothing but root, and counts how often it is asked.</summary>
    private sealed class CountingHost(Func<ToolCall, ToolResult?> answer) : IHost
    {
        public List<IReadOnlyList<ToolCall>> Batches { get; } = [];

        public VirtHost Name { get; } = new("kvm1");

        public IHostLog Log { get; } = new QuietLog();

        public Task<IReadOnlyList<ToolResult>> RunAsync(IReadOnlyList<ToolCall> batch, BatchMode mode, CancellationToken stop)
        {
            Batches.Add(batch);
            return Task.FromResult<IReadOnlyList<ToolResult>>([.. batch.Select(call => answer(call) ?? new ToolResult(call, ToolOutcome.Exited, 0, Default(call), []))]);
        }

        private static byte[] Default(ToolCall call) => call.Tool switch
        {
            "host-probe" => "uid 0\nhosts-mounts\nkvm\n"u8.ToArray(),
            "host-files" or "host-files-look" => "\0\0\0end"u8.ToArray(),
            _ => [],
        };
    }

    /// <summary>The files of a host, below a directory of this one. Names and links may have any bytes.</summary>
    internal sealed class Tree : IDisposable
    {
        private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("virtsecurity-tree-");

        public string Root => root.FullName;

        public Tree Write(string path, string text)
        {
            Run("mkdir -p \"${1%/*}\" && cat >\"$1\"", Root + path, text);
            return this;
        }

        public Tree Link(string path, string target)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Root + path)!);
            File.CreateSymbolicLink(Root + path, target);
            return this;
        }

        public void Dispose() => Run("rm -rf -- \"$1\"", Root, "");

        private static void Run(string script, string path, string input)
        {
            var host = new LocalHost(new VirtHost("localhost"), new QuietLog());
            var result = host.RunAsync([ToolCall.Script("tree", script, path) with { Stdin = HostText.Encode(input), Mutating = true }], BatchMode.RunAll, CancellationToken.None).GetAwaiter().GetResult()[0];
            Assert.True(result.Succeeded, result.Stderr);
        }
    }
}
