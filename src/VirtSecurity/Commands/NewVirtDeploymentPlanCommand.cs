using System.Management.Automation;
using VirtSecurity.Hosts;
using VirtSecurity.Planning;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Drafts a deployment plan: what a host runs now, written down as what it is for; or an empty one.</summary>
[Cmdlet(VerbsCommon.New, "VirtDeploymentPlan", DefaultParameterSetName = OfHost)]
[OutputType(typeof(DeploymentPlan))]
public sealed class NewVirtDeploymentPlanCommand : VirtCommand
{
    private const string OfHost = "Host";
    private const string OfNothing = "Empty";

    private readonly List<VirtHost> hosts = [];

    /// <summary>A plan without anything in it; no host is asked.</summary>
    [Parameter(Mandatory = true, ParameterSetName = OfNothing)]
    public SwitchParameter Empty { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!Empty) hosts.AddRange(VirtHost);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (Empty)
        {
            WriteObject(new DeploymentPlan());
            return;
        }

        Pump(pump => SideBySide(hosts.Distinct(), async host =>
        {
            try
            {
                var facts = await PlanFactsReader.ReadAsync(HostFactory.Open(host, pump), Stop).ConfigureAwait(false);
                pump.Write(_ => Write(host, PlanDraft.Of(facts)));
            }
            catch (VirtException problem)
            {
                pump.Write(_ => WriteProblem(problem, host));
            }
            finally
            {
                pump.Done(host);
            }

            return true;
        }));
    }

    /// <summary>The plan carries its host, so that a pipeline stays there; it is no part of the plan, which may be that of many hosts.</summary>
    private void Write(VirtHost host, PlanDraft draft)
    {
        foreach (var (key, why) in draft.Unknown) WriteWarning(Messages.Format("DraftLacks", host.Name, key, why));
        foreach (var (key, why) in draft.Partial) WriteWarning(Messages.Format("DraftLacksSome", host.Name, key, why));
        var plan = new PSObject(draft.Plan);
        plan.Properties.Add(new PSNoteProperty(nameof(VirtHost), host));
        WriteObject(plan);
    }
}
