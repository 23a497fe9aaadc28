using VirtSecurity.Resources;
using VirtSecurity.Storage;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What can be refused without asking a host.</summary>
public sealed class RequestTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("NewVolumeName")]
    [InlineData("a-b.c_d+e")]
    [InlineData("_a")]
    [InlineData(".a")]
    [InlineData("+a")]
    [InlineData("0")]
    public void NamesThatLvmAllows(string name) => Assert.Equal(name, Scenarios.Volume(name, "/x").Name);

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("--yes")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a\nb")]
    [InlineData("a\n")]
    [InlineData("ä")]
    [InlineData("a@b")]
    [InlineData("a\"b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("snapshot")]
    [InlineData("snapshot1")]
    [InlineData("pvmove0")]
    [InlineData("x_mlog")]
    [InlineData("x_tdata0")]
    [InlineData("x_cvol")]
    public void NamesThatLvmReservesOrRefuses(string name)
    {
        Assert.Equal("InvalidName", Assert.Throws<VirtException>(() => Scenarios.Volume(name, "/x")).Id);
        Assert.Equal("InvalidName", Assert.Throws<VirtException>(() => Scenarios.Volume("a", "/x", group: name)).Id);
    }

    [Fact]
    public void BothNamesTogetherFitDeviceMapperWithTheirHyphensDoubled()
    {
        Scenarios.Volume(new string('a', 125), "/x", group: "g");
        Assert.Throws<VirtException>(() => Scenarios.Volume(new string('a', 126), "/x", group: "g"));
        Assert.Throws<VirtException>(() => Scenarios.Volume("a" + new string('-', 63), "/x", group: "g"));
    }

    [Theory]
    [InlineData(GuestFileSystem.Xfs, 301L << 20)]
    [InlineData(GuestFileSystem.Ext4, 8L << 20)]
    public void AVolumeMustHoldItsFileSystem(GuestFileSystem type, long least)
    {
        Scenarios.Volume("a", "/x", type, least);
        Assert.Equal("FileSystemTooSmall", Assert.Throws<VirtException>(() => Scenarios.Volume("a", "/x", type, least - 1)).Id);
    }

    [Theory]
    [InlineData("noatime")]
    [InlineData("data=journal")]
    [InlineData("x-systemd.device-timeout=5")]
    [InlineData("x-mine")]
    [InlineData("commit=30")]
    public void MountOptionsThatAreKnown(string option) => Assert.Equal([option], Scenarios.Volume("a", "/x", options: [option]).MountOptions);

    [Theory]
    [InlineData("")]
    [InlineData("nodevv")]
    [InlineData("nodev,suid")]
    [InlineData("nodev suid")]
    [InlineData("nodev\nsuid")]
    [InlineData("-o")]
    [InlineData("bind")]
    [InlineData("loop")]
    [InlineData("user")]
    [InlineData("context=system_u:object_r:virt_image_t:s0")]
    [InlineData("data=")]
    [InlineData("x-a=b c")]
    [InlineData("NODEV")]
    public void MountOptionsThatAreNot(string option) => Assert.Equal("InvalidMountOption", Assert.Throws<VirtException>(() => Scenarios.Volume("a", "/x", options: [option])).Id);

    [Fact]
    public void AMountOptionIsGivenOnceUnlessItIsUserspaces()
    {
        Assert.Throws<VirtException>(() => Scenarios.Volume("a", "/x", options: ["commit=5", "commit=30"]));
        Scenarios.Volume("a", "/x", options: ["x-systemd.before=a.service", "x-systemd.before=b.service"]);
    }

    [Fact]
    public void TheLineForFstabLetsTheHostBootWithoutTheVolumeAndGuestsWaitForIt()
    {
        var options = StoreChanges.FstabOptions(Scenarios.Volume("a", "/x").MountOptions);
        Assert.Equal(["nodev", "nosuid", "noexec", "nofail", "x-systemd.device-timeout=30"], options.Take(5));
        Assert.Contains("x-systemd.before=libvirtd.service", options);
        var own = StoreChanges.FstabOptions(Scenarios.Volume("a", "/x", options: ["x-systemd.device-timeout=1", "x-systemd.before=mine.service"]).MountOptions);
        Assert.Equal(["x-systemd.device-timeout=1", "x-systemd.before=mine.service"], own);
    }
}
