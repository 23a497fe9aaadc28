using System.Diagnostics;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>Definitions and headers are what others have written: whatever is in them, reading ends soon, with an answer or with an error that names the file.</summary>
public sealed class DefinitionFuzzTests
{
    private static readonly (string Path, string Text)[] Samples =
    [
        ("/etc/libvirt/qemu/a.xml", "<domain type='kvm'><name>a</name><os><kernel>/k</kernel><nvram type='file'><source file='/n'/></nvram></os><devices><disk type='volume' device='cdrom'><driver type='qcow2'/><source pool='p' volume='v'/><backingStore><format type='raw'/><source file='/b'/><backingStore/></backingStore></disk></devices></domain>"),
        ("/etc/libvirt/storage/p.xml", "<pool type='disk'><name>p</name><source><device path='/dev/sda'/></source><target><path>/dev</path></target></pool>"),
        ("/var/lib/libvirt/qemu/snapshot/a/s.xml", "<domainsnapshot><disks><disk name='vda'><source file='/s'/></disk></disks><domain><name>a</name></domain></domainsnapshot>"),
        ("/etc/xen/a.cfg", "name = \"a\"\ndisk = [ 'phy:/dev/vg/a,xvda,w', \"tap2:qcow2:/b,xvdb,r\",\n 'format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso' ]\nkernel='/k' # comment\nif x:\n  disk += [ '/c,raw,xvdc,w' ]\n"),
        ("/var/lib/xend/domains/1/config.sxp", "(domain (name 'a b') (image (linux (kernel /k) (args 'root=/dev/xvda'))) (device (vbd (uname phy:/dev/vg/a) (dev xvda:disk) (mode w))))"),
        ("/var/lib/xen/userdata-d.1.u.libxl-json", "{\"c_info\":{\"name\":\"a\"},\"b_info\":{\"kernel\":\"/k\"},\"disks\":[{\"pdev_path\":\"/dev/vg/a\",\"format\":\"raw\",\"readwrite\":1},{\"vdev\":\"hdc\",\"is_cdrom\":true}]}"),
    ];

    [Fact]
    public void EachSampleIsUnderstood()
    {
        var definitions = ImageDefinitions.From([.. Samples.Select(sample => new DefinitionFile(sample.Path, sample.Text, ""))]);
        Assert.Equal(["/etc/xen/a.cfg"], definitions.Problems.Select(problem => problem.Message.Split(' ')[0]));
        Assert.Equal(12, definitions.Images.Count);   // two of them the same, of one name in two files
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void WhateverADefinitionHoldsItIsReadOrNamed(int sample)
    {
        var (path, text) = Samples[sample];
        var random = new RandomText(sample);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i <= text.Length; i++) Read(path, text[..i]);
        for (var i = 0; i < 700; i++)
        {
            var (from, length) = (random.Below(text.Length), random.Below(12));
            Read(path, text[..from] + random.Text(6) + text[Math.Min(text.Length, from + length)..]);
            Read(path, random.Text(60));
            Read(path, Encoding.UTF8.GetString(random.Data(200)));
        }

        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"{watch.Elapsed}");
    }

    public static TheoryData<string, string> Hostile => new()
    {
        { "/etc/libvirt/qemu/entities.xml", "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><domain><name>&b;</name></domain>" },
        { "/etc/libvirt/qemu/external.xml", "<!DOCTYPE d SYSTEM 'file:///etc/shadow'><domain><name>a</name></domain>" },
        { "/etc/libvirt/qemu/deep.xml", $"<domain><name>a</name><devices><disk><source file='/a'/>{Repeat("<backingStore><source file='/b'/>", 50_000)}{Repeat("</backingStore>", 50_000)}</disk></devices></domain>" },
        { "/etc/libvirt/qemu/wide.xml", $"<domain><name>a</name><devices>{Repeat("<disk><source file='/a'/></disk>", 100_000)}</devices></domain>" },
        { "/etc/xen/deep.cfg", $"disk = {Repeat("[", 1_000_000)}" },
        { "/etc/xen/quotes.cfg", Repeat("'\n", 1_000_000) },
        { "/etc/xen/equals.cfg", Repeat("a =\n", 500_000) },
        { "/etc/xen/disks.cfg", $"disk = [ {Repeat("'raw:raw:raw:,,=:,', ", 100_000)} ]" },
        { "/etc/xen/prefixes.cfg", $"disk = [ '{Repeat("tap2:", 400_000)}' ]" },
        { "/var/lib/xend/domains/1/config.sxp", Repeat("(", 1_000_000) },
        { "/var/lib/xend/domains/2/config.sxp", Repeat("'", 1_000_001) },
        { "/var/lib/xend/domains/3/config.sxp", Repeat("(a ", 60) + Repeat("'\\", 500_000) },
        { "/var/lib/xen/userdata-d.1.u.libxl-json", Repeat("[", 1_000_000) },
        { "/var/lib/xen/userdata-d.2.u.libxl-json", "{\"c_info\":{\"name\":\"\\ud800\"}}" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void WhatIsMadeToKeepAReaderBusyDoesNot(string path, string text)
    {
        var watch = Stopwatch.StartNew();
        Read(path, text);
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"{watch.Elapsed}");
    }

    [Fact]
    public void AnyBytesAreAnAnswerToTheQuestionForAHeader()
    {
        var random = new RandomText(7);
        foreach (var sample in Qcow2Tests.Made.Select(row => Qcow2Tests.Header(row.Data.Item1)).Append(Qcow2Tests.Header("/base", "qcow2")))
        {
            for (var i = 0; i <= sample.Length; i++) AnswersAtOnce(sample.AsSpan(0, i));
            for (var i = 0; i < 2000; i++)
            {
                var bytes = (byte[])sample.Clone();
                for (var k = 0; k < 3; k++) random.Data(8).CopyTo(bytes, random.Below(bytes.Length - 8));
                "QFI\xfb"u8[..3].CopyTo(bytes);
                AnswersAtOnce(bytes);
            }
        }

        for (var i = 0; i < 5000; i++)
        {
            var name = (i % 2 == 0 ? "json:" : "") + random.Text(20);
            try
            {
                ImageName.PathOf(name, "/srv/a", out _);
            }
            catch (FormatException)
            {
                Assert.StartsWith("json:", name, StringComparison.Ordinal);
            }
        }
    }

    private static void AnswersAtOnce(ReadOnlySpan<byte> bytes)
    {
        var answer = Qcow2.Parse(bytes);
        Assert.InRange(answer.BytesNeeded, 0, Qcow2.MostBytes);
        Assert.Equal(answer.Header is null && answer.BytesNeeded == 0, answer.Reason.Length > 0 && answer.BytesNeeded == 0);
    }

    private static void Read(string path, string content)
    {
        var text = content.Replace("\0", "", StringComparison.Ordinal);   // no shell's variable holds one
        var definitions = ImageDefinitions.From([new DefinitionFile(path, text, "")]);
        Assert.All(definitions.Problems, problem => Assert.Equal(("DefinitionNotUnderstood", true), (problem.Id, problem.Message.StartsWith(path, StringComparison.Ordinal))));
        Assert.All(definitions.Images, image => Assert.Equal('/', image.Use.Path[0]));
        try
        {
            var call = GuestDefinitions.Read();
            var disks = GuestDefinitions.ReadDisks(new ToolResult(call, ToolOutcome.Exited, 0, HostText.Encode($"{path}\0read\0{text}\0"), []));
            Assert.Empty(definitions.Images.Select(image => image.Use.Path).Except(disks.Select(disk => disk.Source)));
        }
        catch (VirtException problem)
        {
            Assert.Equal("FactUnknown", problem.Id);
            Assert.Contains(path, problem.Message, StringComparison.Ordinal);
        }
    }

    private static string Repeat(string text, int times) => new StringBuilder(text.Length * times).Insert(0, text, times).ToString();
}
