using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>A plan's file, on the machine that this runs on.</summary>
internal static class PlanFile
{
    private const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads one and judges it.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="checks">The ids that a waiver may have; null: any that looks like one.</param>
    public static PlanReading Read(string path, IReadOnlyCollection<string>? checks)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[PlanText.MostBytes + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return PlanReading.Of(path, bytes.AsSpan(0, length), checks);
        }
        catch (Exception problem) when (problem is FileNotFoundException or DirectoryNotFoundException)
        {
            return new PlanReading(null, [new VirtException(problem, "PlanNotFound", path)]);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return new PlanReading(null, [new VirtException(problem, "PlanUnreadable", path, problem.Message)]);
        }
    }

    /// <summary>Writes one, for its owner's eyes only: whoever reads it knows what the host is open to. It is there whole, or not at all.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="bytes">What is to be in it.</param>
    /// <param name="replaces">A file that is there already is replaced.</param>
    /// <exception cref="VirtException">PlanExists, PlanNotWritten.</exception>
    public static void Write(string path, byte[] bytes, bool replaces)
    {
        var beside = Path.Combine(Path.GetDirectoryName(path) ?? "/", $".{Guid.NewGuid():N}.plan");
        try
        {
            if (!replaces && Path.Exists(path)) throw new VirtException("PlanExists", path);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OnlyOwner;
            using (var file = new FileStream(beside, options))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, replaces);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(beside)) File.Delete(beside);
            // Somebody else may have made it since it was looked for.
            if (!replaces && File.Exists(path)) throw new VirtException(problem, "PlanExists", path);
            throw new VirtException(problem, "PlanNotWritten", path, problem.Message);
        }
    }
}
