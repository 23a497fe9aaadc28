namespace VirtSecurity.SELinux;

/// <summary>Questions about the rule that covers an image store.</summary>
internal static class ImageRule
{
    /// <summary>Whether the rules give a directory, a directory in it and a file in it the type.</summary>
    public static bool Gives(FileContexts contexts, string directory, string type) =>
        contexts.Lookup(directory, 'd')?.Context?.Type == type
        && contexts.Lookup(directory + "/image", '-')?.Context?.Type == type
        && contexts.Lookup(directory + "/directory", 'd')?.Context?.Type == type;
}
