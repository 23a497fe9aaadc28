using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>Reads a host's journal in one round trip.</summary>
internal static class JournalReader
{
    /// <summary>The runs, oldest first.</summary>
    /// <param name="host">The host.</param>
    /// <param name="question">Which: one of <see cref="JournalFiles"/>' calls.</param>
    /// <param name="stop">Stops it.</param>
    /// <exception cref="VirtException">NotPrivileged: only root may read it, and "there is none" is no answer to anybody else.</exception>
    public static async Task<IReadOnlyList<JournalRun>> ReadAsync(IHost host, ToolCall question, CancellationToken stop)
    {
        var batch = new FactBatch();
        var probe = batch.Ask(HostProbe.Look([]), HostProbe.Read);
        var runs = batch.Ask(question, FactUnknown.Unless(JournalFiles.Read));
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return probe.Value.IsRoot ? runs.Value : throw new VirtException("NotPrivileged", host.Name);
    }
}
