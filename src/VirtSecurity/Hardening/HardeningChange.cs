namespace VirtSecurity.Hardening;

/// <summary>What became of a check from one run to the next.</summary>
public enum HardeningChange
{
    /// <summary>It was wrong, accepted or not, and passes now.</summary>
    Fixed,

    /// <summary>It is wrong now, and was not, or was not known to be, or was accepted.</summary>
    New,

    /// <summary>It is wrong, accepted or not to be told, as it was.</summary>
    StillThere,

    /// <summary>Its status is another one, and none of the others: it can no longer be told, say, which is no fix.</summary>
    Changed,

    /// <summary>The earlier run did not have it.</summary>
    Added,

    /// <summary>The later run does not have it.</summary>
    Gone,

    /// <summary>It passes, or does not apply, as it did.</summary>
    Unchanged,
}
