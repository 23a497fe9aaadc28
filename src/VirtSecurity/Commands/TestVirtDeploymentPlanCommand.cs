using System.Management.Automation;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Judges deployment plans: whether they are valid, and in what a host differs from them.</summary>
[Cmdlet(VerbsDiagnostic.Test, "VirtDeploymentPlan", DefaultParameterSetName = ByPath)]
[OutputType(typeof(DeploymentPlanDifference))]
public sealed class TestVirtDeploymentPlanCommand : VirtCommand
{
    private const string ByPath = "Path";
    private const string ByLiteralPath = "LiteralPath";
    private const string ByPlan = "Plan";

    private readonly List<(VirtHost Host, DeploymentPlan Plan)> asked = [];
    private bool isRight = true;
    private int judged;

    /// <summary>Files of this machine, .psd1 or .json.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = ByPath)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>The same, taken as they are.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ByLiteralPath)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>A plan.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ByPlan)]
    [Alias("InputObject")]
    [PlanArgument]
    public DeploymentPlan? Plan { get; set; }

    /// <summary>Judges the plan alone; no host is asked.</summary>
    [Parameter]
    public SwitchParameter ValidOnly { get; set; }

    /// <summary>One answer instead of a record each.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == ByPlan) Add(Plan!);
        if (ParameterSetName == ByPath) foreach (var path in Path) Read(path, () => GivenFiles.Expand(SessionState, path));
        if (ParameterSetName == ByLiteralPath) foreach (var path in LiteralPath) Read(path, () => [GivenFiles.Resolve(SessionState, path)]);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        Pump(pump => SideBySide(asked.GroupBy(entry => entry.Host), async host =>
        {
            try
            {
                var facts = await PlanFactsReader.ReadAsync(HostFactory.Open(host.Key, pump), Stop).ConfigureAwait(false);
                foreach (var (_, plan) in host) pump.Write(_ => Compare(plan, facts));
            }
            catch (VirtException problem)
            {
                pump.Write(_ => Fail(problem, host.Key));
            }
            finally
            {
                pump.Done(host.Key);
            }

            return true;
        }));
        // What was not judged is not right.
        if (Quiet) WriteObject(isRight && judged > 0);
    }

    private void Read(string given, Func<IReadOnlyList<string>> find)
    {
        try
        {
            foreach (var file in find())
            {
                var reading = PlanFile.Read(file, PlanChecks.Ids);
                foreach (var problem in reading.Problems) Fail(problem, file);
                if (reading.Plan is not null) Add(reading.Plan);
            }
        }
        catch (VirtException problem)
        {
            Fail(problem, given);
        }
    }

    private void Add(DeploymentPlan plan)
    {
        if (ValidOnly) judged++;
        else asked.AddRange(VirtHost.Select(host => (host, plan)));
    }

    private void Compare(DeploymentPlan plan, PlanFacts facts)
    {
        try
        {
            var differences = PlanDifferences.Of(plan, facts, DateOnly.FromDateTime(DateTime.UtcNow));
            judged++;
            isRight &= differences.Count == 0;
            if (!Quiet) WriteObject(differences, true);
        }
        catch (VirtException problem)
        {
            Fail(problem, facts.Name);
        }
    }

    private void Fail(VirtException problem, object target)
    {
        isRight = false;
        WriteProblem(problem, target);
    }
}
