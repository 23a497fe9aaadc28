using System.Globalization;
using VirtSecurity.Lab;
using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>A hundred hosts, and one whose shell never answers, each by an sshd of its own on this machine, judged by one call.</summary>
public sealed class ManyHostsTests
{
    private const int Hosts = 100;

    private static readonly TimeSpan Life = TimeSpan.FromMinutes(20);

    [Fact]
    [Trait("lengthy", "yes")]
    public async Task OfAHundredHostsThreeHaveABadDayAndTheOthersAreJudged()
    {
        var farm = await SshFarm.StartAsync(Hosts - 3, Life, new Progress<string>(line => Console.Error.WriteLine($"farm: {line}")), TestContext.Current.CancellationToken);
        await using (farm)
        {
            // The bad ones are asked first: who waits for them does not keep the others.
            var names = string.Join(", ", farm.BadNames.Append(farm.MuteName).Concat(farm.Names).Select(name => $"'{farm.VirtHost(name)}'"));
            var run = EngineRun.Of($$"""
                $judged = @{}
                Test-Dom0Hardening -VirtHost {{names}} | ForEach-Object { $judged["$($_.VirtHost)"] += 1 }
                $judged.Count
                foreach ($count in $judged.Values) { $count }
                @(Get-Dom0HardeningRule).Count
                """);
            string Error(string name) => run.Errors.Where(error => error.Properties["Target"].Value?.ToString() == farm.VirtHost(name)).Select(error => error.Properties["FullyQualifiedErrorId"].Value.ToString()!.Split(',')[0]).Single();
            Assert.Equal(4, run.Errors.Count);
            Assert.Equal(("HostUnreachable", "HostUnreachable", "AuthenticationFailed", "NoShell"), (Error("dead"), Error("slow"), Error("refusing"), Error(farm.MuteName)));
            var counts = run.Output.Select(one => Convert.ToInt32(one.BaseObject, CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(Hosts - 3, counts[0]);
            Assert.All(counts[1..^1], count => Assert.Equal(counts[^1], count));
            Assert.Equal(Hosts - 1, counts.Length);
        }
    }
}
