namespace VirtSecurity.Images;

/// <summary>Something about an image that is not as it should be, or is not known.</summary>
/// <param name="Id">ChainIsLoop, ChainTooLong, ChainUnknown, BackingElsewhere, FormatsDiffer, PathUnreadable or FileContextNotUnderstood.</param>
/// <param name="Message">What it is, in words.</param>
public sealed record ImageProblem(string Id, string Message)
{
    /// <summary>What it is, in words.</summary>
    public override string ToString() => Message;
}
