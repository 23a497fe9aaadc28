using System.Text;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Tests.Domain.Hardening;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What is asked of a host for the checks of images and storage, in a real shell on files of our own.</summary>
public sealed class ImageScriptTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static readonly string[] Places = ["/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/etc/xen", "/var/lib/xend", "/var/lib/xen"];

    /// <summary>Of what a definition declares to be raw not a byte is read, whatever a guest wrote into it; of links and what is missing neither.</summary>
    [Fact]
    public async Task OnlyWhatADefinitionCallsCopyOnWriteIsRead()
    {
        using var files = new TemporaryDirectory();
        byte[] header = [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3, .. new byte[96]];
        string Made(string name)
        {
            File.WriteAllBytes(files.Of(name), header);
            return files.Of(name);
        }

        var (cow, raw, below, odd, after) = (Made("cow & <b>.qcow2"), Made("raw.img"), Made("below.qcow2"), Made("it's.qcow2"), Made("no-driver.img"));
        File.CreateSymbolicLink(files.Of("link.qcow2"), cow);
        Define(files, "g", $"""
            <domain type='kvm'>
              <name>g</name>
              <devices>
                <disk type='file' device='disk'>
                  <driver name='qemu' type='qcow2' discard='unmap'/>
                  <source file='{Escape(files.Of("link.qcow2"))}' index='2'/>
                  <backingStore type='file' index='3'>
                    <format type='qcow2'/>
                    <source file='{Escape(below)}'/>
                    <backingStore type='file'>
                      <format type='raw'/>
                      <source file='{Escape(raw)}'/>
                    </backingStore>
                  </backingStore>
                </disk>
                <disk type='file' device='disk'>
                  <driver name='qemu' type='qcow2'/>
                  <source file='{Escape(odd)}'/>
                </disk>
                <disk type='file' device='disk'>
                  <driver name='qemu' type='qcow2'/>
                  <source file='{Escape(files.Of("gone.qcow2"))}'/>
                </disk>
                <disk type='file' device='disk'>
                  <source file='{Escape(after)}'/>
                </disk>
              </devices>
            </domain>
            """);
        var chains = ImageChains.Read(await RunAsync(files, ImageChains.Look()));
        Assert.Equal(new[] { below, cow, odd }.Order(StringComparer.Ordinal), chains.Headers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((PathState.Missing, cow), (chains.Looks[files.Of("gone.qcow2")].State, chains.Looks[files.Of("link.qcow2")].RealPath));
    }

    /// <summary>
    /// A chain as qemu-img makes it is read to its end in one call, but for what lies elsewhere, what the header above does not declare to be copy-on-write, and names that are
    /// no plain path. No header leads a reader round in circles.
    /// </summary>
    [Fact]
    public async Task AChainIsReadAsFarAsItMayBeBelieved()
    {
        using var files = new TemporaryDirectory();
        var place = files.Of("var-lib-libvirt/images");
        Directory.CreateDirectory(place + "/sub");
        string[] names = ["top", "middle & 'm'", "sub/low", "elsewhere", "undeclared", "json", "circle"];
        await MakeAsync(place, "create -q -f raw base.raw 1M");
        await MakeAsync(place, "create -q -f qcow2 -b ../base.raw -F raw sub/low");
        await MakeAsync(place, "create -q -f qcow2 -b sub/low -F qcow2", "middle & 'm'");
        await MakeAsync(place, "create -q -f qcow2 -F qcow2 -b", place + "/middle & 'm'", "top");
        await MakeAsync(files.Of(""), "create -q -f qcow2 outside 1M");
        await MakeAsync(place, "create -q -f qcow2 -F qcow2 -b", files.Of("outside"), "elsewhere");
        await MakeAsync(place, "create -q -f qcow2 -u -o compat=0.10 -b base.raw -F raw undeclared 1M");
        // qemu-img of today writes none without a format: the extension that has it follows on the 72 bytes of version 2.
        var undeclared = await File.ReadAllBytesAsync(place + "/undeclared", Test);
        Assert.Equal([0xE2, 0x79, 0x2A, 0xCA], undeclared[72..76]);
        Array.Clear(undeclared, 72, 4);
        await File.WriteAllBytesAsync(place + "/undeclared", undeclared, Test);
        await MakeAsync(place, "create -q -f qcow2 -u -F qcow2 -b", "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/x\"}}", "json", "1M");
        await MakeAsync(place, "create -q -f qcow2 -u -F qcow2 -b circle round 1M");
        File.Move(place + "/round", place + "/circle");
        Define(files, "g", $"<domain type='kvm'>\n<name>g</name>\n<devices>\n{string.Concat(names.Except(["sub/low", "middle & 'm'"]).Select(name => $"<disk type='file' device='disk'>\n<driver name='qemu' type='qcow2'/>\n<source file='{Escape(Path.Combine(place, name))}'/>\n</disk>\n"))}</devices>\n</domain>\n");
        var fact = ImageChains.Read(await RunAsync(files, ImageChains.Look()));
        Assert.Equal(names.Select(name => Path.Combine(place, name)).Order(StringComparer.Ordinal), fact.Headers.Keys.Order(StringComparer.Ordinal));
        Assert.All(fact.Headers, header => Assert.True(header.Value.Header is not null, $"{header.Key}: {header.Value.Reason}"));

        var chains = new BackingChains(fact.Looks, fact.Headers, path => HostPath.IsAtOrBelow(path, place));
        string Words(string name)
        {
            var chain = chains.Walk(Path.Combine(place, name), "qcow2");
            return $"{string.Join(' ', chain.Links.Select(link => link.Path[(place.Length + 1)..]))}: {(chain.IsKnown ? "known" : chain.Problems is [.., var problem] ? problem.Problem.Id : "?")}";
        }

        Assert.Equal("middle & 'm' sub/low sub/../base.raw: known", Words("top"));
        Assert.Equal("circle: known", Words("circle"));
        Assert.Equal("base.raw: ChainUnknown", Words("undeclared"));
        Assert.Equal("BackingElsewhere", chains.Walk(Path.Combine(place, "elsewhere"), "qcow2").Problems[^1].Problem.Id);
        Assert.False(chains.Walk(Path.Combine(place, "json"), "qcow2").IsKnown);
        Assert.Throws<FormatException>(() => ImageChains.Read(Said(ImageChains.Look(), "/a\0/a\0header\0")));
    }

    [Fact]
    public async Task ImagesAndAllDirectoriesAboveThemAreLookedAt()
    {
        using var files = new TemporaryDirectory();
        var directory = files.Of("a b");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var image = Path.Combine(directory, "é.img");
        File.WriteAllText(image, "");
        File.SetUnixFileMode(image, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        File.CreateSymbolicLink(files.Of("link.img"), image);
        Define(files, "g", $"<domain>\n<name>g</name>\n<source file='{files.Of("link.img")}'/>\n<source file='{files.Of("gone.img")}'/>\n</domain>\n");
        File.WriteAllText(Path.Combine(files.Of("etc-libvirt"), "qemu.conf"), "#user = \"nobody\"\nuser = \"+0\"\n");
        var access = ImageAccess.Read(await RunAsync(files, ImageAccess.Look()));
        Assert.Equal(0, access.QemuUser);
        Assert.Contains(0, access.QemuGroups);
        Assert.Equal(('-', UnixFileMode.UserRead | UnixFileMode.OtherRead), (access.Entries[image].FileType, access.Entries[image].Mode));
        for (var path = directory; path is not null; path = Path.GetDirectoryName(path)) Assert.Equal('d', access.Entries[path].FileType);
        Assert.DoesNotContain(files.Of("gone.img"), access.Entries.Keys);
    }

    [Theory]
    [InlineData(0, 0, 0x1C0, true)]
    [InlineData(0, 0, 0x1B6, false)]
    [InlineData(5, 0, 0x1F8, false)]
    [InlineData(5, 0, 0x001, true)]
    [InlineData(5, 7, 0x008, true)]
    [InlineData(5, 7, 0x001, false)]
    public void TheFirstOfOwnerGroupAndOthersDecidesWhoMayPass(long user, long group, int mode, bool mayPass) =>
        Assert.Equal(mayPass, new AccessEntry('d', (UnixFileMode)mode, 0, group == 0 ? 99 : 7).IsSearchableBy(user, [group]));

    /// <summary>This machine's own devices, against what the kernel says of them elsewhere.</summary>
    [Fact]
    public async Task EveryDeviceOfTheKernelIsThereWithItsNumber()
    {
        var result = Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [BlockDevices.Look()]));
        Assert.True(result.Succeeded, result.Stderr);
        var expected = Directory.GetFileSystemEntries("/sys/class/block").Select(path => (Path.GetFileName(path), File.ReadAllText(path + "/dev").Trim())).Order();
        Assert.Equal(expected, BlockDevices.Read(result).Select(device => (device.Name, device.Number)).Order());
    }

    [Fact]
    public void WhatIsMadeOfADeviceIsFoundToTheLast()
    {
        var devices = Read("sda\0../../devices/x/block/sda\0sda1\0../../devices/x/block/sda/sda1\0dm-0\0../../devices/virtual/block/dm-0\0dm-1\0../../devices/virtual/block/dm-1\0\0"
            + "@8:1 /dev/disk/by-id/ata-x y\nsda/dev:8:0\nsda1/dev:8:1\nsda1/partition:1\ndm-0/dev:253:0\ndm-0/dm/name:a-b\ndm-0/dm/uuid:LVM-x\ndm-1/dev:253:1\ndm-1/dm/name:c:d\nsda1/holders/dm-0\ndm-0/holders/dm-1\ndm-1/holders/dm-0\n");
        Assert.Equal(["sda", "sda1", "dm-0", "dm-1"], BlockDevices.WithAllAbove(devices, devices[0]).Select(device => device.Name));
        Assert.Equal(["/dev/sda", "/dev/sda1", "/dev/mapper/a-b", "/dev/mapper/c:d"], devices.Select(device => device.Path));
        Assert.Equal(["/dev/sda1", "/dev/disk/by-id/ata-x y"], devices[1].Names);
        Assert.Equal(["/dev/mapper/a-b", "/dev/dm-0"], devices[2].Names);
        Assert.Equal([true, false, false, false], devices.Select(device => device.IsWholeDisk));
    }

    /// <summary>What lvmconfig of lvm2 2.03.16 (Debian 12) printed for the settings that it is shipped with, less the lines that nobody asks for.</summary>
    [Fact]
    public void LvmsOwnSettingsAreRead()
    {
        var config = LvmConfig.Read(Said(LvmConfig.Look(), "devices {\n\tdir=\"/dev\"\n\tscan=[\"/dev\"]\n\tuse_devicesfile=0\n\tdevicesfile=\"system.devices\"\n\tfilter=[\"a|.*|\"]\n\tglobal_filter=[\"a|.*|\"]\n\tscan_lvs=0\n}\nallocation {\n\tthin_pool_zero=1\n}\nactivation {\n\tthin_pool_autoextend_threshold=100\n}\n"));
        Assert.True(config is { ScansVolumes: false, DevicesFile: null, ZeroesThinBlocks: true, HasFilter: false, ExtendsThinPoolsFrom: 100 });
    }

    /// <summary>Names of devices leave the host, and no key that is written beside them.</summary>
    [Fact]
    public async Task OfWhatTheRamDiskIsMadeFromOnlyNamesOfDevicesAreRead()
    {
        using var tree = new FactReaderTests.Tree();
        tree.Write("/etc/crypttab", "# <target> <source> <key>\n  luks  UUID=1-2  /secret luks,header=/x\n\nswap\t/dev/sda2\t/dev/urandom\n").Write("/etc/initramfs-tools/conf.d/resume", "RESUME=UUID=3-4\nSECRET=x\n")
            .Write("/etc/initramfs-tools/initramfs.conf", "MODULES=most\n# RESUME=LABEL=no\nROOT = \"LABEL=root\"\n").Write("/etc/dracut.conf.d/a.conf", "kernel_cmdline+=\" rd.luks.key=/k root=/dev/sda1 resume=LABEL=s \"\nadd_drivers+=\" secret \"\n");
        var result = Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [HostFiles.Read(tree.Root, InitrdSettings.Reduce, [new FileSet("initrd", InitrdSettings.Paths)])]));
        var files = HostFiles.ReadFiles(result)["initrd"];
        Assert.DoesNotContain("secret", string.Concat(files.Select(file => file.Text)), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(
            ["/etc/crypttab:2 UUID=1-2", "/etc/crypttab:4 /dev/sda2", "/etc/dracut.conf.d/a.conf:1 /dev/sda1", "/etc/dracut.conf.d/a.conf:1 LABEL=s", "/etc/initramfs-tools/conf.d/resume:1 UUID=3-4", "/etc/initramfs-tools/initramfs.conf:3 LABEL=root"],
            InitrdSettings.Read(files).Select(name => $"{name.Path}:{name.Line} {name.Name}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("\"a|.*|\"", false)]
    [InlineData("\"r|^/dev/vg/|\"", true)]
    [InlineData("\"a|^/dev/dm-3$|\",\"r|.*|\"", false)]
    [InlineData("\"r|/dev/dm-3|\",\"a|.*|\"", false)]
    [InlineData("\"a/sda/\",\"r/.*/\"", true)]
    [InlineData("", false)]
    public void ADeviceIsRejectedAsLvmRejectsIt(string filter, bool isRejected)
    {
        var config = LvmConfig.Read(Said(LvmConfig.Look(), $"devices {{\n\tscan_lvs=0\n\tfilter=[{filter}]\n}}\nallocation {{\n\tthin_pool_zero=1\n}}\n"));
        Assert.Equal(isRejected, config.Rejects(["/dev/vg/a", "/dev/dm-3"]));
    }

    /// <summary>findmnt of this machine itself, on a line that it cannot read and one whose source is not there.</summary>
    [Fact]
    public async Task FindmntsErrorsAreFound()
    {
        using var files = new TemporaryDirectory();
        File.WriteAllText(files.Of("fstab"), "LABEL=virtsecurity-none /srv/none ext4 defaults 0 0\nfoo\n");
        var call = FstabVerify.Look();
        var result = Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call with { Argv = [.. call.Argv.Select(word => word == Fstab.Path ? files.Of("fstab") : word)] }]));
        var found = FstabVerify.Read(result);
        Assert.Contains(found, finding => finding is { MountPoint: null, Words: "parse error at line 2" });
        Assert.Contains(found, finding => finding is { MountPoint: "/srv/none" } && finding.Words.Contains("LABEL=virtsecurity-none", StringComparison.Ordinal));
        Assert.Throws<FormatException>(() => FstabVerify.Read(Said(call, "") with { ExitCode = 1 }));
    }

    private static ToolResult Said(ToolCall call, string text) => new(call, ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(text), []);

    private static IReadOnlyList<BlockDevice> Read(string text) => BlockDevices.Read(Said(BlockDevices.Look(), text));

    private static async Task MakeAsync(string directory, string words, params string[] more)
    {
        var call = ToolCall.Script("make", "cd \"$1\" && shift && exec qemu-img \"$@\"", [directory, .. words.Split(' '), .. more]) with { Mutating = true };
        var result = Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call]));
        Assert.True(result.Succeeded, result.Stderr);
    }

    private static void Define(TemporaryDirectory files, string name, string xml)
    {
        Directory.CreateDirectory(files.Of("etc-libvirt/qemu"));
        File.WriteAllText(files.Of($"etc-libvirt/qemu/{name}.xml"), xml);
    }

    private static async Task<ToolResult> RunAsync(TemporaryDirectory files, ToolCall call)
    {
        string Ours(string word) => Places.OrderByDescending(place => place.Length).Aggregate(word, (text, place) => text.Replace(place + "/", files.Of(place[1..].Replace('/', '-')) + "/", StringComparison.Ordinal));
        var result = Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call with { Argv = [.. call.Argv.Select(Ours)] }]));
        Assert.True(result.Succeeded, result.Stderr);
        return result;
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&apos;", StringComparison.Ordinal);
}
