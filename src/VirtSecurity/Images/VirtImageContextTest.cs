using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>The verdict on the label of one file, directory or device.</summary>
public sealed record VirtImageContextTest
{
    /// <summary>The host it is on.</summary>
    public required VirtHost VirtHost { get; init; }

    /// <summary>As it was asked for, or below that.</summary>
    public required string Path { get; init; }

    /// <summary>Its path without symbolic links: rules are looked up by it, and Set-VirtImageContext binds it.</summary>
    public required string Target { get; init; }

    /// <summary>What is to be said of its label.</summary>
    public required ContextVerdict Verdict { get; init; }

    /// <summary>Whether the label is right; null: it cannot be told.</summary>
    public required bool? IsCompliant { get; init; }

    /// <summary>Its label: of a device that a guest holds, as that guest's process sees it.</summary>
    public required SecurityContext? Context { get; init; }

    /// <summary>The label that the rules give it; null: none. While a guest runs, the one it is to have again afterwards.</summary>
    public required SecurityContext? ExpectedContext { get; init; }

    /// <summary>The image type that the rules give it; null: they give it none.</summary>
    public required string? SELinuxType { get; init; }

    /// <summary>The rule: its line in the file it stands in.</summary>
    public required string? FileContextRule { get; init; }

    /// <summary>Which file the rule stands in; null: there is no rule.</summary>
    public required RuleSource? RuleSource { get; init; }

    /// <summary>The line of file_contexts.subs or subs_dist by which the path is looked up as another; null: there is none.</summary>
    public required string? Equivalence { get; init; }

    /// <summary>The running guest that holds it; null: none does, or its name is not known.</summary>
    public required string? Guest { get; init; }

    /// <summary>What there is to say of it; null: nothing.</summary>
    public required string? Message { get; init; }

    /// <summary>The path.</summary>
    public override string ToString() => Path;

    /// <summary>Judges all that was found below a path, one after another.</summary>
    /// <exception cref="VirtException">PathNotFound.</exception>
    internal static IEnumerable<VirtImageContextTest> From(LabelFacts facts, string path, bool isStrict)
    {
        if (facts.IsMissing(path)) throw new VirtException("PathNotFound", path, facts.Host.Host);
        var verdict = new ImageVerdict(facts, isStrict);
        var contexts = facts.Host.SELinux.FileContexts;
        return facts.Items(path).Select(item =>
        {
            var judged = verdict.Of(item.Target, item.Entry, item.Device);
            var expected = judged.Rule?.Context;
            return new VirtImageContextTest
            {
                VirtHost = facts.Host.Host,
                Path = item.Path,
                Target = item.Target,
                Verdict = judged.Verdict,
                IsCompliant = judged.IsCompliant,
                Context = judged.Context,
                ExpectedContext = expected,
                SELinuxType = facts.Host.IsImageType(expected?.Type) ? expected!.Type : null,
                FileContextRule = judged.Rule?.Text,
                RuleSource = judged.Rule?.Source,
                Equivalence = ImageRule.EquivalenceOf(contexts, item.Target),
                Guest = judged.Holder?.Guest,
                Message = judged.Message,
            };
        });
    }
}
