using System.Management.Automation;
using System.Text.RegularExpressions;
using VirtSecurity.Tests.Domain.Planning;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Plans in a session: read, written, piped, drafted from a host and compared with it.</summary>
public sealed partial class PlanTests
{
    private const string Again = "[System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($it))";

    // Waivers are judged by the checks that there are.
    private static readonly string Psd1 = Plans.FullPsd1[Plans.FullPsd1.IndexOf("@{", StringComparison.Ordinal)..].Replace("FWL-08", "SEL-06", StringComparison.Ordinal);

    [Fact]
    public void APlanIsTheSameWhateverItComesAs()
    {
        using var hosts = new ScriptedHosts();
        File.WriteAllText(Path.Combine(hosts.Home, "a.psd1"), Psd1);
        var cases = new Cases(hosts, [
            ("here", $"$ExecutionContext.SessionState.Path.SetLocation('{hosts.Home}')"),
            ("file", "Import-VirtDeploymentPlan a.psd1 | Export-VirtDeploymentPlan one.json"),
            ("piped path", "'a.psd1' | Import-VirtDeploymentPlan | Export-VirtDeploymentPlan two.json"),
            ("piped file", "[System.IO.FileInfo]::new(\"$pwd/a.psd1\") | Import-VirtDeploymentPlan | Export-VirtDeploymentPlan three.json"),
            ("serialized", $"$it = Import-VirtDeploymentPlan a.ps*1; {Again} | Export-VirtDeploymentPlan four.json"),
            ("argument path", "Export-VirtDeploymentPlan -Plan ./a.psd1 five.json"),
            ("hashtable", $"Export-VirtDeploymentPlan six.json -InputObject {Psd1}"),
            ("back", "Import-VirtDeploymentPlan one.json | Export-VirtDeploymentPlan seven.psd1 -PassThru | Export-VirtDeploymentPlan seven.json"),
            ("object", "[pscustomobject]@{ Hypervisor = 'Xen'; Waivers = @([pscustomobject]@{ Id = 'SEL-01'; Reason = 'r'; Owner = 'o'; Expires = [datetime]'2030-01-02' }) } | Export-VirtDeploymentPlan -PassThru -Path eight.json"),
            ("many", "Import-VirtDeploymentPlan -LiteralPath one.json, two.json"),
        ]);
        var first = File.ReadAllText(Path.Combine(hosts.Home, "one.json"));
        Assert.Contains("\"Id\": \"SEL-06\"", first, StringComparison.Ordinal);
        Assert.All((string[])["two", "three", "four", "five", "six", "seven"], name => Assert.Equal(first, File.ReadAllText(Path.Combine(hosts.Home, name + ".json"))));
        Assert.Equal("Xen", cases.Text("object", "Hypervisor"));
        Assert.Contains("2030-01-02", File.ReadAllText(Path.Combine(hosts.Home, "eight.json")), StringComparison.Ordinal);
        Assert.Equal(2, cases.Output("many").Count);
        Assert.All((string[])["here", "file", "piped path", "piped file", "serialized", "argument path", "hashtable", "back"], name => Assert.Empty(cases.Errors(name)));
    }

    [Fact]
    public void WhatIsWrongIsAnErrorWithItsIdAndPlace()
    {
        using var hosts = new ScriptedHosts();
        var directory = hosts.Home;
        File.WriteAllText(Path.Combine(directory, "bad.psd1"), "@{\n  Servces = @()\n  Hypervisor = 'Kmv'\n  Sockets = @{ Port = 1 }\n  Users = 'a'; Users = 'b'\n}\n");
        File.WriteAllText(Path.Combine(directory, "run.psd1"), "@{\n  Users = Get-Users\n}\n");
        File.WriteAllText(Path.Combine(directory, "new.json"), "{ \"FormatVersion\": 9 }");
        File.WriteAllText(Path.Combine(directory, "plan.yaml"), "");
        File.WriteAllText(Path.Combine(directory, "large.json"), new string(' ', (1 << 20) + 1));
        File.WriteAllText(Path.Combine(directory, "good.json"), "{ \"Hypervisor\": \"Xen\" }");
        Directory.CreateDirectory(Path.Combine(directory, "dir.json"));
        hosts.Add("kvm1");
        var cases = new Cases(hosts, [
            ("here", $"$ExecutionContext.SessionState.Path.SetLocation('{directory}')"),
            ("bad", "Import-VirtDeploymentPlan bad.psd1"), ("run", "Import-VirtDeploymentPlan run.psd1"), ("new", "Import-VirtDeploymentPlan new.json"), ("yaml", "Import-VirtDeploymentPlan plan.yaml"),
            ("large", "Import-VirtDeploymentPlan large.json"), ("gone", "Import-VirtDeploymentPlan gone.json"), ("dir", "Import-VirtDeploymentPlan dir.json"), ("variable", "Import-VirtDeploymentPlan variable:pwd"),
            ("exists", "Export-VirtDeploymentPlan good.json -Plan @{}"), ("nowhere", "Export-VirtDeploymentPlan nowhere/a.json -Plan @{}"), ("twice", "@{}, @{} | Export-VirtDeploymentPlan twice.json -Force"),
            ("argument", "Export-VirtDeploymentPlan x.json -Plan bad.psd1"), ("object", "Export-VirtDeploymentPlan x.json -Plan @{ Colour = 1 }"), ("no check", "Export-VirtDeploymentPlan x.json -Plan @{ Waivers = @{ Id = 'SEL-99'; Reason = 'r'; Owner = 'o'; Expires = '2030-01-01' } }"),
            ("what if", "Export-VirtDeploymentPlan x.json -Plan @{} -WhatIf"),
            ("test", "Test-VirtDeploymentPlan bad.psd1 -ValidOnly"), ("test quiet", "Test-VirtDeploymentPlan good.json -ValidOnly -Quiet"), ("other", "Test-VirtDeploymentPlan good.json -VirtHost kvm1"),
            ("judged", "Test-Dom0Hardening SEL-01 -Plan good.json -VirtHost kvm1"),
        ]);
        (string Case, string[] Ids, string Words)[] expected =
        [
            ("bad", ["PlanKeyUnknown", "PlanValueInvalid", "PlanKeyMissing", "PlanKeyTwice"], "bad.psd1:2: a plan has no key Servces; the nearest is Services."), ("run", ["PlanNotUnderstood"], "run.psd1:2: "), ("new", ["PlanNewer"], "new.json:1: "),
            ("yaml", ["PlanFormatUnknown"], "plan.yaml"), ("large", ["PlanTooLarge"], "large.json"), ("gone", ["PlanNotFound"], "gone.json"), ("dir", ["PlanUnreadable"], "dir.json"), ("variable", ["NotAFilePath"], "variable:pwd"),
            ("exists", ["PlanExists"], "good.json"), ("nowhere", ["PlanNotWritten"], "nowhere"), ("twice", ["AskedTwice"], "twice.json"), ("argument", ["ParameterArgumentTransformationError"], "bad.psd1:3: Hypervisor is not right"),
            ("object", ["ParameterArgumentTransformationError"], "the plan given: a plan has no key Colour"), ("no check", ["ParameterArgumentTransformationError"], "there is no check SEL-99; the nearest is SEL-09"),
            ("test", ["PlanKeyUnknown", "PlanValueInvalid", "PlanKeyMissing", "PlanKeyTwice"], "bad.psd1:2: "), ("other", ["PlanForOtherHypervisor"], "Xen"), ("judged", ["PlanForOtherHypervisor"], "Xen"),
        ];
        Assert.All(expected, one =>
        {
            var errors = cases.Errors(one.Case);
            Assert.Equal(one.Ids, errors.Select(error => error.Id));
            Assert.Contains(one.Words, string.Concat(errors.Select(error => error.Message)), StringComparison.Ordinal);
            if (one.Ids[0] != "ParameterArgumentTransformationError") Assert.All(errors, error => Assert.NotEmpty(error.Action));
        });
        Assert.Equal("True", Assert.Single(cases.Output("test quiet")).ToString());
        Assert.Equal("{ \"Hypervisor\": \"Xen\" }", File.ReadAllText(Path.Combine(directory, "good.json")));
        Assert.False(File.Exists(Path.Combine(directory, "x.json")));
        Assert.Contains(cases.Run.Console, line => line.Contains("x.json", StringComparison.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory, "twice.json")));
    }

    [Fact]
    public void AHostIsWrittenDownInOneRoundTripAndDoesNotDifferFromThat()
    {
        using var hosts = new ScriptedHosts();
        var kvm = Populate(hosts.Add("kvm1"));
        var run = hosts.Run("New-VirtDeploymentPlan -VirtHost kvm1");
        Assert.Empty(run.Errors.Select(error => error.Properties["Message"].Value));
        Assert.True(run.Warnings.Count == 0, string.Join(" / ", run.Warnings));
        Assert.Single(hosts.SshCalls);
        Assert.Empty(kvm.Changes);
        var plan = Assert.Single(run.Output);
        Assert.Equal(("Kvm", "kvm1"), (Text(plan, "Hypervisor"), Text(plan, "VirtHost")));
        Assert.Equal(["libvirtd.socket", "ssh.service"], Names(plan, "Services", "Name"));
        Assert.Equal(["22", "68", "5900"], Names(plan, "Sockets", "Port"));
        Assert.Equal(["sshd", "", ""], Names(plan, "Sockets", "Service"));
        Assert.Equal(["", "", "192.0.2.1"], Names(plan, "Sockets", "Address"));
        Assert.Equal(("bob,carol", "ann"), (Text(plan, "Administrators"), Text(plan, "Users")));
        Assert.Equal(["management eth0 False", "default virbr0 True", "br0 br0 False"], Items(plan, "Networks").Select(network => $"{Text(network, "Name")} {Text(network, "Interfaces")} {Text(network, "IsRouted")}"));
        Assert.Equal(["mail  br0", "web PciPassthrough,SharedDisk,RemoteDisplay default"], Items(plan, "Guests").Select(guest => $"{Text(guest, "Name")} {Text(guest, "Needs")} {Text(guest, "Networks")}"));

        var test = hosts.Run("New-VirtDeploymentPlan -VirtHost kvm1 | Test-VirtDeploymentPlan; New-VirtDeploymentPlan -VirtHost kvm1 | Test-VirtDeploymentPlan -Quiet");
        Assert.Empty(test.Errors.Select(error => error.Properties["Message"].Value));
        Assert.Equal("True", Assert.Single(test.Output).ToString());
    }

    [Fact]
    public void WhatAHostDiffersInAndWhatIsNotKnownIsSaid()
    {
        using var hosts = new ScriptedHosts();
        Populate(hosts.Add("kvm1"));
        Populate(hosts.Add("kvm2")).Fail("systemctl", "Failed to connect to bus: Connection refused");
        hosts.Add("kvm3").Refuse("ssh: connect to host kvm3 port 22: Connection refused");
        var calls = hosts.SshCalls.Count;
        var run = hosts.Run("""
            $plan = @{ Hypervisor = 'Kvm'; Services = @{ Name = 'ssh*.service' }, @{ Name = 'chrony.service'; Purpose = 'time' }; Sockets = @{ Port = 22; Protocol = 'tcp' }; Administrators = 'bob', 'eve'
                Waivers = @{ Id = 'SEL-06'; Reason = 'old'; Owner = 'ann'; Expires = '2020-01-01' } }
            Test-VirtDeploymentPlan -Plan $plan -VirtHost kvm1, kvm2, kvm3
            Test-VirtDeploymentPlan -Plan $plan -VirtHost kvm1 -Quiet
            New-VirtDeploymentPlan -VirtHost kvm2
            """);
        Assert.Equal(5, hosts.SshCalls.Count - calls);
        Assert.StartsWith("HostUnreachable,", Text(Assert.Single(run.Errors), "FullyQualifiedErrorId"), StringComparison.Ordinal);
        string[] Of(string host) => [.. run.Output.Where(record => record.Properties["Kind"] is not null && Text(record, "VirtHost") == host).Select(record => $"{Text(record, "Section")} {Text(record, "Kind")} {Text(record, "Name")}")];
        Assert.Equal(
            [
                "Services Missing chrony.service", "Services Unplanned libvirtd.socket", "Sockets Unplanned udp 68", "Sockets Unplanned tcp 5900", "Users Unplanned ann", "Administrators Missing eve", "Administrators Unplanned carol",
                "Booleans Unplanned virt_use_nfs", "Networks Unplanned eth0", "Networks Unplanned virbr0", "Networks Unplanned br0", "Guests Unplanned mail", "Guests Unplanned web", "Waivers Expired SEL-06",
            ],
            Of("kvm1"));
        Assert.Equal("Services Unknown ", Of("kvm2")[0]);
        Assert.DoesNotContain(Of("kvm2"), line => line.StartsWith("Services Missing", StringComparison.Ordinal));
        Assert.Contains(run.Output, value => value.BaseObject is false);
        Assert.Contains("Services of the draft is empty because it is not known", Assert.Single(run.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void AConsoleOfEightyColumnsShowsPlansAndDifferences()
    {
        using var hosts = new ScriptedHosts();
        Populate(hosts.Add("kvm1"));
        var lines = hosts.Rendering("New-VirtDeploymentPlan -VirtHost kvm1 | Out-Host; Test-VirtDeploymentPlan -Plan @{ Services = @{ Name = 'a-service-whose-name-is-long.service'; Purpose = 'something that takes many words to say' } } -VirtHost kvm1 | Out-Host").Split('\n').Select(line => Escape().Replace(line, "").TrimEnd()).ToArray();
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.Contains("Hypervisor Services Sockets Users Admins Networks Volumes Guests Waivers", lines);
        Assert.Contains(lines, line => Regex.IsMatch(line, "^Kvm +2 +3 +1 +2 +3 +0 +2 +0$"));
        Assert.Contains("   Host: kvm1", lines);
        Assert.Contains(lines, line => Regex.IsMatch(line, "^Services +Missing +a-service-whose-nam… something that …$"));
        Assert.Contains(lines, line => Regex.IsMatch(line, "^Guests +Unplanned web +a guest$"));
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Escape();

    private static string Text(PSObject item, string property) => string.Join(',', LanguagePrimitives.ConvertTo<string[]>(item.Properties[property]?.Value) ?? []);

    private static IEnumerable<PSObject> Items(PSObject plan, string property) => LanguagePrimitives.GetEnumerable(plan.Properties[property].Value).Cast<object>().Select(PSObject.AsPSObject);

    private static IEnumerable<string> Names(PSObject plan, string list, string property) => Items(plan, list).Select(item => Text(item, property));

    /// <summary>A host with people, sockets, networks and two guests. systemctl's lines are written after its documented format (systemctl(1), show), the kernel's tables after proc_net(5).</summary>
    private static ScriptedHost Populate(ScriptedHost host) => host
        .Write("state/units", string.Join("\n", ((string[])["ssh.service notify active running", "kmod.service oneshot active exited", "apt-daily.service oneshot activating start", "user@0.service notify active running", "libvirtd.socket  active listening", "old.service simple inactive dead"]).Select(unit => unit.Split(' ')).Select(unit => $"Id={unit[0]}\nType={unit[1]}\nActiveState={unit[2]}\nSubState={unit[3]}\n")))
        .Write("etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\ncarol:x:1002:1002::/home/carol:/bin/sh\nbin:x:2:2::/:/usr/sbin/nologin\nbackup:x:1003:1003::/:/usr/sbin/nologin\n")
        .Write("etc/group", "sudo:x:27:carol\nann:x:1000:\nbob:x:1001:\n").Write("etc/sudoers", "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\nbob ALL=(ALL) ALL # he\n%sudo ALL=(ALL:ALL) ALL\n")
        .Write("proc/self/exe", "\u007fELF\u0002\u0001").MakeLink("/proc/1/fd/3", "socket:[11]").Write("proc/1/comm", "sshd\n").Write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
        .Write("proc/net/tcp", """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
               1: 0100007F:170D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0
               2: 010200C0:170C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0
               3: 010200C0:0016 020200C0:D431 01 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0

            """)
        .Write("proc/net/tcp6", """
              sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 15 1 0 100 0 0 10 0

            """)
        .Write("proc/net/udp", """
               sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
              1: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 16 2 0 0
              2: 00000000:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 17 2 0 0

            """)
        .Write("proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
        .Write("proc/sys/net/ipv4/ip_forward", "1\n").Write("sys/class/net/lo/address", "0\n").Write("sys/class/net/eth0/address", "0\n").Write("sys/class/net/br0/address", "0\n").Write("sys/class/net/virbr0/address", "0\n")
        .Write("sys/class/net/br0/bridge/root_id", "0\n").Write("sys/class/net/virbr0/bridge/root_id", "0\n")
        .Write("etc/libvirt/qemu/networks/default.xml", "<network><name>default</name><forward mode='nat'/><bridge name='virbr0'/></network>")
        .Write("sys/fs/selinux/booleans/virt_use_nfs", "1 1").Write("sys/fs/selinux/booleans/virt_use_usb", "1 1").Write("sys/fs/selinux/booleans/virt_use_samba", "0 0").Write("sys/fs/selinux/booleans/httpd_enable_cgi", "1 1")
        .Write("etc/libvirt/qemu/web.xml", "<domain><name>web</name><devices><disk><source file='/var/lib/libvirt/images/web.img'/><shareable/></disk><interface type='network'><source network='default'/></interface><hostdev type='pci'/><graphics type='vnc' listen='0.0.0.0'/></devices></domain>")
        .Write("etc/libvirt/qemu/mail.xml", "<domain><name>mail</name><devices><interface type='bridge'><source bridge='br0'/></interface><graphics type='vnc' listen='127.0.0.1'/></devices></domain>");
}
