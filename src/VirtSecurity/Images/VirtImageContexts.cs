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
        (request, facts) => VirtImageContext.From(facts, request.IsStrict),
        Notes,
        facts => facts.Unfinished);

    /// <summary>The changes; empty when the host is already so, or where files keep no labels.</summary>
    /// <exception cref="VirtException">PathNotFound, UnsafeParent, NotAnImagePlace, RefusedPath, and those of <see cref="HostFacts.ImageType"/>.</exception>
    internal static ChangeSet Plan(VirtImageContextRequest request, ImageFacts facts, string run)
    {
        var rules = Rules(request, facts);
        var self = facts.Path.Self ?? throw new VirtException("PathNotFound", request.Path, request.Host);
        facts.Path.RequireSafeParents();
        if (self.FileType is not ('d' or '-')) throw new VirtException("NotAnImagePlace", request.Path, Kind(self.FileType, facts.Host.Hypervisor));
        if (facts.WithoutLabels is not null) return new ChangeSet(request.Path, [], [], []);
        return new ChangeSet(request.Path, [], rules, [.. facts.Wrong(With(facts.Contexts, rules), request.IsStrict)]);
    }

    /// <summary>The rules as they will be with what a request for a directory adds; null: nothing of it can be planned, or it adds nothing.</summary>
    internal static FileContexts? ContextsWithRule(VirtImageContextRequest request, Func<ImageFacts> facts)
    {
        try
        {
            var plan = Plan(request, facts(), "");
            return plan.Rules.Count > 0 ? With(facts().Contexts, plan.Rules) : null;
        }
        catch (VirtException)
        {
            // It is that request's own error; what is asked for below gets a rule of its own.
            return null;
        }
    }

    /// <summary>Its part of the policy commit. A file that the rules give an image type already needs none, unless another is asked for.</summary>
    private static IReadOnlyList<RuleEdit> Rules(VirtImageContextRequest request, ImageFacts facts)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var isDirectory = facts.Path.Self?.IsDirectory ?? true;
        var contexts = facts.Contexts;
        var pattern = PatternOf(contexts, request, isDirectory);
        var edits = new List<RuleEdit>();
        if (WrittenWrongly(contexts, request, isDirectory) is { } wrong)
        {
            edits.Add(new RuleEdit(wrong.Pattern, null, wrong.Context));
            contexts = contexts.Without([wrong.Pattern]);
        }

        if (Gives(contexts, request, isDirectory, type, facts.Host)) return edits;
        HostPath.RequireImagePlace(request.Path);
        edits.Add(new RuleEdit(pattern, type, contexts.Local(pattern)?.Context));
        return edits;
    }

    private static string PatternOf(FileContexts contexts, VirtImageContextRequest request, bool isDirectory)
    {
        var path = contexts.Resolve(request.Path);
        return isDirectory ? PathPattern.ForTree(path) : PathPattern.ForPath(path);
    }

    /// <summary>The rule that is to be replaced, if it is there, is for this path, and is not the right one already.</summary>
    private static FileContextRule? WrittenWrongly(FileContexts contexts, VirtImageContextRequest request, bool isDirectory) =>
        request.Replaces is { } wrong && wrong != PatternOf(contexts, request, isDirectory) && (PathPattern.PathOf(wrong) ?? PathPattern.TextOf(wrong)) == request.Path
        && contexts.Local(wrong) is { Context: not null } rule ? rule : null;

    private static FileContexts With(FileContexts contexts, IReadOnlyList<RuleEdit> rules) =>
        rules.Aggregate(contexts, (current, rule) => rule.Type is null ? current.Without([rule.Pattern]) : current.With(rule.Pattern, rule.Type));

    private static string? Difference(VirtImageContextRequest request, ImageFacts facts)
    {
        var type = facts.Host.ImageType(request.Hypervisor, request.SELinuxType);
        var contexts = facts.Host.SELinux.FileContexts;
        if (facts.Path.Self is not { } self) return $"{request.Path} is gone";
        if (!Gives(contexts, request, self.IsDirectory, type, facts.Host))
            return $"the rules give {request.Path} the type {contexts.Lookup(request.Path, self.FileType)?.Context?.Type ?? "none"}, not {type}";
        if (WrittenWrongly(contexts, request, self.IsDirectory) is { } rule) return $"the rule {rule.Text} is still there";
        return facts.Wrong(contexts, request.IsStrict).FirstOrDefault() is { } wrong
            ? $"{wrong.Path} is labelled {wrong.Before}"
            : null;
    }

    private static IEnumerable<Note> Notes(VirtImageContextRequest request, ImageFacts facts, bool rulesChanged)
    {
        if (facts.WithoutLabels is { } mount) return facts.IsLabelledByMount ? [] : [new("LabelsNotSupported", request.Host.Name, request.Path, mount.FileSystem, mount.MountPoint)];
        return [.. facts.Host.NotesOfRules(rulesChanged), .. LeftAlone(request.Host.Name, facts)];
    }

    /// <summary>What was left alone because a running guest holds it, or because it could not be read.</summary>
    internal static IEnumerable<Note> LeftAlone(string host, ImageFacts facts)
    {
        var left = facts.InUse(facts.Host.SELinux.FileContexts).Select(entry => entry.Path).ToArray();
        if (left.Length > 0) yield return new("HeldByGuest", host, left.Length, left[0]);
        foreach (var words in facts.Unreadable) yield return new("NotLabelled", host, words);
    }

    private static bool Gives(FileContexts contexts, VirtImageContextRequest request, bool isDirectory, string type, HostFacts host)
    {
        if (isDirectory) return ImageRule.Gives(contexts, request.Path, type);
        var given = contexts.Lookup(request.Path, '-')?.Context?.Type;
        return given == type || (request.SELinuxType is null && host.IsImageType(given));
    }

    private static string Kind(char fileType, Hypervisor? hypervisor) => fileType switch
    {
        'l' => "a symbolic link",
        'b' when hypervisor == Hypervisor.Kvm => "a block device, where a rule would be ignored: fixed_disk_device_t is right at rest, and libvirt labels the node for the guest that uses it",
        'b' => "a block device, where a rule would be ignored: its node gets its label from udev each time it is made",
        'c' => "a character device",
        _ => "neither a file nor a directory",
    };
}
