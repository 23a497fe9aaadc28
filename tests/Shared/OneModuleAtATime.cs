using Xunit;

[assembly: AssemblyFixture(typeof(VirtSecurity.Tests.OneModuleAtATime))]

namespace VirtSecurity.Tests;

/// <summary>
/// Test modules take turns: the lab is a whole emulated machine, and <c>dotnet test</c> would run another module beside it. The
/// operating system's lock falls with the process, whatever ends it.
/// </summary>
public sealed class OneModuleAtATime : IAsyncLifetime
{
    private FileStream? turn;

    public async ValueTask InitializeAsync()
    {
        var path = Path.Combine(Path.GetTempPath(), "virtsecurity-tests.lock");
        while (turn is null)
        {
            try
            {
                turn = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250)); // Another module's turn.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (turn is not null) await turn.DisposeAsync();
    }
}
