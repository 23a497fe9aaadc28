using System.Management.Automation;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Makes a plan of what was given for one: an object in any shape, or the path of a file on this machine. A plan that is not valid does not bind.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PlanArgumentAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        ArgumentNullException.ThrowIfNull(engineIntrinsics);
        var given = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        try
        {
            if (given is string path) return Valid(PlanFile.Read(GivenFiles.Resolve(engineIntrinsics.SessionState, path), PlanChecks.Ids));
            return PlanObjects.IsPlan(inputData) ? Valid(PlanObjects.Read(inputData!, PlanChecks.Ids)) : inputData;
        }
        catch (VirtException problem)
        {
            throw Refusal([problem]);
        }
    }

    private static DeploymentPlan Valid(PlanReading reading) => reading.Plan ?? throw Refusal(reading.Problems);

    private static ArgumentTransformationMetadataException Refusal(IReadOnlyList<VirtException> problems) =>
        new(string.Join('\n', problems.Select(problem => $"{problem.Message} {problem.Remedy}")), problems[0]);
}
