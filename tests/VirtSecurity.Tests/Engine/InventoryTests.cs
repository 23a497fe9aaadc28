using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Listing and repairing from a script.</summary>
public sealed class InventoryTests
{
    private const string Guest = "<domain type='kvm'>\n  <name>web</name>\n  <devices>\n    <disk><source file='/virtstorage/web.img'/></disk>\n    <graphics type='vnc' passwd='s3cret'/>\n  </devices>\n</domain>\n";

    [Fact]
    public void WhatIsThereIsListedByNameInOneRoundTripAHost()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1").Write("etc/libvirt/qemu/web.xml", Guest);
        hosts.Add("kvm2");
        hosts.Add("kvm3").Write("etc/libvirt/qemu/torn.xml", "<domain><name>t");
        hosts.Run("New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1, kvm2; New-SecureGuestVolume volumegroup other 1GB /other -VirtHost kvm1");
        var calls = hosts.SshCalls.Count;
        var all = hosts.Run("Get-SecureGuestVolume -VirtHost kvm1, kvm2, kvm3 -Debug");
        Assert.Equal(3, hosts.SshCalls.Count - calls);
        Assert.Equal(["kvm1/images", "kvm1/other", "kvm2/images"], all.Output.Select(volume => $"{Text(volume, "VirtHost")}/{Text(volume, "Name")}").Order());
        Assert.All(all.Output, volume => Assert.Equal(("", "True"), (Text(volume, "Problem"), Text(volume, "IsCompliant"))));
        Assert.Equal("web", Text(all.Output.Single(volume => Text(volume, "VirtHost") == "kvm1" && Text(volume, "Name") == "images"), "Guest"));
        Assert.Matches("^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$", Text(all.Output[0], "Run"));
        Assert.DoesNotContain(all.Debug, text => text.Contains("s3cret", StringComparison.Ordinal));
        Assert.Contains(all.Debug, text => text.Contains("web.img", StringComparison.Ordinal));
        var torn = Assert.Single(all.Errors);
        Assert.Contains("torn.xml", Text(torn, "Message"), StringComparison.Ordinal);
        Assert.StartsWith("FactUnknown,", Text(torn, "FullyQualifiedErrorId"), StringComparison.Ordinal);

        (string Code, string Names, string Missing)[] filters =
        [
            ("volumegroup", "images other", ""), ("vol* *m*", "images", ""), ("volumegroup images", "images", ""), ("volumegroup images, other", "images other", ""), ("volumegroup Images", "", "Images"),
            ("nogroup *", "", "nogroup"), ("nogroup*", "", ""), ("volumegroup x*", "", ""), ("volumegroup images, nosuch", "images", "nosuch"), ("-MountPoint /other", "other", ""),
            ("-MountPoint /o*", "other", ""), ("-MountPoint /Other", "", "/Other"), ("-DevicePath /dev/volumegroup/*", "images other", ""), ("volumegroup images -MountPoint /other", "", "volumegroup images /other"),
            ("-VGName *", "images other", ""), ("* [io]*", "images other", ""),
        ];
        var cases = new Cases(hosts, [
            .. filters.Select(filter => (filter.Code, $"Get-SecureGuestVolume {filter.Code} -VirtHost kvm1")),
            ("again", "Get-SecureGuestVolume -VirtHost kvm1 | Get-SecureGuestVolume"),
            ("label", "Get-SecureGuestVolume -MountPoint /other -VirtHost kvm1 | Set-VirtImageContext"),
            ("new", "Get-SecureGuestVolume -MountPoint /other -VirtHost kvm1 | New-SecureGuestVolume"),
            ("first", "Get-SecureGuestVolume -VirtHost kvm1, kvm2 | Select-Object -First 1"),
        ]);
        foreach (var filter in filters)
        {
            Assert.Equal(filter.Missing, string.Join(' ', cases.Errors(filter.Code).Select(error => error.Target)));
            Assert.All(cases.Errors(filter.Code), error => Assert.Equal(("VolumeNotFound", "ObjectNotFound"), (error.Id, error.Category)));
            if (filter.Missing.Length == 0) Assert.Equal(filter.Names, string.Join(' ', cases.Output(filter.Code).Select(volume => Text(volume, "Name"))));
        }

        Assert.Equal(["images", "other"], cases.Output("again").Select(volume => Text(volume, "Name")));
        Assert.Equal("True", cases.Text("label", "IsCompliant"));
        Assert.Equal("other", cases.Text("new", "Name"));
    }

    [Fact]
    public void WhatDoesNotAgreeIsRepairedAndOnlyThat()
    {
        using var hosts = new ScriptedHosts();
        var host = hosts.Add("kvm1");
        hosts.Run("New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1; New-SecureGuestVolume volumegroup other 1GB /other -VirtHost kvm1");
        var fstab = host.Read("etc/fstab");
        host.Write("etc/fstab", "# by hand\n" + fstab.Replace("/virtstorage ext4 nodev,nosuid,noexec,nofail", "/virtstorage ext4\tdefaults,exec,nofail", StringComparison.Ordinal).TrimEnd('\n'));
        host.Write("proc/self/mountinfo", host.Read("proc/self/mountinfo").Replace("/virtstorage rw,nodev,nosuid,noexec,relatime", "/virtstorage rw,relatime", StringComparison.Ordinal));
        host.Label("/virtstorage", "unconfined_u:object_r:default_t:s0").Write("state/log", "");

        var whatIf = hosts.Run("Get-SecureGuestVolume -VirtHost kvm1 | Where-Object Problem | ForEach-Object { $_.Problem.Id -join ' '; $_ } | Repair-SecureGuestVolume -WhatIf");
        Assert.Empty(host.Changes);
        var shown = string.Join('\n', whatIf.Console);
        Assert.Contains("mount -o remount,rw,relatime,nodev,nosuid,noexec -- /dev/volumegroup/images /virtstorage", shown, StringComparison.Ordinal);
        Assert.Contains("restorecon -- /virtstorage ", shown, StringComparison.Ordinal);

        var run = hosts.Run("Get-SecureGuestVolume -VirtHost kvm1 | Where-Object Problem | ForEach-Object { $_.Problem.Id -join ' '; $_ }; Get-SecureGuestVolume -VirtHost kvm1 | Where-Object Problem | Repair-SecureGuestVolume; Get-SecureGuestVolume -VirtHost kvm1 | Where-Object Problem");
        Assert.Empty(run.Errors.Select(error => Text(error, "Message")));
        Assert.Equal("WrongLabel WeakOptions", run.Output[0].ToString());
        Assert.Equal(["images", "images"], run.Output.Skip(1).Select(volume => Text(volume, "Name")));
        Assert.Equal("# by hand\n" + fstab.Replace("/virtstorage ext4 nodev,nosuid,noexec,nofail", "/virtstorage ext4\tdefaults,nofail", StringComparison.Ordinal).Replace("xendomains.service 0 0\n/dev/volumegroup/other", "xendomains.service,nodev,nosuid,noexec 0 0\n/dev/volumegroup/other", StringComparison.Ordinal).TrimEnd('\n'), host.Read("etc/fstab"));
        Assert.Contains(":virt_image_t:", host.LabelOf("/virtstorage"), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Changes, change => change.StartsWith("semanage", StringComparison.Ordinal) || change.Contains("/other", StringComparison.Ordinal));
    }

    [Fact]
    public void WhatCannotBeDecidedSaysWhatToDo()
    {
        using var hosts = new ScriptedHosts();
        var host = hosts.Add("kvm1").Volume("volumegroup", "lost", 1L << 30, "virtsecurity", "ext4");
        var cases = new Cases(hosts,
        [
            ("nowhere", "Get-SecureGuestVolume -VirtHost kvm1 | Repair-SecureGuestVolume"),
            ("unnamed", "Repair-SecureGuestVolume -VirtHost kvm1"),
            ("half a name", "Repair-SecureGuestVolume volumegroup -VirtHost kvm1"),
            ("no such", "Repair-SecureGuestVolume volumegroup nosuch -VirtHost kvm1"),
            ("refused", "Repair-SecureGuestVolume volumegroup lost -MountPoint /etc/images -VirtHost kvm1"),
        ]);
        (string Case, string Id, string Category, string Target)[] expected =
        [
            ("nowhere", "RepairUndecided", "InvalidOperation", "volumegroup/lost"), ("unnamed", "VolumeNotNamed", "InvalidArgument", "kvm1"), ("half a name", "VolumeNotNamed", "InvalidArgument", "kvm1"),
            ("no such", "VolumeNotFound", "ObjectNotFound", "volumegroup/nosuch"), ("refused", "RefusedPath", "InvalidArgument", "volumegroup/lost"),
        ];
        Assert.Equal(expected, expected.Select(one => Assert.Single(cases.Errors(one.Case))).Zip(expected, (error, one) => (one.Case, error.Id, error.Category, error.Target)));
        Assert.Empty(host.Changes);
    }

    private static string Text(PSObject value, string property) => string.Join(' ', LanguagePrimitives.ConvertTo<string[]>(value.Properties[property]?.Value) ?? []);
}
