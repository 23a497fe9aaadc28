using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>A directory for the marks that tools of a test leave, gone with it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string path = Directory.CreateTempSubdirectory("virtsecurity-test-").FullName;

    public string Of(string name) => Path.Combine(path, name);

    public bool Has(string name) => File.Exists(Of(name));

    public void Mark(string name) => File.WriteAllBytes(Of(name), []);

    /// <summary>Waits for a mark; that it never comes is a failure of the test.</summary>
    public Task WaitForAsync(string name) => WaitUntilAsync(() => Has(name), name);

    public static async Task WaitUntilAsync(Func<bool> holds, string what)
    {
        for (var deadline = DateTime.UtcNow + Limit; !holds(); await Task.Delay(10))
            Assert.True(DateTime.UtcNow < deadline, $"'{what}' did not come about");
    }

    public void Dispose() => Directory.Delete(path, true);
}
