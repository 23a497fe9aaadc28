using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Days on which it cannot work: each has its own error, and nothing is half done.</summary>
public sealed class BadDayTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task EachReasonItCannotWorkHasItsOwnErrorAndChangesNothing()
    {
        var before = await HostState();
        Assert.Equal("VolumeGroupNotFound", Refused("New-SecureGuestVolume nosuch images 64MB /virtstorage -VirtHost $lab"));
        Assert.Equal("VolumeGroupFull", Refused("New-SecureGuestVolume volumegroup images 1TB /virtstorage -VirtHost $lab"));
        Assert.Equal("PathNotFound", Refused("Set-VirtImageContext /nosuch -VirtHost $lab"));
        Assert.Equal("NotAnImagePlace", Refused("Set-VirtImageContext /srv/node -VirtHost $lab", "mknod /srv/node b 253 0"));
        Assert.Equal("SELinuxPermissive", Refused("New-SecureGuestVolume volumegroup images 64MB /virtstorage -VirtHost $lab", "setenforce 0"));
        Assert.Equal("ToolNotFound", Refused("New-SecureGuestVolume volumegroup images 64MB /virtstorage -VirtHost $lab", "setenforce 1; mv /usr/sbin/semanage /root"));
        await OnHost("mv /root/semanage /usr/sbin/; rm /srv/node");
        Assert.Equal(before, await HostState());

        await OnHost("fallocate -l $(( $(stat -f -c '%a*%S' /) - 65536 )) /root/full 2>/dev/null || :; dd if=/dev/zero of=/root/rest bs=4k 2>/dev/null || :; sync");
        Assert.Equal("NoSpaceLeft", Refused("New-SecureGuestVolume volumegroup images 64MB /virtstorage -VirtHost $lab"));
        await OnHost("rm -f /root/full /root/rest");
        Assert.Equal(before, await HostState());
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task WithoutRootNothingIsChangedAndWithSudoAllIs()
    {
        var config = Machine.SshConfigPath;
        var admin = $"ssh://virtlab-admin?config={config}";
        var @operator = $"ssh://virtlab-operator?config={config}";
        Assert.Equal("NotPrivileged", Refused($"New-SecureGuestVolume volumegroup images 64MB /virtstorage -VirtHost '{admin}'"));
        Assert.Equal("NotPrivileged", Refused($"New-SecureGuestVolume volumegroup images 64MB /virtstorage -VirtHost '{@operator}'"));
        Assert.Equal("SudoRefused", Refused($"Connect-VirtHost '{admin}' -Sudo"));

        var run = PowerShell($"Connect-VirtHost '{@operator}' -Sudo; Connect-VirtHost '{@operator}' -Sudo | New-SecureGuestVolume volumegroup images 64MB /virtstorage");
        Assert.Empty(run.Errors);
        Assert.Equal(true, Value(run.Output[0], "IsRoot"));
        Assert.Equal("Enforcing", Text(run.Output[0], "SELinuxMode"));
        Assert.Equal(true, Value(run.Output[1], "IsCompliant"));
        Assert.Contains("?sudo&", Text(run.Output[1], "VirtHost"), StringComparison.Ordinal);
        await OnHost("mountpoint -q /virtstorage");
    }

    [Fact]
    public void AHostThatCannotBeReachedIsOneErrorAndTheOthersGoOn()
    {
        var known = Path.GetTempFileName();
        var strange = Path.GetTempFileName();
        File.WriteAllText(strange, string.Join('\n', File.ReadLines(Machine.SshConfigPath).Select(line =>
            line.TrimStart().StartsWith("UserKnownHostsFile", StringComparison.OrdinalIgnoreCase) ? $"  UserKnownHostsFile {known}" : line)) + "\n");
        var keyless = Path.GetTempFileName();
        File.WriteAllText(keyless, string.Join('\n', File.ReadLines(Machine.SshConfigPath).Select(line =>
            line.TrimStart().StartsWith("IdentityFile", StringComparison.OrdinalIgnoreCase) ? "  IdentityFile /nonexistent" : line)) + "\n");

        var run = PowerShell($"Connect-VirtHost 'ssh://127.0.0.1:1', 'ssh://virtlab?config={strange}', 'ssh://virtlab?config={keyless}', $lab");

        Assert.Equal(["HostUnreachable", "HostKeyUnknown", "AuthenticationFailed"], run.Errors.Select(ErrorId));
        Assert.Equal("Kvm", Text(Assert.Single(run.Output), "Hypervisor"));
        File.Delete(known);
        File.Delete(strange);
        File.Delete(keyless);
    }

    private string Refused(string script, string? after = null)
    {
        if (after is not null) OnHost(after).GetAwaiter().GetResult();
        var run = PowerShell(script);
        Assert.Empty(run.Output);
        var error = Assert.Single(run.Errors);
        Assert.NotEqual("", Text(error, "Target"));
        Assert.NotEqual("", Text(error, "RecommendedAction"));
        return ErrorId(error);
    }
}
