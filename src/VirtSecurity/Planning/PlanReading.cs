using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>A plan as it was read.</summary>
/// <param name="Plan">The plan; null: there are problems.</param>
/// <param name="Problems">All that is wrong with it, in the file's order.</param>
internal sealed record PlanReading(DeploymentPlan? Plan, IReadOnlyList<VirtException> Problems)
{
    /// <summary>Reads a file's bytes and judges them; what is no such file at all is a problem like others.</summary>
    /// <param name="file">Its name, which says its language.</param>
    /// <param name="bytes">What is in it.</param>
    /// <param name="checks">The ids that a waiver may have; null: any that looks like one.</param>
    public static PlanReading Of(string file, ReadOnlySpan<byte> bytes, IReadOnlyCollection<string>? checks)
    {
        try
        {
            return PlanBinder.Bind(PlanText.Read(file, bytes), checks);
        }
        catch (VirtException problem)
        {
            return new PlanReading(null, [problem]);
        }
    }
}
