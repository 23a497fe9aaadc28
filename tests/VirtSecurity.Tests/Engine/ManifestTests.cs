using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>The module as shipped: what it exports is what its manifest says.</summary>
public sealed class ManifestTests
{
    [Fact]
    public void ExportsAreTheManifestsCmdlets()
    {
        var run = EngineRun.Of("(Get-Command -Module VirtSecurity).Name");
        Assert.Empty(run.Errors);
        Assert.Equal(["Connect-VirtHost", "New-SecureGuestVolume", "Set-VirtImageContext"], run.Output.Select(name => name.ToString()).Order());
    }
}
