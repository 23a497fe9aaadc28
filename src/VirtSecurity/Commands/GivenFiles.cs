using System.Management.Automation;
using Microsoft.PowerShell.Commands;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Files of this machine, by paths as PowerShell has them: relative ones, drives, wildcards.</summary>
internal static class GivenFiles
{
    /// <summary>One path, as it is.</summary>
    /// <exception cref="VirtException">NotAFilePath: it is another provider's, or of no drive.</exception>
    public static string Resolve(SessionState session, string path)
    {
        try
        {
            var file = session.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
            return Checked(file, provider, path);
        }
        catch (SessionStateException problem)
        {
            throw new VirtException(problem, "NotAFilePath", path);
        }
    }

    /// <summary>The files that a path with wildcards stands for; a path without is itself, be there a file or not.</summary>
    /// <exception cref="VirtException">NotAFilePath.</exception>
    public static IReadOnlyList<string> Expand(SessionState session, string path)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(path)) return [Resolve(session, path)];
        try
        {
            var files = session.Path.GetResolvedProviderPathFromPSPath(path, out var provider);
            return [.. files.Select(file => Checked(file, provider, path))];
        }
        catch (SessionStateException problem)
        {
            throw new VirtException(problem, "NotAFilePath", path);
        }
    }

    private static string Checked(string file, ProviderInfo provider, string path) =>
        provider.Name == FileSystemProvider.ProviderName ? file : throw new VirtException("NotAFilePath", path);
}
