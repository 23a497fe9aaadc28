using System.Security;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What is said of an edit before it is made, is what the host's own sed makes of it.</summary>
public sealed class GuestRedefinitionTests
{
    private const string Old = "/srv/a.b[1]*/x&'y\"\\z^.img";
    private const string New = "/var/lib/libvirt/images/x&'y\"\\z^.img";

    [Theory]
    [InlineData("/etc/xen/web.cfg", 5)]
    [InlineData("/etc/libvirt/qemu/web.xml", 6)]
    public void TheHostsSedAndOursGiveTheSameText(string file, int programAt)
    {
        var edit = new GuestRedefinition(file, "web", Old, New);
        var random = new Random(1);
        var (old, other) = file.EndsWith(".xml", StringComparison.Ordinal) ? (SecurityElement.Escape(Old), SecurityElement.Escape(New)) : (Old, New);
        string[] parts = [old, old, $"'{old}'", $">{old}<", other, old + "x", "<", ">", "/srv/aXb[1]*/x", "'", "\"", ",", " ", "=", "\n", "\t", "[", "]", "a", "é", "\udcff", "\\", "&", "file:"];
        var changed = 0;
        for (var i = 0; i < 60; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => parts[random.Next(parts.Length)]));
            if (edit.Replace(text) != text) changed++;
            Assert.Equal(edit.Replace(text), Sed(edit.Do().Argv[programAt], text));
        }

        Assert.True(changed > 10);
    }

    [Fact]
    public void InXmlAPathIsWrittenAsLibvirtWritesIt()
    {
        var edit = new GuestRedefinition("/etc/libvirt/qemu/web.xml", "web", "/srv/a&'b.img", "/images/a&'b.img");
        Assert.Equal(
            "<source file='/images/a&amp;&apos;b.img'/><nvram>/images/a&amp;&apos;b.img</nvram><source file='/srv/a&amp;&apos;b.img.old'/>x /srv/a&amp;&apos;b.img",
            edit.Replace("<source file='/srv/a&amp;&apos;b.img'/><nvram>/srv/a&amp;&apos;b.img</nvram><source file='/srv/a&amp;&apos;b.img.old'/>x /srv/a&amp;&apos;b.img"));
    }

    /// <summary>The program of the edit, in a real shell: the file's last line may have no end.</summary>
    private static string Sed(string program, string text)
    {
        var script = $"printf %s {ShellQuote.Word(Convert.ToBase64String(HostText.Encode(text)))} | base64 -d | LC_ALL=C sed -e {ShellQuote.Word(program)}";
        var (code, output, error) = Shell.Run("/bin/sh", HostText.Encode(script));
        Assert.True(code == 0, error);
        return HostText.Decode(output);
    }
}
