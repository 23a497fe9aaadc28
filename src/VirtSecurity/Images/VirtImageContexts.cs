using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>Steps 5 and 6 of procedure 11.1 for a directory or file that exists, as a flow: rule, relabel, proof.</summary>
internal static class VirtImageContexts
{
    /// <summary>Read, plan, prove, return.</summary>
    public static ChangeFlow<VirtImageContextRequest, ImageFacts, VirtImageContext> Flow { get; } = new(
        request => request.Host,
        request => request.Path,
        request => [request.Path],
        ImageReader.ReadAsync,
        Plan,
        Difference,
        VirtImageContext.From,
        Notes,
        facts => facts.Unfinished);

    /// <summary>The changes; empty when the host is already so.</summary>
    /// <exception cref="VirtException">PathNotFound, UnsafeParent, NotAnImagePlace, and those of <see cref="HostFacts.ImageType"/>.</exception>
    internal static ChangeSet Plan(VirtImageContextRequest request, ImageFacts facts, string run)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var self = facts.Path.Self ?? throw new VirtException("PathNotFound", request.Path, request.Host);
        facts.Path.RequireSafeParents();
        if (self.FileType is not ('d' or '-')) throw new VirtException("NotAnImagePlace", request.Path, Kind(self.FileType, facts.Host.Hypervisor));

        var contexts = facts.Host.SELinux.FileContexts;
        var rules = new List<RuleEdit>();
        if (!Gives(contexts, request.Path, self.IsDirectory, type))
        {
            var path = contexts.Resolve(request.Path);
            var pattern = self.IsDirectory ? PathPattern.ForTree(path) : PathPattern.ForPath(path);
            rules.Add(new RuleEdit(pattern, type, contexts.Local(pattern)?.Context));
            contexts = contexts.With(pattern, type);
        }

        var labels = facts.Mislabelled(contexts).Where(entry => !facts.IsInUse(entry))
            .Select(entry => new Relabel(entry.Path, entry.Context, contexts.Lookup(entry.Path, entry.FileType)!.Context!.Type));
        return new ChangeSet(request.Path, [], rules, [.. labels]);
    }

    private static string? Difference(VirtImageContextRequest request, ImageFacts facts)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var contexts = facts.Host.SELinux.FileContexts;
        if (facts.Path.Self is not { } self) return $"{request.Path} is gone";
        if (!Gives(contexts, request.Path, self.IsDirectory, type))
            return $"the rules give {request.Path} the type {contexts.Lookup(request.Path, self.FileType)?.Context?.Type ?? "none"}, not {type}";
        return facts.Mislabelled(contexts).FirstOrDefault(entry => !facts.IsInUse(entry)) is { } wrong
            ? $"{wrong.Path} is labelled {wrong.Context?.ToString() ?? "not at all"}"
            : null;
    }

    private static IEnumerable<Note> Notes(VirtImageContextRequest request, ImageFacts facts, bool rulesChanged)
    {
        var left = facts.Mislabelled(facts.Host.SELinux.FileContexts).Where(facts.IsInUse).Select(entry => entry.Path).ToArray();
        return facts.Host.NotesOfRules(rulesChanged).Concat(left.Length == 0 ? [] : [new Note("HeldByGuest", request.Host.Name, left.Length, left[0])]);
    }

    private static bool Gives(FileContexts contexts, string path, bool isDirectory, string type) =>
        isDirectory ? ImageRule.Gives(contexts, path, type) : contexts.Lookup(path, '-')?.Context?.Type == type;

    private static string Kind(char fileType, Hypervisor? hypervisor) => fileType switch
    {
        'l' => "a symbolic link",
        'b' when hypervisor == Hypervisor.Kvm => "a block device, where a rule would be ignored: fixed_disk_device_t is right at rest, and libvirt labels the node for the guest that uses it",
        'b' => "a block device, where a rule would be ignored: its node gets its label from udev each time it is made",
        'c' => "a character device",
        _ => "neither a file nor a directory",
    };
}
