using System.Diagnostics;
using System.Management.Automation;
using VirtSecurity.Tests.Domain.Rules;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Images are found wherever they are used, held or lie, by scripts that run in a real shell; and no image is opened that should not be.</summary>
public sealed class ImageTests
{
    private const string Images = "var/lib/libvirt/images/";

    [Fact]
    public void WhatGuestsUsePoolsHoldAndPlacesHaveIsListedByNameInOneRoundTrip()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").Volume("volumegroup", "web", 1L << 30)
            .Write(Images + "web.img", new string('x', 5000)).Write(Images + "orphan.img", "x").Write(Images + "iso/debian.iso", "").Write("srv/pool/a b.img", "").Write("srv/pool/sub/not-in-it.img", "")
            .MakeLink("srv/link.img", "/var/lib/libvirt/images/web.img").MakeLink(Images + "dangling", "nowhere").MakeLink(Images + "iso/tree", "/var/lib")
            .Write("etc/libvirt/qemu/web.xml", Domain("web", Disk("/srv/link.img", "raw") + "<disk device='cdrom'><driver type='raw'/><source file='/var/lib/libvirt/images/iso/debian.iso'/></disk>"))
            .Write("run/libvirt/qemu/web.xml", $"<domstatus>{Domain("web", Disk("/var/lib/libvirt/images/web.img", "raw"))}</domstatus>")
            .Write("etc/libvirt/qemu/lv.xml", Domain("lv", "<disk><driver type='raw'/><source dev='/dev/volumegroup/web'/></disk><disk type='volume'><source pool='files' volume='a b.img'/></disk>"))
            .Write("etc/libvirt/storage/files.xml", "<pool type='dir'><name>files</name><target><path>/srv/pool</path></target></pool>")
            .Write("run/libvirt/storage/logical.xml", "<poolstate><pool type='logical'><name>logical</name><source><name>volumegroup</name></source></pool></poolstate>")
            .Write("etc/xen/old.cfg", "name = 'old'\ndisk = [ 'file:/srv/xen/old.img,xvda,w' ]\nvfb = [ 'vnc=1' ]\n").MakeLink("etc/xen/auto/old.cfg", "../old.cfg")
            .Write("etc/xen/oxenstored.conf", "pid-file = /srv/no.img").Write("etc/xen/xlexample.hvm", "disk = [ '/dev/vg/no,raw,xvda,rw' ]")
            .Write("etc/selinux/default/contexts/files/file_contexts.local", "/data/images(/.*)?    system_u:object_r:virt_image_t:s0\n").Write("data/images/sub/c.img", "")
            .Label("/var/lib/libvirt/images/web.img", "system_u:object_r:svirt_image_t:s0:c1,c2");
        hosts.Add("kvm2");
        var calls = hosts.SshCalls.Count;
        var all = hosts.Run("Get-VirtImage -VirtHost kvm1, kvm2");
        Assert.Empty(all.Errors.Select(error => Text(error, "Message")));
        Assert.Equal(2, hosts.SshCalls.Count - calls);
        Assert.Equal(
            [
                "/data/images/sub/c.img||File||||True|False|True",
                "/dev/volumegroup/web|lv|BlockDevice|raw|Disk|logical||False|False",
                "/srv/pool/a b.img|lv|File||Disk|files|False|False|False",
                "/srv/xen/old.img|old||raw|Disk||False|True|False",
                "/var/lib/libvirt/images/iso/debian.iso|web|File|raw|CdRom||True|False|False",
                "/var/lib/libvirt/images/nowhere||||||True|True|True",
                "/var/lib/libvirt/images/orphan.img||File||||True|False|True",
                "/var/lib/libvirt/images/web.img|web|File|raw|Disk||True|False|False",
            ],
            all.Output.Select(image => string.Join('|', ((string[])["Path", "Guest", "Kind", "Format", "Role", "Pool", "InPlannedPlace", "IsMissing", "IsOrphaned"]).Select(property => Text(image, property)))));
        var web = all.Output.Single(image => Text(image, "Path").EndsWith("web.img", StringComparison.Ordinal));
        Assert.Equal(("/srv/link.img", "Running", "5000", "kvm1"), (Text(web, "OtherPath"), Text(web, "GuestState"), Text(web, "Size"), Text(web, "VirtHost")));
        Assert.Equal(("system_u:object_r:svirt_image_t:s0:c1,c2", "system_u:object_r:virt_image_t:s0"), (Text(web, "Context"), Text(web, "ExpectedContext")));

        (string Code, string Names, string Missing)[] filters =
        [
            ("/var/lib/libvirt/images/web.img", "web.img", ""), ("/srv/link.img", "web.img", ""), ("*.iso", "debian.iso", ""), ("/VAR/*", "", ""), ("/var/lib/libvirt/images/nosuch", "", "/var/lib/libvirt/images/nosuch"),
            ("-LiteralPath /srv/xen/old.img", "old.img", ""), ("-Guest web", "debian.iso web.img", ""), ("-Guest w*, old", "old.img debian.iso web.img", ""), ("-Guest Web", "", "Web"), ("-Pool files", "a b.img", ""),
            ("-Pool l*", "web", ""), ("-Pool nosuch", "", "nosuch"), ("-Guest web -Pool files", "", ""), ("-Orphaned", "c.img nowhere orphan.img", ""), ("*.img -Orphaned", "c.img orphan.img", ""),
        ];
        var cases = new Cases(hosts, [
            .. filters.Select(filter => (filter.Code, $"Get-VirtImage {filter.Code} -VirtHost kvm1")),
            ("again", "Get-VirtImage -Guest web -VirtHost kvm1 | Get-VirtImage"),
            ("label", "Get-VirtImage '/data/images/*' -VirtHost kvm1 | Set-VirtImageContext"),
            ("through a job", "Get-VirtImage '/data/images/*' -VirtHost kvm1 | ForEach-Object { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($_, 2)) } | Get-VirtImage"),
        ]);
        foreach (var (code, names, missing) in filters)
        {
            Assert.Equal(missing.Length == 0 ? [] : [("ImageNotFound", "ObjectNotFound", missing)], cases.Errors(code).Select(error => (error.Id, error.Category, error.Target)));
            if (missing.Length == 0) Assert.Equal(names, string.Join(' ', cases.Output(code).Select(image => Path.GetFileName(Text(image, "Path")))));
        }

        Assert.Equal(2, cases.Output("again").Count);
        Assert.Equal("/data/images/sub/c.img", cases.Text("label", "Path"));
        Assert.Equal("/data/images/sub/c.img", cases.Text("through a job", "Path"));
    }

    [Fact]
    public void AChainIsReadFromHeadersOfWhatIsDeclaredAndLiesInItsPlaceAndOfNothingElse()
    {
        using var hosts = new ScriptedHosts();
        var host = hosts.Add("kvm1")
            .Write("etc/shadow", "root:s3cret").Write("srv/elsewhere.qcow2", Qcow2Tests.Header("/etc/shadow", "raw")).Write(Images + "base.raw", "x")
            .Write(Images + "top.qcow2", Qcow2Tests.Header("mid's \"name\".qcow2", "qcow2")).Write(Images + "mid's \"name\".qcow2", Qcow2Tests.Header("base.raw", "raw"))
            .Write(Images + "evil.qcow2", Qcow2Tests.Header("/etc/shadow", "qcow2")).Write(Images + "away.qcow2", Qcow2Tests.Header("../../../../srv/elsewhere.qcow2", "qcow2"))
            .Write(Images + "self.qcow2", Qcow2Tests.Header("self.qcow2", "qcow2")).Write(Images + "torn.qcow2", Qcow2Tests.Header("base.raw", "raw")[..90]).Write(Images + "none.qcow2", "s3cret")
            .Write(Images + "sly.qcow2", Qcow2Tests.Header("linked.qcow2", "qcow2")).MakeLink(Images + "linked.qcow2", "/etc/shadow")
            .Write(Images + "undeclared.qcow2", Qcow2Tests.Header("/etc/shadow", "raw"));
        host.MakePipe(Images + "pipe.qcow2");
        string[] tops = ["top", "evil", "away", "self", "torn", "none", "sly", "pipe"];
        foreach (var top in tops) host.Write($"etc/libvirt/qemu/{top}.xml", Domain(top, Disk($"/{Images}{top}.qcow2", "qcow2")));
        var watch = Stopwatch.StartNew();
        var run = hosts.Run("Get-VirtImage -VirtHost kvm1; Get-VirtImage -Orphaned -VirtHost kvm1");
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"{watch.Elapsed}");
        Assert.Equal(["OrphansUnknown"], run.Errors.Select(error => Text(error, "FullyQualifiedErrorId").Split(',')[0]));
        string[] problems = [.. run.Output.Select(image => $"{Text(image, "Path").Replace($"/{Images}", "", StringComparison.Ordinal)} [{Text(image, "Guest")}] {Text(image, "Role")} {string.Join(' ', Items(image, "Problem").Select(problem => Text(problem, "Id")))}".TrimEnd())];
        Assert.Equal(
            [
                "/etc/shadow [evil sly] Backing BackingElsewhere", "/srv/elsewhere.qcow2 [away] Backing BackingElsewhere", "away.qcow2 [away] Disk", "base.raw [top] Backing", "evil.qcow2 [evil] Disk", "mid's \"name\".qcow2 [top] Backing",
                "none.qcow2 [none] Disk ChainUnknown", "pipe.qcow2 [pipe] Disk ChainUnknown", "self.qcow2 [self] Disk Backing ChainIsLoop", "sly.qcow2 [sly] Disk", "top.qcow2 [top] Disk", "torn.qcow2 [torn] Disk ChainUnknown", "undeclared.qcow2 []",
            ],
            problems);
        Assert.Equal(
            ((string[])["away.qcow2", "evil.qcow2", "mid's \"name\".qcow2", "none.qcow2", "self.qcow2", "sly.qcow2", "top.qcow2", "torn.qcow2"]).Select(name => $"/{Images}{name}"),
            host.Calls.Where(call => call.StartsWith("dd if=", StringComparison.Ordinal)).Select(call => call["dd if=".Length..call.IndexOf(" iflag=", StringComparison.Ordinal)]).Distinct().Order(StringComparer.Ordinal));
        Assert.Empty(host.Changes);
    }

    [Fact]
    public void OneBadFileIsOneErrorThatNamesItAndNoSecretLeavesTheHost()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").Write(Images + "a.img", "").Write(Images + "cd/ef", "")
            .Write("etc/libvirt/qemu/a.xml", Domain("a", Disk("/var/lib/libvirt/images/a.img", "raw") + "<graphics type='vnc' passwd='s3cret/s3cret'/><disk type='network'><source protocol='https' name='a'><cookies><cookie name='c'>s3cret/c</cookie></cookies></source></disk>"))
            .Write("etc/libvirt/qemu/entities.xml", "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/shadow'>]><domain><name>&e;</name></domain>")
            .Write("etc/libvirt/qemu/large.xml", Domain("large", $"<!--{new string('-', 5 << 20)}-->"))
            .Write("etc/libvirt/qemu/long.xml", Domain("long", Disk("/" + new string('x', 300_000), "raw")))
            .Write("etc/libvirt/storage/torn.xml", "<pool")
            .Write("etc/xen/x.cfg", "name = 'x'\nvncpasswd = 's3cret'\nvfb = [ 'vnc=1,vncpasswd=s3cret/s3cret,vnclisten=0' ]\nfor d in x: disk += d\n");
        var run = hosts.Run("Get-VirtImage -VirtHost kvm1 -Debug; Get-VirtImage -Orphaned -VirtHost kvm1");
        (string Id, string Of)[] expected =
        [
            ("DefinitionNotUnderstood", "/etc/libvirt/storage/torn.xml"), ("DefinitionNotUnderstood", "/etc/libvirt/qemu/entities.xml"), ("DefinitionNotUnderstood", "/etc/libvirt/qemu/large.xml"), ("DefinitionNotUnderstood", "/etc/xen/x.cfg"),
        ];
        Assert.Equal([.. expected, .. expected, ("OrphansUnknown", "kvm1:")], run.Errors.Select(error => (Text(error, "FullyQualifiedErrorId").Split(',')[0], Text(error, "Message").Split(' ')[0])));
        Assert.Equal("", Text(run.Output.Single(image => Text(image, "Path").EndsWith("/ef", StringComparison.Ordinal)), "IsOrphaned"));
        Assert.Equal("PathUnreadable", Text(Items(run.Output.Single(image => Text(image, "Guest") == "long"), "Problem").Single(), "Id"));
        Assert.Contains(run.Debug, text => text.Contains("a.img", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Debug, text => text.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public void AHostThatCannotSayAllSaysWhat()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("user").Write("state/uid", "1000");
        hosts.Add("nolvm").Without("lvs").Write(Images + "a.img", "");
        hosts.Add("norules").Write(Images + "a.img", "").Write("etc/selinux/default/contexts/files/file_contexts.local", "/srv(/.*)? is a line that nobody wrote\n");
        hosts.Add("nolsblk").Fail("lsblk", "lsblk: no");
        var cases = new Cases(hosts, ((string[])["user", "nolvm", "norules", "nolsblk", "nohost"]).Select(name => (name, $"Get-VirtImage -VirtHost {name}")));
        Assert.Equal(("NotPrivileged", "PermissionDenied", "user"), Assert.Single(cases.Errors("user").Select(error => (error.Id, error.Category, error.Target))));
        Assert.Equal("/var/lib/libvirt/images/a.img", cases.Text("nolvm", "Path"));
        Assert.Equal("FileContextNotUnderstood", Assert.Single(cases.Errors("norules")).Id);
        Assert.Equal("FactUnknown", Assert.Single(cases.Errors("nolsblk")).Id);
        Assert.Equal("HostUnreachable", Assert.Single(cases.Errors("nohost")).Id);
        var unruled = hosts.Run("Get-VirtImage -VirtHost norules");
        Assert.Equal(("True", ""), (Text(Assert.Single(unruled.Output), "InPlannedPlace"), Text(unruled.Output[0], "ExpectedContext")));
    }

    private static string Domain(string name, string devices) => $"<domain type='kvm'>\n  <name>{name}</name>\n  <devices>{devices}</devices>\n</domain>\n";

    private static string Disk(string path, string format) => $"<disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{path}'/></disk>";

    private static string Text(PSObject value, string property) => string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(value.Properties[property]?.Value) ?? []);

    private static IEnumerable<PSObject> Items(PSObject value, string property) => LanguagePrimitives.GetEnumerable(value.Properties[property]?.Value)?.Cast<object>().Select(PSObject.AsPSObject) ?? [];
}
