using System.Collections;
using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// Makes results of what Import-Clixml, Import-Csv, a job or remoting made of results. The engine would make one of any object that has a property of a result's,
/// and leave the others empty: here all of them are wanted.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ResultRecordAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => inputData switch
    {
        PSObject { BaseObject: PSCustomObject } one => From(one),
        PSObject { BaseObject: IEnumerable many and not string } => Each(many),
        IEnumerable many and not string => Each(many),
        _ => inputData,
    };

    private object?[] Each(IEnumerable many) => [.. many.Cast<object?>().Select(one => Transform(null!, one))];

    private static Dom0HardeningResult From(PSObject record)
    {
        string Text(string name) => record.Properties[name]?.Value?.ToString() ?? throw new PSInvalidCastException($"it has no {name}");
        // By its name: its number may be another one in another version.
        T Word<T>(string name)
            where T : struct, Enum => Enum.TryParse<T>(Text(name), true, out var value) && Enum.IsDefined(value) ? value : throw new PSInvalidCastException($"its {name} is {Text(name)}");
        try
        {
            return new Dom0HardeningResult
            {
                VirtHost = new VirtHost(Text(nameof(Dom0HardeningResult.VirtHost))),
                Id = Text(nameof(Dom0HardeningResult.Id)),
                Title = Text(nameof(Dom0HardeningResult.Title)),
                Category = Text(nameof(Dom0HardeningResult.Category)),
                Severity = Word<HardeningSeverity>(nameof(Dom0HardeningResult.Severity)),
                Status = Word<HardeningStatus>(nameof(Dom0HardeningResult.Status)),
                Expected = Text(nameof(Dom0HardeningResult.Expected)),
                Actual = Text(nameof(Dom0HardeningResult.Actual)),
                Evidence = Text(nameof(Dom0HardeningResult.Evidence)),
                Remediation = Text(nameof(Dom0HardeningResult.Remediation)),
                RemediationCommand = Text(nameof(Dom0HardeningResult.RemediationCommand)),
                Source = Text(nameof(Dom0HardeningResult.Source)),
            };
        }
        catch (Exception problem) when (problem is PSInvalidCastException or VirtException)
        {
            var ours = new VirtException(problem, "ResultNotUnderstood", problem.Message);
            throw new ArgumentTransformationMetadataException($"{ours.Message} {ours.Remedy}", ours);
        }
    }
}
