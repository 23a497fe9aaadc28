using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>Whether what a past run would take away for good is used by now: much may have happened since it was run or cut off.</summary>
internal static class PastRunUseReader
{
    private static readonly string[] Destroying = ["lvremove", Wipe.Name, DeviceGuard.UnmakeName];

    /// <summary>Whether taking a run back removes a volume or a file system.</summary>
    public static bool UndoDestroys(JournalRun run) =>
        run.Subjects.Any(subject => subject.State != SubjectState.Undone && subject.Set.Own.SelectMany(change => change.Undo).Any(Destroys));

    /// <summary>Whether finishing a run does.</summary>
    public static bool ResumeDestroys(JournalRun run) =>
        run.Subjects.Any(subject => subject.IsToBeFinished && subject.Set.Last.SelectMany(change => change.Do).Any(Destroys));

    /// <summary>Reads who uses the volumes of a run now: guests, running or not, and snapshots. Null: nobody.</summary>
    public static async Task<VirtException?> ReadAsync(IHost host, JournalRun run, CancellationToken stop)
    {
        var batch = new FactBatch();
        var storage = HostStorage.Ask(batch, host.Name);
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        var all = storage(facts => facts.RequireReadable());
        return run.Subjects.Where(subject => subject.State != SubjectState.Undone).Select(subject => Refusal(all, subject.Set)).FirstOrDefault(refusal => refusal is not null);
    }

    /// <summary>By the names, devices and mount points that the run was asked for.</summary>
    private static VirtException? Refusal(HostStorage storage, ChangeSet set)
    {
        string[] keys = [.. set.Keys.Append(set.Subject).Distinct()];
        var volumes = storage.Volumes.Where(volume => keys.Any(key => key == $"{volume.VolumeGroup}/{volume.Name}" || key == Lvm.DevicePath(volume.VolumeGroup, volume.Name))).ToArray();
        string[] paths = [.. keys.Where(key => key.StartsWith('/')), .. volumes.SelectMany(volume => new[] { Lvm.DevicePath(volume.VolumeGroup, volume.Name), Lvm.MapperPath(volume.VolumeGroup, volume.Name) })];
        var user = VolumeUse.Words(storage.Guests.Of(paths)) ?? volumes.SelectMany(volume => VolumeUse.Dependents(storage, volume)).FirstOrDefault();
        return user is null ? null : new VirtException("VolumeInUse", set.Subject, storage.Host.Host, user);
    }

    private static bool Destroys(ToolCall call) => Destroying.Contains(call.Tool);
}
