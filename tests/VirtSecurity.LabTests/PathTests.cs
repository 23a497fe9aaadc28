using System.Text;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Paths that are hard on shells, on semanage's lines and on patterns: refused, or handled exactly.</summary>
public sealed class PathTests(LabFixture fixture) : LabTest(fixture)
{
    private static readonly (string Path, string NearMiss)[] Accepted =
    [
        ("/srv/vm.img", "/srv/vmXimg"),
        ("/c++", "/ccc"),
        ("/vm-data", "/vmdata"),
        ("/vm-store/images", "/vm-store/image"),
        ("/a(b)", "/ab"),
        ("/sp ace's", "/spaces"),
        ("/-dash", "/dash"),
        ("/;$(touch pwned)`id`", "/;touch pwned"),
        ("/größe-仮想", "/größe-仮"),
        ("/[x]{2}|^$?*\\", "/xx"),
        ("/" + new string('n', 255), "/" + new string('n', 254)),
    ];

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task HardMountPointsAreMadeExactlyInOneCommit()
    {
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();
        var rows = string.Join(", ", Accepted.Select((entry, i) => $"[pscustomobject]@{{ Name = 'v{i}'; MountPoint = '{entry.Path.Replace("'", "''", StringComparison.Ordinal)}' }}"));

        var run = PowerShell($"{rows} | New-SecureGuestVolume volumegroup -Size 32MB -VirtHost $lab");

        Assert.Empty(run.Errors);
        Assert.Equal(Accepted.Length, run.Output.Count);
        var ran = await recorder.StopAsync();
        Assert.Equal(1, ran.Count(name => name == "semanage"));
        Assert.Equal(1, ran.Count(name => name == "restorecon"));

        Assert.All(await TypesOf(Accepted.Select(entry => entry.Path)), type => Assert.Equal("virt_image_t", type));
        Assert.All(await TypesOf(Accepted.Select(entry => entry.Path + "/guest.img")), type => Assert.Equal("virt_image_t", type));
        Assert.All(await TypesOf(Accepted.Select(entry => entry.NearMiss)), type => Assert.NotEqual("virt_image_t", type));
        Assert.Equal(Accepted.Length.ToString(System.Globalization.CultureInfo.InvariantCulture), await OnHost("findmnt -rn -t ext4 -o SOURCE | grep -c volumegroup"));
        Assert.Equal("", await OnHost("find / -xdev -maxdepth 1 -name 'pwned*'"));
        await OnHost("findmnt --verify");

        // Mounted by their lines alone, the escapes in fstab are right too.
        await OnHost("umount -a -t ext4 -O nofail; systemctl daemon-reload; mount -a");
        Assert.Equal(Accepted.Length.ToString(System.Globalization.CultureInfo.InvariantCulture), await OnHost("findmnt -rn -t ext4 -o SOURCE | grep -c volumegroup"));

        var again = PowerShell($"{rows} | New-SecureGuestVolume volumegroup -Size 32MB -VirtHost $lab -WhatIf");
        Assert.Empty(again.Errors);
        Assert.Empty(again.Console);
        Assert.Equal(Accepted.Length, again.Output.Count);
    }

    [Fact]
    public async Task RefusedPlacesAreRefusedAndNothingIsRun()
    {
        await OnHost("ln -s /srv /link; mkdir -m 0777 /open; mkdir /theirs; chown admin /theirs; mkdir /full; touch /full/file; touch /file");
        var state = await HostState();
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();
        (string Path, string Id)[] refused =
        [
            ("/etc", "RefusedPath"), ("/var/lib/images", "RefusedPath"), ("/home/a", "RefusedPath"), ("/srv", "RefusedPath"), ("/", "RefusedPath"),
            ("relative", "InvalidPath"), ("/a/../etc", "InvalidPath"), ("/a//b", "InvalidPath"), ("/a/", "InvalidPath"), ("/a/./b", "InvalidPath"),
            ("/new\nline", "InvalidPath"), ("/" + new string('n', 256), "InvalidPath"),
            ("/link/x", "UnsafeParent"), ("/open/x", "UnsafeParent"), ("/theirs/x", "UnsafeParent"), ("/file/x", "UnsafeParent"),
            ("/link", "MountPointBusy"), ("/theirs", "MountPointBusy"), ("/full", "MountPointBusy"), ("/file", "MountPointBusy"),
        ];
        var rows = refused.Select((entry, i) =>
            $"[pscustomobject]@{{ Name = 'v{i}'; MountPoint = [System.Text.Encoding]::UTF8.GetString([System.Convert]::FromBase64String('{Convert.ToBase64String(Encoding.UTF8.GetBytes(entry.Path))}')) }}");

        // Of one run no mount point may lie in another, and these do: two runs.
        var run = PowerShell(string.Join('\n', rows.Index().GroupBy(row => refused[row.Index].Id == "MountPointBusy").Select(group =>
            $"{string.Join(", ", group.Select(row => row.Item))} | New-SecureGuestVolume volumegroup -Size 32MB -VirtHost $lab")));

        Assert.Empty(run.Output);
        var ids = run.Errors.ToDictionary(error => Text(error, "Target"), ErrorId);
        Assert.All(refused.Select((entry, i) => (entry, i)), one => Assert.Equal((one.entry.Path, one.entry.Id), (one.entry.Path, ids[$"volumegroup/v{one.i}"])));
        Assert.Empty(Recorder.Mutating.Intersect(await recorder.StopAsync()));
        Assert.Equal(state, await HostState());
    }

    /// <summary>The policy's own answer for each path.</summary>
    private async Task<IReadOnlyList<string>> TypesOf(IEnumerable<string> paths)
    {
        var list = Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Concat(paths.Select(path => path + "\0"))));
        var answer = await OnHost($"echo {list} | base64 -d | xargs -0 -n 1 matchpathcon -n -m dir");
        return [.. answer.Split('\n').Select(line => line.Split(':') is [_, _, var type, ..] ? type : "none")];
    }
}
