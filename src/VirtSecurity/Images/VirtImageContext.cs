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

    /// <summary>Its path without symbolic links, by which rules are looked up.</summary>
    public required string Target { get; init; }

    /// <summary>The image type the rules give it; null: they give it none that is for this host.</summary>
    public required string? SELinuxType { get; init; }

    /// <summary>The rule: its line in file_contexts.local, or in the policy's own file_contexts.</summary>
    public required string? FileContextRule { get; init; }

    /// <summary>Which file the rule stands in; null: there is no rule.</summary>
    public required RuleSource? RuleSource { get; init; }

    /// <summary>The line of file_contexts.subs or subs_dist by which the path is looked up as another; null: there is none.</summary>
    public required string? Equivalence { get; init; }

    /// <summary>Its label.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>The label that the rules give it; null: none.</summary>
    public required SecurityContext? ExpectedContext { get; init; }

    /// <summary>How many files and directories were looked at: itself and, for what Set- and Remove-VirtImageContext return, all it holds without leaving its file system.</summary>
    public required int ItemCount { get; init; }

    /// <summary>Paths with another type than their rule's that were left alone, because a running guest holds them.</summary>
    public required IReadOnlyList<string> InUse { get; init; }

    /// <summary>Everything that was looked at and that no running guest holds has the label its image rule gives it; null: it cannot be told, as its file system keeps no labels or not all of it could be read.</summary>
    public required bool? IsCompliant { get; init; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;

    internal static VirtImageContext From(ImageFacts facts, bool isStrict)
    {
        var contexts = facts.Host.SELinux.FileContexts;
        var path = facts.Path.Path;
        var rule = facts.Path.Self is { } self ? contexts.Lookup(path, self.FileType) : null;
        var isImage = facts.Host.IsImageType(rule?.Context?.Type);
        return new VirtImageContext
        {
            VirtHost = facts.Host.Host,
            Path = path,
            Target = path,
            SELinuxType = isImage ? rule!.Context!.Type : null,
            FileContextRule = rule?.Text,
            RuleSource = rule?.Source,
            Equivalence = ImageRule.EquivalenceOf(contexts, path),
            Context = facts.Path.Self?.Context,
            ExpectedContext = rule?.Context,
            ItemCount = facts.Tree.Count,
            InUse = [.. facts.InUse(contexts).Select(entry => entry.Path)],
            IsCompliant = facts.WithoutLabels is not null ? (facts.IsLabelledByMount ? true : null)
                : !isImage || facts.Wrong(contexts, isStrict).Any() ? false
                : facts.Unreadable.Count == 0 ? true : null,
        };
    }

    /// <summary>From a verdict: the facts without the words.</summary>
    internal static VirtImageContext From(VirtImageContextTest test) => new()
    {
        VirtHost = test.VirtHost,
        Path = test.Path,
        Target = test.Target,
        SELinuxType = test.SELinuxType,
        FileContextRule = test.FileContextRule,
        RuleSource = test.RuleSource,
        Equivalence = test.Equivalence,
        Context = test.Context,
        ExpectedContext = test.ExpectedContext,
        ItemCount = 1,
        InUse = test.Verdict == ContextVerdict.RunningGuest && test.Context?.Type != test.ExpectedContext?.Type ? [test.Path] : [],
        IsCompliant = test.IsCompliant,
    };
}
