using CliWrap;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>The module in the engine on the host itself: no ssh.</summary>
public sealed class LocalTests(LabFixture fixture) : LabTest(fixture)
{
    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task TheModuleMakesAVolumeOnItsOwnHost()
    {
        var stop = TestContext.Current.CancellationToken;
        var engine = Directory.CreateTempSubdirectory("virtsecurity-engine-").FullName;
        await Cli.Wrap("dotnet")
            .WithArguments(["publish", Path.Combine(EngineRun.RepoRoot, "tests/Engine"), "--self-contained", "-r", "linux-x64", "-c", "Release", "-o", Path.Combine(engine, "engine"), "--nologo", "-v", "quiet"])
            .ExecuteAsync(stop);
        await Machine.CopyToAsync(Path.Combine(engine, "engine"), "/opt/engine", stop);
        Directory.Delete(engine, true);
        await OnHost("mkdir -p /opt/VirtSecurity");
        await Machine.CopyToAsync(Path.Combine(EngineRun.RepoRoot, "bin"), "/opt/VirtSecurity/bin", stop);
        await Machine.CopyToAsync(Path.Combine(EngineRun.RepoRoot, "VirtSecurity.psd1"), "/opt/VirtSecurity/VirtSecurity.psd1", stop);

        var made = await Machine.RunAsync(
            "echo 'New-SecureGuestVolume volumegroup images 64MB /virtstorage -Verbose | Set-VirtImageContext' | /opt/engine/VirtSecurity.Engine --module /opt/VirtSecurity/VirtSecurity.psd1",
            TimeSpan.FromMinutes(5), stop);

        TestContext.Current.TestOutputHelper?.WriteLine(made.Stdout + made.Stderr);
        Assert.Equal(0, made.ExitCode);
        Assert.Contains("virt_image_t", made.Stdout, StringComparison.Ordinal);
        Assert.Contains(":virt_image_t:", await OnHost("mountpoint -q /virtstorage && stat -c %C /virtstorage"), StringComparison.Ordinal);

        // In a mount namespace of its own a mount would be seen by no guest: refused.
        var hidden = await Machine.RunAsync(
            "echo 'New-SecureGuestVolume volumegroup other 64MB /other' | unshare --mount /opt/engine/VirtSecurity.Engine --module /opt/VirtSecurity/VirtSecurity.psd1", TimeSpan.FromMinutes(5), stop);
        Assert.Contains("mount namespace of our own", hidden.Stdout.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.NotEqual(0, (await TryOnHost("lvs volumegroup/other")).Code);
    }
}
