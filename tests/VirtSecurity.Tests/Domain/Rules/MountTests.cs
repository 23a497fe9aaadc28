using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>/proc/self/mountinfo and the octal escapes of it and of fstab.</summary>
public sealed class MountTests
{
    // proc(5), "/proc/pid/mountinfo": any number of optional fields before the dash; paths by seq_path, so with escapes.
    [Theory]
    [InlineData(@"36 35 254:0 / /virtstorage rw,nosuid shared:1 - ext4 /dev/mapper/vg-lv rw,seclabel", "254:0", "/virtstorage", "ext4", "/dev/mapper/vg-lv")]
    [InlineData(@"36 35 254:0 / /virt\040storage rw - ext4 /dev/a\040b rw", "254:0", "/virt storage", "ext4", "/dev/a b")]
    [InlineData(@"36 35 0:5 / /a\011b\012c\134d rw master:1 propagate_from:2 unbindable - tmpfs none rw", "0:5", "/a\tb\nc\\d", "tmpfs", "none")]
    [InlineData(@"36 35 8:1 /sub /ü rw - xfs /dev/sda1 rw", "8:1", "/ü", "xfs", "/dev/sda1")]
    [InlineData(@"36 35 8:1 / /- rw - ext4 - rw", "8:1", "/-", "ext4", "-")]
    public void ALineIsRead(string line, string device, string point, string type, string source)
    {
        var mount = Assert.Single(Read(line + "\n"));
        Assert.Equal((device, point, type, source), (mount.Device, mount.MountPoint, mount.FileSystem, mount.Source));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("36 35 8:1 / /x rw shared:1 ext4 /dev/sda1 rw\n")]
    [InlineData("36 35 8:1 / /x rw -\n")]
    [InlineData("garbage\n")]
    public void WhatIsNoLineIsNone(string text) => Assert.Empty(Read(text));

    [Theory]
    [InlineData(@"\040", " ")]
    [InlineData(@"a\134040b", @"a\040b")]
    [InlineData(@"\04", @"\04")]
    [InlineData(@"\", @"\")]
    [InlineData(@"\08x", @"\08x")]
    [InlineData(@"\303\274", "ü")]
    [InlineData(@"\040ü漢", " ü漢")]
    [InlineData(@"\043", "#")]
    public void EscapesAreBytesInOctal(string text, string unescaped) => Assert.Equal(unescaped, Mount.Unescape(text));

    [Fact]
    public void EscapesBesideACharacterOutsideTheBasicPlane() => Assert.Equal("\U0001F512 x", Mount.Unescape("\U0001F512\\040x"));

    [Fact]
    public void OptionsOfFstabsReadersDoNotReachTheKernel()
    {
        var call = Mount.At("/dev/vg/a", "/x", "xfs", ["nodev", "nofail", "x-systemd.before=a", "_netdev", "noatime"]);
        Assert.Equal(["mount", "-t", "xfs", "-o", "nodev,noatime", "--", "/dev/vg/a", "/x"], call.Argv);
        Assert.Equal("defaults", Mount.At("/dev/vg/a", "/x", "ext4", ["nofail"]).Argv[4]);
    }

    [Fact]
    public void BytesThatAreNoTextStayWhatTheyAre()
    {
        Assert.Equal("/a\udcff\nä", Mount.Unescape(@"/a\377\012ä"));
        Assert.Equal("\udcff ", Mount.Unescape("\udcff\\040"));
        Assert.Equal("\udcc3ä", Mount.Unescape(@"\303ä"));
    }

    private static IReadOnlyList<MountFact> Read(string text) => Mount.ReadTable(new ToolResult(Mount.Table(), ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(text), []));
}
