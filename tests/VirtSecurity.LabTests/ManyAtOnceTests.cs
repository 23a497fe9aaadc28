using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Many PowerShell processes and somebody's own semanage on one host at once: nothing is lost.</summary>
[Trait(Lengthy, Yes)]
public sealed class ManyAtOnceTests(LabFixture fixture) : InstantTest(fixture)
{
    // semanage gives up after 5 s where another has the policy's lock; a rule that was said to be there counts.
    private const string Foreign = """
        for i in 1 2; do
          until semanage fcontext -a -t tmp_t "/foreign$i" 2>/dev/null; do sleep 1; done
          echo "/foreign$i"
        done
        """;

    /// <summary>Ten of each kind with VIRTSECURITY_LAB_FULL=1.</summary>
    private static int Processes => IsFull ? 10 : 2;

    [Fact]
    public async Task ProcessesThatMakeVolumesAndOnesThatLabelAllSucceedBesideAForeignSemanage()
    {
        await OnHost(string.Join('\n', Enumerable.Range(0, Processes).Select(i => $"mkdir /images{i}")));
        var stop = TestContext.Current.CancellationToken;
        var foreign = Machine.CheckAsync(Foreign, TimeSpan.FromMinutes(20), stop);
        Task<EngineRun?> Process(string script) => EngineRun.DisturbedAsync($"$lab = '{Machine.VirtHost}'\n{script}", _ => Task.CompletedTask);
        var volumes = await Task.WhenAll(Enumerable.Range(0, Processes).Select(i => Process($"New-SecureGuestVolume volumegroup v{i} 64MB -MountPoint /v{i} -VirtHost $lab")));
        var labels = await Task.WhenAll(Enumerable.Range(0, Processes).Select(i => Process($"Set-VirtImageContext /images{i} -VirtHost $lab")));

        Assert.All(volumes.Concat(labels), run => Assert.Empty(run!.Errors));
        Assert.All(volumes.Concat(labels), run => Assert.Equal(true, Value(Assert.Single(run!.Output), "IsCompliant")));
        Assert.Equal(2, (await foreign).Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal($"{2 * Processes + 2}", await OnHost("semanage fcontext -lC -n | grep -cE '^/(v[0-9]|images[0-9]|foreign[0-9])'"));
        Assert.Equal($"{Processes}", await OnHost("grep -cE '^/dev/volumegroup/v[0-9]+ /v[0-9]+ ext4' /etc/fstab"));
        Assert.Equal("0", await OnHost("findmnt --verify 2>&1 | grep -cE '\\[E\\]|parse error' || :"));
        Assert.Equal($"{Processes}", PowerShell("@(Get-SecureGuestVolume -VirtHost $lab | Where-Object { -not $_.Problem -and $_.IsCompliant }).Count").Output[0].ToString());
    }
}
