using VirtSecurity.Hardening;
using VirtSecurity.Lab;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Which checks are seen to fail on a machine.</summary>
public sealed class GraveCheckTests
{
    /// <summary>What the machine cannot be made to lack and then be given back.</summary>
    private static readonly Dictionary<string, string> NotMade = new()
    {
        ["KRN-01"] = "the emulated processor has holes that no setting of the machine closes: it fails there, always",
        ["SEL-05"] = "Debian ships no policy without categories",
    };

    [Fact]
    public void EveryCheckOfCriticalOrHighSeverityHasAWeaknessThatIsMadeOnAMachine()
    {
        var made = WeaknessRounds.Kvm.Concat(WeaknessRounds.Xen).SelectMany(round => round).SelectMany(weakness => weakness.Finds).Select(find => find.Check).ToHashSet();
        var grave = Catalogue.Rules.Where(rule => rule.Severity >= HardeningSeverity.High).Select(rule => rule.Id).ToArray();
        Assert.InRange(grave.Length, 40, Catalogue.Rules.Count);
        Assert.Equal(NotMade.Keys.Order(), grave.Except(made).Order());
    }
}
