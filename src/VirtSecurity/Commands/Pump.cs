using System.Globalization;
using System.Management.Automation;
using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Hands what hosts tell to the pipeline's thread: command lines as verbose, raw output as debug, the running step as progress.</summary>
internal sealed class Pump(Action<Action<Cmdlet>> post) : IHostLog
{
    private const int DebugLimit = 4096;

    /// <inheritdoc/>
    public void Sending(VirtHost host, IReadOnlyList<ToolCall> batch) => post(cmdlet =>
    {
        foreach (var call in batch) cmdlet.WriteVerbose($"{host}: {call}");
    });

    /// <inheritdoc/>
    public void Started(VirtHost host, ToolCall call) =>
        post(cmdlet => cmdlet.WriteProgress(new ProgressRecord(Id(host), host.Name, call.Tool)));

    /// <inheritdoc/>
    public void Ended(VirtHost host, ToolResult result) => post(cmdlet => cmdlet.WriteDebug(string.Create(
        CultureInfo.InvariantCulture, $"{host}: {result.Call.Tool}: {result.Outcome}, exit code {result.ExitCode}\n{(result.Call.IsPrivate ? $"({result.StdoutBytes.Length} bytes, which may hold secrets)\n" : Text(result.StdoutBytes))}{Text(result.StderrBytes)}")));

    /// <inheritdoc/>
    public void Warn(VirtHost host, string id, params object?[] arguments) =>
        post(cmdlet => cmdlet.WriteWarning($"{host.Name}: {Messages.Format(id, arguments)}"));

    /// <summary>Has something written as soon as the pipeline's thread is free: what streams.</summary>
    public void Write(Action<Cmdlet> write) => post(write);

    /// <summary>Takes the host's progress away.</summary>
    public void Done(VirtHost host) =>
        post(cmdlet => cmdlet.WriteProgress(new ProgressRecord(Id(host), host.Name, "done") { RecordType = ProgressRecordType.Completed }));

    private static int Id(VirtHost host) => host.GetHashCode() & int.MaxValue;

    private static string Text(byte[] bytes) =>
        Encoding.UTF8.GetString(bytes, 0, Math.Min(bytes.Length, DebugLimit)) + (bytes.Length > DebugLimit ? "...\n" : "");
}
