using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Hosts judged from the console: what is asked, what comes back, and what does not bind.</summary>
public sealed class HardeningTests
{
    private const string Through = "[System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($_, 2))";

    [Fact]
    public void AHostIsJudgedAndFromItsFactsTheSame()
    {
        using var hosts = new ScriptedHosts();
        Host(hosts, "kvm1").Write("sys/fs/selinux/enforce", "0");
        Host(hosts, "kvm2");
        var cases = new Cases(hosts,
        [
            ("first", "Test-Dom0Hardening -VirtHost kvm1"),
            ("many", "Test-Dom0Hardening SEL-0[12], acc-02 -VirtHost kvm1, kvm2"),
            ("facts", $"Get-Dom0Fact -VirtHost kvm1, kvm2 | ForEach-Object {{ {Through} }} | Test-Dom0Hardening SEL-0[12], acc-02"),
            ("picked", "Test-Dom0Hardening -Category SELinux, Acc* -Severity Critical, High -VirtHost kvm2"),
            ("of a connection", "Connect-VirtHost kvm2 | Test-Dom0Hardening SEL-01"),
            ("again", $"Test-Dom0Hardening SEL-01 -VirtHost kvm1 | ForEach-Object {{ {Through} }} | Get-Dom0HardeningRule"),
        ]);
        Assert.Equal(cases.Output("many").Where(result => Row(result).StartsWith("kvm1", StringComparison.Ordinal)).Select(Row).Order(), cases.Output("first").Select(Row).Where(row => row.Contains("SEL-01", StringComparison.Ordinal) || row.Contains("SEL-02", StringComparison.Ordinal) || row.Contains("ACC-02", StringComparison.Ordinal)).Order());
        Assert.Equal(cases.Output("many").Select(Row).Order(), cases.Output("facts").Select(Row).Order());
        Assert.Equal(["kvm1 ACC-02 Pass", "kvm1 SEL-01 Fail", "kvm1 SEL-02 Fail", "kvm2 ACC-02 Pass", "kvm2 SEL-01 Pass", "kvm2 SEL-02 Pass"], cases.Output("many").Select(Row).Order());
        Assert.All(cases.Output("picked"), result => Assert.Contains(Property(result, "Severity"), (string[])["Critical", "High"]));
        Assert.Contains(cases.Output("picked"), result => Property(result, "Id") == "ACC-02");
        Assert.Equal("kvm2 SEL-01 Pass", Row(Assert.Single(cases.Output("of a connection"))));
        Assert.Equal("SEL-01", Property(Assert.Single(cases.Output("again")), "Id"));
        var failed = cases.Output("many").Single(result => Row(result) == "kvm1 SEL-01 Fail");
        Assert.Equal(("permissive", "setenforce 1"), (Property(failed, "Actual"), Property(failed, "RemediationCommand")));
    }

    [Fact]
    public void ManyHostsAreAskedOnceEachAndOneThatIsDeadIsOneError()
    {
        using var hosts = new ScriptedHosts();
        Host(hosts, "kvm1");
        Host(hosts, "kvm2").Refuse("ssh: connect to host kvm2 port 22: No route to host");
        Host(hosts, "kvm3").Write("state/uid", "1000");
        var cases = new Cases(hosts, [("many", "Test-Dom0Hardening -VirtHost kvm1, kvm2, kvm3"), ("others", "Test-Dom0Hardening SEL-01 -VirtHost kvm1, kvm2 -ErrorAction SilentlyContinue")]);
        Assert.Equal(["HostUnreachable kvm2", "NotPrivileged kvm3"], cases.Errors("many").Select(error => $"{error.Id} {error.Target}").Order());
        Assert.Equal("kvm1 SEL-01 Pass", Row(Assert.Single(cases.Output("others"))));
        // Two runs, two scripts.
        Assert.Equal(2, hosts.SshCalls.Count(call => call.Contains("-- kvm1 ", StringComparison.Ordinal)));
    }

    [Fact]
    public void OneAnswerForAScript()
    {
        using var hosts = new ScriptedHosts();
        Host(hosts, "kvm1");
        Host(hosts, "bad").Write("sys/fs/selinux/enforce", "0");
        Host(hosts, "blind").Write("sys/fs/selinux/enforce", "?");
        Host(hosts, "dead").Refuse("ssh: connect to host dead port 22: No route to host");
        var cases = new Cases(hosts,
        [
            ("good", "Test-Dom0Hardening SEL-01 -VirtHost kvm1 -Quiet"), ("bad", "Test-Dom0Hardening SEL-01 -VirtHost kvm1, bad -Quiet"), ("blind", "Test-Dom0Hardening SEL-01 -VirtHost blind -Quiet"),
            ("dead", "Test-Dom0Hardening SEL-01 -VirtHost kvm1, dead -Quiet -ErrorAction SilentlyContinue"), ("none", "@() | Test-Dom0Hardening -Quiet"),
        ]);
        Assert.Equal(["True", "False", "False", "False", "False"], new[] { "good", "bad", "blind", "dead", "none" }.Select(name => Assert.Single(cases.Output(name)).ToString()));
    }

    [Fact]
    public void WhatIsNotThereIsAnErrorThatNamesTheNearest()
    {
        using var hosts = new ScriptedHosts();
        Host(hosts, "kvm1");
        var cases = new Cases(hosts,
        [
            ("id", "Test-Dom0Hardening SEL-1 -VirtHost kvm1"), ("category", "Get-Dom0HardeningRule -Category SELinus"), ("rule", "'NO-99' | Get-Dom0HardeningRule"),
            ("newer", "Get-Dom0Fact SEL-01 -VirtHost kvm1 | ForEach-Object { $_.FormatVersion = 7; $_ } | Test-Dom0Hardening SEL-01"),
            ("tree", "Test-Dom0Hardening SEL-02 -Root /mnt/nothing -VirtHost kvm1"),
            ("plan of another", "Test-Dom0Hardening SEL-01 -VirtHost kvm1 -Plan ([VirtSecurity.Planning.DeploymentPlan] @{ Hypervisor = 'Xen' })"),
        ]);
        (string Case, string Id, string Category)[] expected =
        [
            ("id", "RuleUnknown", "ObjectNotFound"), ("category", "CategoryUnknown", "ObjectNotFound"), ("rule", "RuleUnknown", "ObjectNotFound"), ("newer", "FactsNewer", "InvalidData"), ("tree", "PathNotFound", "ObjectNotFound"),
            ("plan of another", "PlanForOtherHypervisor", "InvalidArgument"),
        ];
        Assert.Equal(expected, expected.Select(one => Assert.Single(cases.Errors(one.Case))).Zip(expected, (error, one) => (one.Case, error.Id, error.Category)));
        Assert.Contains("SEL-1", cases.Errors("id")[0].Message, StringComparison.Ordinal);
        Assert.Contains("SELinux", cases.Errors("category")[0].Message, StringComparison.Ordinal);
        Assert.All(expected, one => Assert.NotEmpty(cases.Errors(one.Case)[0].Action));
    }

    [Fact]
    public void TheTreeOfAHostThatDoesNotRunIsJudgedByItsFiles()
    {
        using var hosts = new ScriptedHosts();
        Host(hosts, "kvm1").Write("mnt/dom0/etc/selinux/config", "SELINUX=permissive\nSELINUXTYPE=default\n").Write("mnt/dom0/etc/passwd", "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n")
            .MakeLink("mnt/dom0/etc/shadow", "/etc/elsewhere").Write("mnt/dom0/etc/elsewhere", "root:*:1::::::\nanna::1::::::\n").Write("mnt/dom0/etc/group", "root:x:0:\n");
        var run = hosts.Run("Test-Dom0Hardening -Root /mnt/dom0 -VirtHost kvm1");
        Assert.Empty(run.Errors);
        var results = run.Output.ToDictionary(result => Property(result, "Id"));
        Assert.Equal(("Fail", "permissive at the next boot"), (Property(results["SEL-02"], "Status"), Property(results["SEL-02"], "Actual")));
        Assert.Equal("Fail", Property(results["ACC-02"], "Status"));
        Assert.Contains("the password of anna is empty", Property(results["ACC-05"], "Evidence"), StringComparison.Ordinal);
        Assert.Equal("Unknown", Property(results["SEL-01"], "Status"));
        Assert.Contains("does not", Property(results["SEL-01"], "Actual"), StringComparison.Ordinal);
    }

    [Fact]
    public void NoSecretIsInAnyStream()
    {
        using var hosts = new ScriptedHosts();
        Host(hosts, "kvm1").Write("etc/shadow", "root:$6$PLANTED1:1::::::\nPLANTED2:PLANTED3\n").Write("etc/libvirt/qemu/web.xml", "<domain><name>web</name><devices><graphics passwd='PLANTED4'/></devices></domain>")
            .Write("etc/fstab", "//nas/a /srv/a cifs password=PLANTED5,nofail 0 0\n");
        var run = hosts.Run("Get-Dom0Fact -VirtHost kvm1 -Verbose -Debug; Test-Dom0Hardening -VirtHost kvm1 -Verbose -Debug; Get-SecureGuestVolume -VirtHost kvm1 -Verbose -Debug; New-VirtDeploymentPlan -VirtHost kvm1 -Verbose -Debug");
        Assert.Contains(run.Debug, line => line.Contains("root:set", StringComparison.Ordinal));
        Assert.NotEmpty(run.Verbose);
        Assert.All(run.Output.Select(record => PSSerializer.Serialize(record)).Concat(run.Verbose).Concat(run.Debug).Concat(run.Console).Concat(run.Errors.Select(error => PSSerializer.Serialize(error))), text => Assert.DoesNotContain("PLANTED", text, StringComparison.Ordinal));
    }

    /// <summary>A host of which some checks can be judged; of a tool that it lacks, one check the less.</summary>
    private static ScriptedHost Host(ScriptedHosts hosts, string name) => hosts.Add(name).Write("sys/fs/selinux/mls", "1").Write("sys/fs/selinux/policyvers", "33").Write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n").Write("etc/group", "root:x:0:\n").Write("etc/shadow", "root:*:1::::::\n");

    private static string Row(PSObject result) => $"{Property(result, "VirtHost")} {Property(result, "Id")} {Property(result, "Status")}";

    private static string Property(PSObject record, string name) => record.Properties[name]?.Value?.ToString() ?? "";
}
