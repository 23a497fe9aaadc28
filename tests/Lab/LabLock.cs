using System.Globalization;

namespace VirtSecurity.Lab;

/// <summary>
/// One lab at a time. An open file with FileShare.None is flock(LOCK_EX) on Unix: it falls with the process, however that
/// ends. The holder leaves its process id and command line beside it, for the message to the one who waits.
/// </summary>
internal sealed class LabLock : IDisposable
{
    private readonly FileStream _file;

    private LabLock(FileStream file) => _file = file;

    /// <summary>Waits without limit until the lock is free; a second user is told who holds it.</summary>
    public static async Task<LabLock> TakeAsync(LabCache cache, IProgress<string>? progress, CancellationToken ct)
    {
        cache.Create();
        var told = "";
        while (true)
        {
            if (TryTake(cache) is { } taken)
                return taken;
            var holder = Holder(cache);
            if (holder != told)
                progress?.Report($"the lab is in use, waiting for {holder}");
            told = holder;
            await Task.Delay(TimeSpan.FromSeconds(1), ct).ConfigureAwait(false);
        }
    }

    /// <summary>Who took the lock last. It says nothing about whether it is still held.</summary>
    public static string Holder(LabCache cache)
    {
        try
        {
            return File.ReadAllText(cache.LockHolderFile).Trim();
        }
        catch (IOException)
        {
            return "another process";
        }
    }

    /// <summary>Whether some process holds the lock now.</summary>
    public static bool IsHeld(LabCache cache)
    {
        using var file = File.Exists(cache.LockFile) ? TryOpen(cache) : null;
        return file is null && File.Exists(cache.LockFile);
    }

    private static LabLock? TryTake(LabCache cache)
    {
        if (TryOpen(cache) is not { } file)
            return null;
        // A file of its own: the locked one cannot be opened by the one who waits.
        var since = DateTime.Now.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        File.WriteAllText(cache.LockHolderFile, $"process {Environment.ProcessId} since {since}: {string.Join(' ', Environment.GetCommandLineArgs())}\n");
        return new LabLock(file);
    }

    private static FileStream? TryOpen(LabCache cache)
    {
        try
        {
            return new FileStream(cache.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LabException($"Cannot lock {cache.LockFile}: {e.Message} Run as root or set VIRTSECURITY_LAB_CACHE.", e);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();
}
