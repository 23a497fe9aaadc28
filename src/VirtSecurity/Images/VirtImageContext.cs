using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>The label of a directory or file of images, as it is on the host: read back, never as asked for.</summary>
public sealed record VirtImageContext
{
    /// <summary>The host it is on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>The directory or file.</summary>
    public required string Path { get; init; }

    /// <summary>The type the rules give it.</summary>
    public required string? SELinuxType { get; init; }

    /// <summary>The rule: its line in file_contexts.local, or in the policy's own file_contexts.</summary>
    public required string? FileContextRule { get; init; }

    /// <summary>Its label.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>How many files and directories it holds, itself included, without leaving its file system.</summary>
    public required int ItemCount { get; init; }

    /// <summary>Paths with another type than their rule's that were left alone, because a running guest holds them.</summary>
    public required IReadOnlyList<string> InUse { get; init; }

    /// <summary>Everything here that no running guest holds has the type its rule gives it.</summary>
    public required bool IsCompliant { get; init; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;

    internal static VirtImageContext From(VirtImageContextRequest request, ImageFacts facts)
    {
        var contexts = facts.Host.SELinux.FileContexts;
        var wrong = facts.Mislabelled(contexts).ToLookup(facts.IsInUse);
        var rule = facts.Path.Self is { } self ? contexts.Lookup(request.Path, self.FileType) : null;
        return new VirtImageContext
        {
            VirtHost = facts.Host.Host,
            Path = request.Path,
            SELinuxType = rule?.Context?.Type,
            FileContextRule = rule?.Text,
            Context = facts.Path.Self?.Context,
            ItemCount = facts.Tree.Count,
            InUse = [.. wrong[true].Select(entry => entry.Path)],
            IsCompliant = rule?.Context is not null && !wrong[false].Any(),
        };
    }
}
