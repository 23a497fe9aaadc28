using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Judges hosts by the catalogue and by what they are for.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Dom0Hardening", DefaultParameterSetName = HostSet)]
[OutputType(typeof(Dom0HardeningResult))]
public sealed class TestDom0HardeningCommand : HardeningCommand
{
    private readonly Dictionary<VirtHost, List<Dom0Fact>> given = [];
    private (int Judged, int Wrong) count;

    /// <summary>What the host is for.</summary>
    [Parameter]
    [ValidateNotNull]
    [PlanArgument]
    public DeploymentPlan? Plan { get; set; }

    /// <summary>Facts of Get-Dom0Fact, to be judged instead of a host.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = FactSet)]
    [FactRecord]
    public Dom0Fact[] InputObject { get; set; } = [];

    /// <summary>One answer instead of a record each.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName != FactSet)
        {
            base.ProcessRecord();
            return;
        }

        foreach (var fact in InputObject)
        {
            if (!given.TryGetValue(fact.VirtHost, out var facts)) given[fact.VirtHost] = facts = [];
            facts.Add(fact);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var areAll = true;
        if (ParameterSetName != FactSet) areAll = Ask(Judge);
        foreach (var (host, facts) in given)
        {
            Try(() => Judge(host, facts), problem =>
            {
                areAll = false;
                WriteProblem(problem, host);
            });
        }

        // What was not judged is not right.
        if (Quiet) WriteObject(areAll && count is { Judged: > 0, Wrong: 0 });
    }

    /// <summary>The day is that of the judging, also for facts that were taken long ago: a waiver is over when it is over.</summary>
    /// <exception cref="VirtException">FactsNewer, PlanForOtherHypervisor.</exception>
    private void Judge(VirtHost host, IReadOnlyList<Dom0Fact> facts)
    {
        var results = Hardening.Judge.All(new HardeningFacts(host, facts), Rules, Plan, DateOnly.FromDateTime(DateTime.UtcNow));
        count = (count.Judged + results.Count, count.Wrong + results.Count(result => result.Status is HardeningStatus.Fail or HardeningStatus.Unknown));
        if (!Quiet) WriteObject(results, true);
    }
}
