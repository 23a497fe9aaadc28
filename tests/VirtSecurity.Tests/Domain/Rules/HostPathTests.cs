using VirtSecurity.Facts;
using VirtSecurity.Resources;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>Which text is a path on a host, and which path may hold images.</summary>
public sealed class HostPathTests
{
    private static readonly string[] SystemTrees =
        ["/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var"];

    public static TheoryData<string> Refused =>
    [
        .. SystemTrees, .. SystemTrees.Select(tree => tree + "/below"), "/", "/mnt", "/media", "/opt", "/srv",
        "/var/lib", "/var/lib/libvirt", "/var/lib/xen", "/var/lib/libvirt/imagesx", "/var/lib/libvirt/image", "/var/lib/libvirt/qemu", "/home/user/images",
    ];

    public static TheoryData<string> Allowed =>
    [
        "/virtstorage", "/srv/store", "/mnt/store", "/media/store", "/opt/store", "/binx", "/variable", "/homes", "/libvirt", "/runs", "/tmpstore", "/a",
        "/var/lib/libvirt/images", "/var/lib/libvirt/images/store", "/var/lib/xen/images", "/var/lib/xen/images/store",
        "/virt storage", "/srv/it's", "/-d", "/...", "/.hidden", "/a..b", "/" + new string('n', 255), "/ü/漢字/\U0001F512",
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void TheSystemAndPeoplesHomesHoldNoImages(string path) => Assert.Equal("RefusedPath", Assert.Throws<VirtException>(() => HostPath.RequireImagePlace(path)).Id);

    [Theory]
    [MemberData(nameof(Allowed))]
    public void AnyOtherPlaceMay(string path) => HostPath.RequireImagePlace(path);

    [Theory]
    [InlineData("", "empty")]
    [InlineData("virtstorage", "not absolute")]
    [InlineData("~/x", "not absolute")]
    [InlineData("-d", "not absolute")]
    [InlineData("C:\\x", "not absolute")]
    [InlineData("/a/", "ends with '/'")]
    [InlineData("//", "ends with '/'")]
    [InlineData("//a", "contains '//'")]
    [InlineData("/a//b", "contains '//'")]
    [InlineData("/a/../etc", "'.' or '..'")]
    [InlineData("/..", "'.' or '..'")]
    [InlineData("/a/./b", "'.' or '..'")]
    [InlineData("/a\nb", "control character")]
    [InlineData("/a\r", "control character")]
    [InlineData("/a\0", "control character")]
    [InlineData("/a\tb", "control character")]
    [InlineData("/a\u001b[2J", "control character")]
    [InlineData("/a\u0085", "control character")]
    public void ATextThatIsNoCanonicalPathIsRefused(string path, string reason)
    {
        var problem = Assert.Throws<VirtException>(() => HostPath.RequireCanonical(path));
        Assert.Equal("InvalidPath", problem.Id);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LengthsAreOfBytesAndSurrogatesComeInPairs()
    {
        foreach (var path in (string[])["/" + new string('ü', 128), "/" + new string('n', 256), string.Concat(Enumerable.Repeat("/" + new string('n', 99), 41)), "/\ud83d", "/\udd12\ud83d"])
            Assert.Throws<VirtException>(() => HostPath.RequireCanonical(path));
        HostPath.RequireCanonical("/" + new string('ü', 127));
    }

    [Fact]
    public void BytesThatAreNoTextAreAllowedAsTheHostHasThem()
    {
        HostPath.RequireCanonical("/srv/\udcff/a\udcc3b");
        HostPath.RequireCanonical("/" + new string('\udcff', 255));
        Assert.Throws<VirtException>(() => HostPath.RequireCanonical("/" + new string('\udcff', 256)));
        // systemd: "String is not UTF-8 clean, ignoring assignment: Where=".
        Assert.Equal("InvalidPath", Assert.Throws<VirtException>(() => HostPath.RequireMountPoint("/srv/\udcff")).Id);
        HostPath.RequireImagePlace("/srv/\udcff");
        HostPath.RequireMountPoint("/srv/ä");
        // Together these are 'ä': a second text for one path, which no host's answer has.
        Assert.Throws<VirtException>(() => HostPath.RequireCanonical("/\udcc3\udca4"));
    }

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a", "/|/a")]
    [InlineData("/a/b c/d", "/|/a|/a/b c|/a/b c/d")]
    public void TheChainIsThePathAndAllAboveIt(string path, string chain) => Assert.Equal(chain, string.Join('|', HostPath.Chain(path)));

    [Theory]
    [InlineData("/a/b", "/a", true)]
    [InlineData("/a", "/a", true)]
    [InlineData("/ab", "/a", false)]
    [InlineData("/a", "/a/b", false)]
    [InlineData("/anything", "/", true)]
    public void BelowIsByWholeNames(string path, string tree, bool below) => Assert.Equal(below, HostPath.IsAtOrBelow(path, tree));
}
