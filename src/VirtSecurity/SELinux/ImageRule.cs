namespace VirtSecurity.SELinux;

/// <summary>Questions about the rule that covers an image store.</summary>
internal static class ImageRule
{
    /// <summary>Whether the rules give a directory, a directory in it and a file in it the type.</summary>
    public static bool Gives(FileContexts contexts, string directory, string type) =>
        contexts.Lookup(directory, 'd')?.Context?.Type == type
        && contexts.Lookup(directory + "/image", '-')?.Context?.Type == type
        && contexts.Lookup(directory + "/directory", 'd')?.Context?.Type == type;

    /// <summary>The line of the equivalences by which a path is looked up as another; null: it is looked up as itself.</summary>
    public static string? EquivalenceOf(FileContexts contexts, string path)
    {
        string? line = null;
        foreach (var list in contexts.Equivalences)
        {
            if (list.FirstOrDefault(entry => entry.Covers(path)) is not { } entry) continue;
            line = line is null ? $"{entry.Path} {entry.Target}" : $"{line}, {entry.Path} {entry.Target}";
            path = entry.Target + path[entry.Path.Length..];
        }

        return line;
    }

    /// <summary>The paths that the administrator's rules for image types name, as far as they are plain.</summary>
    public static IEnumerable<string> LocalPaths(FileContexts contexts) => contexts.Rules
        .Where(rule => rule.Source == RuleSource.Local && rule.Context is { } context && ImageTypes.All.Contains(context.Type))
        .Select(rule => PathPattern.PathOf(rule.Pattern))
        .OfType<string>()
        .Distinct();
}
