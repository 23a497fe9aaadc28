using VirtSecurity.Tests.Domain.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The real script tells many mount points apart in one call.</summary>
public sealed class DirectoryStatesTests
{
    [Fact]
    public async Task EachPathHasItsOwnState()
    {
        using var files = new TemporaryDirectory();
        string[] names = ["empty", "empty too", "it's \"q\"", "ü漢", @"back\slash", "i", "full", "file", "fixed 1 ", "fixed 2", "missing", "line"];
        foreach (var name in names.Except(["file", "missing", "line"])) Directory.CreateDirectory(files.Of(name));
        File.WriteAllText(files.Of("file"), "");
        File.WriteAllText(files.Of("full/something"), "");
        Directory.CreateDirectory(files.Of("generator"));
        foreach (var name in (string[])["line", "empty too"]) File.WriteAllText(files.Of($"generator/{Systemctl.MountUnitOf(files.Of(name))}"), "");
        // lsattr 1.47.0 prints so; an immutable directory cannot be made everywhere.
        File.WriteAllText(files.Of("lsattr"), """
            for p; do
              case $p in -*|*missing) ;; *fixed*) echo "----i---------e------- $p";; *) echo "--------------e------- $p";; esac
            done
            """);
        var call = Coreutils.DirectoryStates(names.Select(files.Of));
        string Ours(string script) => script.Replace("/run/systemd/generator", files.Of("generator"), StringComparison.Ordinal).Replace("lsattr", "sh " + files.Of("lsattr"), StringComparison.Ordinal);

        var result = Assert.Single(await ShellBatch.RunAsync("/bin/sh", false, [call with { Argv = [.. call.Argv.Select(Ours)] }]));

        Assert.True(result.Succeeded, result.Stderr);
        var states = Coreutils.ReadDirectoryStates(result);
        Assert.All(names, name => Assert.Equal(
            (name, name is not ("full" or "file" or "missing" or "line"), name.StartsWith("fixed", StringComparison.Ordinal), name is "line" or "empty too"),
            (name, states(files.Of(name)).Empty, states(files.Of(name)).Immutable, states(files.Of(name)).HasUnit)));
    }
}
