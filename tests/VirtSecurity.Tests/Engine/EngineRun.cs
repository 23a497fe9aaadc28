using System.Diagnostics;
using System.Management.Automation;
using System.Reflection;

namespace VirtSecurity.Tests.Engine;

/// <summary>A script's run in the engine's child process: its streams, as objects that have been through serialization.</summary>
public sealed class EngineRun
{
    private readonly PSObject report;

    private EngineRun(PSObject report) => this.report = report;

    public static string RepoRoot { get; } = Metadata("RepoRoot");

    public IReadOnlyList<PSObject> Output => Objects("Output");
    public IReadOnlyList<PSObject> Errors => Objects("Errors");
    public IReadOnlyList<string> Warnings => Texts("Warnings");
    public IReadOnlyList<string> Verbose => Texts("Verbose");
    public IReadOnlyList<string> Console => Texts("Console");
    public IReadOnlyList<string> Debug => Texts("Debug");
    public IReadOnlyList<string> Questions => Texts("Questions");
    public string Rendered => (string?)report.Properties["Rendered"].Value ?? "";
    public string? Thrown => (string?)report.Properties["Thrown"].Value;

    /// <summary>Runs a script with the module imported as a user imports it.</summary>
    /// <param name="script">PowerShell.</param>
    /// <param name="arguments">Options of the engine program, such as --culture and --answers.</param>
    /// <param name="environment">Variables to set for it.</param>
    /// <param name="module">The module to import; empty: none.</param>
    public static EngineRun Of(
        string script, IReadOnlyList<string>? arguments = null, IReadOnlyDictionary<string, string>? environment = null, string? module = null) =>
        new((PSObject)PSSerializer.Deserialize(Start(script, ["--xml", .. arguments ?? []], environment, module)));

    /// <summary>What a user sees at a console of that many columns.</summary>
    public static string Rendering(string script, int width = 80, IReadOnlyDictionary<string, string>? environment = null, string? module = null) =>
        Start(script, ["--width", width.ToString(System.Globalization.CultureInfo.InvariantCulture)], environment, module);

    /// <summary>Runs a script while something is done to its process.</summary>
    /// <param name="script">PowerShell.</param>
    /// <param name="moment">What is done, from the process's start on.</param>
    /// <param name="arguments">Options of the engine program.</param>
    /// <returns>The run; null: it was killed.</returns>
    public static async Task<EngineRun?> DisturbedAsync(string script, Func<Process, Task> moment, params string[] arguments)
    {
        using var process = Process.Start(StartInfo(["--xml", .. arguments], null, null))!;
        var (error, output) = (process.StandardError.ReadToEndAsync(), process.StandardOutput.ReadToEndAsync());
        await process.StandardInput.WriteAsync(script);
        process.StandardInput.Close();
        await moment(process);
        await process.WaitForExitAsync();
        const int killed = 128 + 9;
        return process.ExitCode switch
        {
            0 or 1 => new((PSObject)PSSerializer.Deserialize(await output)),
            killed => null,
            _ => throw new InvalidOperationException($"The engine ended with {process.ExitCode}: {await error}{await output}"),
        };
    }

    private static string Start(string script, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment, string? module)
    {
        using var process = Process.Start(StartInfo(arguments, environment, module))!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(script);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode is 0 or 1 ? output : throw new InvalidOperationException($"The engine ended with {process.ExitCode}: {error.Result}{output}");
    }

    private static ProcessStartInfo StartInfo(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment, string? module)
    {
        string[] import = module is "" ? [] : ["--module", module ?? Path.Combine(RepoRoot, "VirtSecurity.psd1")];
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Metadata("EnginePath"), .. import, .. arguments]) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return start;
    }

    internal static string Metadata(string key) =>
        typeof(EngineRun).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;

    private PSObject[] Objects(string name) =>
        [.. LanguagePrimitives.GetEnumerable(report.Properties[name].Value)?.Cast<object?>().OfType<object>().Select(PSObject.AsPSObject) ?? []];

    private string[] Texts(string name) => [.. Objects(name).Select(text => text.BaseObject.ToString()!)];
}
