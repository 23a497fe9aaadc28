using System.Diagnostics;
using System.Reflection;
using CliWrap;
using CliWrap.Buffered;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>A PowerShell process that imports the module by its psd1, as a user's does, and what it takes.</summary>
internal static class PowerShell
{
    /// <summary>The checkout's root.</summary>
    public static string RepoRoot => Metadata("RepoRoot");

    /// <summary>Seconds from its start to its end.</summary>
    public static Task<double> TimeAsync(string script, CancellationToken ct) => TimeAsync(Engine(), script, ct);

    /// <summary>The lines that a script prints.</summary>
    public static async Task<IReadOnlyList<string>> LinesAsync(string script, CancellationToken ct) =>
        (await RunAsync(Engine(), script, ct).ConfigureAwait(false)).StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What a script prints, and what it takes; how it ends is for the caller to judge.</summary>
    public static Task<MeasuredRun> MeasureAsync(string script, CancellationToken ct) => MeasuredRun.OfAsync(Engine(), script, new Dictionary<string, string?>(), ct);

    /// <summary>Any command, given that on its standard input: seconds from its start to its end.</summary>
    public static async Task<double> TimeAsync(Command command, string? input, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        await RunAsync(command, input, ct).ConfigureAwait(false);
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task<BufferedCommandResult> RunAsync(Command command, string? input, CancellationToken ct)
    {
        var result = await (input is null ? command : command.WithStandardInputPipe(PipeSource.FromString(input)))
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(ct).ConfigureAwait(false);
        return result.ExitCode == 0 ? result : throw new LabException($"{command.TargetFilePath} ended with {result.ExitCode}:\n{result.StandardOutput}{result.StandardError}");
    }

    private static Command Engine() => Cli.Wrap("dotnet").WithArguments([Metadata("EnginePath"), "--module", Path.Combine(RepoRoot, "VirtSecurity.psd1")]);

    private static string Metadata(string key) =>
        typeof(PowerShell).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;
}
