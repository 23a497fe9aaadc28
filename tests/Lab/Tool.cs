using System.ComponentModel;
using CliWrap;
using CliWrap.Buffered;

namespace VirtSecurity.Lab;

/// <summary>Runs a program of the building machine to its end.</summary>
internal static class Tool
{
    // An ordinary user's PATH has no sbin, and mke2fs and setfiles live there.
    private static readonly string[] Folders =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/sbin"];

    /// <summary>Full path of a program, or null where it is not installed.</summary>
    public static string? Find(string name) =>
        Folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    public static Command Command(string name, params string[] arguments) =>
        Cli.Wrap(Find(name) ?? throw new LabException($"{name} is not installed."))
            .WithArguments(arguments)
            .WithValidation(CommandResultValidation.None);

    public static async Task<LabResult> TryAsync(string name, string[] arguments, CancellationToken ct)
    {
        try
        {
            var result = await Command(name, arguments).ExecuteBufferedAsync(ct).ConfigureAwait(false);
            return new LabResult(result.ExitCode, result.StandardOutput, result.StandardError);
        }
        catch (Win32Exception e)
        {
            throw new LabException($"{name} cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Standard output; throws <see cref="LabException"/> with the end of both streams when the exit code is not 0.</summary>
    public static async Task<string> RunAsync(string name, string[] arguments, CancellationToken ct)
    {
        var result = await TryAsync(name, arguments, ct).ConfigureAwait(false);
        return result.ExitCode == 0
            ? result.Stdout
            : throw new LabException($"{name} {string.Join(' ', arguments)} ended with {result.ExitCode}:\n{End(result.Stdout)}{End(result.Stderr)}");
    }

    private static string End(string text) => text.Length <= 4000 ? text : "..." + text[^4000..];
}
