using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tests.Engine;
using VirtSecurity.Tools;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The recorded file contexts of Debian 12's policy, and what its matchpathcon says of them; each file's head says more.</summary>
internal static class Debian12
{
    private static readonly string Directory = Path.Combine(EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "debian12");

    public static FileContexts FileContexts { get; } = Read();

    /// <summary>File type, context as matchpathcon prints it, path.</summary>
    public static IReadOnlyList<(char FileType, string Answer, string Path)> Answers { get; } =
        [.. File.ReadLines(Path.Combine(Directory, "matchpathcon.tsv")).Where(line => line[0] != '#' || line[1] == '\t').Select(line => line.Split('\t')).Select(words => (words[0][0], words[1], words[2]))];

    /// <summary>As the host's script frames them.</summary>
    private static FileContexts Read()
    {
        using var output = new MemoryStream();
        output.Write("1\ndefault\n"u8);
        foreach (var (i, name) in SELinuxFs.Read().Argv[4..].Index())
        {
            output.Write(System.Text.Encoding.UTF8.GetBytes($"{(i == 0 ? "" : "\n")}==> {name} <==\n"));
            output.Write(File.ReadAllBytes(Path.Combine(Directory, name)));
        }

        return SELinuxFs.ReadFact(new ToolResult(SELinuxFs.Read(), ToolOutcome.Exited, 0, output.ToArray(), [])).FileContexts;
    }
}
