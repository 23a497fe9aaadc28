using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>Names of volume groups for completion: soon or not at all, and without root.</summary>
internal static class VolumeGroupNames
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(180);

    /// <summary>The names, or none where asking would take longer or need a log-in.</summary>
    public static IReadOnlyList<string> Quick(VirtHost name)
    {
        if (!Client.IsWarm(name)) return [];
        using var patience = new CancellationTokenSource(Patience);
        var asking = Task.Run(() => HostFactory.Open(name, SilentLog.Instance).RunAsync([Lvm.GroupNames()], BatchMode.RunAll, patience.Token), CancellationToken.None);
        try
        {
            return asking.Wait(Patience) && asking.Result is [{ Succeeded: true } result] ? Lvm.ReadGroupNames(result) : [];
        }
        catch (AggregateException)
        {
            return []; // A completer has nobody to tell; the cmdlet will say what is wrong.
        }
    }

    private sealed class SilentLog : IHostLog
    {
        public static SilentLog Instance { get; } = new();

        public void Sending(VirtHost host, IReadOnlyList<ToolCall> batch)
        {
        }

        public void Started(VirtHost host, ToolCall call)
        {
        }

        public void Ended(VirtHost host, ToolResult result)
        {
        }

        public void Warn(VirtHost host, string id, params object?[] arguments)
        {
        }
    }
}
