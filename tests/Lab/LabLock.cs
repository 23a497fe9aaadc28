using System.Globalization;

namespace VirtSecurity.Lab;

/// <summary>
/// One user at a time. An open file with FileShare.None is flock(LOCK_EX) on Unix: it falls with the process, however that
/// ends. The holder leaves its process id and command line beside it, for the message to the one who waits.
/// </summary>
internal sealed class LabLock : IDisposable
{
    private readonly FileStream _file;

    private LabLock(FileStream file) => _file = file;

    /// <summary>Waits without limit until the lock is free; a second user is told who holds it.</summary>
    public static async Task<LabLock> TakeAsync(LabCache cache, string file, IProgress<string>? progress, CancellationToken ct)
    {
        cache.Create();
        var told = "";
        while (true)
        {
            if (TryTake(file) is { } taken)
                return taken;
            var holder = Holder(file);
            if (holder != told)
                progress?.Report($"the lab is in use, waiting for {holder}");
            told = holder;
            await Task.Delay(TimeSpan.FromSeconds(1), ct).ConfigureAwait(false);
        }
    }

    /// <summary>Who took the lock last. It says nothing about whether it is still held.</summary>
    public static string Holder(string file)
    {
        try
        {
            return File.ReadAllText(HolderFile(file)).Trim();
        }
        catch (IOException)
        {
            return "another process";
        }
    }

    /// <summary>Whether some process holds the lock now.</summary>
    public static bool IsHeld(string file)
    {
        using var opened = File.Exists(file) ? TryOpen(file) : null;
        return opened is null && File.Exists(file);
    }

    private static LabLock? TryTake(string file)
    {
        if (TryOpen(file) is not { } opened)
            return null;
        // A file of its own: the locked one cannot be opened by the one who waits.
        var since = DateTime.Now.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        File.WriteAllText(HolderFile(file), $"process {Environment.ProcessId} since {since}: {string.Join(' ', Environment.GetCommandLineArgs())}\n");
        return new LabLock(opened);
    }

    private static FileStream? TryOpen(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LabException($"Cannot lock {file}: {e.Message} Run as root or set VIRTSECURITY_LAB_CACHE.", e);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();

    private static string HolderFile(string file) => file + ".holder";
}
