using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>A path that is to have the label again that it has without the administrator's own rule for it.</summary>
internal sealed record ContextRemovalRequest
{
    private ContextRemovalRequest()
    {
    }

    public required VirtHost Host { get; init; }

    /// <summary>The path that the rule is for.</summary>
    public required string Path { get; init; }

    /// <summary>The rule; null: each that is for exactly this path.</summary>
    public required string? Pattern { get; init; }

    /// <summary>The label is asked for, not the rule: without one the path is labelled all the same.</summary>
    public required bool IsReset { get; init; }

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">InvalidPath; RuleNotPlain: the pattern is not that of a single path or tree.</exception>
    public static ContextRemovalRequest Validated(VirtHost host, string? path, string? pattern, bool isReset)
    {
        path = pattern is null ? path! : PathPattern.PathOf(pattern) ?? throw new VirtException("RuleNotPlain", pattern);
        HostPath.RequireLookable(path);
        return new() { Host = host, Path = path, Pattern = pattern, IsReset = isReset };
    }
}

/// <summary>Taking the administrator's rule for a path away, and with it the labels it gave, as a flow.</summary>
internal static class ContextRemovals
{
    /// <summary>Read, plan, prove, return.</summary>
    public static ChangeFlow<ContextRemovalRequest, ImageFacts, VirtImageContext> Flow { get; } = new(
        request => request.Host,
        request => request.Path,
        request => [request.Path],
        (host, requests, stop) => ImageReader.ReadAsync(host, [.. requests.Select(request => request.Path)], stop),
        Plan,
        Difference,
        (_, facts) => VirtImageContext.From(facts, false),
        (request, facts, rulesChanged) => [.. facts.Host.NotesOfRules(rulesChanged), .. VirtImageContexts.LeftAlone(request.Host.Name, facts)],
        facts => facts.Unfinished)
    {
        Question = "ProceedToRemoveRule",
    };

    /// <summary>The changes; empty when a reset finds everything so. What a rule for a path that is gone has covered is gone with it.</summary>
    /// <exception cref="VirtException">RuleNotFound, PathNotFound, RefusedPath, UnsafeParent.</exception>
    internal static ChangeSet Plan(ContextRemovalRequest request, ImageFacts facts, string run)
    {
        var contexts = facts.Host.SELinux.FileContexts;
        var rules = LocalRules(request, contexts).ToArray();
        if (rules.Length == 0 && !request.IsReset) throw new VirtException("RuleNotFound", request.Pattern ?? request.Path, request.Host);
        // Without a rule of the administrator's there is no business of ours in the system's own trees.
        if (rules.Length == 0) HostPath.RequireImagePlace(request.Path);
        if (facts.Path.Self is not null) facts.Path.RequireSafeParents();
        else if (rules.Length == 0) throw new VirtException("PathNotFound", request.Path, request.Host);

        var left = contexts.Without([.. rules.Select(rule => rule.Pattern)]);
        return new ChangeSet(
            request.Path, [], [.. rules.Select(rule => new RuleEdit(rule.Pattern, null, rule.Context))], facts.WithoutLabels is null ? [.. facts.Wrong(left, false)] : []);
    }

    /// <summary>The administrator's rules for images at exactly this path: alone or with all below it, however the pattern is written.</summary>
    private static IEnumerable<FileContextRule> LocalRules(ContextRemovalRequest request, FileContexts contexts) => contexts.Rules.Where(rule =>
        rule is { Source: RuleSource.Local, FileType: null, Context: { } context }
        && (ImageTypes.All.Contains(context.Type) || context.Type is "svirt_image_t")
        && (request.Pattern is null ? PathPattern.PathOf(rule.Pattern) is { } path && (path == request.Path || path == contexts.Resolve(request.Path)) : rule.Pattern == request.Pattern));

    private static string? Difference(ContextRemovalRequest request, ImageFacts facts)
    {
        var contexts = facts.Host.SELinux.FileContexts;
        if (LocalRules(request, contexts).FirstOrDefault() is { } rule) return $"the rule {rule.Text} is still there";
        return facts.WithoutLabels is null && facts.Wrong(contexts, false).FirstOrDefault() is { } wrong ? $"{wrong.Path} is labelled {wrong.Before}" : null;
    }
}
