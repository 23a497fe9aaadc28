using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>A host is one string, and the string is the host.</summary>
public sealed class VirtHostTests
{
    [Theory]
    [InlineData("localhost", "localhost")]
    [InlineData("", "localhost")]
    [InlineData(".", "localhost")]
    [InlineData(" kvm1 ", "kvm1")]
    [InlineData("kvm1", "kvm1")]
    [InlineData("KVM1.example.org", "KVM1.example.org")]
    [InlineData("root@kvm1", "ssh://root@kvm1")]
    [InlineData("kvm1:2222", "ssh://kvm1:2222")]
    [InlineData("ssh://kvm1", "kvm1")]
    [InlineData("ssh://kvm1/", "kvm1")]
    [InlineData("ssh://root@kvm1:2222/?sudo", "ssh://root@kvm1:2222?sudo")]
    [InlineData("[fe80::1%eth0]:22", "ssh://[fe80::1%eth0]:22")]
    [InlineData("[2001:db8::1]", "ssh://[2001:db8::1]")]
    [InlineData(@"DOM\user@kvm1", @"ssh://DOM\user@kvm1")]
    [InlineData("ssh://kvm1?key=/root/my%20key&sudo&config=/etc/ssh/lab", "ssh://kvm1?sudo&key=/root/my%20key&config=/etc/ssh/lab")]
    [InlineData("ssh://kvm1?key=/k%26sudo", "ssh://kvm1?key=/k%26sudo")]
    public void IsWrittenInOneWayAndReadBack(string given, string written)
    {
        var host = new VirtHost(given);
        Assert.Equal(written, host.ToString());
        Assert.Equal(host, new VirtHost(written));
        Assert.Equal(host.GetHashCode(), new VirtHost(written).GetHashCode());
        Assert.Equal((host.Name, host.User, host.Port, host.Sudo, host.KeyFile, host.ConfigFile, host.IsLocal), Parts(new VirtHost(written)));
    }

    [Fact]
    public void HasTheParts() =>
        Assert.Equal(("kvm1", "op", 2222, true, "/a b/k&=?#%é", "/etc/ssh/lab", false), Parts(new VirtHost("ssh://op@kvm1:2222?sudo&key=/a%20b/k%26%3D%3F%23%25%C3%A9&config=/etc/ssh/lab")));

    [Theory]
    [InlineData("-oProxyCommand=id")]
    [InlineData("ssh://-oProxyCommand=id")]
    [InlineData("root@-oProxyCommand=id")]
    [InlineData("-l@kvm1")]
    [InlineData("ssh://-lroot@kvm1")]
    [InlineData("kvm1 -oProxyCommand=id")]
    [InlineData("kvm1\n-oProxyCommand=id")]
    [InlineData("kvm1\nkvm2")]
    [InlineData("kvm1;id")]
    [InlineData("kvm1$(id)")]
    [InlineData("kvm1`id`")]
    [InlineData("a@b@c")]
    [InlineData("kvm1:0")]
    [InlineData("kvm1:65536")]
    [InlineData("kvm1:-1")]
    [InlineData("kvm1:")]
    [InlineData("kvm1:22x")]
    [InlineData("[fe80::1")]
    [InlineData("[kvm1]")]
    [InlineData("[::1%-oX y]")]
    [InlineData("http://kvm1")]
    [InlineData("ssh://")]
    [InlineData("ssh://kvm1/path")]
    [InlineData("ssh://root:secret@kvm1")]
    [InlineData("ssh://kvm1?ProxyCommand=id")]
    [InlineData("ssh://kvm1?sudo=yes")]
    [InlineData("ssh://kvm1?key")]
    [InlineData("ssh://kvm1?key=")]
    [InlineData("ssh://kvm1?key=relative")]
    [InlineData("ssh://kvm1?key=/a%0Ab")]
    [InlineData("ssh://kvm1?key=/a%00")]
    [InlineData("ssh://kvm1?key=/a b")]
    [InlineData("ssh://kvm1?config=-oX")]
    [InlineData("ümlaut")]
    public void HostileOrWrongIsRefused(string given) => Assert.Equal("InvalidVirtHost", Assert.Throws<VirtException>(() => new VirtHost(given)).Id);

    [Fact]
    public void SudoIsAddedOnce()
    {
        Assert.Equal("ssh://kvm1?sudo", new VirtHost("kvm1").WithSudo().ToString());
        Assert.Equal("ssh://kvm1?sudo", new VirtHost("kvm1").WithSudo().WithSudo().ToString());
        Assert.Equal("ssh://op@kvm1?sudo&key=/k", new VirtHost("ssh://op@kvm1?key=/k").WithSudo().ToString());
        Assert.Equal("localhost", new VirtHost("localhost").WithSudo().ToString());
    }

    [Fact]
    public void AreEqualByWhatTheyAreNotByHowTheyWereWritten()
    {
        Assert.Equal(new VirtHost("ssh://kvm1?sudo&key=/k"), new VirtHost("kvm1?key=/k&sudo"));
        Assert.NotEqual(new VirtHost("kvm1"), new VirtHost("root@kvm1"));
    }

    private static (string, string?, int?, bool, string?, string?, bool) Parts(VirtHost host) =>
        (host.Name, host.User, host.Port, host.Sudo, host.KeyFile, host.ConfigFile, host.IsLocal);
}
