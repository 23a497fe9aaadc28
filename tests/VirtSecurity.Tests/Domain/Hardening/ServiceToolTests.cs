using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Tests.Domain.Hardening.Scenarios;
using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hardening;

/// <summary>What the tools behind services, confinement and firewall say, as it is read; on what real tools said where there is such.</summary>
public sealed class ServiceToolTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    /// <summary>The real scripts on a real tree: of a password nothing is told but that there is one.</summary>
    [Fact]
    public async Task OfAPasswordItIsToldThatThereIsOne()
    {
        const string planted = "PLANTED";
        using var tree = new FactReaderTests.Tree();
        tree.Write("/etc/libvirt/qemu.conf", $"#vnc_password = \"{planted}1\"\nvnc_password = \"{planted}2\" # {planted}3\nspice_password='{planted}4'\nvnc_listen = \"::\"\n")
            .Write("/etc/xen/xend-config.sxp", $"(vncpasswd '{planted}5')\n(vnc-listen '0.0.0.0')\n")
            .Write("/etc/xen/a.cfg", $"name='a'\nvncpasswd=\"{planted}6\"\nspicepasswd = '{planted}7'\n")
            .Write("/etc/xen/b.cfg", "name='b'\nvncpasswd=''\nvfb = [ 'vnc=1,vncpasswd=' ]\n")
            .Write("/etc/libvirt/qemu/a.xml", $"<domain><name>a</name><devices><graphics type='vnc' passwd='{planted}8'/><graphics type='spice' passwd=''/></devices></domain>");
        var facts = await Dom0FactReader.ReadAsync(new LocalHost(new VirtHost("localhost"), new QuietLog()), Catalogue.Questions(Catalogue.Rules), tree.Root, DateTime.UnixEpoch, Test);
        Assert.All(facts, fact => Assert.DoesNotContain(planted, fact.Text + fact.Error, StringComparison.Ordinal));
        string Text(string key) => facts.Single(fact => fact.Key == key).Text;
        Assert.Contains("\n vnc_password = \"set\"\n spice_password= \"set\"\n vnc_listen = \"::\"\n", Text("libvirt-conf"), StringComparison.Ordinal);
        Assert.Contains(" (vncpasswd set)\n (vnc-listen '0.0.0.0')\n", Text("xen-defined"), StringComparison.Ordinal);
        Assert.Contains(" vncpasswd=\"set\"\n spicepasswd = \"set\"\n", Text("xen-defined"), StringComparison.Ordinal);
        Assert.Contains(" vncpasswd=''\n vfb = [ 'vnc=1,vncpasswd=' ]\n", Text("xen-defined"), StringComparison.Ordinal);
        Assert.Equal([true, false], DomainXml.Parse(HostFile.Parse(Text("libvirt-defined"))[0].Text).Displays.Select(display => display.HasPassword));
    }

    [Fact]
    public void UnitsAreThoseThatAreLoadedAndThoseThatABootStarts()
    {
        var units = UnitStates.Read("Type=notify\nId=getty@tty1.service\nActiveState=active\nSubState=running\nUnitFileState=enabled\n\nType=oneshot\nId=a.service\nActiveState=inactive\nSubState=dead\nUnitFileState=masked\n\n@end\n");
        Assert.True(units.Single(unit => unit.Name == "getty@tty1.service") is { IsAtWork: true, IsEnabled: true });
        Assert.True(units.Single(unit => unit.Name == "a.service") is { IsOn: false, FileState: "masked" });
        Assert.Throws<FormatException>(() => UnitStates.Read("Type=notify\nId=getty@tty1.service\nActiveState=active\n"));
        Assert.Throws<FormatException>(() => UnitStates.Read("\n@end\n"));
        static HostFile Link(string path, string stat = "81a4 0 0 9 1") => HostFile.FromStat(path, stat, "?");
        Assert.Equal(["nfs-server.service", "sshd.service"], UnitStates.OfLinks([Link("/etc/rc3.d/S20sshd"), Link("/etc/systemd/system/multi-user.target.wants/nfs-server.service"), Link("/etc/systemd/system/timers.target.wants/apt.timer"), Link("/etc/systemd/system/poweroff.target.wants/mdadm-shutdown.service"), Link("/etc/rc5.d/S20sshd"), Link("/etc/rc6.d/S90reboot")]).Select(unit => unit.Name));
        // Where systemd is, a unit goes before the script of its name; without systemd, a unit is a file that nobody reads.
        HostFile[] both = [Link("/etc/rc2.d/S01nfs-kernel-server"), Link("/etc/rc2.d/S01xen"), Link("/usr/lib/systemd/system/nfs-kernel-server.service")];
        Assert.Equal(["xen.service"], UnitStates.OfLinks([.. both, Link("/usr/lib/systemd/systemd")]).Select(unit => unit.Name));
        Assert.Equal(["nfs-kernel-server.service", "xen.service"], UnitStates.OfLinks(both).Select(unit => unit.Name));
        // A link to /dev/null in the unit's place, or an empty file there, masks it: the links of its boot are of no use then.
        Assert.Equal(["c.service"], UnitStates.OfLinks([.. ((string[])["a", "b", "c"]).Select(name => Link($"/etc/systemd/system/multi-user.target.wants/{name}.service")), Link("/etc/systemd/system/a.service", "21b6 0 0 0 1"), Link("/etc/systemd/system/b.service", "81a4 0 0 0 1"), Link("/etc/systemd/system/c.service")]).Select(unit => unit.Name));
    }

    [Fact]
    public void LibvirtsFilesAreReadWithTheirListsAndComments()
    {
        var conf = Conf("  a = 1 # one\nb=\"x # y\"\nc = [ \"p\", # first\n  'q',\n]\nd = []\ne = -5\na = 2\n");
        Assert.Equal(("2", "x # y", "", "-5"), (conf.Value("a"), conf.Value("b"), conf.Value("d"), conf.Value("e")));
        Assert.Equal(["p", "q"], conf.List("c")!);
        Assert.Null(conf.Value("f"));
        Assert.Equal("/etc/libvirt/x.conf: c = [p, q]", conf.Line("c"));
        var shipped = Conf(Services.Recorded("qemu.conf"));
        Assert.Equal(("libvirt-qemu", null, "0.0.0.0"), (shipped.ShippedDefault("user"), shipped.Value("user"), shipped.ShippedDefault("vnc_listen")));
        Assert.All((string[])["a = ", "a = yes\n", "= 1\n", "a = [ \"x\"\n", "a 1\n", "a = \"open\n"], text => Assert.Throws<FormatException>(() => Conf(text)));
        // A list without an end costs no time, whatever its comments could be taken for.
        Assert.Throws<FormatException>(() => Conf("a = [" + string.Concat(Enumerable.Repeat("# comment \"x' y\n", 20_000))));

        static LibvirtConf Conf(string text) => LibvirtConf.Of("/etc/libvirt/x.conf", HostFile.FromStat("/etc/libvirt/x.conf", "81a4 0 0 1 1", "?") with { Content = text, Reason = "" });
    }

    /// <summary>What recorded rules do with a packet.</summary>
    [Theory]
    [InlineData("nft-deny.json", "ip", "tcp", 22, "", "Accepted", "input: tcp dport 22 accept")]
    [InlineData("nft-deny.json", "ip6", "tcp", 22, "eth9", "Accepted", "input: tcp dport 22 accept")]
    [InlineData("nft-deny.json", "ip", "udp", 22, "", "Denied", "policy drop")]
    [InlineData("nft-deny.json", "ip", "tcp", 49200, "", "Denied", "policy drop")]
    [InlineData("nft-deny.json", "ip", "tcp", 22, "lo", "Accepted", "iifname lo")]
    [InlineData("nft-of-firewalld.json", "ip", "tcp", 22, "", "Accepted", "filter_IN_public_allow: tcp dport 22")]
    [InlineData("nft-of-firewalld.json", "ip", "udp", 53, "virbr0", "Accepted", "filter_IN_libvirt_allow: udp dport 53")]
    [InlineData("nft-of-firewalld.json", "ip", "udp", 53, "", "Denied", "filter_IN_public: reject")]
    [InlineData("nft-of-firewalld.json", "ip", "tcp", 16509, "virbr0", "Denied", "filter_IN_libvirt_post: reject")]
    [InlineData("nft-of-firewalld.json", "ip6", "udp", 546, "", "Denied", "reject")]
    [InlineData("nft-debian-default.json", "ip6", "tcp", 5900, "", "Accepted", "policy accept")]
    [InlineData("nft-of-iptables.json", "ip", "tcp", 5900, "", "Uncertain", "xt match")]
    public void APacketGoesWhereTheKernelWouldSendIt(string recorded, string family, string protocol, int port, string door, string fate, string by)
    {
        var decision = FirewallWalk.Of(NftRuleset.Read(Services.Recorded(recorded)), new FirewallProbe(family, protocol, port, door));
        Assert.Equal(fate, decision.Fate.ToString());
        Assert.Contains(by, decision.By, StringComparison.Ordinal);
    }

    /// <summary>What administrators write by hand: limits of packets, connections and bytes, flags of TCP, pairs of values, maps of verdicts, words for addresses. <c>named</c>: from an address that is let in.</summary>
    [Theory]
    [InlineData("idioms", "ip tcp 22 eth0", "Accepted", "open: fib type of daddr local")]
    [InlineData("idioms", "ip tcp 22", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 23 eth0", "Denied", "reject")]
    [InlineData("idioms", "ip udp 23 eth1", "Accepted", "vmap")]
    [InlineData("idioms", "ip tcp 79", "Accepted", "tcp dport 79")]
    [InlineData("idioms", "ip udp 79", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 80", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 80 named", "Accepted", "ip saddr . tcp dport { 192.0.2.7 . 80, 192.0.2.8 . 443 }")]
    [InlineData("idioms", "ip tcp 5905", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 5905 named", "Accepted", "ip saddr . tcp dport @pairs")]
    [InlineData("idioms", "ip6 tcp 5905 named", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 81", "Accepted", "dport 81")]
    [InlineData("idioms", "ip tcp 82", "Accepted", "dport 82")]
    [InlineData("idioms", "ip6 tcp 82", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 83", "Accepted", "dport 83")]
    [InlineData("idioms", "ip tcp 84", "Denied", "input: reject")]
    [InlineData("idioms", "ip tcp 85", "Accepted", "dport 85")]
    [InlineData("idioms", "ip udp 86", "Accepted", "dport 86")]
    [InlineData("idioms", "ip tcp 87", "Denied", "reject")]
    [InlineData("idioms", "ip tcp 87 wg0", "Accepted", "dport 87")]
    [InlineData("more", "ip tcp 1", "Accepted", "tcp flags & (fin|syn|rst|ack) syn")]
    [InlineData("more", "ip udp 1", "Denied", "policy drop")]
    [InlineData("more", "ip udp 1 b7", "Accepted", "iifname")]
    [InlineData("more", "ip udp 90", "Denied", "dport 90")]
    [InlineData("more", "ip udp 90 named", "Denied", "policy drop")]
    [InlineData("more", "ip udp 91", "Accepted", "dport 91")]
    [InlineData("more", "ip udp 92", "Accepted", "dport 92")]
    public void WhatIsWrittenByHandIsFollowedToo(string table, string packet, string fate, string by)
    {
        var ruleset = NftRuleset.Read(Services.Recorded("nft-idioms.json"));
        var words = packet.Split(' ');
        var decision = FirewallWalk.Of(
            new FirewallRuleset([.. ruleset.Chains.Where(chain => chain.Table == table)]),
            new FirewallProbe(words[0], words[1], int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture), words.ElementAtOrDefault(3) is { } door and not "named" ? door : "") { IsFromAnybodyNamed = words[^1] == "named" });
        Assert.Equal(fate, decision.Fate.ToString());
        Assert.Contains(by, decision.By, StringComparison.Ordinal);
    }

    /// <summary>The chains of a table that sleeps are not called. In the words of newer tools: the recorded one breaks off at such a table.</summary>
    [Theory]
    [InlineData("\"dormant\"", "Accepted")]
    [InlineData("[\"dormant\"]", "Accepted")]
    [InlineData("[\"owner\", \"persist\"]", "Denied")]
    public void ATableThatSleepsDeniesNothing(string flags, string fate)
    {
        var text = Services.Recorded("nft-deny.json").Replace("\"name\": \"filter\", \"handle\": 1}}", $"\"name\": \"filter\", \"handle\": 1, \"flags\": {flags}}}}}", StringComparison.Ordinal);
        Assert.Contains(flags, text, StringComparison.Ordinal);
        Assert.Equal(fate, FirewallWalk.Of(NftRuleset.Read(text), new FirewallProbe("ip", "tcp", 5900)).Fate.ToString());
    }

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.255", true)]
    [InlineData("192.0.2.0/25", "192.0.2.128", false)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7-192.0.2.9", "192.0.2.8", true)]
    [InlineData("192.0.2.7-192.0.2.9", "192.0.2.10", false)]
    [InlineData("2001:db8::/32", "2001:db8:1::1", true)]
    [InlineData("2001:db8::/32", "192.0.2.7", false)]
    [InlineData("0.0.0.0/0", "192.0.2.7", true)]
    [InlineData("10.0.0.0/33", "10.0.0.0", false)]
    [InlineData("@set", "192.0.2.7", false)]
    public void AnAddressIsInWhatARuleWrites(string range, string address, bool isIn) => Assert.Equal(isIn, NetAddress.IsIn(range, System.Net.IPAddress.Parse(address)));

    /// <summary>Old tables and new ones of the same rules come to the same, and where nft knows half of a rule iptables' own words count.</summary>
    [Theory]
    [InlineData("@ip legacy", "iptables-legacy-save.txt")]
    [InlineData("@ip nft", "iptables-nft-save.txt")]
    public void IptablesOwnWordsCount(string section, string recorded)
    {
        var nft = section.EndsWith("nft", StringComparison.Ordinal) ? NftRuleset.Read(Services.Recorded("nft-of-iptables.json")) : new FirewallRuleset([]);
        var ruleset = Iptables.Together(nft, $"{section}\n{Services.Recorded(recorded)}@end\n");
        FirewallFate Fate(int port, bool isNamed = false, string family = "ip") => FirewallWalk.Of(ruleset, new FirewallProbe(family, "tcp", port) { IsFromAnybodyNamed = isNamed }).Fate;
        Assert.Equal((FirewallFate.Accepted, FirewallFate.Denied, FirewallFate.Denied), (Fate(22), Fate(16514), Fate(5900)));
        Assert.Equal((FirewallFate.Accepted, FirewallFate.Accepted, FirewallFate.Denied), (Fate(16514, true), Fate(49200, true), Fate(5900, true)));
        Assert.Equal(FirewallFate.Accepted, Fate(5900, family: "ip6"));
    }

    /// <summary>One chain that denies is enough; one that accepts beside it opens nothing, and one that cannot be told does not make it uncertain.</summary>
    [Theory]
    [InlineData(":INPUT DROP [0:0]", "*mangle\n:INPUT ACCEPT [0:0]\nCOMMIT\n", "Denied")]
    [InlineData(":INPUT ACCEPT [0:0]", "*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n", "Denied")]
    [InlineData(":INPUT ACCEPT [0:0]", "*nat\n:PREROUTING DROP [0:0]\nCOMMIT\n", "Accepted")]
    [InlineData(":INPUT DROP [0:0]", "*mangle\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set x src -j ACCEPT\nCOMMIT\n", "Denied")]
    [InlineData(":INPUT ACCEPT [0:0]", "*mangle\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set x src -j ACCEPT\nCOMMIT\n", "Uncertain")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT ! -s 192.0.2.0/24 -j DROP", "", "Denied")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.0/24 -j DROP", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -s 0.0.0.0/1 -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -d 224.0.0.251/32 -j ACCEPT", "", "Denied")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m limit --limit 9/sec -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m comment --comment \"-j DROP it\" -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n:A - [0:0]\n-A INPUT -g A\n-A INPUT -j ACCEPT\n-A A -p udp -j ACCEPT", "", "Denied")]
    [InlineData(":INPUT DROP [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A INPUT -j ACCEPT\n-A A -p tcp -j RETURN", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -j NFQUEUE --queue-num 1", "", "Uncertain")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -d 192.0.2.7/32 -j DROP", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -d 192.0.2.7/32 -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -f -j DROP", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctorigdst 192.0.2.7/32 -j DROP", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m conntrack --ctdir ORIGINAL -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m connlimit --connlimit-above 20 --connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -m hashlimit --hashlimit-above 5/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name x -j DROP", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m recent --rcheck --seconds 30 --name KNOCK --mask 255.255.255.255 --rsource -j ACCEPT", "", "Denied")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT", "", "Denied")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m pkttype --pkt-type unicast -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m physdev --physdev-in vnet0 -j ACCEPT", "", "Denied")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --sport 53 -j ACCEPT", "", "Accepted")]
    [InlineData(":INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --sport 1:1023 -j DROP", "", "Accepted")]
    [InlineData(":INPUT DROP [0:0]\n-A INPUT -m mark --mark 0x1 -j ACCEPT", "", "Uncertain")]
    public void ChainsAreFollowedAsTheKernelDoes(string filter, string other, string fate)
    {
        var ruleset = Iptables.Together(new FirewallRuleset([]), $"@ip legacy\n*filter\n{filter}\nCOMMIT\n{other}@end\n");
        Assert.Equal(fate, FirewallWalk.Of(ruleset, new FirewallProbe("ip", "tcp", 5900)).Fate.ToString());
    }

    /// <summary>The scripts themselves, on this machine: what they print is read, whatever firewall there is.</summary>
    [Fact]
    public async Task TheRulesOfThisMachineAreRead()
    {
        var host = new LocalHost(new VirtHost("localhost"), new QuietLog());
        var results = await host.RunAsync([NftRuleset.List(), Iptables.Save(), SshdConfig.Test()], BatchMode.RunAll, Test);
        Assert.All(results, result => Assert.True(result is { Outcome: ToolOutcome.Exited, ExitCode: 0 or 127 }, $"{result.Call.Tool}: {result.ExitCode} {result.Stderr}"));
        var nft = results[0].ExitCode == 0 ? NftRuleset.Read(results[0].Stdout) : new FirewallRuleset([]);
        if (results[1].ExitCode == 0) Assert.True(Iptables.Together(nft, results[1].Stdout).Chains.Count >= nft.Chains.Count);
        Assert.True(results.Any(result => result.ExitCode == 0), "none of the scripts ran");
    }
}
