using System.Collections.Concurrent;
using System.Diagnostics;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>Names for completion: soon, or when asked again, and without root.</summary>
internal static class QuickNames
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(180);
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(10);

    // A host whose ssh alone takes longer than anybody waits for a completion would never complete anything: there, the second Tab does.
    private static readonly ConcurrentDictionary<string, (Task<IReadOnlyList<ToolResult>> Asking, long Since)> Late = new();

    /// <summary>Volume groups.</summary>
    public static IReadOnlyList<string> VolumeGroups(VirtHost name) => Ask(name, [Lvm.GroupNames()], results => Lvm.ReadGroupNames(results[0]));

    /// <summary>Active logical volumes.</summary>
    public static IReadOnlyList<(string VolumeGroup, string Name)> Volumes(VirtHost name) => Ask(name, [Lvm.VolumeNames()], results => Lvm.ReadVolumeNames(results[0]));

    /// <summary>Where volumes and partitions are mounted, or would be at boot, and images may be.</summary>
    public static IReadOnlyList<string> MountPoints(VirtHost name) => Ask<string>(name, [Mount.Table(), Fstab.Read()], results =>
        [.. Mount.ReadTable(results[0]).Where(mount => mount.Source.StartsWith("/dev/", StringComparison.Ordinal)).Select(mount => mount.MountPoint)
            .Concat(Fstab.ReadEntries(results[1]).Select(entry => entry.MountPoint))
            .Where(HostPath.IsImagePlace)]);

    /// <summary>Guests, by the names of their definitions' files.</summary>
    public static IReadOnlyList<string> Guests(VirtHost name) => Ask(name, [GuestDefinitions.Names()], results => GuestDefinitions.ReadNames(results[0]).Guests);

    /// <summary>Storage pools, likewise.</summary>
    public static IReadOnlyList<string> Pools(VirtHost name) => Ask(name, [GuestDefinitions.Names()], results => GuestDefinitions.ReadNames(results[0]).Pools);

    /// <summary>The names, or none where asking would take longer or need a log-in. What comes too late is for the next who asks the same soon.</summary>
    private static IReadOnlyList<T> Ask<T>(VirtHost name, IReadOnlyList<ToolCall> calls, Func<IReadOnlyList<ToolResult>, IReadOnlyList<T>> read)
    {
        if (!Client.IsWarm(name)) return [];
        var question = string.Join('\n', [$"{name}", .. calls.Select(call => $"{call}")]);
        if (!Late.TryRemove(question, out var asked) || Stopwatch.GetElapsedTime(asked.Since) > Age) asked = (AskAsync(name, calls), Stopwatch.GetTimestamp());
        try
        {
            if (asked.Asking.Wait(Patience)) return asked.Asking.Result.All(result => result.Succeeded) ? read(asked.Asking.Result) : [];
            Late[question] = asked;
            return [];
        }
        catch (AggregateException)
        {
            return []; // A completer has nobody to tell; the cmdlet will say what is wrong.
        }
    }

    private static Task<IReadOnlyList<ToolResult>> AskAsync(VirtHost name, IReadOnlyList<ToolCall> calls) => Task.Run(async () =>
    {
        using var limit = new CancellationTokenSource(Age);
        return await HostFactory.Open(name, SilentLog.Instance).RunAsync(calls, BatchMode.RunAll, limit.Token).ConfigureAwait(false);
    });

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
