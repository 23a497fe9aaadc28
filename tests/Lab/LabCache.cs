using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace VirtSecurity.Lab;

/// <summary>
/// The folders outside the checkout: images and booted machines, each under a key made of all that went into it, and a
/// run folder for each place where a machine may run.
/// </summary>
/// <param name="Root">The cache's folder.</param>
/// <param name="Place">Which machine of this cache: one runs at place 0, a second beside it at place 1.</param>
internal sealed record LabCache(string Root, int Place = 0)
{
    private const string Unfinished = ".unfinished";

    /// <summary>$VIRTSECURITY_LAB_CACHE, or /var/cache/virtsecurity-lab.</summary>
    public static LabCache FromEnvironment(int place = 0)
    {
        var chosen = Environment.GetEnvironmentVariable("VIRTSECURITY_LAB_CACHE");
        return new LabCache(Path.GetFullPath(string.IsNullOrEmpty(chosen) ? "/var/cache/virtsecurity-lab" : chosen), place);
    }

    /// <summary>Held by the one who uses the machine of this place.</summary>
    public string LockFile => Path.Combine(Root, $"lock{Suffix}");

    /// <summary>Held by the one who makes what all places use.</summary>
    public string BuildLockFile => Path.Combine(Root, "lock.build");

    /// <summary>Pid file, QMP socket, serial log and ssh_config of the machine that runs now or ran last.</summary>
    public string RunFolder => Path.Combine(Root, $"run{Suffix}");

    private string Suffix => Place == 0 ? "" : $"{Place}";

    public string SshConfig => Path.Combine(RunFolder, "ssh_config");

    /// <summary>Makes the cache folders. Throws <see cref="LabException"/> where this user may not.</summary>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(Root);
            Directory.CreateDirectory(RunFolder);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new LabException($"Cannot write {Root}: {e.Message} Run as root or set VIRTSECURITY_LAB_CACHE.", e);
        }
    }

    /// <summary>A folder that is renamed to its final name only when it is whole: what has the name is finished.</summary>
    public static string TemporaryFolder(string finalFolder)
    {
        var temporary = finalFolder + Unfinished;
        Directory.CreateDirectory(temporary);
        return temporary;
    }

    /// <summary>Removes what builds that were killed left behind. Only for the holder of the build lock.</summary>
    public async Task RemoveUnfinishedAsync(CancellationToken ct)
    {
        var levels = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 };
        foreach (var folder in Directory.GetDirectories(Root, "*" + Unfinished, levels))
            await Tool.RunAsync("rm", ["-rf", "--one-file-system", folder], ct).ConfigureAwait(false);
    }

    /// <summary>Sixteen hex digits over all parts, each with its length so that no two lists read the same.</summary>
    public static string Key(params IEnumerable<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
            text.Append(part.Length).Append(':').Append(part).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..16];
    }

    /// <summary>Text of a file of the Image folder, carried inside the assembly.</summary>
    public static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Image/" + name)
            ?? throw new LabException($"The assembly has no resource Image/{name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Names of all files of the Image folder, sorted.</summary>
    public static IEnumerable<string> ResourceNames() =>
        Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith("Image/", StringComparison.Ordinal))
            .Select(name => name["Image/".Length..])
            .Order(StringComparer.Ordinal);
}
