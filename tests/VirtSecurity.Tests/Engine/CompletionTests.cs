using System.Globalization;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>What Tab offers.</summary>
public sealed class CompletionTests(ITestOutputHelper output)
{
    private const string Function = """
        # A completer that would take too long offers nothing; who presses Tab again is offered more.
        function Tab([string] $Line, [int] $Times = 1) {
            do {
                $watch = [System.Diagnostics.Stopwatch]::StartNew()
                $result = TabExpansion2 $Line $Line.Length
                $texts = foreach ($match in $result.CompletionMatches) { $match.CompletionText }
            } while (-not $texts -and --$Times -gt 0)
            [pscustomobject]@{ Line = $Line; Texts = $texts -join ' '; Milliseconds = $watch.Elapsed.TotalMilliseconds }
        }

        """;

    [Fact]
    public void ParametersOfferWhatMakesSense()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").Write("etc/lvm/backup/volumegroup", "").Write("etc/lvm/backup/guests-2", "").Write("sys/block/dm-0/dm/uuid", "LVM-x\n").Write("sys/block/dm-0/dm/name", "other--group-root\n");
        var uuid = new string('u', 64);
        hosts.Add("kvm3")
            .Write("sys/block/dm-0/dm/uuid", $"LVM-{uuid}\n").Write("sys/block/dm-0/dm/name", "guests--2-web--images\n")
            .Write("sys/block/dm-1/dm/uuid", $"LVM-{uuid}\n").Write("sys/block/dm-1/dm/name", "vg-mail\n")
            .Write("sys/block/dm-2/dm/uuid", $"LVM-{uuid}-tpool\n").Write("sys/block/dm-2/dm/name", "vg-pool-tpool\n")
            .Write("sys/block/dm-3/dm/uuid", "CRYPT-LUKS2-x\n").Write("sys/block/dm-3/dm/name", "crypt-x\n")
            .Write("proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 253:0 / /virt\\040storage rw - ext4 /dev/mapper/vg-mail rw\n31 27 0:44 / /nfs rw - nfs4 a:/b rw\n32 27 254:1 / /boot rw - ext4 /dev/vda1 rw\n")
            .Write("etc/fstab", "/dev/vda / ext4 defaults 0 1\n/dev/vg/web /web ext4 nofail 0 0\n")
            .Write("etc/libvirt/qemu/web.xml", "").Write("run/libvirt/qemu/web.xml", "").Write("etc/libvirt/qemu/a guest.xml", "").Write("etc/xen/old.cfg", "").Write("etc/xen/xl.conf", "").Write("etc/libvirt/storage/default.xml", "");
        Directory.CreateDirectory(Path.Combine(hosts.Home, ".ssh"));
        File.WriteAllText(Path.Combine(hosts.Home, ".ssh", "config"), "Host kvm1 kvm2 *.example\n  User root\nHost xen1\n");

        (string Line, string Texts)[] cases =
        [
            ("New-SecureGuestVolume -FileSystem ", "Ext3 Ext4 Xfs"),
            ("New-SecureGuestVolume -FileSystem x", "Xfs"),
            ("New-SecureGuestVolume -Hypervisor ", "Kvm Xen"),
            ("Set-VirtImageContext -Hypervisor ", "Kvm Xen"),
            ("New-SecureGuestVolume -SELinuxType ", "virt_content_t virt_image_t xen_image_t"),
            ("Set-VirtImageContext -SELinuxType x", "xen_image_t"),
            ("New-SecureGuestVolume -MountOption no", "noatime noauto nobarrier nodelalloc nodev nodiratime nodiscard noexec nofail nolazytime noquota nosuid nosymfollow nouser"),
            ("Connect-VirtHost ", "kvm1 kvm2 localhost xen1"),
            ("New-SecureGuestVolume -VirtHost kvm", "kvm1 kvm2"),
            ("Set-VirtImageContext -HostName 'x", "xen1"),
            ("Test-Dom0Hardening sel-1", "SEL-10 SEL-11 SEL-12 SEL-13 SEL-14 SEL-15 SEL-16"),
            ("Get-Dom0HardeningRule -Id PLN-", "PLN-01 PLN-02 PLN-03"),
            ("Get-Dom0Fact -Category SE", "SELinux Services"),
            ("Test-Dom0Hardening -Severity ", "Critical High Info Low Medium"),
            // A remote host is asked only over a connection that is there.
            ("New-SecureGuestVolume -VirtHost kvm1 -VolumeGroup ", ""),
            ("New-SecureGuestVolume -VirtHost 'no host' -VolumeGroup ", ""),
            ("Get-SecureGuestVolume -VirtHost kvm3 -Name ", ""),
            ("Repair-SecureGuestVolume -VirtHost 'no host' -MountPoint ", ""),
            ("Get-VirtImage -VirtHost kvm3 -Guest ", ""),
        ];
        (string Line, string Texts)[] connected =
        [
            ("New-SecureGuestVolume -VirtHost kvm1 -VolumeGroup ", "guests-2 other-group volumegroup"),
            ("New-SecureGuestVolume -VirtHost kvm1, xen1 -VolumeGroup v", "volumegroup"),
            ("Get-SecureGuestVolume -VirtHost kvm3 -Name ", "mail web-images"),
            ("Repair-SecureGuestVolume -VirtHost kvm3 -VolumeGroup guests-2 -Name ", "web-images"),
            ("Get-SecureGuestVolume -VirtHost kvm3 -VolumeGroup nosuch, vg -Name m", "mail"),
            ("Get-SecureGuestVolume -VirtHost kvm3 -MountPoint ", "'/virt storage' /web"),
            ("Repair-SecureGuestVolume -VirtHost kvm3 -MountPoint /w", "/web"),
            ("Get-VirtImage -VirtHost kvm3 -Guest ", "'a guest' old web"),
            ("Get-VirtImage -VirtHost kvm3 -Pool d", "default"),
        ];

        string Lines((string Line, string Texts)[] asked, int times) => string.Join('\n', asked.Select(item => $"Tab \"{item.Line}\" {times}"));
        var run = hosts.Run(Function + Lines(cases, 1) + "\n$null = Connect-VirtHost kvm1, kvm3\n" + Lines(connected, 100));
        Assert.Empty(run.Errors.Select(error => error.Properties["Exception"].Value));
        Assert.Equal(cases.Concat(connected), run.Output.Select(record => ((string)record.Properties["Line"].Value, (string)record.Properties["Texts"].Value)));
        foreach (var record in run.Output)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{record.Properties["Milliseconds"].Value,6:0} ms  {record.Properties["Line"].Value}"));
    }

    [Fact]
    public void WhatTheHostAnswersTooLateIsOfferedToTheNextTab()
    {
        using var hosts = new ScriptedHosts();
        const string pipe = "sys/block/dm-0/dm/uuid";
        hosts.Add("kvm1").Write("sys/block/dm-0/dm/name", "vg-web\n").MakePipe(pipe);
        const string line = "Tab 'Get-SecureGuestVolume -VirtHost kvm1 -Name '";
        // The host answers once, when told to: only the answer that came late has the name.
        var run = hosts.Run($"{Function}\n$null = Connect-VirtHost kvm1\n{line}\n[System.IO.File]::AppendAllText(\"$env:HOME/../hosts/kvm1/{pipe}\", 'LVM-{new string('u', 64)}')\n{line} 20");
        Assert.Empty(run.Errors);
        Assert.Equal(["", "web"], run.Output.Select(tab => Text(tab, "Texts")));
    }

    private static string Text(System.Management.Automation.PSObject record, string property) => $"{record.Properties[property].Value}";
}
