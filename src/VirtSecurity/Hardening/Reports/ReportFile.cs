using VirtSecurity.Resources;

namespace VirtSecurity.Hardening.Reports;

/// <summary>A report's file, on the machine that this runs on.</summary>
internal static class ReportFile
{
    private const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly string[] SystemPlaces = ["/dev/", "/proc/", "/sys/"];

    /// <summary>Where a path leads, if a report may be written there.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="replaces">A file that is there already may be replaced.</param>
    /// <returns>The path; of a link, what it leads to.</returns>
    /// <exception cref="VirtException">ReportExists, ReportNotWritten.</exception>
    public static string Checked(string path, bool replaces)
    {
        try
        {
            var target = new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
            // Renaming a file over a device, a pipe or a directory would take it away.
            if (Path.Exists(target) && !IsRegular(target)) throw new VirtException("ReportNotWritten", path, "it is no file");
            if (Path.Exists(target) && !replaces) throw new VirtException("ReportExists", path);
            if (!Directory.Exists(Path.GetDirectoryName(target))) throw new VirtException("ReportNotWritten", path, "there is no such directory");
            return target;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new VirtException(problem, "ReportNotWritten", path, problem.Message);
        }
    }

    /// <summary>Writes one: it is there whole, or not at all. It is for its owner's eyes, as it says what hosts are open to; one that is replaced keeps its mode.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="bytes">What is to be in it.</param>
    /// <param name="replaces">A file that is there already is replaced.</param>
    /// <exception cref="VirtException">ReportExists, ReportNotWritten.</exception>
    public static void Write(string path, byte[] bytes, bool replaces)
    {
        var target = Checked(path, replaces);
        var beside = Path.Combine(Path.GetDirectoryName(target)!, $".{Guid.NewGuid():N}.report");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OnlyOwner;
            using (var file = new FileStream(beside, options))
            {
                if (!OperatingSystem.IsWindows() && File.Exists(target)) File.SetUnixFileMode(file.SafeFileHandle, File.GetUnixFileMode(target));
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, target, replaces);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            File.Delete(beside);
            // Somebody else may have made it since it was looked for.
            if (!replaces && File.Exists(target)) throw new VirtException(problem, "ReportExists", path);
            throw new VirtException(problem, "ReportNotWritten", path, problem.Message);
        }
    }

    // .NET's attributes call a device a normal file. What cannot be sought in is a pipe or a terminal; opened for both, a pipe waits for nobody.
    private static bool IsRegular(string path)
    {
        if (Directory.Exists(path) || SystemPlaces.Any(place => path.StartsWith(place, StringComparison.Ordinal))) return false;
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        return file.CanSeek;
    }
}
