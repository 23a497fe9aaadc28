using System.Management.Automation;
using VirtSecurity.Lab;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>What is on a host is listed with what does not agree, and a repair makes it agree without touching what is in it.</summary>
public sealed class InventoryTests(LabFixture fixture) : LabTest(fixture)
{
    /// <summary>The procedure as printed: the rule is for /virtualization, the mount at /virtstorage, and fstab is forgotten.</summary>
    [Fact]
    public async Task TheSeedsSlipMadeByHandIsListedWithItsProblemsAndPutRight()
    {
        await OnHost("""
            lvcreate -q -n NewVolumeName -L 512M volumegroup && mke2fs -q -t ext4 /dev/volumegroup/NewVolumeName
            mkdir /virtstorage && mount /dev/volumegroup/NewVolumeName /virtstorage
            semanage fcontext -a -t virt_image_t "/virtualization(/.*)?"
            dd if=/dev/urandom of=/virtstorage/g.img bs=1M count=4 2>/dev/null
            lab-guest-define g /virtstorage/g.img
            lvcreate -q -n raw -L 64M volumegroup && lab-guest-define r /dev/mapper/volumegroup-raw
            sha256sum /virtstorage/g.img >/root/sum
            """);

        var run = PowerShell("""
            Get-SecureGuestVolume -VirtHost $lab
            Get-SecureGuestVolume -VirtHost $lab | Where-Object Problem | Repair-SecureGuestVolume
            Get-SecureGuestVolume volumegroup New* -MountPoint /virtstorage -VirtHost $lab
            Get-SecureGuestVolume -VirtHost $lab | Where-Object Problem
            Get-SecureGuestVolume volumegroup newvolumename -VirtHost $lab
            Get-SecureGuestVolume nosuch* -VirtHost $lab
            """);

        Assert.Equal(["VolumeNotFound"], run.Errors.Select(ErrorId));
        Assert.Equal(3, run.Output.Count);
        Assert.Equal("NotInFstab RuleForOtherPath WrongLabel WeakOptions WeakMode", Problems(run.Output[0]));
        Assert.Equal(("NewVolumeName", "/virtstorage", "g", "", "True"), (Text(run.Output[0], "Name"), Text(run.Output[0], "MountPoint"), Joined(run.Output[0], "Guest"), Text(run.Output[0], "Run"), Text(run.Output[0], "IsMounted")));
        Assert.InRange(Assert.IsType<long>(Value(run.Output[0], "FreeSpace")), 300L << 20, 512L << 20);
        Assert.All(run.Output.Skip(1), volume => Assert.Equal(("", "True", "0751"), (Problems(volume), Text(volume, "IsCompliant"), Text(volume, "Mode"))));
        Assert.Contains(run.Warnings, warning => warning.Contains("/virtualization", StringComparison.Ordinal));

        await OnHost("""
            sha256sum -c /root/sum >/dev/null
            findmnt -no OPTIONS /virtstorage | grep -q nosuid,nodev,noexec
            grep -q '^/dev/volumegroup/NewVolumeName /virtstorage ext4 nodev,nosuid,noexec,nofail,' /etc/fstab
            matchpathcon -V /virtstorage
            semanage fcontext -lC | grep -q '^/virtualization'
            umount /virtstorage && mount /virtstorage
            """);
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AVolumeBrokenInEachWaySaysSoAndIsPutRightWithItsDataUntouched()
    {
        Assert.Empty(PowerShell("New-SecureGuestVolume volumegroup images 512MB -MountPoint /virtstorage -VirtHost $lab").Errors);
        await OnHost("dd if=/dev/urandom of=/virtstorage/g.img bs=1M count=4 2>/dev/null; sha256sum /virtstorage/g.img >/root/sum; cp -a /etc/fstab /root/fstab");
        var whole = await HostState();
        const string Repair = "Get-SecureGuestVolume -VirtHost $lab; Get-SecureGuestVolume -VirtHost $lab | Where-Object Problem | Repair-SecureGuestVolume";

        await BrokenBy("umount /virtstorage", "NotMounted", whole, Repair);
        await BrokenBy("chcon -t default_t /virtstorage; chmod 755 /virtstorage; mount -o remount,dev,suid,exec /dev/volumegroup/images /virtstorage", "WrongLabel WeakOptions WeakMode", null, Repair);
        await BrokenBy("sed -i 's/nodev,nosuid,noexec,nofail/defaults/' /etc/fstab", "WeakOptions", null, Repair);
        await BrokenBy("semanage fcontext -d '/virtstorage(/.*)?'; sed -i '\\#/virtstorage#d' /etc/fstab", "NotInFstab NoRule", null, Repair);
        await OnHost("sha256sum -c /root/sum >/dev/null");

        // Nobody says any more where it belongs; who is told, does it.
        await OnHost("umount /virtstorage; sed -i '\\#/virtstorage#d' /etc/fstab");
        var undecided = PowerShell(Repair + "; Get-SecureGuestVolume -VirtHost $lab | Repair-SecureGuestVolume -MountPoint /virtstorage; Get-SecureGuestVolume -VirtHost $lab | Where-Object Problem");
        Assert.Equal(["RepairUndecided"], undecided.Errors.Select(ErrorId));
        Assert.Equal(["NotMounted NotInFstab", ""], undecided.Output.Select(Problems));
        await OnHost("sha256sum -c /root/sum >/dev/null");
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task FiveHundredVolumesAreListedInOneRoundTrip()
    {
        const int count = 500;
        await Machine.CheckAsync(ManyVolumes.Script(count), TimeSpan.FromMinutes(20), TestContext.Current.CancellationToken);
        var folder = Directory.CreateTempSubdirectory("virtlab-ssh");
        var (ssh, log) = (Path.Combine(folder.FullName, "ssh"), Path.Combine(folder.FullName, "log"));
        var path = Environment.GetEnvironmentVariable("PATH")!;
        await File.WriteAllTextAsync(ssh, $"#!/bin/sh\necho asked >>{log}\nPATH={path} exec ssh \"$@\"\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var run = EngineRun.Of(
            $"$all = Get-SecureGuestVolume -VirtHost '{Machine.VirtHost}'; @($all).Count; $all | Where-Object Name -eq v{count - 1}", [], new Dictionary<string, string> { ["PATH"] = $"{folder.FullName}:{path}" });

        Assert.Empty(run.Errors);
        Assert.Equal($"{count}", run.Output[0].ToString());
        Assert.Equal(("4194304", "NotMounted NotInFstab"), (Text(run.Output[1], "Size"), Problems(run.Output[1])));
        Assert.Single(await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken));
        folder.Delete(true);
    }

    private async Task BrokenBy(string script, string problems, string? whole, string repair)
    {
        await OnHost(script);
        var run = PowerShell(repair);
        Assert.Empty(run.Errors);
        Assert.Equal([problems, ""], run.Output.Select(Problems));
        Assert.Equal("True", Text(run.Output[1], "IsCompliant"));
        if (whole is not null) Assert.Equal(whole, await HostState());
    }

    private static string Problems(PSObject volume) => string.Join(' ', Items(volume, "Problem").Select(problem => Text(problem, "Id")));

    private static string Joined(PSObject volume, string property) => string.Join(' ', Items(volume, property));

    private static IEnumerable<PSObject> Items(PSObject volume, string property) =>
        LanguagePrimitives.GetEnumerable(Value(volume, property))?.Cast<object>().Select(PSObject.AsPSObject) ?? [];
}
