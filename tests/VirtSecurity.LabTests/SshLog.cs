using VirtSecurity.Tests.Engine;

namespace VirtSecurity.LabTests;

/// <summary>The real ssh, behind a stand-in that counts its calls: each is a round trip.</summary>
internal sealed class SshLog : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("virtlab-ssh");
    private readonly IReadOnlyDictionary<string, string> environment;

    public SshLog()
    {
        var (ssh, path) = (Path.Combine(folder.FullName, "ssh"), Environment.GetEnvironmentVariable("PATH")!);
        File.WriteAllText(ssh, $"#!/bin/sh\necho asked >>{LogPath}\nPATH={path} exec ssh \"$@\"\n");
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        environment = new Dictionary<string, string> { ["PATH"] = $"{folder.FullName}:{path}" };
    }

    /// <summary>How often it was called.</summary>
    public int Count => File.Exists(LogPath) ? File.ReadAllLines(LogPath).Length : 0;

    private string LogPath => Path.Combine(folder.FullName, "log");

    /// <summary>Runs a script in an engine that has this ssh.</summary>
    public EngineRun Run(string script) => EngineRun.Of(script, [], environment);

    public void Dispose() => folder.Delete(true);
}
