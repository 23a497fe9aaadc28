using System.Diagnostics;
using VirtSecurity.Lab;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>The checks on a KVM host.</summary>
public sealed class HardeningTests(LabFixture fixture) : HardeningSuite(fixture)
{
    protected override string Prepare => """
        truncate -s 16M /virtstorage/web.img
        chmod 0600 /virtstorage/web.img
        lab-guest-define web /virtstorage/web.img
        virsh start web </dev/null
        lab-guest-wait web
        # What GRUB would tell the kernel, if the machine had it.
        echo 'GRUB_CMDLINE_LINUX="security=selinux selinux=1"' >/etc/default/grub
        # The guest goes on without it.
        systemctl stop libvirtd.service
        """;

    protected override IReadOnlyList<IReadOnlyList<Weakness>> Rounds => WeaknessRounds.Kvm;

    // QEMU loads the machine's kernel: no boot loader is on its disk.
    protected override IReadOnlyDictionary<string, string> Unknown { get; } = new Dictionary<string, string> { ["SEL-03"] = "where the next boot's kernel line comes from was not found" };

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AToolThatHangsOrIsMissingCostsItsOwnChecksAndWithoutRootThereIsOneError()
    {
        await OnHost("""
            set -e
            printf '#!/bin/sh\nsleep 600\n' >/root/who
            chmod 0755 /root/who
            chcon --reference=/usr/bin/who /root/who
            mount --bind /root/who /usr/bin/who
            mv /usr/sbin/auditctl /root
            """);
        var clock = Stopwatch.StartNew();
        var run = PowerShell(Script("Test-Dom0Hardening ACC-07, AUD-01, AUD-03, SEL-01, SEL-02 -VirtHost $lab -Plan $plan"));
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(3));
        Assert.Empty(run.Errors);
        Assert.Equal(["ACC-07 Unknown", "AUD-01 Fail", "AUD-03 Waived", "SEL-01 Pass", "SEL-02 Pass"], run.Output.Select(result => $"{Text(result, "Id")} {Text(result, "Status")}").Order());
        Assert.Contains("who", Text(ResultOf(run.Output, "ACC-07"), "Actual"), StringComparison.Ordinal);

        var (config, check) = (Machine.SshConfigPath, "Test-Dom0Hardening SEL-01 -VirtHost");
        var others = PowerShell($"{check} 'ssh://virtlab-admin?config={config}'; {check} 'ssh://virtlab-operator?config={config}&sudo'");
        Assert.Equal("NotPrivileged", ErrorId(Assert.Single(others.Errors)));
        Assert.Equal("Pass", Text(Assert.Single(others.Output), "Status"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task TheTreeOfAHostThatDoesNotRunIsJudgedAsTheHostIs()
    {
        await OnHost("systemctl stop libvirtd.service; mkdir /mnt/dom0 && mount --bind / /mnt/dom0");
        var run = PowerShell(Script("Test-Dom0Hardening -Root /mnt/dom0 -VirtHost $lab -Plan @{ Hypervisor = 'Kvm'; Administrators = 'operator'; Users = 'admin' }; 'live'; Test-Dom0Hardening -VirtHost $lab -Plan @{ Hypervisor = 'Kvm'; Administrators = 'operator'; Users = 'admin' }"));
        Assert.Empty(run.Errors);
        var end = run.Output.ToList().FindIndex(one => one.BaseObject is "live");
        var (tree, live) = (run.Output.Take(end).ToDictionary(result => Text(result, "Id"), result => Text(result, "Status")), run.Output.Skip(end + 1).ToDictionary(result => Text(result, "Id"), result => Text(result, "Status")));
        Assert.Equal(("Unknown", "Pass", "Pass", "Fail", "Pass"), (tree["SEL-01"], tree["SEL-02"], tree["ACC-02"], tree["QMU-06"], tree["QMU-01"]));
        static bool IsDecided(string status) => status is "Pass" or "Fail";
        // What a tree shows is a part of what the host is: it never says otherwise than the whole.
        Assert.Empty(tree.Where(one => IsDecided(one.Value) && IsDecided(live[one.Key]) && one.Value != live[one.Key]).Select(one => $"{one.Key}: {one.Value} by its tree, {live[one.Key]} live"));
        Assert.InRange(tree.Count(one => IsDecided(one.Value)), 20, 113);
    }
}
