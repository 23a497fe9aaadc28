using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>What a console of 80 columns shows.</summary>
public sealed partial class ViewTests(ITestOutputHelper output)
{
    private const string LongHost = "ssh://operator@hypervisor-with-a-long-name.example.org:2222?sudo&key=/root/.ssh/a-key-with-a-long-name";
    private const string LongPath = "/virtstorage/with/a/path/that/does/not/fit/into/eighty/columns/of/a/console/at/all";

    private const string LongImage = "a-name-which-is-long.qcow2";

    private const string Objects = $"""
        $PSStyle.OutputRendering = 'PlainText'
        $short = New-SecureGuestVolume volumegroup NewVolumeName 5GB -MountPoint /virtstorage/images -VirtHost kvm1
        $long = New-SecureGuestVolume volumegroup a-volume-whose-name-is-long 1.5GB -MountPoint {LongPath} -VirtHost '{LongHost}'
        $volumes = $short, $long
        $contexts = $volumes | Set-VirtImageContext
        $hosts = Connect-VirtHost kvm1, '{LongHost}'
        $tests = $volumes | Test-VirtImageContext
        $rules = Get-VirtImageContextRule -VirtHost kvm1, '{LongHost}'
        $images = Get-VirtImage -VirtHost kvm1
        $results = Test-Dom0Hardening SEL-0[1-5] -VirtHost kvm1, '{LongHost}'
        $checks = Get-Dom0HardeningRule
        $facts = Get-Dom0Fact -VirtHost kvm1

        """;

    [Theory]
    [InlineData("")]
    [InlineData("de-DE")]
    public void ATableFitsEightyColumnsWithLongValuesCutAndNotWrapped(string culture)
    {
        var set = culture.Length == 0 ? "" : $"[cultureinfo]::CurrentCulture = '{culture}'\n";
        var views = Render(set + Objects + "$volumes | Out-Host; '====' | Out-Host; $contexts | Out-Host; '====' | Out-Host; $hosts | Out-Host; '====' | Out-Host; $tests | Out-Host; '====' | Out-Host; $rules | Out-Host; '====' | Out-Host; $images | Out-Host; '====' | Out-Host; $results | Out-Host; '====' | Out-Host; $checks | Out-Host; '====' | Out-Host; $facts | Out-Host");

        Assert.Equal(["Id", "Severity", "Status", "Title", "Actual"], Header(views[6]));
        Assert.Matches("^SEL-01 High +Pass +SELinux enforces now +enforcing$", Row(views[6], "SEL-01"));
        Assert.Equal(["Id", "Severity", "AppliesTo", "Title"], Header(views[7]));
        Assert.Matches(@"^KRN-06 Medium +Xen +Xen's own policy \(XSM/FLASK\) enforces$", Row(views[7], "KRN-06"));
        Assert.Equal(["Key", "Outcome", "Exit", "Length", "Question"], Header(views[8]));
        Assert.Matches("^selinux-config +Answered +0 +[0-9]+ +/etc/selinux/config$", Row(views[8], "selinux-config"));
        Assert.Equal(["Name", "Size", "FS", "SELinuxType", "MountPoint", "Problem"], Header(views[0]));
        Assert.Contains(views[0], line => line.Trim() == "Volume group: volumegroup on kvm1");
        Assert.Matches(@"^NewVolumeName +5\.0 GiB ext4 virt_image_t +/virtstorage/im…$", Row(views[0], "NewVolumeName"));
        Assert.Matches(@"^a-volume-whose-… +1\.5 GiB ext4 virt_image_t +/virtstorage/wi…$", Row(views[0], "a-volume"));

        Assert.Equal(["SELinuxType", "Compliant", "Items", "InUse", "Path"], Header(views[1]));
        Assert.Matches(@"^virt_image_t +True +2 +0 /virtstorage/images$", Row(views[1], "virt_image_t"));

        Assert.Equal(["VirtHost", "Hypervisor", "SELinux", "Root", "Missing", "Distribution"], Header(views[2]));
        Assert.Matches(@"^kvm1 +Kvm +Enforcing +True +0 Debian GNU/Linux.*$", Row(views[2], "kvm1"));

        Assert.Equal(["Verdict", "Compliant", "Type", "Path"], Header(views[3]));
        Assert.Contains(views[3], line => Regex.IsMatch(line, "^Compliant +True +virt_image_t +/virtstorage/images$"));
        Assert.Equal(["Source", "SELinuxType", "Problem", "Remedy", "Pattern"], Header(views[4]));
        Assert.Contains(views[4], line => Regex.IsMatch(line, @"^Local +virt_image_t +None +/virtstorage/images\(/\.\*\)\?$"));
        Assert.Equal(["Size", "State", "Guest", "SELinuxType", "Path"], Header(views[5]));
        Assert.Matches(@"^ +1\.5 KiB Defined +a-guest-w… default_t +/var/lib/libvirt/images/a-name-w…$", Row(views[5], "   1.5 KiB"));
        Assert.Matches(@"^ +Missing +web +/srv/gone\.img$", Row(views[5], "           Missing"));
    }

    [Fact]
    public void WhatCameBackFromAJobLooksTheSame()
    {
        const string through = "[System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($it, 3))";
        var views = Render(Objects + $"$short | Out-Host; '====' | Out-Host; $it = $short; {through} | Out-Host");
        Assert.Equal(views[0], views[1]);
    }

    [Fact]
    public void AListShowsEverything()
    {
        using var module = new ListOnlyModule();
        var views = Render(Objects + "$short | Out-Host; '====' | Out-Host; $contexts | Out-Host; '====' | Out-Host; $hosts | Out-Host; '====' | Out-Host; $tests | Out-Host; '====' | Out-Host; $rules | Out-Host; '====' | Out-Host; $images | Out-Host; '====' | Out-Host; $results | Out-Host; '====' | Out-Host; $checks[0] | Out-Host", module.Manifest);
        Assert.Contains(views[6], line => line.StartsWith("Evidence           : /sys/fs/selinux/enforce: 1", StringComparison.Ordinal));
        Assert.Contains(views[7], line => line.StartsWith("JudgedBy    : ", StringComparison.Ordinal));
        Assert.Contains("Size            : 5.0 GiB (5368709120 bytes)", views[0]);
        Assert.Contains("MountOption     : nodev, nosuid, noexec, nofail", views[0].Select(line => line.Replace("nosuid, nodev", "nodev, nosuid", StringComparison.Ordinal)));
        Assert.Contains(views[0], line => line.StartsWith("Context         : ", StringComparison.Ordinal));
        Assert.Contains("ItemCount       : 2", views[1]);
        Assert.Contains("RuleSource      : Local", views[3]);
        Assert.Contains(views[3], line => line.StartsWith("ExpectedContext : system_u:object_r:virt_image_t:s0", StringComparison.Ordinal));
        Assert.Contains(views[4], line => line.StartsWith("Remedy      : None", StringComparison.Ordinal));
        Assert.Contains("Allocated       : 4.0 KiB (4096 bytes)", views[5]);
        Assert.Contains("ExpectedContext : system_u:object_r:virt_image_t:s0", views[5]);
        Assert.Contains(views[2], line => line.StartsWith("FoundTools    : lvs, vgs, lvcreate,", StringComparison.Ordinal));
    }

    private static string[] Header(IReadOnlyList<string> view) =>
        view[view.ToList().FindIndex(line => line.TrimStart().StartsWith("--", StringComparison.Ordinal)) - 1].Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Row(IReadOnlyList<string> view, string start) => view.First(line => line.StartsWith(start, StringComparison.Ordinal));

    private List<List<string>> Render(string script, string? module = null)
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").Write($"var/lib/libvirt/images/{LongImage}", new string('x', 1536))
            .Write("etc/libvirt/qemu/a.xml", $"<domain><name>a-guest-whose-name-is-long</name><devices><disk><source file='/var/lib/libvirt/images/{LongImage}'/></disk></devices></domain>")
            .Write("etc/libvirt/qemu/web.xml", "<domain><name>web</name><devices><disk><source file='/srv/gone.img'/></disk></devices></domain>");
        hosts.Add("hypervisor-with-a-long-name.example.org");
        var text = Escape().Replace(hosts.Rendering(script, 80, module), "");
        output.WriteLine(text);
        var lines = text.Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        return [.. text.Split("====\n").Select(view => view.Split('\n').Select(line => line.TrimEnd()).ToList())];
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Escape();

    /// <summary>The module without its tables: what Format-List, which the bare engine lacks, would show.</summary>
    private sealed class ListOnlyModule : IDisposable
    {
        private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("vs");

        public ListOnlyModule()
        {
            var bin = directory.CreateSubdirectory("bin");
            var deps = bin.CreateSubdirectory("deps");
            File.Copy(Path.Combine(EngineRun.RepoRoot, "VirtSecurity.psd1"), Manifest);
            foreach (var file in Directory.GetFiles(Path.Combine(EngineRun.RepoRoot, "bin"))) File.Copy(file, Path.Combine(bin.FullName, Path.GetFileName(file)));
            foreach (var file in Directory.GetFiles(Path.Combine(EngineRun.RepoRoot, "bin/deps"))) File.Copy(file, Path.Combine(deps.FullName, Path.GetFileName(file)));
            var views = Path.Combine(bin.FullName, "VirtSecurity.Format.ps1xml");
            var format = XDocument.Load(views);
            format.Descendants("View").Where(view => view.Element("TableControl") is not null).Remove();
            format.Save(views);
        }

        public string Manifest => Path.Combine(directory.FullName, "VirtSecurity.psd1");

        public void Dispose() => directory.Delete(true);
    }
}
