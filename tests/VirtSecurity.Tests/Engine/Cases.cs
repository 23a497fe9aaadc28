using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Many small scripts in one engine process, which costs more to start than all of them to run.</summary>
public sealed class Cases
{
    private const string Functions = """
        function Case([string] $Name, [scriptblock] $Code) {
            & $Code 2>&1 | ForEach-Object {
                if ($_ -is [System.Management.Automation.ErrorRecord]) {
                    [pscustomobject]@{
                        Case = $Name; Id = $_.FullyQualifiedErrorId; Category = "$($_.CategoryInfo.Category)"; Target = "$($_.TargetObject)"
                        Message = "$_"; Action = $_.ErrorDetails.RecommendedAction
                    }
                }
                else { [pscustomobject]@{ Case = $Name; Value = $_ } }
            }
        }

        """;

    private readonly ILookup<string, PSObject> records;

    /// <summary>Runs them in order, on hosts as they are by then.</summary>
    /// <param name="hosts">The hosts the scripts speak of.</param>
    /// <param name="scripts">Name and code of each.</param>
    public Cases(ScriptedHosts hosts, IEnumerable<(string Name, string Code)> scripts)
    {
        Run = hosts.Run(Functions + string.Join('\n', scripts.Select(script => $"Case '{script.Name}' {{\n{script.Code}\n}}")));
        Assert.Null(Run.Thrown);
        records = Run.Output.ToLookup(record => (string)record.Properties["Case"].Value);
    }

    /// <summary>The run as a whole.</summary>
    public EngineRun Run { get; }

    /// <summary>What a case wrote, which had no error.</summary>
    public IReadOnlyList<PSObject> Output(string name)
    {
        Assert.Empty(Errors(name).Select(error => error.ToString()));
        return [.. records[name].Where(record => record.Properties["Value"] is not null).Select(record => PSObject.AsPSObject(record.Properties["Value"].Value))];
    }

    /// <summary>A property of the one object that a case wrote, as text.</summary>
    public string Text(string name, string property) => string.Join(',', LanguagePrimitives.ConvertTo<string[]>(Assert.Single(Output(name)).Properties[property].Value));

    /// <summary>The errors of a case.</summary>
    public IReadOnlyList<CaseError> Errors(string name) =>
        [.. records[name].Where(record => record.Properties["Id"] is not null).Select(record => new CaseError(
            Field(record, "Id").Split(',')[0], Field(record, "Id"), Field(record, "Category"), Field(record, "Target"), Field(record, "Message"), Field(record, "Action")))];

    private static string Field(PSObject record, string name) => record.Properties[name].Value?.ToString() ?? "";
}

/// <summary>An error as a script sees it.</summary>
public sealed record CaseError(string Id, string FullId, string Category, string Target, string Message, string Action);
