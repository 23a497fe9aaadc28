namespace VirtSecurity.SELinux;

/// <summary>A security context, <c>user:role:type:range</c>; the range (MLS/MCS) may itself contain colons or be absent.</summary>
public sealed record SecurityContext(string User, string Role, string Type, string? Range)
{
    /// <summary>Reads a context; null where the text is none (no label, SELinux off, <c>?</c> as stat prints it).</summary>
    public static SecurityContext? Parse(string? text)
    {
        var parts = text?.TrimEnd('\0').Split(':', 4);
        return parts is [{ Length: > 0 }, { Length: > 0 }, { Length: > 0 }, ..]
            ? new SecurityContext(parts[0], parts[1], parts[2], parts.Length == 4 ? parts[3] : null)
            : null;
    }

    /// <summary>Whether the range carries categories: on an image, a running guest's (or one that was killed).</summary>
    public bool HasCategories => Range?.Contains(":c", StringComparison.Ordinal) == true;

    /// <summary>Whether it stands for no label at all: that is how the kernel shows a file without one, or with one that the policy does not know.</summary>
    public bool IsUnlabelled => Type is "unlabeled_t" or "file_t";

    /// <summary>The context as SELinux writes it.</summary>
    public override string ToString() => Range is null ? $"{User}:{Role}:{Type}" : $"{User}:{Role}:{Type}:{Range}";
}
