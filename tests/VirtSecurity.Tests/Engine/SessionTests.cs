using System.Globalization;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>The module in a session: imported, imported again, in many runspaces, and what it brings along.</summary>
public sealed class SessionTests(ITestOutputHelper output)
{
    private static readonly string Manifest = Path.Combine(EngineRun.RepoRoot, "VirtSecurity.psd1");

    [Fact]
    public void ImportingAgainKeepsTheCmdletsAndTheyWork()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1");
        var run = hosts.Run($"""
            Import-Module '{Manifest}'
            (Connect-VirtHost kvm1).Distribution
            Import-Module '{Manifest}' -Force
            (Connect-VirtHost kvm1).Distribution
            Remove-Module VirtSecurity
            Import-Module '{Manifest}' -Force
            (Connect-VirtHost kvm1).Distribution
            @(Get-Command -Module VirtSecurity).Count
            """);
        Assert.Empty(run.Errors.Select(error => error.Properties["Message"].Value));
        const string debian = "Debian GNU/Linux 12 (bookworm)";
        Assert.Equal([debian, debian, debian, $"{ManifestTests.Cmdlets.Length}"], run.Output.Select(value => value.ToString()));
    }

    [Fact]
    public void ManyRunspacesWorkSideBySide()
    {
        using var hosts = new ScriptedHosts();
        foreach (var i in Enumerable.Range(1, 4)) hosts.Add($"kvm{i}");
        var run = hosts.Run($$"""
            1..4 | ForEach-Object -ThrottleLimit 4 -Parallel {
                Import-Module '{{Manifest}}'
                Connect-VirtHost "kvm$_" | New-SecureGuestVolume volumegroup "v$_" 1GB -MountPoint "/storage/$_"
            }
            """);
        Assert.Empty(run.Errors.Select(error => error.Properties["Message"].Value));
        Assert.Equal(["kvm1 v1 /storage/1", "kvm2 v2 /storage/2", "kvm3 v3 /storage/3", "kvm4 v4 /storage/4"], run.Output
            .Select(volume => $"{volume.Properties["VirtHost"].Value} {volume.Properties["Name"].Value} {volume.Properties["MountPoint"].Value}").Order());
    }

    [Fact]
    public void VolumesOfManyHostsAndOneThatIsNotThere()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1");
        hosts.Add("xen1").AsXen();
        var run = hosts.Run("New-SecureGuestVolume volumegroup images 1GB /virtstorage -VirtHost kvm1, gone, xen1 -Verbose");
        Assert.Equal(["virt_image_t", "xen_image_t"], run.Output.Select(volume => volume.Properties["SELinuxType"].Value).Order());
        var error = Assert.Single(run.Errors);
        Assert.StartsWith("HostUnreachable,", error.Properties["FullyQualifiedErrorId"].Value.ToString(), StringComparison.Ordinal);
        Assert.Contains("gone could not be reached: ssh: Could not resolve hostname gone", error.Properties["Message"].Value.ToString(), StringComparison.Ordinal);
        Assert.Contains(run.Verbose, line => line.StartsWith("kvm1: lvcreate --yes", StringComparison.Ordinal));
    }

    [Fact]
    public void OurCliWrapIsInALoadContextOfItsOwn()
    {
        using var hosts = new ScriptedHosts();
        hosts.Add("kvm1");
        var run = hosts.Run("""
            $null = Connect-VirtHost kvm1
            foreach ($context in [System.Runtime.Loader.AssemblyLoadContext]::All) {
                foreach ($assembly in $context.Assemblies) { if ($assembly.GetName().Name -eq 'CliWrap') { $context.Name } }
            }
            """);
        Assert.Equal("VirtSecurity", Assert.Single(run.Output).ToString());
    }

    /// <summary>Reported, not judged: a number measured on a busy machine proves nothing.</summary>
    [Fact]
    public void ImportingStartsNothingAndItsTimeIsReported()
    {
        using var hosts = new ScriptedHosts();
        var empty = Path.Combine(hosts.Home, "Empty.psd1");
        File.WriteAllText(empty, "@{ ModuleVersion = '1.0'; CmdletsToExport = @(); FunctionsToExport = @(); AliasesToExport = @(); VariablesToExport = @() }");
        var script = $$"""
            function Time([string] $Path) {
                $watch = [System.Diagnostics.Stopwatch]::StartNew()
                Import-Module $Path
                $watch.Elapsed.TotalMilliseconds
            }
            Import-Module '{{empty}}'; Remove-Module Empty
            Time '{{empty}}'
            Time '{{Manifest}}'
            """;
        var times = Enumerable.Range(0, 3).Select(_ => EngineRun.Of(script, null, hosts.Environment, "").Output.Select(time => (double)time.BaseObject).ToArray()).ToArray();
        double Median(int column) => times.Select(pair => pair[column]).Order().ElementAt(1);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"empty manifest {Median(0):0.0} ms, VirtSecurity {Median(1):0.0} ms, {Median(1) - Median(0):0.0} ms more"));
        Assert.Empty(hosts.SshCalls);
    }
}
