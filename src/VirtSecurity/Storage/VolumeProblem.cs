namespace VirtSecurity.Storage;

/// <summary>Something about a volume for guests that does not agree with the rest.</summary>
/// <param name="Id">NotMounted, NotInFstab, NoRule, RuleForOtherPath, RootUnreadable, WrongLabel, WeakOptions or WeakMode.</param>
/// <param name="Message">What it is, in words.</param>
public sealed record VolumeProblem(string Id, string Message)
{
    /// <summary>What it is, in words.</summary>
    public override string ToString() => Message;
}
