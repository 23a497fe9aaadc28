using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>Of the files that define guests no secret leaves the host, however it is written there: by the real scripts, on a real tree. What is left is read as before.</summary>
public sealed class DefinitionSecretTests
{
    private const string Planted = "PLANTED";

    private static readonly string[] Blanks = ["", " ", "\t", "\n", " \n\t"];

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    /// <summary>XML: either quote, over lines, in comments, CDATA and nested definitions, as entities; elements, cookies, queries, and QEMU's own arguments in both of their languages.</summary>
    [Fact]
    public async Task NoSecretOfXmlLeavesTheHost()
    {
        var text = await Reduced("/etc/libvirt/qemu/web.xml", "libvirt-defined", $$$"""
            <!-- {{{Planted}}} passwd='{{{Planted}}}'
              {{{Planted}}} -->
            <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>web</name>
            <description>root: {{{Planted}}}
              {{{Planted}}}</description>
            <metadata><x:y xmlns:x='urn:x'><entry>{{{Planted}}}</entry></x:y>
              {{{Planted}}}</metadata>
            <sysinfo type='fwcfg'><entry name='a'>{{{Planted}}}
              {{{Planted}}}</entry><entry name='f' file='/keep/me'/><entry name='b'><![CDATA[</{{{Planted}}}>]]></entry></sysinfo>
            <os><cmdline>ro token={{{Planted}}}</cmdline><kernel>/keep/k</kernel></os>
            <devices><graphics type='vnc' passwd='{{{Planted}}}
              {{{Planted}}}' listen='0.0.0.0'/><graphics passwd
              =
              "{{{Planted}}}" type='spice' passwdValidTo='2011'/><graphics type='vnc' passwd='' port='5901'/>
            <graphics type='vnc' passwd="it's {{{Planted}}}" listen='x'/>
            <graphics type='vnc' passwd	=	'{{{Planted}}}&quot;{{{Planted}}}&#39;{{{Planted}}}'/>
            <disk><source protocol='https' name='a' query='t={{{Planted}}}'><cookies><cookie name='c'>{{{Planted}}}
              {{{Planted}}}</cookie></cookies></source></disk><disk><source file='/keep/disk'/></disk></devices>
            <cpu mode='host-passthrough' check='none'/>
            <qemu:commandline><qemu:arg value='-object'/><qemu:arg value='secret,id=s0,data={{{Planted}}},format=raw'/>
            <qemu:arg value='{&quot;qom-type&quot;:&quot;secret&quot;,&quot;data&quot;:&quot;{{{Planted}}}\&quot;{{{Planted}}}&amp;{{{Planted}}}&quot;,&quot;file&quot;:&quot;/keep/j&quot;}'/>
            <qemu:arg value='{"data": "{{{Planted}}}"}'/><qemu:arg
             value="-drive file=rbd:pool/img:id=a:key={{{Planted}}}==:auth=x,file=/keep/arg,password={{{Planted}}},key={{{Planted}}}"/>
            <qemu:arg value='https://u:{{{Planted}}}@h/keep/u'/><qemu:env name='T' value='{{{Planted}}}'/><qemu:env value="{{{Planted}}}" name='U'/>
            </qemu:commandline><domainsnapshot><domain><devices><graphics passwd='{{{Planted}}}'/></devices></domain></domainsnapshot></domain>
            """);
        var domain = DomainXml.Parse(text);
        Assert.Equal([("vnc", "0.0.0.0", true), ("spice", "", true), ("vnc", "", false), ("vnc", "x", true), ("vnc", "", true)], domain.Displays.Select(display => (display.Kind, string.Join(' ', display.Listen), display.HasPassword)));
        Assert.Equal(8, domain.QemuArguments);
        Assert.All((string[])["/keep/disk", "/keep/k", "/keep/arg"], path => Assert.Contains(path, domain.Paths(new Dictionary<string, StoragePool>())));
        Assert.All((string[])["file='/keep/me'", "/keep/j", "mode='host-passthrough' check='none'", "passwdValidTo='", "https://h/keep/u"], word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    /// <summary>All blanks that XML allows around the sign, with either quote, in one line and in several; and what has no end.</summary>
    [Fact]
    public async Task BlanksAndMissingEndsHideNoPassword()
    {
        var graphics = from before in Blanks from after in Blanks from quote in "'\"" from value in (string[])[Planted, $"a {Planted}", $"{Planted}\n{Planted}", $"&amp;{Planted}"] select $"<graphics type='vnc' passwd{before}={after}{quote}{value}{quote} port='5900'/>";
        var text = await Reduced("/etc/libvirt/qemu/many.xml", "libvirt-defined", $"<domain><name>many</name><devices>{string.Concat(graphics)}</devices></domain>");
        Assert.Equal(200, DomainXml.Parse(text).Displays.Count(display => display.HasPassword && display.Ports is [5900]));
        foreach (var open in (string[])["<a passwd='", "<a passwd=\"", "<entry>", "<entry name='a'>\n", "<!-- ", "<![CDATA[", "<a passwd=", "<a password = ", "<metadata><b>"]) await Reduced("/etc/libvirt/qemu/open.xml", "libvirt-defined", $"<domain>{open}{Planted}\n{Planted}");
    }

    /// <summary>xl's, xm's and xend's files and libxl's JSON: several on a line, inside a text, as lists, dictionaries and sums, over lines, in comments.</summary>
    [Fact]
    public async Task NoSecretOfXensFilesLeavesTheHost()
    {
        var text = await Reduced("/etc/xen/web.cfg", "xen-defined", $$"""
            name = "web" # vncpasswd='{{Planted}}'
            #vncpasswd='{{Planted}}'
            vncpasswd = '{{Planted}}'; spicepasswd="{{Planted}}\"{{Planted}}"; disk=['phy:/keep/a,xvda,w']
            vncpasswd	=	{{Planted}}
            vncpasswd = 12345678{{Planted}}
            vncpasswd += '{{Planted}}'
            vfb = [ 'vnc=1,vncpasswd={{Planted}}\'{{Planted}},vnclisten=0.0.0.0', "type=vnc, vncpasswd = {{Planted}} {{Planted}}" ]
            vncpasswd = [
             '{{Planted}}',
             '{{Planted}}'
            ]
            vncpasswd = \
             '{{Planted}}'
            vncpasswd = ('{{Planted}}' '{{Planted}}' + "{{Planted}}")
            vncpasswd = ''{{"'" + Planted + "'"}}''
            vncpasswd=f("{{Planted}}", '{{Planted}}')
            d = {'vncpasswd': '{{Planted}}', 'disk': '/keep/d', "spicepasswd" : "{{Planted}}", 'n-passwd': 123, 'x-passwd':''}
            device_model_args = [ '-spice', 'port=1,password={{Planted}},addr=x', "-object", "secret,id=a,data={{Planted}}" ]
            bad = 'it's vncpasswd='{{Planted}}'
            vncpasswd='{{Planted}}
            extra = "root=/dev/x password={{Planted}}"
            disk += [ 'file:rbd:a:key={{Planted}}', '/keep/e,raw,xvdb,w' ]
            spicepasswd=''
            vfb += [ 'vnc=1,vncpasswd=', 'vncpasswd="{{Planted}}",vnclisten=::' ]
            """);
        var config = XlConfig.Parse(text);
        Assert.Equal("web", config.Name);
        Assert.Equal([""], config.Values("spicepasswd"));
        Assert.Equal([("0.0.0.0", true), ("127.0.0.1", false), ("::", true)], config.Displays.Where(display => display.Kind == "vnc").Select(display => (display.Listen[0], display.HasPassword)));
        Assert.All((string[])["/keep/a", "/keep/d", "/keep/e"], path => Assert.Contains(path, text, StringComparison.Ordinal));

        text = await Reduced("/etc/xen/xend-config.sxp", "xen-defined", $"# (vncpasswd {Planted})\n(vncpasswd '{Planted}){Planted}') (vnc-listen '0.0.0.0')\n(x (vncpasswd {Planted})(y \"/keep#me\"))\n(vncpasswd\n  {Planted})\n(vncpasswd \"{Planted}\")\n(uname file:/keep#b)\n(a-passwd '')\n(b-passwd )\n");
        var xend = XendConfig.Parse(text);
        Assert.Equal(["set", "set", "set"], xend.Values("vncpasswd"));
        Assert.Equal(["", ""], xend.Values("a-passwd").Concat(xend.Values("b-passwd")));
        Assert.All((string[])["'0.0.0.0'", "/keep#me", "file:/keep#b"], word => Assert.Contains(word, text, StringComparison.Ordinal));

        text = await Reduced("/var/lib/xend/domains/1/config.sxp", "xen-defined", $"(domain (name a)\n (device (vfb (vncpasswd {Planted}) (vnclisten 1.2.3.4)))\n (device (vbd (uname phy:/keep/b) (dev xvda))))\n");
        Assert.Equal(("a", "/keep/b"), (XendDomain.Parse(text).Name, XendDomain.Parse(text).Images[0].Path));
    }

    /// <summary>libxl's own file is JSON after it as before.</summary>
    [Fact]
    public async Task JsonIsJsonStill()
    {
        var json = $$"""
            {
                "c_info": { "name": "web" },
                "b_info": { "type.hvm": { "vnc": { "enable": true, "passwd": "{{Planted}}\"{{Planted}}", "listen": "::" }, "spice": { "passwd": null }, "x": { "passwd": "" } } },
                "disks": [ { "pdev_path": "/keep/a" } ]
            }
            """;
        // Of a tree what ran is of no use, so the same script is given it by a name that is asked for.
        var text = await Reduced("/etc/xen/auto/web", "xen-defined", json);
        Assert.Equal("/keep/a", Assert.Single(LibxlDomain.Parse(text).Images).Path);
        Assert.All((string[])["\"passwd\": \"set\"", "\"passwd\": null", "\"passwd\": \"\""], word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    /// <summary>libvirt's settings: each quote, over lines, in comments, and what libvirt would not understand.</summary>
    [Fact]
    public async Task NoSecretOfLibvirtsSettingsLeavesTheHost()
    {
        var text = await Reduced("/etc/libvirt/qemu.conf", "libvirt-conf", $"#vnc_password = \"{Planted}\"\nvnc_password = \"{Planted}\" # {Planted}\nspice_password='{Planted}'\na_password = \"\"\"{Planted}\n{Planted} \"x\"\n{Planted}\"\"\"\nb_password = \"\"\nc_password = '' # {Planted}\nvnc_listen = \"::\"\n");
        var conf = LibvirtConf.Of("/etc/libvirt/qemu.conf", HostFile.FromStat("/etc/libvirt/qemu.conf", "81a4 0 0 1 1", "?") with { Content = text, Reason = "" });
        Assert.Equal(("set", "set", "set", "", "", "::"), (conf.Value("vnc_password"), conf.Value("spice_password"), conf.Value("a_password"), conf.Value("b_password"), conf.Value("c_password"), conf.Value("vnc_listen")));
        foreach (var bad in (string[])[$"vnc_password = {Planted}", $"vnc_password = \"{Planted}", $"vnc_password =\n\"{Planted}\"", $"vnc_password = \"\"\"{Planted}\n{Planted}", $"user = \"x\" # password = {Planted}"]) await Reduced("/etc/libvirt/qemu.conf", "libvirt-conf", bad + "\n");
    }

    /// <summary>What is mounted, by lines and by units, and what a kernel is told: options and arguments with passwords, commas in them, values over lines, and what a service hands to its programs.</summary>
    [Fact]
    public async Task NoSecretOfMountsAndBootsLeavesTheHost()
    {
        var text = await Reduced("/etc/fstab", "fstab", $"//nas/a /srv/a cifs ro,username=ann,password={Planted},,{Planted},uid=0 0 0\n//nas/b /srv/b cifs PASS={Planted},password2={Planted},nofail 0 0\nmon:/ /srv/c ceph name=x,secret={Planted},noatime 0 0\n#//nas/d /srv/d cifs passwd={Planted} 0 0\nUUID=a /srv/e ext4 nofail 0 2\n");
        Assert.Equal("//nas/a /srv/a cifs ro,username=ann,password=,uid=0 0 0\n//nas/b /srv/b cifs PASS=,password2=,nofail 0 0\nmon:/ /srv/c ceph name=x,secret=,noatime 0 0\n#//nas/d /srv/d cifs passwd= 0 0\nUUID=a /srv/e ext4 nofail 0 2", text);

        text = await Reduced("/etc/systemd/system/srv-a.mount", "mount-units", $"[Mount]\nWhat=//nas/a\nWhere=/srv/a\nOptions=ro,\\\npassword={Planted} {Planted},,{Planted},nofail\n");
        Assert.Equal("[Mount]\nWhat=//nas/a\nWhere=/srv/a\nOptions=ro, password=,nofail", text);
        text = await Reduced("/etc/systemd/system/libvirtd.service.d/a.conf", "mount-units", $"[Unit]\nRequiresMountsFor=/srv/a\n[Service]\nEnvironment=A={Planted} \\\n B={Planted}\nExecStartPre=/bin/x --token {Planted}\nSetCredential=a:{Planted}\nEnvironment=C={Planted}\\\n");
        Assert.Equal("[Unit]\nRequiresMountsFor=/srv/a\n[Service]", text);

        text = await Reduced("/etc/default/grub", "boot-entries", $"GRUB_CMDLINE_LINUX=\"selinux=1 rd.iscsi.password={Planted} netroot=iscsi:ann:{Planted}@host::::a root=UUID=a ro\"\n");
        Assert.Equal("GRUB_CMDLINE_LINUX=\"selinux=1 rd.iscsi.password= netroot=iscsi:@host::::a root=UUID=a ro\"", text);
    }

    /// <summary>A file as it comes from a host.</summary>
    private static async Task<string> Reduced(string path, string key, string text)
    {
        using var tree = new FactReaderTests.Tree();
        tree.Write(path, text.ReplaceLineEndings("\n"));
        var facts = await Dom0FactReader.ReadAsync(new LocalHost(new VirtHost("localhost"), new QuietLog()), Catalogue.Questions(Catalogue.Rules), tree.Root, DateTime.UnixEpoch, Test);
        Assert.All(facts, fact => Assert.DoesNotContain(Planted, fact.Text + fact.Error, StringComparison.Ordinal));
        return HostFile.Parse(facts.Single(fact => fact.Key == key).Text).Single(file => file.Path == path).Text;
    }
}
