using VirtSecurity.Lab;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>The checks on a Xen dom0: what Xen, its store and its tools say is real; of guests there are their definitions.</summary>
[Trait(Lengthy, Yes)]
public sealed class XenHardeningTests(LabFixture fixture) : HardeningSuite(fixture)
{
    protected override LabFlavour Flavour => LabFlavour.Xen;

    protected override string Prepare => """
        truncate -s 16M /virtstorage/web.img
        chmod 0600 /virtstorage/web.img
        cat >/etc/xen/web.cfg <<'END'
        name = "web"
        memory = 64
        disk = [ "format=raw, vdev=xvda, access=w, target=/virtstorage/web.img" ]
        END
        # What GRUB would tell the kernel, if the machine had it.
        echo 'GRUB_CMDLINE_LINUX="security=selinux selinux=1"' >/etc/default/grub
        systemctl stop libvirtd.service
        """;

    protected override IReadOnlyList<IReadOnlyList<Weakness>> Rounds => WeaknessRounds.Xen;

    protected override IReadOnlyDictionary<string, string> Unknown { get; } = new Dictionary<string, string> { ["SEL-03"] = "where the next boot's kernel line comes from was not found" };

    /// <summary>What only Xen can say: by xl, xenstored's domain, its own messages.</summary>
    [Fact]
    public void WhatXenSaysOfItselfIsJudged()
    {
        var run = PowerShell("Test-Dom0Hardening KRN-01, KRN-06, KRN-07, KRN-08, SEL-08, QMU-01 -VirtHost $lab");
        Assert.Empty(run.Errors);
        foreach (var result in run.Output) TestContext.Current.TestOutputHelper?.WriteLine(Row(result));
        string Evidence(string id) => Text(ResultOf(run.Output, id), "Evidence");
        Assert.Contains("dom0_mem=2048M", Evidence("KRN-08"), StringComparison.Ordinal);
        Assert.Equal("Pass", Text(ResultOf(run.Output, "KRN-08"), "Status"));
        Assert.Equal("Fail", Text(ResultOf(run.Output, "KRN-06"), "Status"));
        Assert.Contains("xl getenforce", Evidence("KRN-06"), StringComparison.Ordinal);
        Assert.Contains("xl info: xen_commandline: ", Evidence("KRN-07"), StringComparison.Ordinal);
        Assert.Contains("xenstored", Evidence("SEL-08"), StringComparison.Ordinal);
        Assert.Equal("NotApplicable", Text(ResultOf(run.Output, "QMU-01"), "Status"));
    }
}
