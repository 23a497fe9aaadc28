using VirtSecurity.Facts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>Where images belong: the distribution's directories for them, and what the administrator's own rules give an image type.</summary>
internal static class PlannedPlace
{
    /// <summary>Whether a path without links lies in such a place; null: the rules are unknown.</summary>
    public static bool? Holds(FileContexts? contexts, string path) => Holds(path, contexts is null, contexts?.Lookup(path, '-'));

    /// <summary>The same, where the rule for the path has been looked up already.</summary>
    public static bool? Holds(string path, bool areRulesUnknown, FileContextRule? rule) =>
        HostPath.ImageTrees.Any(tree => path != tree && HostPath.IsAtOrBelow(path, tree)) ? true
        : areRulesUnknown ? null
        : rule is { Source: RuleSource.Local, Context: { } context } && ImageTypes.All.Contains(context.Type);
}
