namespace VirtSecurity.Resources;

/// <summary>
/// An error the user can act on. Its <see cref="Id"/> is the name of its message in Messages.resx and the
/// ErrorId of the record it becomes; <see cref="Remedy"/> says what to do next.
/// </summary>
public sealed class VirtException : Exception
{
    /// <summary>An error from the message table.</summary>
    /// <param name="id">Name of the message in Messages.resx.</param>
    /// <param name="arguments">What the message's placeholders stand for.</param>
    public VirtException(string id, params object?[] arguments)
        : this(null, id, arguments)
    {
    }

    /// <summary>An error from the message table with the failure that caused it.</summary>
    public VirtException(Exception? inner, string id, params object?[] arguments)
        : base(Messages.Format(id, arguments), inner)
    {
        Id = id;
        Remedy = Messages.Format(id + Messages.RemedySuffix, arguments);
    }

    private VirtException(string id, string message, Exception? inner)
        : base(message, inner)
    {
        Id = id;
        Remedy = Messages.Format(id + Messages.RemedySuffix);
    }

    /// <summary>A step of a change that failed: the tool's id, with what became of the object as its message.</summary>
    internal static VirtException OfStep(string id, string messageName, params object?[] arguments) =>
        new(id, Messages.Format(messageName, arguments), (Exception?)null);

    /// <summary>Name of the message; stable, to be matched by scripts.</summary>
    public string Id { get; }

    /// <summary>What the user can do next.</summary>
    public string Remedy { get; }
}
