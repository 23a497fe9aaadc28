using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Resources;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>A host beside its plan: patterns, ranges, addresses and roles as they are meant; and nothing that is not known is "no difference".</summary>
public sealed class PlanDifferenceTests
{
    private static readonly DateOnly Today = new(2030, 6, 1);

    private static readonly PlanFacts Nothing = new(
        new VirtHost("kvm1"), Hypervisor.Kvm, () => [], () => [], () => new AccountsFact([], false), () => new Dictionary<string, SELinuxBoolean>(), () => Networks([]), () => [],
        () => new GuestsFact([], [], [], new HashSet<string>(), NoLinks, []));

    private static DeviceLinks NoLinks => DeviceLinks.Read(new ToolResult(DeviceLinks.Find(), ToolOutcome.Exited, 0, [], []));

    [Fact]
    public void AnEmptyPlanAndAnEmptyHostDoNotDiffer() => Assert.Empty(Of(new DeploymentPlan(), Nothing));

    [Theory]
    [InlineData("sshd.service", "sshd.service", true)]
    [InlineData("virt*d.socket", "virtqemud.socket", true)]
    [InlineData("virt*d.socket", "virtd.socket", true)]
    [InlineData("virt*d.socket", "virtqemud-ro.socket", false)]
    [InlineData("*a*a.service", "aa.service", true)]
    [InlineData("*a*a.service", "a.service", false)]
    [InlineData("a.service*", "a.service", true)]
    [InlineData("ssh.service", "Ssh.service", false)]
    public void AStarStandsForAnyText(string pattern, string unit, bool isMatch) => Assert.Equal(isMatch, UnitPattern.IsMatch(pattern, unit));

    [Fact]
    public void ARangeMayBeIdleAndAnAddressMustBeTheOne()
    {
        var facts = Nothing with
        {
            Sockets = () => [new("tcp", null, 22, "sshd"), new("tcp", IPAddress.Parse("10.0.0.1"), 5901, null), new("tcp", IPAddress.Loopback, 631, "cupsd"), new("tcp", IPAddress.Parse("::ffff:127.0.0.1"), 632, null), new("udp", null, 5901, null)],
        };
        var plan = new DeploymentPlan
        {
            Sockets = [new(22, "tcp") { Address = "192.0.2.1" }, new(5900, "tcp") { LastPort = 5999, Address = "0.0.0.0" }, new(49152, "tcp") { LastPort = 49215 }, new(80, "tcp")],
        };
        Assert.Equal(["Sockets Missing tcp 80", "Sockets Differs tcp 22", "Sockets Unplanned udp 5901"], Of(plan, facts));
    }

    [Fact]
    public void WhoIsTheOneAndPlannedAsTheOtherIsToldOnce()
    {
        var facts = Nothing with { Accounts = () => new AccountsFact([new("ann", 1000, ["sudo"], false), new("bob", 1001, [], false)], false) };
        Assert.Equal(["Administrators Missing bob", "Administrators Unplanned ann"], Of(new DeploymentPlan { Users = ["ann"], Administrators = ["bob", "root"] }, facts));
    }

    [Fact]
    public void WhoIsNotListedWhereThereIsADirectoryIsUnknown() =>
        Assert.Equal(["Users Unknown eve"], Of(new DeploymentPlan { Users = ["eve"] }, Nothing with { Accounts = () => new AccountsFact([], true) }));

    /// <summary>Also one that a draft does not have, as it is expected to be on or is none of virtualization's; and one that is off.</summary>
    [Fact]
    public void ABooleanIsWhatThePolicySaysNotWhatADraftHas()
    {
        var facts = Nothing with
        {
            Booleans = () => new Dictionary<string, SELinuxBoolean> { ["virt_use_usb"] = new(true, true), ["httpd_use_nfs"] = new(true, true), ["virt_use_nfs"] = new(false, false), ["virt_use_samba"] = new(true, true) },
        };
        static DeploymentPlan Plan(params (string Name, bool IsOn)[] booleans) => new() { Booleans = booleans.ToDictionary(one => one.Name, one => one.IsOn) };
        Assert.Empty(Of(Plan(("virt_use_usb", true), ("httpd_use_nfs", true), ("virt_use_nfs", false), ("virt_use_samba", true), ("virt_gone", false)), facts));
        Assert.Equal(
            ["Booleans Differs httpd_use_nfs", "Booleans Missing virt_gone", "Booleans Differs virt_use_nfs", "Booleans Differs virt_use_usb", "Booleans Unplanned virt_use_samba"],
            Of(Plan(("virt_use_usb", false), ("httpd_use_nfs", false), ("virt_use_nfs", true), ("virt_gone", true)), facts));
    }

    [Fact]
    public void WhatASocketStartsIsPlannedAndThereWithItsSocket()
    {
        static PlanFacts Facts(string socket, string service) => Nothing with
        {
            Units = () => [new("libvirtd.service", service, service == "active" ? "running" : "dead", "disabled") { TriggeredBy = ["libvirtd.socket"] }, new("libvirtd.socket", socket, socket == "active" ? "running" : "dead", "enabled")],
        };
        static DeploymentPlan Plan(params string[] units) => new() { Services = [.. units.Select(unit => new PlannedService(unit))] };
        Assert.Empty(Of(Plan("libvirtd.socket"), Facts("active", "active")));
        Assert.Empty(Of(Plan("libvirtd.socket", "libvirtd.service"), Facts("active", "inactive")));
        Assert.Equal(["Services Missing libvirtd.socket"], Of(Plan("libvirtd.socket", "libvirtd.service"), Facts("inactive", "active")));
        Assert.Equal(["Services Missing libvirtd.service"], Of(Plan("libvirtd.service"), Facts("inactive", "inactive")));
        Assert.Equal(["Services Unplanned libvirtd.service", "Services Unplanned libvirtd.socket"], Of(Plan(), Facts("active", "active")));
    }

    [Fact]
    public void ANetworkIsItsInterfacesWhateverItsName()
    {
        var facts = Nothing with
        {
            Networks = () => Networks(["eth0", "eth1", "virbr0"], new LibvirtNetwork("default", "virbr0", "nat")),
            Guests = () => new GuestsFact([new GuestTraits("web", [new GuestLink(true, "default")])], [], [], new HashSet<string>(), NoLinks, []),
        };
        var plan = new DeploymentPlan
        {
            Networks = [new("nat", NetworkRole.Guest) { Interfaces = ["virbr0"], IsRouted = true }, new("san", NetworkRole.Storage) { Interfaces = ["eth1"] }, new("admin", NetworkRole.Management) { Interfaces = ["eth0"] }],
            Guests = [new("web") { Networks = ["nat"] }],
        };
        Assert.Empty(Of(plan, facts));
        Assert.Equal(["Networks Differs virbr0", "Guests Differs web"], Of(plan with { Networks = [plan.Networks[0] with { IsRouted = false }, .. plan.Networks.Skip(1)], Guests = [new("web") { Networks = ["san"] }] }, facts));
        // libvirt makes its bridge when it starts the network.
        Assert.Empty(Of(plan, facts with { Networks = () => Networks(["eth0", "eth1"], new LibvirtNetwork("default", "virbr0", "nat")) }));
        Assert.Equal(["Networks Missing eth7"], Of(plan with { Networks = [.. plan.Networks, new("more", NetworkRole.Storage) { Interfaces = ["eth7"] }] }, facts));
    }

    [Fact]
    public void WhatCouldNotBeReadIsUnknownAndNothingInItIsMissing()
    {
        var facts = Nothing with
        {
            Units = () => throw new VirtException("ToolNotFound", "systemctl", "systemctl: not found"),
            Guests = () => new GuestsFact([new GuestTraits("web", [])], [], ["/etc/xen/a.cfg is not understood"], new HashSet<string>(), NoLinks, []),
        };
        var plan = new DeploymentPlan { Services = [new("a.service")], Guests = [new("mail"), new("web")] };
        Assert.Equal(["Services Unknown ", "Guests Unknown ", "Guests Unknown mail"], Of(plan, facts));
    }

    [Fact]
    public void AWaiverHoldsToTheEndOfItsLastDay() =>
        Assert.Equal(["Waivers Expired SEL-02"], Of(new DeploymentPlan { Waivers = [new("SEL-01", "r", "o", Today), new("SEL-02", "r", "o", Today.AddDays(-1))] }, Nothing));

    [Fact]
    public void APlanForTheOtherHypervisorIsAnErrorAndForNoneADifference()
    {
        Assert.Equal("PlanForOtherHypervisor", Assert.Throws<VirtException>(() => Of(new DeploymentPlan { Hypervisor = Hypervisor.Xen }, Nothing)).Id);
        Assert.Equal(["Hypervisor Missing Xen"], Of(new DeploymentPlan { Hypervisor = Hypervisor.Xen }, Nothing with { Hypervisor = null }));
    }

    /// <summary>By the real script, on this machine's own tables.</summary>
    [Fact]
    public void ASocketThatListensIsSeenWithItsProcess()
    {
        using var tcp = new TcpListener(IPAddress.Any, 0);
        tcp.Start();
        using var six = new TcpListener(IPAddress.Parse("::1"), 0);
        six.Start();
        var call = ListeningSockets.Look();
        var found = ListeningSockets.Read(Run(call));
        var ours = Assert.Single(found, socket => socket.Protocol == "tcp" && socket.Port == ((IPEndPoint)tcp.LocalEndpoint).Port);
        Assert.Null(ours.Address);
        Assert.Equal(File.ReadAllText("/proc/self/comm").Trim(), ours.Process);
        Assert.True(Assert.Single(found, socket => socket.Port == ((IPEndPoint)six.LocalEndpoint).Port).IsLoopback);
    }

    /// <summary>sudoers(5)'s own forms; the hashes do not leave the host, which the script sees to before anything is printed.</summary>
    [Fact]
    public void WhoMayBecomeRootIsReadFromSudoersAndGroups()
    {
        const string text = """
            passwd root:x:0:0::/root:/bin/bash
            passwd ann:x:1000:1000::/home/ann:/bin/bash
            passwd bob:x:1001:27::/home/bob:/bin/bash
            passwd eve:x:1002:1002::/home/eve:/bin/bash
            passwd dan:x:1003:1003::/home/dan:/bin/bash
            passwd low:x:999:999::/home/low:/bin/bash
            passwd off:x:1004:1004::/home/off:/sbin/nologin
            group sudo:x:27:
            group staff:x:50:eve
            defs UID_MIN	1000
            sources passwd:  files sss [NOTFOUND=return]
            directory /etc/sssd/sssd.conf
            sudoers Defaults !visiblepw # ann ALL=(ALL) ALL
            sudoers User_Alias ADMINS = dan, \
            sudoers   frank : OTHERS = gil
            sudoers ADMINS ALL=(ALL) NOPASSWD: ALL
            sudoers %staff	web=(root) /bin/systemctl
            sudoers #includedir /etc/sudoers.d
            """;
        var accounts = Accounts.Read(new ToolResult(Accounts.Look(), ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(text + "\n"), []));
        Assert.Equal(["ann False ", "bob False sudo", "eve True staff", "dan True "], accounts.People.Select(one => $"{one.Name} {one.HasSudo} {string.Join(',', one.Groups)}"));
        Assert.True(accounts.HasDirectory);
        // Distributions name sss wherever; without a configuration it knows nobody.
        Assert.False(Accounts.Read(new ToolResult(Accounts.Look(), ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(text.Replace("directory ", "no ", StringComparison.Ordinal) + "\n"), [])).HasDirectory);
        Assert.DoesNotContain(Encoding.UTF8.GetString(Run(Accounts.Look()).StdoutBytes).Split('\n'), line => line.Contains("passwd ", StringComparison.Ordinal) && line.Split(':')[1] != "x");
    }

    private static IEnumerable<string> Of(DeploymentPlan plan, PlanFacts facts) => [.. PlanDifferences.Of(plan, facts, Today).Select(one => $"{one.Section} {one.Kind} {one.Name}")];

    private static HostNetworks Networks(IReadOnlyList<string> interfaces, params LibvirtNetwork[] libvirt) => new(interfaces, new Dictionary<string, IReadOnlyList<string>>(), interfaces.Take(1).ToArray(), false, libvirt);

    private static ToolResult Run(ToolCall call)
    {
        using var process = Process.Start(new ProcessStartInfo(call.Argv[0], call.Argv[1..]) { RedirectStandardOutput = true })!;
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return new ToolResult(call, ToolOutcome.Exited, process.ExitCode, output.ToArray(), []);
    }
}
