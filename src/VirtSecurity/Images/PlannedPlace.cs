using VirtSecurity.Facts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Images;

/// <summary>Where images belong: the distribution's directories for them, and what the administrator's own rules give an image type.</summary>
internal static class PlannedPlace
{
    /// <summary>Whether a path without links, for which there is that rule, lies in such a place; null: the rules are unknown.</summary>
    public static bool? Holds(string path, bool areRulesUnknown, FileContextRule? rule) =>
        HostPath.ImageTrees.Any(tree => path != tree && HostPath.IsAtOrBelow(path, tree)) ? true
        : areRulesUnknown ? null
        : rule is { Source: RuleSource.Local, Context: { } context } && ImageTypes.All.Contains(context.Type);
}
