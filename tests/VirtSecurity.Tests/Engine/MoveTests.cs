using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Move-VirtImage's own scripts in a real shell, on real files.</summary>
public sealed class MoveTests
{
    private const string Image = "srv/old images/a[1]&b.img";
    private const string Xml = """
        <domain type='kvm'>
          <name>web</name>
          <devices>
            <disk type='file' device='disk'>
              <source file='/srv/old images/a[1]&amp;b.img'/>
            </disk>
            <disk type='file' device='disk'>
              <source file='/srv/old images/a[1]&amp;b.img.other'/>
            </disk>
            <graphics type='vnc' passwd='s3cret'/>
          </devices>
        </domain>

        """;

    [Fact]
    public void FileLabelAndDefinitionAreMovedAndNothingElseOfThemChanges()
    {
        using var hosts = new ScriptedHosts();
        var host = hosts.Add("kvm1").Write(Image, "the data").Write("etc/libvirt/qemu/web.xml", Xml).MakeDirectory("var/lib/libvirt/images", (UnixFileMode)0b111_001_001)
            .Write("etc/xen/old.cfg", "name = 'old'\ndisk = [ 'file:/srv/old images/a[1]&b.img,xvda,w', '/srv/old images/a[1]&b.img.other,raw,xvdb,rw' ]");
        var run = hosts.Run("$moved = Get-VirtImage -VirtHost kvm1 -Guest web | Where-Object Size | Move-VirtImage -Destination /var/lib/libvirt/images -Verbose -Debug; $moved; $moved | Test-VirtImageContext");
        Assert.True(run.Errors.Count == 0, string.Join(Environment.NewLine, run.Errors.Select(error => Text(error, "Message"))));
        Assert.Equal(2, run.Output.Count);
        var moved = run.Output[0];
        // By its path as it is: the brackets in it are no wildcard.
        Assert.Equal((Text(moved, "Path"), "Compliant"), (Text(run.Output[1], "Path"), Text(run.Output[1], "Verdict")));
        Assert.Equal(("/var/lib/libvirt/images/a[1]&b.img", "/srv/old images/a[1]&b.img", "old web", "8", "True"), (Text(moved, "Path"), Text(moved, "SourcePath"), Text(moved, "Guest"), Text(moved, "Size"), Text(moved, "IsCompliant")));
        Assert.False(host.Has(Image));
        Assert.Equal("the data", host.Read("var/lib/libvirt/images/a[1]&b.img"));
        Assert.Equal(Xml.Replace("'/srv/old images/a[1]&amp;b.img'", "'/var/lib/libvirt/images/a[1]&amp;b.img'", StringComparison.Ordinal), host.Read("etc/libvirt/qemu/web.xml"));
        Assert.Equal("name = 'old'\ndisk = [ 'file:/var/lib/libvirt/images/a[1]&b.img,xvda,w', '/srv/old images/a[1]&b.img.other,raw,xvdb,rw' ]", host.Read("etc/xen/old.cfg"));
        Assert.DoesNotContain(host.Journal.Concat(run.Debug).Concat(run.Verbose), text => text.Contains("s3cret", StringComparison.Ordinal));
        Assert.Equal(["a[1]&b.img"], host.Names("var/lib/libvirt/images"));
    }

    [Theory]
    [InlineData("virsh", "error: no")]
    [InlineData("restorecon", "restorecon: no")]
    [InlineData("cmp", "differ")]
    public void WhenAToolFailsAllIsAsItWas(string tool, string words)
    {
        using var hosts = new ScriptedHosts();
        var host = hosts.Add("kvm1").Write(Image, "the data").Write("etc/libvirt/qemu/web.xml", Xml).MakeDirectory("var/lib/libvirt/images", (UnixFileMode)0b111_001_001).Fail(tool, words);
        var run = hosts.Run($"Move-VirtImage -LiteralPath '/{Image}' -Destination /var/lib/libvirt/images -VirtHost kvm1");
        var error = Assert.Single(run.Errors);
        Assert.Contains(words, Text(error, "Message"), StringComparison.Ordinal);
        Assert.Equal("the data", host.Read(Image));
        Assert.Equal(Xml, host.Read("etc/libvirt/qemu/web.xml"));
        Assert.Empty(host.Names("var/lib/libvirt/images"));
    }

    [Fact]
    public void WhatIfPrintsTheCommandLinesAndDoesNothing()
    {
        using var hosts = new ScriptedHosts();
        var host = hosts.Add("kvm1").Write(Image, "the data").Write("etc/libvirt/qemu/web.xml", Xml).MakeDirectory("var/lib/libvirt/images", (UnixFileMode)0b111_001_001);
        var shown = hosts.Rendering($"Move-VirtImage -LiteralPath '/{Image}' -Destination /var/lib/libvirt/images -VirtHost kvm1 -WhatIf", 400);
        Assert.Matches("(?s)cp --sparse=auto .*cmp -- .*restorecon -F -- .*virsh -c qemu:///system define /etc/libvirt/qemu/web.xml .*rm -- '/srv/old images/a\\[1]&b\\.img'", shown);
        Assert.Empty(host.Changes);
        Assert.True(host.Has(Image));
    }

    private static string Text(PSObject value, string property) => string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(value.Properties[property]?.Value) ?? []);
}
