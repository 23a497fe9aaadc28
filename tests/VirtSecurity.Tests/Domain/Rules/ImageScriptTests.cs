using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What is asked of a host for the checks of images and storage, in a real shell on files of our own.</summary>
public sealed class ImageScriptTests
{
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
        var result = await RunAsync(files, DeclaredHeaders.Look());
        var headers = Qcow2.ReadHeaders(result);
        Assert.Equal(new[] { below, cow, odd }.Order(StringComparer.Ordinal), headers.Keys.Order(StringComparer.Ordinal));
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
            + "sda/dev:8:0\nsda1/dev:8:1\nsda1/partition:1\ndm-0/dev:253:0\ndm-0/dm/name:a-b\ndm-0/dm/uuid:LVM-x\ndm-1/dev:253:1\ndm-1/dm/name:c:d\nsda1/holders/dm-0\ndm-0/holders/dm-1\ndm-1/holders/dm-0\n");
        Assert.Equal(["sda", "sda1", "dm-0", "dm-1"], BlockDevices.WithAllAbove(devices, devices[0]).Select(device => device.Name));
        Assert.Equal(["/dev/sda", "/dev/sda1", "/dev/mapper/a-b", "/dev/mapper/c:d"], devices.Select(device => device.Path));
        Assert.Equal([true, false, false, false], devices.Select(device => device.IsWholeDisk));
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
