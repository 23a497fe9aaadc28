using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>
/// An image file moved to another directory, as a flow: copied and compared, put in place and labelled, then the definitions that name it changed, and only then,
/// as it cannot be undone, the old file removed. At every moment the definitions name a whole image.
/// </summary>
internal static class ImageMoves
{
    /// <summary>A file system's own needs for so large a file, beyond its data.</summary>
    private const long Overhead = 1 << 20;

    private const string CopyStep = "copy";

    /// <summary>Read, plan, prove, return.</summary>
    public static ChangeFlow<ImageMoveRequest, ImageMoveFacts, VirtImageMove> Flow { get; } = new(
        request => request.Host,
        request => request.Path,
        request => [request.Path, request.Target],
        ImageMoveReader.ReadAsync,
        Plan,
        Difference,
        Result,
        (_, _, _) => [],
        facts => facts.Unfinished)
    {
        Guard = (request, facts) => InUse(request, facts),
        ResultOfChange = (request, before, after) => Result(request, before.Ends.Source is null ? after : after with { Definitions = before.Definitions }),
        Question = "ProceedToMove",
    };

    /// <summary>The changes; empty when the image is where it is to be.</summary>
    /// <exception cref="VirtException">What is there forbids it; nothing has been changed.</exception>
    internal static ChangeSet Plan(ImageMoveRequest request, ImageMoveFacts facts, string run)
    {
        if (request.Path == request.Target) return new ChangeSet(request.Path, [], [], []);
        var source = RequireMovable(request, facts);
        var context = RequirePlace(request, facts, source);
        var copy = ImageCopy.NameOf(request.Path, request.Target, run);
        return new ChangeSet(
            request.Path,
            [
                new("begin", [ImageCopy.Begin(copy)], Coreutils.Exists(copy), [ImageCopy.Forget(copy)]) { HiddenBy = CopyStep },
                new(CopyStep, [ImageCopy.Copy(request.Path, source, copy, request.Target)], ImageCopy.IsCopied(request.Path, source, request.Target), [ImageCopy.TakeBack(request.Path, source, request.Target)]),
                new("restorecon", [ImageCopy.Label(request.Target)], ImageCopy.IsLabelled(request.Target, context.ToString()), []),
                .. facts.Definitions.SelectMany(definition => definition.Names.Select(name => Redefine(definition, name, request, facts, source))),
            ],
            [],
            [])
        {
            Last = [new("remove", [ImageCopy.RemoveOld(request.Path, source, copy, request.Target)], Change.Gone(Coreutils.Exists(request.Path)), [])],
        };
    }

    private static ImageFileFact RequireMovable(ImageMoveRequest request, ImageMoveFacts facts)
    {
        VirtException Refused(string reason) => new("ImageNotMovable", request.Path, reason);
        var self = facts.Source.Self ?? throw new VirtException("PathNotFound", request.Path, request.Host);
        if (self.FileType != '-' || facts.Ends.Source is not { } source) throw Refused(self.FileType == 'l' ? "it is a symbolic link: name the file it leads to" : "it is no regular file");
        if (HostPath.Chain(request.Path).SkipLast(1).FirstOrDefault(parent => facts.Source.Inodes.GetValueOrDefault(parent)?.FileType == 'l') is { } link) throw Refused($"{link} is a symbolic link: name the directory it leads to");
        if (source.Names > 1) throw Refused($"it has {source.Names} names (hard links), and would stay where it is by the others");
        if (InUse(request, facts) is { } use) throw use;
        if (facts.Kept.FirstOrDefault(kept => facts.Guests.Contains(kept.Guest)) is { Guest: { } guest } state) throw Refused($"libvirt keeps {state.What} of {guest}, and with it this path");
        if (facts.BasedOn.Count > 0) throw Refused($"{facts.BasedOn[0]} is based on it, or may be");
        if (facts.RelativeBacking is { } backing) throw Refused($"it is based on '{backing}', which its header names relative to its own directory");
        return source;
    }

    private static VirtException? InUse(ImageMoveRequest request, ImageMoveFacts facts)
    {
        if (facts.Definitions.FirstOrDefault(definition => definition.Definition.IsRunning) is { } running) return new("ImageInUse", request.Path, $"the guest {running.Definition.Guest} runs with it");
        return facts.Ends.OpenBy.Count > 0 ? new("ImageInUse", request.Path, $"process {facts.Ends.OpenBy[0]} has it open") : null;
    }

    private static SecurityContext RequirePlace(ImageMoveRequest request, ImageMoveFacts facts, ImageFileFact source)
    {
        facts.Target.RequireSafeParents();
        if (facts.Target.Inodes.GetValueOrDefault(request.Destination) is not { IsDirectory: true }) throw new VirtException("PathNotFound", request.Destination, request.Host);
        if (facts.Target.Self is not null) throw new VirtException("DestinationTaken", request.Path, request.Target);
        var context = facts.Host.SELinux.FileContexts.Lookup(request.Target, '-')?.Context;
        if (context is null || !facts.Host.IsImageType(context.Type)) throw new VirtException("DestinationNotLabelled", request.Destination, context?.Type ?? "no type");
        if (facts.Ends.FreeBytes is not { } free) throw new VirtException("FactUnknown", "df", $"{request.Destination}: what is free there is not known");
        if (free < source.Allocated + Overhead) throw new VirtException("DestinationFull", request.Path, request.Destination, free, source.Allocated);
        return context;
    }

    private static Change Redefine(ImageDefinition definition, string name, ImageMoveRequest request, ImageMoveFacts facts, ImageFileFact source)
    {
        var (guest, file) = (definition.Definition.Guest, definition.Definition.File.Path);
        var edit = new GuestRedefinition(file, guest, name, request.Target);
        if (edit.Tool is { } tool) facts.Host.RequireReady([tool]);
        if (!definition.CanHave(edit)) throw new VirtException("DefinitionNotEditable", name, guest, file);
        return new("define " + guest, [edit.Do()], edit.Has(), [edit.Undo(request.Path, source)]);
    }

    private static string? Difference(ImageMoveRequest request, ImageMoveFacts facts)
    {
        if (facts.Target.Self is not { FileType: '-' } self) return $"{request.Target} is not there";
        if (request.Path != request.Target && facts.Source.Self is not null) return $"{request.Path} is still there";
        if (request.Path != request.Target && facts.Definitions.Count > 0) return $"{facts.Definitions[0].Definition.File.Path} still has {request.Path}";
        var expected = facts.Host.SELinux.FileContexts.Lookup(request.Target, '-')?.Context;
        return self.Context == expected || self.Context?.HasCategories == true ? null : $"{request.Target} is labelled {self.Context?.ToString() ?? "not at all"}, not {expected}";
    }

    private static VirtImageMove Result(ImageMoveRequest request, ImageMoveFacts facts)
    {
        var context = facts.Target.Self?.Context;
        var expected = facts.Host.SELinux.FileContexts.Lookup(request.Target, '-')?.Context;
        var file = facts.Ends.Target;
        return new VirtImageMove
        {
            VirtHost = request.Host,
            Path = request.Target,
            SourcePath = request.Path,
            Guest = facts.Guests,
            Size = file?.Size ?? 0,
            Allocated = file?.Allocated ?? 0,
            Context = context,
            ExpectedContext = expected,
            IsCompliant = context is not null && (context.HasCategories || context.Type == expected?.Type) && facts.Host.IsImageType(expected?.Type),
        };
    }
}
