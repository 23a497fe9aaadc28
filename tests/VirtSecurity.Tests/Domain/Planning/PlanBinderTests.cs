using VirtSecurity.Planning;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>One look at a plan tells all that is wrong with it, each with file, line and key, and what was probably meant.</summary>
public sealed class PlanBinderTests
{
    [Fact]
    public void AllThatIsWrongIsToldInTheFilesOrder()
    {
        const string text = """
            @{
                FormatVersion = 1
                Hypervisor = 'Kmv'
                Servces = @()
                Sockets = @(
                    @{ Port = 70000; Protocol = 'tcp' }
                    @{ Port = 22; Protocol = 'sctp'; Form = '10.0.0.0/8' }
                    @{ Port = 5900; LastPort = 5800; Protocol = 'tcp'; Address = '10.1'; From = '10.0.0.1/8', '10.0.0.0/33', '10.0.0.0/8', '10.0.0.0/8' }
                )
                Users = @('ann', 'root user', 5)
                Administrators = 'ann'
                Guests = @(
                    @{ Name = 'web'; Networks = 'guest'; Needs = 'Migraton' }
                    @{ Name = 'web' }
                    @{ Services = @() }
                )
                Networks = @{ Name = 'guests'; Role = 'Guest'; Interfaces = 'a-name-that-is-too-long' }
                Users = @()
                Waivers = @{ Id = 'FWL-99'; Reason = ''; Owner = 'ann'; Expires = '31.12.2030' }
            }
            """;
        var reading = Plans.Read("plan.psd1", text, "FWL-01", "FWL-09");
        Assert.Null(reading.Plan);
        Assert.Equal(
            [
                "PlanValueInvalid plan.psd1:3: Hypervisor is not right: Kmv is none of its words; the nearest is Kvm.",
                "PlanKeyUnknown plan.psd1:4: a plan has no key Servces; the nearest is Services.",
                "PlanValueInvalid plan.psd1:6: Sockets[0].Port is not right: it is a whole number from 1 to 65535.",
                "PlanValueInvalid plan.psd1:7: Sockets[1].Protocol is not right: sctp is none of its words; there are tcp, udp.",
                "PlanKeyUnknown plan.psd1:7: a plan has no key Sockets[1].Form; the nearest is From.",
                "PlanValueInvalid plan.psd1:8: Sockets[2].Address is not right: it is no IPv4 or IPv6 address.",
                "PlanValueInvalid plan.psd1:8: Sockets[2].From[0] is not right: 192.0.2.0/24 is how a network is written: the address has bits beyond the 8 of the network.",
                "PlanValueInvalid plan.psd1:8: Sockets[2].From[1] is not right: it is neither an address nor a network such as 192.0.2.0/24.",
                "PlanValueInvalid plan.psd1:8: Sockets[2].From[3] is not right: 10.0.0.0/8 is in the list already.",
                "PlanValueInvalid plan.psd1:8: Sockets[2].LastPort is not right: the range begins with 5900 and cannot end before it.",
                "PlanValueInvalid plan.psd1:10: Users is not right: ann is among the administrators already.",
                "PlanValueInvalid plan.psd1:10: Users[1] is not right: it is no name of an account.",
                "PlanValueInvalid plan.psd1:10: Users[2] is not right: it is a text, not a number.",
                "PlanValueInvalid plan.psd1:13: Guests[0].Needs[0] is not right: Migraton is none of its words; the nearest is Migration.",
                "PlanValueInvalid plan.psd1:13: Guests[0].Networks[0] is not right: the plan has no network guest; the nearest is guests.",
                "PlanValueInvalid plan.psd1:14: Guests[1].Name is not right: web is planned already.",
                "PlanKeyMissing plan.psd1:15: the key Guests[2].Name is missing.",
                "PlanValueInvalid plan.psd1:17: Networks[0].Interfaces[0] is not right: it is no name of an interface: up to 15 characters without blanks, / and :.",
                "PlanKeyTwice plan.psd1:18: the key Users is there twice.",
                "PlanValueInvalid plan.psd1:19: Waivers[0].Expires is not right: it is no day, such as 2030-12-31.",
                "PlanValueInvalid plan.psd1:19: Waivers[0].Id is not right: there is no check FWL-99; the nearest is FWL-09.",
                "PlanValueInvalid plan.psd1:19: Waivers[0].Reason is not right: it is empty.",
            ],
            Plans.Told(reading).OrderBy(line => int.Parse(line.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture)).ThenBy(line => line.Split(' ', 3)[2], StringComparer.Ordinal));
        Assert.All(reading.Problems, problem => Assert.NotEmpty(problem.Remedy));
    }

    /// <summary>A value, where it stands, and what is said of it.</summary>
    public static TheoryData<string, string> Wrong => new()
    {
        { """{ "Services": "sshd.service" }""", "Services is not right: it is a list, not a text" },
        { """{ "Services": ["sshd.service"] }""", "Services[0] is not right: it is a table with keys Name, Purpose, not a text" },
        { """{ "Services": [{ "Name": "sshd" }] }""", "Services[0].Name is not right: it is no unit with its type" },
        { """{ "Services": [{ "Name": "*" }] }""", "Services[0].Name is not right: it is no unit with its type" },
        { """{ "Services": [{ "Name": "*.service" }] }""", "Services[0].Name is not right: it is no unit with its type" },
        { """{ "Services": [{ "Name": "a.service" }, { "Name": "a.service" }] }""", "Services[1].Name is not right: a.service is planned already" },
        { """{ "Services": [{ "Name": "a.service", "Purpose": "two\nlines" }] }""", "Services[0].Purpose is not right: it has a control character" },
        { """{ "Sockets": [{ "Port": 22.5, "Protocol": "tcp" }] }""", "Sockets[0].Port is not right: it is a whole number" },
        { """{ "Sockets": [{ "Port": "22", "Protocol": "tcp" }] }""", "Sockets[0].Port is not right: it is a whole number" },
        { """{ "Sockets": [{ "Port": 22 }] }""", "the key Sockets[0].Protocol is missing" },
        { """{ "Sockets": [{ "Port": 22, "Protocol": "tcp" }, { "Port": 22, "Protocol": "tcp" }] }""", "Sockets[1].Port is not right: tcp 22 is planned already" },
        { """{ "Sockets": [{ "Port": 22, "Protocol": "TCP" }] }""", "Sockets[0].Protocol is not right: TCP is none of its words; the nearest is tcp" },
        { """{ "Sockets": [{ "Port": 22, "Protocol": "tcp", "Address": "010.0.0.1" }] }""", "Sockets[0].Address is not right" },
        { """{ "Sockets": [{ "Port": 22, "Protocol": "tcp", "Address": "fe80::1%eth0" }] }""", "Sockets[0].Address is not right" },
        { """{ "Sockets": [{ "Port": 22, "Protocol": "tcp", "From": ["host.example"] }] }""", "Sockets[0].From[0] is not right" },
        { """{ "Sockets": [{ "Port": 22, "Protocol": "tcp", "From": ["2001:db8::1/32"] }] }""", "Sockets[0].From[0] is not right: 192.0.2.0/24 is how" },
        { """{ "hypervisor": "Kvm" }""", "a plan has no key hypervisor; the nearest is Hypervisor" },
        { """{ "Hypervisor": "VMware" }""", "Hypervisor is not right: VMware is none of its words; there are Kvm, Xen" },
        { """{ "Hypervisor": true }""", "Hypervisor is not right: it is one of Kvm, Xen, not true or false" },
        { """{ "Hypervisor": "Kvm", "Hypervisor": "Xen" }""", "the key Hypervisor is there twice" },
        { """{ "Colour": "red" }""", "a plan has no key Colour; there are FormatVersion, Hypervisor, Services" },
        { """{ "Booleans": ["virt_use_nfs"] }""", "Booleans is not right: it is a table of names, not a list" },
        { """{ "Booleans": { "virt_use_nfs": "on" } }""", "Booleans.virt_use_nfs is not right: it is true or false, not a text" },
        { """{ "Booleans": { "virt-use-nfs": true } }""", "Booleans.virt-use-nfs is not right: it is no name of a boolean" },
        { """{ "Booleans": { "virt_use_nfs": true, "virt_use_nfs": false } }""", "the key Booleans.virt_use_nfs is there twice" },
        { """{ "Booleans": { "virt_use_nfs": null } }""", "Booleans.virt_use_nfs is not right: it is true or false, not nothing" },
        { """{ "Networks": [{ "Name": "a/b", "Role": "Guest" }] }""", "Networks[0].Name is not right: a name has no / in it" },
        { """{ "Networks": [{ "Name": "a", "Role": 1 }] }""", "Networks[0].Role is not right: it is one of Management, Storage, Guest, not a number" },
        { """{ "Networks": [{ "Name": "a", "Role": "Guest", "IsRouted": "yes" }] }""", "Networks[0].IsRouted is not right: it is true or false, not a text" },
        { """{ "Networks": [{ "Name": "a", "Role": "Guest", "Interfaces": [".."] }] }""", "Networks[0].Interfaces[0] is not right" },
        { """{ "Volumes": [{ "MountPoint": "/virtstorage" }] }""", "the key Volumes[0].VolumeGroup is missing" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "MountPoint": "/virtstorage" }] }""", "the key Volumes[0].Name is missing" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "MountPoint": "/etc/images" }] }""", "Volumes[0].MountPoint is not right: '/etc/images' is refused" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "MountPoint": "/srv/images/" }] }""", "Volumes[0].MountPoint is not right: '/srv/images/' cannot be used" },
        { """{ "Volumes": [{ "VolumeGroup": "-vg", "Name": "a" }] }""", "Volumes[0].VolumeGroup is not right: '-vg' cannot be the name" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "Size": "much" }] }""", "Volumes[0].Size is not right: 'much' is no size" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "Size": 0 }] }""", "Volumes[0].Size is not right: a size in bytes is a whole number above 0" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "FileSystem": "ext4" }] }""", "Volumes[0].FileSystem is not right: what has no mount point is a guest's own disk" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "MountPoint": "/a", "FileSystem": "btrfs" }] }""", "Volumes[0].FileSystem is not right: btrfs is none of its words" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a" }, { "VolumeGroup": "vg0", "Name": "a", "MountPoint": "/a" }] }""", "Volumes[1].Name is not right: vg0/a is planned already" },
        { """{ "Volumes": [{ "VolumeGroup": "vg0", "Name": "a", "MountPoint": "/a" }, { "VolumeGroup": "vg0", "Name": "b", "MountPoint": "/a" }] }""", "Volumes[1].MountPoint is not right: /a is planned already" },
        { """{ "Volumes": [{ "DevicePath": "/dev/sdb1" }] }""", "the key Volumes[0].MountPoint is missing" },
        { """{ "Volumes": [{ "DevicePath": "/etc/passwd", "MountPoint": "/a" }] }""", "Volumes[0].DevicePath is not right: it is no device below /dev" },
        { """{ "Volumes": [{ "DevicePath": "/dev/sdb1", "VolumeGroup": "vg0", "MountPoint": "/a" }] }""", "Volumes[0].VolumeGroup is not right: a device has neither" },
        { """{ "Guests": [{ "Name": "a", "Networks": ["guests"] }] }""", "Guests[0].Networks[0] is not right: the plan has no Networks" },
        { """{ "Guests": [{ "Name": "a", "Needs": ["Nested", "Nested"] }] }""", "Guests[0].Needs[1] is not right: Nested is in the list already" },
        { """{ "Waivers": [{ "Id": "FWL-2", "Reason": "r", "Owner": "o", "Expires": "2030-01-01" }] }""", "Waivers[0].Id is not right: it is no check's id" },
        { """{ "Waivers": [{ "Id": "FWL-02", "Reason": "r", "Owner": "o", "Expires": "2030-02-30" }] }""", "Waivers[0].Expires is not right: it is no day" },
        { """{ "Waivers": [{ "Id": "FWL-02", "Reason": "r", "Owner": "o" }] }""", "the key Waivers[0].Expires is missing" },
        { """{ "FormatVersion": 0 }""", "FormatVersion is not right: it is a whole number from 1 to 1" },
        { """[]""", "the plan is not right: it is a table of keys, not a list" },
        { "\"text\"", "the plan is not right: it is a table of keys, not a text" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void WhatIsWrongIsSaid(string json, string words)
    {
        var reading = Plans.Read("a.json", json);
        Assert.Null(reading.Plan);
        Assert.StartsWith($"a.json:1: {words}", Assert.Single(reading.Problems, problem => problem.Message.Contains(words, StringComparison.Ordinal)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APlanOfAVersionToComeIsThatAndNoHeapOfUnknownKeys()
    {
        var problem = Assert.Single(Plans.Read("a.psd1", "@{\n Colours = 'red'\n FormatVersion = 2\n}").Problems);
        Assert.Equal("PlanNewer", problem.Id);
        Assert.Equal("a.psd1:3: the plan is of format version 2, and this module reads version 1.", problem.Message);
    }

    [Theory]
    [InlineData("Servces", "Services")]
    [InlineData("sevrices", "Services")]
    [InlineData("Adminstrators", "Administrators")]
    [InlineData("Hypervisors", "Hypervisor")]
    [InlineData("Colour", null)]
    [InlineData("", null)]
    public void TheNearestWordIsTheOneWithAFewLettersWrong(string given, string? nearest) =>
        Assert.Equal(nearest, NearestWord.Of(given, ["Services", "Administrators", "Hypervisor", "Users"]));

    [Fact]
    public void ANearestWordCanBeHadHoweverFarItIs()
    {
        Assert.Equal("Users", NearestWord.AnyOf("Colour", ["Services", "Users"]));
        Assert.Equal("SEL-01", NearestWord.AnyOf(new string('x', 1_000_000), ["SEL-01", "SEL-10"]));
    }
}
