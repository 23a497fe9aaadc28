using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tests.Domain.Rules;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>From a host's facts to its images: names brought together, chains followed as far as they may be believed, and nothing called unused that may be used.</summary>
public sealed class ImageInventoryTests
{
    private const string Images = "/var/lib/libvirt/images/";
    private readonly Dictionary<string, PathLook> looks = [];
    private readonly Dictionary<string, Qcow2Answer> headers = [];
    private readonly List<DefinitionFile> files = [];
    private readonly List<string> listed = [];
    private readonly List<LogicalVolumeFact> volumes = [];
    private readonly Dictionary<string, long> deviceSizes = [];
    private readonly HashSet<string> open = [];
    private FileContexts? contexts = Debian12.FileContexts;
    private int inodes = 100;

    [Fact]
    public void AnImageIsShownWithAllThatIsKnownOfIt()
    {
        At(Images + "a.qcow2", size: 10 << 20, allocated: 4096, context: "system_u:object_r:svirt_image_t:s0:c1,c2");
        Guest("web", Disk(Images + "a.qcow2", "qcow2", "<shareable/>"));
        Running("web", Disk(Images + "a.qcow2", "qcow2", "<backingStore/>"));
        Pool("<pool type='dir'><name>default</name><target><path>/var/lib/libvirt/images</path></target></pool>");
        listed.Add(Images + "a.qcow2");
        Headed(Images + "a.qcow2", null, null);

        var image = Assert.Single(Find());
        Assert.Equal(new VirtHost("kvm1"), image.VirtHost);
        Assert.Equal((Images + "a.qcow2", Images + "a.qcow2", ImageKind.File, "qcow2", 10L << 20, 4096L), (image.Path, image.ToString(), image.Kind, image.Format, image.Size, image.Allocated));
        Assert.Equal(("web", GuestState.Running, "Disk", false, true, false), (string.Join(' ', image.Guest), image.GuestState, string.Join(' ', image.Role), image.IsReadOnly, image.IsShareable, image.IsOrphaned));
        Assert.Equal(("default", "svirt_image_t", "virt_image_t", false, true), (image.Pool, image.Context?.Type, image.ExpectedContext?.Type, image.IsMissing, image.InPlannedPlace));
        Assert.StartsWith("/var/lib/libvirt/images(/.*)?", image.FileContextRule, StringComparison.Ordinal);
        Assert.Empty(image.Problem);
        Assert.Empty(image.OtherPath);
    }

    [Fact]
    public void AllNamesOfAnImageAreOneImage()
    {
        At("/srv/real.img");
        At("/link.img", real: "/srv/real.img", isLink: true);
        Guest("a", Disk("/link.img", "raw"));
        Guest("b", Disk("/srv/real.img", "raw"));
        listed.AddRange(["/link.img", "/srv/real.img"]);
        var image = Assert.Single(Find());
        Assert.Equal(("/srv/real.img", "/link.img", "a b", false), (image.Path, string.Join(' ', image.OtherPath), string.Join(' ', image.Guest), image.InPlannedPlace));
    }

    [Fact]
    public void AHardLinkIsAnotherPathWithTheSameGuests()
    {
        At("/srv/a.img", inode: "1:7");
        At(Images + "b.img", inode: "1:7");
        Guest("a", Disk("/srv/a.img", "raw"));
        listed.Add(Images + "b.img");
        Assert.Equal([("/srv/a.img", "a", false), (Images + "b.img", "a", false)], Find().Select(image => (image.Path, string.Join(' ', image.Guest), image.IsOrphaned)).OrderBy(row => row.Path == Images + "b.img"));
    }

    [Fact]
    public void AVolumeIsOneByAnyOfItsNamesActiveOrNot()
    {
        Volume("vg", "web", 5 << 20, "253:3");
        Volume("vg", "off", 6 << 20, null);
        Volume("vg", "pool", 7 << 20, "253:4");
        Volume("vg", "thin", 8 << 20, "253:5", "pool");
        Volume("other", "x", 9 << 20, "253:6");
        At("/dev/mapper/vg-web", real: "/dev/dm-3", type: 'b', device: "253:3");
        At("/dev/disk/by-id/dm-name-vg-web", real: "/dev/dm-3", type: 'b', device: "253:3");
        deviceSizes["253:3"] = 5 << 20;
        Guest("a", Disk("/dev/mapper/vg-web", "raw"));
        Guest("b", Disk("/dev/disk/by-id/dm-name-vg-web", "raw"), Disk("/dev/mapper/vg-off", "raw"));
        looks["/dev/mapper/vg-off"] = new PathLook("/dev/mapper/vg-off", "/dev/mapper/vg-off", PathState.Missing, null, false, false);
        Pool("<pool type='logical'><name>guests</name><source><name>vg</name></source><target><path>/dev/vg</path></target></pool>");
        Assert.Equal(
            [("/dev/mapper/vg-off", "b", "guests", 6L << 20, "BlockDevice", false, false), ("/dev/mapper/vg-web", "a b", "guests", 5L << 20, "BlockDevice", false, false), ("/dev/vg/thin", "", "guests", 8L << 20, "BlockDevice", false, true)],
            Find().Select(image => (image.Path, string.Join(' ', image.Guest), image.Pool, image.Size, $"{image.Kind}", image.IsMissing, image.IsOrphaned)));
        Assert.All(Find(), image => Assert.Null(image.InPlannedPlace));
    }

    [Theory]
    [InlineData("<pool type='dir'><name>p</name><target><path>/srv/pool</path></target></pool>", "/srv/pool/a", "p")]
    [InlineData("<pool type='netfs'><name>p</name><target><path>/srv/pool/</path></target></pool>", "/srv/pool/a", "p")]
    [InlineData("<pool type='dir'><name>p</name><target><path>/srv/pool</path></target></pool>", "/srv/pool/sub/a", null)]
    [InlineData("<pool type='dir'><name>p</name><target><path>/srv/pool</path></target></pool>", "/srv/poolside", null)]
    [InlineData("<pool type='disk'><name>p</name><source><device path='/dev/sdb'/></source><target><path>/dev</path></target></pool>", "/dev/sdb1", "p")]
    [InlineData("<pool type='disk'><name>p</name><source><device path='/dev/sdb'/></source><target><path>/dev</path></target></pool>", "/dev/sdc1", null)]
    [InlineData("<pool type='rbd'><name>p</name></pool>", "/srv/pool/a", null)]
    public void APoolHoldsWhatLiesInIt(string pool, string path, string? name)
    {
        At(path, type: path.StartsWith("/dev/", StringComparison.Ordinal) ? 'b' : '-');
        listed.Add(path);
        Pool(pool);
        Assert.Equal(name, Assert.Single(Find()).Pool);
    }

    // Unknown is not unused.
    [Theory]
    [InlineData("nobody has it", true)]
    [InlineData("a definition is not understood", null)]
    [InlineData("a definition was not read", null)]
    [InlineData("a chain is not known", null)]
    [InlineData("a header is not believed", null)]
    [InlineData("QEMU has it open", false)]
    [InlineData("QEMU's own arguments have it", false)]
    [InlineData("a guest shares its directory", false)]
    [InlineData("an image is based on it", false)]
    [InlineData("an image of a chain is based on it", false)]
    [InlineData("it is given as backing store", false)]
    [InlineData("a running job copies to it", false)]
    [InlineData("a snapshot has it", false)]
    public void WhatMayBeUsedIsNotCalledOrphaned(string how, bool? orphaned)
    {
        const string image = Images + "i.img";
        const string top = Images + "top.qcow2";
        At(image, inode: "1:9");
        listed.Add(image);
        At(top);
        At(Images + "middle.qcow2");
        switch (how)
        {
            case "a definition is not understood": files.Add(new DefinitionFile("/etc/libvirt/qemu/x.xml", "<domain", "")); break;
            case "a definition was not read": files.Add(new DefinitionFile("/etc/xen/x.cfg", null, "it cannot be read")); break;
            case "a chain is not known": Guest("x", Disk("/srv/unseen.qcow2", "qcow2")); looks["/srv/unseen.qcow2"] = new PathLook("/srv/unseen.qcow2", "/srv/unseen.qcow2", PathState.Unknown, null, false, true); break;
            case "a header is not believed": Guest("x", Disk(top, "qcow2")); headers[top] = new Qcow2Answer(null, "its header is cut off", 0); break;
            case "QEMU has it open": open.Add("1:9"); break;
            case "QEMU's own arguments have it": Guest("x", $"<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='file={image},if=none'/></q:commandline>"); break;
            case "a guest shares its directory": Guest("x", $"<devices><filesystem><source dir='{Images.TrimEnd('/')}'/></filesystem></devices>"); break;
            case "an image is based on it": Guest("x", Disk(top, "qcow2")); Headed(top, "i.img", "raw"); break;
            case "an image of a chain is based on it": Guest("x", Disk(top, "qcow2")); Headed(top, "middle.qcow2", "qcow2"); Headed(Images + "middle.qcow2", image, "raw"); break;
            case "it is given as backing store": Guest("x", Disk(top, "qcow2", $"<backingStore><format type='raw'/><source file='{image}'/><backingStore/></backingStore>")); break;
            case "a running job copies to it": Running("x", Disk(top, "qcow2", $"<backingStore/><mirror><format type='raw'/><source file='{image}'/></mirror>")); break;
            case "a snapshot has it": files.Add(new DefinitionFile("/var/lib/libvirt/qemu/snapshot/x/s.xml", $"<domainsnapshot><disks><disk name='vda'><source file='{image}'/></disk></disks><domain><name>x</name></domain></domainsnapshot>", "")); break;
        }

        Assert.Equal(orphaned, Find().Single(one => one.Path == image).IsOrphaned);
    }

    // top.qcow2 is what a guest declares; each header as what lies there says.
    [Theory]
    [InlineData("base.raw raw", "top:Disk base.raw:Backing", "", true)]
    [InlineData("mid.qcow2 qcow2|base.raw raw", "top:Disk mid.qcow2:Backing base.raw:Backing", "", true)]
    [InlineData("../images/./mid.qcow2 qcow2|base.raw raw", "top:Disk mid.qcow2:Backing base.raw:Backing", "", true)]
    [InlineData("json:{\"driver\":\"qcow2\",\"file.filename\":\"/var/lib/libvirt/images/mid.qcow2\"} -|base.raw raw", "top:Disk mid.qcow2:Backing base.raw:Backing", "", true)]
    [InlineData("nbd://host/base raw", "top:Disk", "", true)]
    [InlineData("/etc/shadow raw", "top:Disk /etc/shadow:Backing", "", true)]
    [InlineData("/etc/shadow qcow2", "top:Disk /etc/shadow:Backing", "/etc/shadow:BackingElsewhere", false)]
    [InlineData("/etc/shadow -", "top:Disk /etc/shadow:Backing", "/etc/shadow:ChainUnknown", false)]
    [InlineData("/proc/self/fd qcow2", "top:Disk /proc/self/fd:Backing", "/proc/self/fd:BackingElsewhere", false)]
    [InlineData("top.qcow2 qcow2", "top:Disk,Backing", "top:ChainIsLoop", true)]
    [InlineData("mid.qcow2 qcow2|top.qcow2 qcow2", "top:Disk,Backing mid.qcow2:Backing", "top:ChainIsLoop", true)]
    [InlineData("base.raw -", "top:Disk base.raw:Backing", "base.raw:ChainUnknown", false)]
    [InlineData("base.vmdk vmdk", "top:Disk base.vmdk:Backing", "base.vmdk:ChainUnknown", false)]
    [InlineData("nosuch.qcow2 qcow2", "top:Disk nosuch.qcow2:Backing", "", true)]
    [InlineData("directory qcow2", "top:Disk directory:Backing", "directory:ChainUnknown", false)]
    [InlineData("json:{ -", "top:Disk", "top:ChainUnknown", false)]
    public void AChainIsFollowedAsFarAsItsHeadersMayBeBelieved(string chain, string images, string problems, bool isKnown)
    {
        At(Images + "top.qcow2");
        foreach (var name in (string[])["mid.qcow2", "base.raw", "base.vmdk"]) At(Images + name);
        At("/etc/shadow");
        At("/proc/self/fd", type: 'd');
        At(Images + "directory", type: 'd');
        At(Images + "orphan");
        listed.Add(Images + "orphan");
        Guest("web", Disk(Images + "top.qcow2", "qcow2"));
        foreach (var (header, path) in chain.Split('|').Zip([Images + "top.qcow2", Images + "mid.qcow2"]))
            Headed(path, header[..header.LastIndexOf(' ')], header.EndsWith(" -", StringComparison.Ordinal) ? null : header[(header.LastIndexOf(' ') + 1)..]);

        var found = Find();
        string Name(VirtImage image) => image.Path == Images + "top.qcow2" ? "top" : image.Path.Replace(Images, "", StringComparison.Ordinal);
        Assert.Equal(
            images.Split(' ').Order(StringComparer.Ordinal),
            found.Where(image => image.Guest.Count > 0).Select(image => $"{Name(image)}:{string.Join(',', image.Role)}").Order(StringComparer.Ordinal));
        Assert.Equal(problems, string.Join(' ', found.SelectMany(image => image.Problem.Select(problem => $"{Name(image)}:{problem.Id}"))));
        Assert.All(found.Where(image => image.Role is [ImageRole.Backing]), image => Assert.Equal(("web", true), (string.Join(' ', image.Guest), image.IsReadOnly)));
        Assert.Equal(isKnown ? true : null, found.Single(image => image.Path == Images + "orphan").IsOrphaned);
        Assert.DoesNotContain(asked, path => !path.StartsWith(Images, StringComparison.Ordinal));
    }

    [Fact]
    public void AChainEndsSomewhere()
    {
        for (var i = 0; i < 20; i++)
        {
            At($"{Images}{i}");
            Headed($"{Images}{i}", $"{i + 1}", "qcow2");
        }

        Guest("web", Disk(Images + "0", "qcow2"));
        var found = Find();
        Assert.Equal(BackingChains.MostLinks + 1, found.Count);
        Assert.Equal(["8:ChainTooLong"], found.SelectMany(image => image.Problem.Select(problem => $"{image.Path.Replace(Images, "", StringComparison.Ordinal)}:{problem.Id}")));
        Assert.InRange(rounds, 1, (2 * BackingChains.MostLinks) + 2);
    }

    [Fact]
    public void DataKeptInAnotherFileIsThatGuestsToo()
    {
        At(Images + "a.qcow2");
        At(Images + "a.data");
        Guest("web", Disk(Images + "a.qcow2", "qcow2"));
        headers[Images + "a.qcow2"] = new Qcow2Answer(new Qcow2Header(null, null, "a.data"), "", 0);
        Assert.Equal(["a.data Data False", "a.qcow2 Disk False"], Find().Select(image => $"{image.Path.Replace(Images, "", StringComparison.Ordinal)} {string.Join(',', image.Role)} {image.IsReadOnly}"));
    }

    [Fact]
    public void WhatIsNotThereIsMissingAndWhatCannotBeSeenIsUnknown()
    {
        looks["/srv/gone"] = new PathLook("/srv/gone", "/srv/gone", PathState.Missing, null, false, false);
        looks["/nfs/a"] = new PathLook("/nfs/a", "/nfs/a", PathState.Unknown, null, false, true);
        looks[Images + "dangling"] = new PathLook(Images + "dangling", "/srv/nothing", PathState.Missing, null, true, false);
        listed.Add(Images + "dangling");
        Guest("web", Disk("/srv/gone", "raw"), Disk("/nfs/a", "raw"));
        Assert.Equal(
            [("/nfs/a", null, null, "PathUnreadable"), ("/srv/gone", true, null, ""), ("/srv/nothing", true, null, "")],
            Find().Select(image => (image.Path, image.IsMissing, image.Size, string.Join(' ', image.Problem.Select(problem => problem.Id)))));
    }

    [Fact]
    public void GuestsThatDisagreeOnAFormatAreToldOf()
    {
        At(Images + "a");
        Guest("a", Disk(Images + "a", "raw"));
        Guest("b", Disk(Images + "a", "qcow2"));
        Headed(Images + "a", null, null);
        var image = Assert.Single(Find());
        Assert.Equal((null, "FormatsDiffer", "definitions declare different formats: raw, qcow2"), (image.Format, image.Problem[0].Id, image.Problem[0].ToString()));
    }

    [Theory]
    [InlineData("/var/lib/libvirt/images/a", true)]
    [InlineData("/var/lib/libvirt/images/deep/in/a", true)]
    [InlineData("/var/lib/xen/images/a", true)]
    [InlineData("/virtstorage/a", true)]
    [InlineData("/srv/virt storage/a", true)]
    [InlineData("/virtstorages/a", false)]
    [InlineData("/srv/a", false)]
    [InlineData("/etc/shadow", false)]
    [InlineData("/var/lib/libvirt/boot/a", false)]   // the policy's rule, not the administrator's
    [InlineData("/srv/kept/a", false)]
    public void AnImageLiesInAPlannedPlaceOrNot(string path, bool planned)
    {
        At(path);
        Guest("a", Disk(path, "raw"));
        Assert.Equal(planned, Assert.Single(Find()).InPlannedPlace);
        contexts = null;
        var unknown = Assert.Single(Find());
        Assert.Equal((planned && path.StartsWith("/var/lib/", StringComparison.Ordinal) ? true : null, null, null), (unknown.InPlannedPlace, unknown.ExpectedContext, unknown.FileContextRule));
    }

    [Fact]
    public void ARuleWhosePatternIsNoneIsAProblemOfTheImagesForWhichItMayCount()
    {
        At("/srv/a.img");
        At(Images + "b.img");
        Guest("a", Disk("/srv/a.img", "raw"), Disk(Images + "b.img", "raw"));
        contexts = new FileContexts([.. contexts!.Rules, new FileContextRule("/srv/(a", null, SecurityContext.Parse("system_u:object_r:virt_image_t:s0"), RuleSource.Local, "/srv/(a")], contexts.Equivalences);
        Assert.Equal(
            [("/srv/a.img", "FileContextNotUnderstood", null, null), (Images + "b.img", "", "virt_image_t", true)],
            Find().Select(image => (image.Path, string.Join(' ', image.Problem.Select(problem => problem.Id)), image.ExpectedContext?.Type, image.InPlannedPlace)));
    }

    [Fact]
    public void OneFileThatIsNotUnderstoodIsOneErrorAndTheOthersAreRead()
    {
        At(Images + "a");
        Guest("a", Disk(Images + "a", "raw"));
        files.Add(new DefinitionFile("/etc/libvirt/qemu/large.xml", null, "it has more than 4 MiB"));
        files.Add(new DefinitionFile("/etc/libvirt/storage/torn.xml", "<pool>", ""));
        files.Add(new DefinitionFile("/etc/xen/odd.cfg", "import os\nname = 'odd'", ""));
        files.Add(new DefinitionFile("/etc/xen/some-notes", "This is no definition: it is prose.\n", ""));
        var definitions = ImageDefinitions.From(files);
        Assert.Equal(
            ["/etc/libvirt/storage/torn.xml", "/etc/libvirt/qemu/large.xml", "/etc/xen/odd.cfg"],
            definitions.Problems.Select(problem => problem.Message.Split(' ')[0]));
        Assert.All(definitions.Problems, problem => Assert.Equal("DefinitionNotUnderstood", problem.Id));
        Assert.Equal([Images + "a"], definitions.Images.Select(image => image.Use.Path));
    }

    [Fact]
    public void TwentyThousandImagesAreFoundInSeconds()
    {
        for (var i = 0; i < 20_000; i++)
        {
            At($"{Images}{i}.qcow2");
            listed.Add($"{Images}{i}.qcow2");
            if (i % 20 != 0) continue;
            Guest($"g{i}", Disk($"{Images}{i}.qcow2", "qcow2"));
            Headed($"{Images}{i}.qcow2", $"{i + 1}.qcow2", "raw");
        }

        var watch = System.Diagnostics.Stopwatch.StartNew();
        var found = Find();
        Assert.Equal((20_000, 2_000), (found.Count, found.Count(image => image.Guest.Count > 0)));
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"{watch.Elapsed}");
    }

    private readonly List<string> asked = [];
    private int rounds;

    /// <summary>Answers each question for headers from those that were set, as the reader does, and remembers what was asked for.</summary>
    private IReadOnlyList<VirtImage> Find()
    {
        var known = new Dictionary<string, Qcow2Answer>();
        var seen = looks.Where(look => !IsSeenLater(look.Key)).ToDictionary(look => look.Key, look => look.Value);
        var facts = new HostImages(new VirtHost("kvm1"), ImageDefinitions.From(files), seen, listed, volumes, deviceSizes, open, contexts, known);
        for (rounds = 0; ; rounds++)
        {
            var (toLook, toRead) = ImageInventory.Missing(facts);
            if (toLook.Count == 0 && toRead.Count == 0) return ImageInventory.Find(facts);
            asked.AddRange(toRead.Keys);
            foreach (var path in toLook) seen[path] = looks.GetValueOrDefault(path) ?? LookUp(path);
            foreach (var path in toRead.Keys) known[path] = headers.GetValueOrDefault(path) ?? new Qcow2Answer(null, "it is no qcow2 image", 0);
        }
    }

    /// <summary>What only a chain leads to is not looked at in the first round.</summary>
    private bool IsSeenLater(string path) => headers.Count > 0 && !listed.Contains(path) && !files.Any(file => file.Text?.Contains(path, StringComparison.Ordinal) == true);

    private PathLook LookUp(string path)
    {
        var real = ImageName.Canonical(path);
        return looks.TryGetValue(real, out var found) ? found with { Path = path } : new PathLook(path, real, PathState.Missing, null, false, false);
    }

    private void At(string path, char type = '-', string? real = null, bool isLink = false, string? inode = null, string device = "0:0", long size = 1, long allocated = 512, string context = "system_u:object_r:virt_image_t:s0") =>
        looks[path] = new PathLook(path, real ?? path, PathState.Found, new ImageInode(type, size, allocated, inode ?? string.Create(CultureInfo.InvariantCulture, $"1:{inodes++}"), device, SecurityContext.Parse(context)), isLink, false);

    private void Headed(string path, string? backing, string? format) => headers[path] = new Qcow2Answer(new Qcow2Header(backing, format, null), "", 0);

    private void Volume(string group, string name, long size, string? device, string? pool = null) => volumes.Add(new LogicalVolumeFact(group, name, size, [], device) { Pool = pool });

    private void Guest(string name, params string[] parts) => files.Add(new DefinitionFile($"/etc/libvirt/qemu/{name}.xml", Domain(name, parts), ""));

    private void Running(string name, params string[] parts) => files.Add(new DefinitionFile($"/run/libvirt/qemu/{name}.xml", $"<domstatus>{Domain(name, parts)}</domstatus>", ""));

    private void Pool(string text) => files.Add(new DefinitionFile($"/etc/libvirt/storage/{files.Count}.xml", text, ""));

    private static string Domain(string name, string[] parts) => $"<domain><name>{name}</name>{string.Concat(parts)}</domain>";

    private static string Disk(string path, string format, string more = "") =>
        $"<devices><disk><driver type='{format}'/><source {(path.StartsWith("/dev/", StringComparison.Ordinal) ? "dev" : "file")}='{path}'/>{more}</disk></devices>";
}
