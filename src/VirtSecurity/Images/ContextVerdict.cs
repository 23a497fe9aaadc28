namespace VirtSecurity.Images;

/// <summary>What is to be said of an image's label.</summary>
public enum ContextVerdict
{
    /// <summary>It is as the rules have it.</summary>
    Compliant,

    /// <summary>It has another type than the rules give it.</summary>
    WrongType,

    /// <summary>Only its SELinux user is another, as of an image that root has made: compliant, unless that is judged too.</summary>
    WrongUser,

    /// <summary>Only its range is another.</summary>
    WrongRange,

    /// <summary>The rules give it no image type that is for this host.</summary>
    NoRule,

    /// <summary>It has no label, or one that the policy does not know.</summary>
    Unlabelled,

    /// <summary>It has the categories of a guest that no longer runs.</summary>
    StaleCategories,

    /// <summary>A running guest holds it: its label is that guest's, and nobody else's to change.</summary>
    RunningGuest,

    /// <summary>Its file system keeps no labels: neither right nor wrong.</summary>
    NotSupported,
}
