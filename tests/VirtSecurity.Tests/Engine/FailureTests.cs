using System.Text.Json;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>A step that fails on the host: what was made is taken back, and the error says all of it.</summary>
public sealed class FailureTests
{
    [Fact]
    public void AVolumeWhoseFileSystemFailsIsTakenBackAloneAndTheOtherIsMade()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").Fail("mkfs.xfs", "mkfs.xfs: cannot open /dev/volumegroup/bad: No such device or address");
        var run = hosts.Run("""
            [pscustomobject]@{ Name = 'bad'; MountPoint = '/bad'; FileSystem = 'Xfs' }, [pscustomobject]@{ Name = 'good'; MountPoint = '/good'; FileSystem = 'Ext4' } |
                New-SecureGuestVolume volumegroup -Size 1GB -VirtHost kvm1
            """);

        Assert.Equal("volumegroup/good", Assert.Single(run.Output).ToString());
        var error = Assert.Single(run.Errors);
        Assert.StartsWith("ToolFailed,", error.Properties["FullyQualifiedErrorId"].Value.ToString(), StringComparison.Ordinal);
        Assert.Equal("volumegroup/bad", error.Properties["Target"].Value);
        var message = error.Properties["Message"].Value.ToString();
        Assert.Contains("the step 'mkfs' failed: mkfs.xfs: cannot open /dev/volumegroup/bad", message, StringComparison.Ordinal);
        Assert.Contains("Undone: lvcreate.", message, StringComparison.Ordinal);
        Assert.False(kvm.Has("/state/lv/volumegroup/bad"));
        Assert.DoesNotContain("/bad", kvm.Read("etc/fstab"), StringComparison.Ordinal);
        Assert.Contains("\"outcome\":\"undone\"", kvm.Journal[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void APolicyThatRefusesTheRuleLeavesNothingBehind()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").Fail("semanage", "ValueError: Could not start semanage transaction");
        var fstab = kvm.Read("etc/fstab");
        var run = hosts.Run("New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1");

        Assert.Empty(run.Output);
        var error = Assert.Single(run.Errors);
        Assert.StartsWith("SemanageFailed,", error.Properties["FullyQualifiedErrorId"].Value.ToString(), StringComparison.Ordinal);
        Assert.Contains("Undone: mount; fstab; chattr; mkdir; lvcreate.", error.Properties["Message"].Value.ToString(), StringComparison.Ordinal);
        Assert.False(kvm.Has("/virtstorage"));
        Assert.False(kvm.Has("/state/lv/volumegroup/images"));
        Assert.Equal(fstab, kvm.Read("etc/fstab"));
    }

    [Fact]
    public void WhatCouldNotBeTakenBackIsNamedAsACommandLine()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").Fail("mke2fs", "mke2fs: Device size reported to be zero.").Fail("lvremove", "  Logical volume volumegroup/images in use.", 5);
        var error = Assert.Single(hosts.Run("New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1").Errors);

        var message = error.Properties["Message"].Value.ToString();
        Assert.Contains("Undone: nothing had been made. NOT undone; run on the host: lvremove --yes -S ", message, StringComparison.Ordinal);
        Assert.Contains("\"left\":[\"lvremove", kvm.Journal[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void AnObjectsChangesAreInTheJournalAndOnDiskBeforeTheFirstOfThemIsMade()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1");
        Assert.Empty(hosts.Run("New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1").Errors);

        var steps = kvm.Journal.Where(line => line.Contains("\"event\":\"do\"", StringComparison.Ordinal))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("changes").EnumerateArray().Select(change => change.GetProperty("step").GetString()));
        Assert.Equal([["lvcreate", "mkfs", "mkdir", "chattr", "fstab", "mount", "chmod"]], steps);
        var order = kvm.Calls.Where(call => call.StartsWith("sync -- /var/lib/virtsecurity/journal/", StringComparison.Ordinal) || First(call) is "lvcreate" or "mke2fs" or "chattr" or "mount" or "chmod" or "semanage" or "restorecon").Select(First);
        Assert.Equal(["sync", "lvcreate", "mke2fs", "chattr", "mount", "chmod", "sync", "semanage", "restorecon", "sync"], order);
    }

    [Fact]
    public void ARunningLibvirtdKeepsItsOldRulesAndAWarningSaysSo()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").Write("proc/200/comm", "libvirtd\n");
        var run = hosts.Run("""
            New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1
            New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1
            """);
        Assert.Empty(run.Errors);
        Assert.Contains("systemctl restart libvirtd", Assert.Single(run.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatAGuestHoldsIsLeftAloneAndNamed()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1")
            .Write("virtstorage/labelled.img", "").Label("/virtstorage/labelled.img", "system_u:object_r:svirt_image_t:s0:c1,c2")
            .Write("virtstorage/open.img", "").MakeLink("/proc/300/fd/9", "/virtstorage/open.img").Write("proc/300/comm", "qemu-system-x86\n").Write("proc/300/attr/current", "system_u:system_r:svirt_t:s0:c1,c2\0")
            .Write("virtstorage/free.img", "");
        var run = hosts.Run("Set-VirtImageContext /virtstorage -VirtHost kvm1");

        Assert.Empty(run.Errors);
        Assert.Equal(["/virtstorage", "/virtstorage/free.img"], kvm.Relabelled.Order(StringComparer.Ordinal));
        var context = Assert.Single(run.Output);
        Assert.Equal(["/virtstorage/labelled.img", "/virtstorage/open.img"], System.Management.Automation.LanguagePrimitives.ConvertTo<string[]>(context.Properties["InUse"].Value).Order(StringComparer.Ordinal));
        Assert.Equal(true, context.Properties["IsCompliant"].Value);
        Assert.Contains("2 path(s) on kvm1 were left alone", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal("system_u:object_r:svirt_image_t:s0:c1,c2", kvm.LabelOf("/virtstorage/labelled.img"));
    }

    private static string First(string call) => call.Split(' ')[0];
}
