using System.Diagnostics;
using System.Text;
using VirtSecurity.Facts;
using VirtSecurity.Planning;
using VirtSecurity.Tests.Domain.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>Two languages, one plan; what is wrong is said with file and line, and nothing in a file is run.</summary>
public sealed class PlanReaderTests
{
    [Fact]
    public void BothLanguagesSayTheSame()
    {
        var (psd1, json) = (Plans.Valid("a.psd1", Plans.FullPsd1), Plans.Valid("a.json", Plans.FullJson));
        Assert.Equal(Plans.Said(json), Plans.Said(psd1));
        Assert.Equal(Hypervisor.Kvm, psd1.Hypervisor);
        Assert.Equal(["sshd.service log-in of administrators", "virt*d.socket "], psd1.Services.Select(service => $"{service.Name} {service.Purpose}"));
        Assert.Equal([(22, null, "tcp", null, 2), (49152, 49215, "tcp", "192.0.2.1", 0)], psd1.Sockets.Select(socket => (socket.Port, socket.LastPort, socket.Protocol, socket.Address, socket.From.Count)));
        Assert.Equal(["ann", "bob", @"EXAMPLE\carol"], psd1.Users.Concat(psd1.Administrators));
        Assert.Equal([("virt_use_nfs", true), ("virt_use_usb", false)], psd1.Booleans.Select(one => (one.Key, one.Value)));
        Assert.Equal([("admin", NetworkRole.Management, false, "eth0"), ("guests", NetworkRole.Guest, true, "br0 br0.7")], psd1.Networks.Select(network => (network.Name, network.Role, network.IsRouted, string.Join(' ', network.Interfaces))));
        Assert.Equal([("vg0", "web", null, "/virtstorage/web", "20GB", "xfs"), ("vg0", "disk", null, null, "1.5 TB", null), (null, null, "/dev/sdb1", "/srv/images", null, null)],
            psd1.Volumes.Select(volume => (volume.VolumeGroup, volume.Name, volume.DevicePath, volume.MountPoint, volume.Size, volume.FileSystem)));
        Assert.Equal(["it's web", "mail"], psd1.Guests.Select(guest => guest.Name));
        Assert.Equal([GuestNeed.Migration, GuestNeed.RemoteDisplay], psd1.Guests[0].Needs);
        Assert.Equal(new Waiver("FWL-08", "the filter costs too much", "ann@example.org", new DateOnly(2030, 12, 31)), Assert.Single(psd1.Waivers));
    }

    [Fact]
    public void AnEmptyPlanIsAPlanAndSaysNothing()
    {
        Assert.Equal(Plans.Said(new DeploymentPlan()), Plans.Said(Plans.Valid("a.psd1", "@{}")));
        Assert.Equal(Plans.Said(new DeploymentPlan()), Plans.Said(Plans.Valid("a.json", "{}")));
        Assert.Equal(Plans.Said(new DeploymentPlan()), Plans.Said(Plans.Valid("a.json", """{ "Hypervisor": null, "Users": null, "Booleans": null }""")));
    }

    [Theory]
    [InlineData("\n\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("\r\r")]
    public void LinesAreCountedHoweverTheyEnd(string ends)
    {
        var text = Encoding.UTF8.GetBytes($"@{{{ends}Hypervisor = 'Kmv' }}");
        Assert.Contains("a.psd1:3: Hypervisor", Assert.Single(PlanReading.Of("a.psd1", text, null).Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMarkOfUtf8AndASignatureBehindItAreNoPartOfThePlan()
    {
        byte[] text = [.. Encoding.UTF8.Preamble, .. "@{}\n# SIG # Begin signature block\n# MIIF\n# SIG # End signature block\n"u8];
        Assert.NotNull(PlanReading.Of("a.psd1", text, null).Plan);
        Assert.NotNull(PlanReading.Of("a.JSON", [.. Encoding.UTF8.Preamble, .. "{}"u8], null).Plan);
    }

    /// <summary>The file, its text, and where and why it is no plan.</summary>
    public static TheoryData<string, string, string> Unreadable => new()
    {
        { "a.psd1", "", "a.psd1:1: the plan cannot be read: the file begins with @{, and the file ends here" },
        { "a.psd1", "# nothing but a comment\n", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = (Get-Content users)\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = Get-Content users\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = @(Get-Content users)\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = { 'ann' }\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = $env:USER\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = $users\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = \"$(id)\"\n}", "a.psd1:2: the plan cannot be read: nothing is filled in: write '...' or `$" },
        { "a.psd1", "@{\n  Users = \"a$x\"\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = 'a' + 'b'\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = [string]'a'\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = 'a'.ToUpper()\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = ann\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = 'ann\n'\n}", "a.psd1:2: the plan cannot be read: a text ends in the line it begins in" },
        { "a.psd1", "@{\n  Users = @'\nann\n'@\n}", "a.psd1:2:" },
        { "a.psd1", "@{\n  Users = @(@('ann'))\n}", "a.psd1:2: the plan cannot be read: there is no list in a list" },
        { "a.psd1", "@{\n  Users = 'ann',\n}", "a.psd1:3:" },
        { "a.psd1", "@{ Users = 'ann'\n", "a.psd1:2:" },
        { "a.psd1", "@{ Users = 'ann' Administrators = 'bob' }", "a.psd1:1:" },
        { "a.psd1", "@{ Users }", "a.psd1:1: the plan cannot be read: a key is followed by =" },
        { "a.psd1", "@{ 1 = 2 }", "a.psd1:1: the plan cannot be read: a key is a word" },
        { "a.psd1", "@{ Sockets = @(@{ Port = 0x16 }) }", "a.psd1:1:" },
        { "a.psd1", "@{ Sockets = @(@{ Port = 22kb2 }) }", "a.psd1:1:" },
        { "a.psd1", "@{}\n'and more'", "a.psd1:2: the plan cannot be read: nothing follows the table" },
        { "a.psd1", "using assembly /tmp/x.dll\n@{}", "a.psd1:1:" },
        { "a.psd1", "@{ Users = @(configuration x { Node y { } }) }", "a.psd1:1:" },
        { "a.psd1", "@{ <# never ends }", "a.psd1:1: the plan cannot be read: a comment that begins with <# ends with #>" },
        { "a.psd1", "@{ Users = \u00a0'ann' }", "a.psd1:1:" },
        { "a.psd1", "@{ Sockets = @(@{ Port = 99999999999999999999 }) }", "a.psd1:1:" },
        { "a.json", "", "a.json:1: the plan cannot be read:" },
        { "a.json", "{\n  // comment\n}", "a.json:2:" },
        { "a.json", "{\n  \"Users\": [\"ann\",]\n}", "a.json:2:" },
        { "a.json", "{\n  \"Users\": [\"ann\"],\n}", "a.json:3:" },
        { "a.json", "{\n  'Users': []\n}", "a.json:2:" },
        { "a.json", "{}\n{}", "a.json:2:" },
        { "a.json", "{\n\n\"Users\": [\"\\ud800\"]\n}", "a.json:3: the plan cannot be read: a \\u escape stands for no character" },
        { "a.json", "{\n\n\"\\udc00\": []\n}", "a.json:3: the plan cannot be read: a \\u escape stands for no character" },
        { "a.json", "{\n\"FormatVersion\": 1e400\n}", "a.json:2: the plan cannot be read: the number is too large" },
        { "a.json", "[", "a.json:1:" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public void WhatIsNoDataFileIsOneErrorWithItsLine(string file, string text, string where)
    {
        var problem = Assert.Single(Plans.Read(file, text).Problems);
        Assert.Equal("PlanNotUnderstood", problem.Id);
        Assert.StartsWith(where, problem.Message, StringComparison.Ordinal);
        Assert.NotEmpty(problem.Remedy);
    }

    [Fact]
    public void WhatIsNoTextOrTooLargeOrOfNoLanguageIsSaidToBe()
    {
        Assert.Equal("a.psd1:2: the plan cannot be read: it is not UTF-8 text.", Assert.Single(PlanReading.Of("a.psd1", [.. "@{\n"u8, 0xff, 0xfe], null).Problems).Message);
        Assert.Equal("a.json:1: the plan cannot be read: it is not UTF-8 text.", Assert.Single(PlanReading.Of("a.json", Encoding.Unicode.GetPreamble(), null).Problems).Message);
        Assert.Equal("PlanTooLarge", Assert.Single(PlanReading.Of("a.json", new byte[PlanText.MostBytes + 1], null).Problems).Id);
        Assert.Equal("PlanFormatUnknown", Assert.Single(PlanReading.Of("a.yaml", [], null).Problems).Id);
    }

    [Theory]
    [InlineData("a.psd1", "@{ a = ", "@{ a = ", " }", "1", " }")]
    [InlineData("a.psd1", "@{ a = ", "@(@{ a = ", " })", "1", " }")]
    [InlineData("a.json", "", "[", "]", "", "")]
    [InlineData("a.json", "", "{\"a\":", "}", "1", "")]
    public void NestingHasAnEnd(string file, string begin, string open, string close, string inner, string end)
    {
        var watch = Stopwatch.StartNew();
        var deep = Plans.Read(file, begin + string.Concat(Enumerable.Repeat(open, 50_000)));
        Assert.Equal("PlanNotUnderstood", Assert.Single(deep.Problems).Id);
        var shallow = Plans.Read(file, begin + string.Concat(Enumerable.Repeat(open, 5)) + inner + string.Concat(Enumerable.Repeat(close, 5)) + end);
        Assert.DoesNotContain(shallow.Problems, problem => problem.Id == "PlanNotUnderstood");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData("a.psd1", Plans.FullPsd1)]
    [InlineData("a.json", Plans.FullJson)]
    public void WhateverIsInAFileItIsAPlanOrSaidToBeNone(string file, string text)
    {
        var random = new RandomText(text.Length);
        for (var i = 0; i < text.Length; i += 3) Judge(file, text[..i]);
        for (var i = 0; i < 500; i++)
        {
            var (from, length) = (random.Below(text.Length), random.Below(12));
            Judge(file, text[..from] + random.Text(4) + text[Math.Min(text.Length, from + length)..]);
            var bytes = PlanReading.Of(file, random.Data(300), null);
            Assert.True(bytes.Plan is null && bytes.Problems.Count > 0);
        }
    }

    private static void Judge(string file, string text)
    {
        var reading = Plans.Read(file, text);
        Assert.Equal(reading.Plan is null, reading.Problems.Count > 0);
        Assert.All(reading.Problems, problem =>
        {
            Assert.StartsWith(file + ":", problem.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(problem.Message, char.IsControl);
        });
    }
}
