namespace VirtSecurity.Commands;

/// <summary>The checks that a plan may waive.</summary>
internal static class PlanChecks
{
    /// <summary>Their ids; null: not known here.</summary>
    public static IReadOnlyCollection<string>? Ids => null;
}
