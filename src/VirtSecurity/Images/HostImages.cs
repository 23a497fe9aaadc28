using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>What is on a host, as far as its images are concerned.</summary>
/// <param name="Host">The host.</param>
/// <param name="Definitions">What guests and pools say.</param>
/// <param name="Looks">What is at the paths, by path.</param>
/// <param name="Listed">The paths found in places for images.</param>
/// <param name="Volumes">All logical volumes.</param>
/// <param name="DeviceSizes">Bytes of a block device, by major:minor.</param>
/// <param name="OpenByGuests">The inodes that QEMU processes have open.</param>
/// <param name="FileContexts">The rules; null: they are unknown.</param>
/// <param name="Headers">Headers of copy-on-write images, by real path.</param>
internal sealed record HostImages(
    VirtHost Host,
    ImageDefinitions Definitions,
    IReadOnlyDictionary<string, PathLook> Looks,
    IReadOnlyList<string> Listed,
    IReadOnlyList<LogicalVolumeFact> Volumes,
    IReadOnlyDictionary<string, long> DeviceSizes,
    IReadOnlySet<string> OpenByGuests,
    FileContexts? FileContexts,
    IReadOnlyDictionary<string, Qcow2Answer> Headers)
{
    /// <summary>The rule for a path, and where it lies; a rule whose pattern is none is a problem of those images alone for which it may count.</summary>
    /// <param name="path">Without links.</param>
    /// <param name="fileType">First column of <c>ls -l</c>.</param>
    public (FileContextRule? Rule, bool? IsPlanned, ImageProblem? Problem) RuleFor(string path, char fileType)
    {
        try
        {
            var rule = FileContexts?.Lookup(path, fileType);
            return (rule, PlannedPlace.Holds(path, FileContexts is null, rule), null);
        }
        catch (VirtException problem)
        {
            return (null, PlannedPlace.Holds(path, true, null), new ImageProblem(problem.Id, problem.Message));
        }
    }
}
