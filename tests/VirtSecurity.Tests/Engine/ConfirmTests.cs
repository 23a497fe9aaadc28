using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>-WhatIf and -Confirm tell the truth.</summary>
public sealed class ConfirmTests
{
    private const string TwoVolumes = """
        [pscustomobject]@{ Name = 'one'; MountPoint = '/one' }, [pscustomobject]@{ Name = 'two'; MountPoint = '/two' } |
            New-SecureGuestVolume volumegroup -Size '1.5 GiB' -VirtHost kvm1
        """;

    [Theory]
    [InlineData("en-US")]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("ja-JP")]
    public void WhatIfPrintsTheCommandLinesAndRunsNone(string culture)
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        var run = hosts.Run(TwoVolumes + " -WhatIf", "--culture", culture);

        Assert.Empty(run.Errors);
        Assert.Empty(run.Output);
        Assert.Empty(kvm.Changes);
        Assert.Empty(kvm.Journal);
        Assert.Equal(2, run.Console.Count);
        var lines = run.Console[0].Split('\n');
        Assert.EndsWith("volumegroup/one on kvm1:", lines[0], StringComparison.Ordinal);
        string[] expected =
        [
            @"  lvcreate --yes -W y -n one -L 1610612736b --addtag virtsecurity --addtag virtsecurity\.run=[0-9TZ]+-[0-9a-f]{8} volumegroup",
            "  mke2fs -q -t ext4 -U [0-9a-f-]{36} /dev/volumegroup/one",
            "  mkdir -m 0000 -- /one",
            @"  chattr \+i -- /one",
            "  echo '/dev/volumegroup/one /one ext4 nodev,nosuid,noexec,nofail,x-systemd.device-timeout=30,.* 0 0' >>/etc/fstab .*",
            "  mount -t ext4 -o nodev,nosuid,noexec -- /dev/volumegroup/one /one",
            "  chmod 0711 -- /one",
            @"  printf '%s\\n' 'fcontext -a -f a -t virt_image_t -r s0 '\\''/one\(/\.\*\)\?'\\''' \| semanage import -N   # under a lock",
            @"  restorecon -- /one /one/lost\+found .*",
            "  systemctl daemon-reload",
        ];
        Assert.True(expected.Length == lines.Length - 1, run.Console[0]);
        Assert.All(lines.Skip(1).Zip(expected), pair => Assert.Matches($@"\A{pair.Second}\z", pair.First));
    }

    [Fact]
    public void TheCommandsPrintedAreTheCommandsRun()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        var printed = hosts.Run(TwoVolumes + " -WhatIf").Console.SelectMany(text => text.Split('\n')).Select(line => line.Trim()).Where(line => line.StartsWith("mount ", StringComparison.Ordinal));
        Assert.Empty(hosts.Run(TwoVolumes).Errors);
        Assert.Equal(printed.Order(StringComparer.Ordinal), kvm.Changes.Where(line => line.StartsWith("mount ", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ConfirmAsksOnceAVolumeAndShowsItsCommandLines()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        var run = hosts.Run(TwoVolumes + " -Confirm", "--answers", "ny");

        Assert.Equal(2, run.Questions.Count);
        Assert.Contains("volumegroup/one on kvm1:", run.Questions[0], StringComparison.Ordinal);
        Assert.Contains("lvcreate --yes -W y -n two", run.Questions[1], StringComparison.Ordinal);
        Assert.Equal("volumegroup/two", Assert.Single(run.Output).ToString());
        Assert.False(kvm.Has("/state/lv/volumegroup/one"));
    }

    [Fact]
    public void NoChangesNothingAndIsNoError()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").Write("images/a.img", "");
        var run = hosts.Run(TwoVolumes + " -Confirm; Set-VirtImageContext /images -VirtHost kvm1 -Confirm", "--answers", "nnn");

        Assert.Equal(3, run.Questions.Count);
        Assert.Empty(run.Errors);
        Assert.Empty(run.Output);
        Assert.Empty(kvm.Changes);
    }

    [Fact]
    public void WhatIsAsAskedIsNotAskedAbout()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        Assert.Empty(hosts.Run(TwoVolumes).Errors);
        var changes = kvm.Changes;

        var run = hosts.Run(TwoVolumes + " -Confirm", "--answers", "nn");
        Assert.Empty(run.Questions);
        Assert.Equal(2, run.Output.Count);
        Assert.Equal(changes, kvm.Changes);
    }

    /// <summary>Where something would be lost the cmdlet's impact is high: asked about though nobody said -Confirm, once, and told before.</summary>
    [Fact]
    public void WhatForceWouldOverwriteIsAskedAboutUnlessConfirmSaysOtherwise()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").Partition("sdb1", "TYPE=swap");
        const string call = "New-SecureGuestVolume -DevicePath /dev/sdb1 -MountPoint /store -VirtHost kvm1";

        Assert.Equal("DeviceNotEmpty", Assert.Single(hosts.Run(call + " -ErrorAction SilentlyContinue; $error[0].FullyQualifiedErrorId.Split(',')[0]").Output).ToString());
        var asked = hosts.Run(call + " -Force", "--answers", "n");
        Assert.Contains("LOST, and no undo brings it back: what is on /dev/sdb1 now (swap)", Assert.Single(asked.Questions), StringComparison.Ordinal);
        Assert.Empty(asked.Errors);
        var twice = hosts.Run(call + " -Force -Confirm", "--answers", "n");
        Assert.Single(twice.Questions);
        var told = hosts.Run(call + " -Force -WhatIf");
        Assert.Empty(told.Questions);
        Assert.Contains(told.Console, line => line.Contains("LOST", StringComparison.Ordinal));
        Assert.Empty(kvm.Changes);

        // mkfs itself needs a device behind the node; that nobody was asked is what counts here.
        Assert.Empty(hosts.Run(call + " -Force -Confirm:$false").Questions);
        Assert.Empty(hosts.Run("$ConfirmPreference = 'None'; " + call + " -Force").Questions);
    }
}
