using System.Collections;
using System.Globalization;
using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Makes facts of what Import-Clixml, a job or remoting made of facts. Anything else stays as it is, so that a host in the pipeline is no fact.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FactRecordAttribute : ArgumentTransformationAttribute
{
    private static readonly string Name = "Deserialized." + typeof(Dom0Fact).FullName;

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => inputData switch
    {
        PSObject one when one.TypeNames.Contains(Name) => From(one),
        PSObject { BaseObject: IEnumerable many and not string } => Each(many),
        IEnumerable many and not string => Each(many),
        _ => inputData,
    };

    private object?[] Each(IEnumerable many) => [.. many.Cast<object?>().Select(one => Transform(null!, one))];

    private static Dom0Fact From(PSObject record)
    {
        try
        {
            T Value<T>(string name) => (T)LanguagePrimitives.ConvertTo(record.Properties[name]?.Value ?? throw new PSInvalidCastException($"it has no {name}"), typeof(T), CultureInfo.InvariantCulture);
            return new Dom0Fact
            {
                VirtHost = new VirtHost(Value<object>(nameof(Dom0Fact.VirtHost)).ToString() ?? ""),
                Key = Value<string>(nameof(Dom0Fact.Key)),
                Question = Value<string>(nameof(Dom0Fact.Question)),
                Outcome = Value<string>(nameof(Dom0Fact.Outcome)),
                ExitCode = Value<int>(nameof(Dom0Fact.ExitCode)),
                Text = Value<string>(nameof(Dom0Fact.Text)),
                Error = Value<string>(nameof(Dom0Fact.Error)),
                Taken = Value<DateTime>(nameof(Dom0Fact.Taken)),
                FormatVersion = Value<int>(nameof(Dom0Fact.FormatVersion)),
            };
        }
        catch (Exception problem) when (problem is PSInvalidCastException or VirtException)
        {
            var ours = new VirtException(problem, "FactNotUnderstood", problem.Message);
            throw new ArgumentTransformationMetadataException($"{ours.Message} {ours.Remedy}", ours);
        }
    }
}
