using System.Management.Automation;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Checks that a host answers, and says what it is. What it returns binds to -VirtHost of every cmdlet.</summary>
[Cmdlet(VerbsCommunications.Connect, "VirtHost")]
[OutputType(typeof(VirtHostInfo))]
public sealed class ConnectVirtHostCommand : VirtCommand
{
    private readonly List<VirtHost> hosts = [];

    /// <summary>The hosts, by name, from the pipeline.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(VirtHostCompleter))]
    [ConvertedTo(typeof(VirtHost))]
    public VirtHost[]? Name { get; set; }

    /// <summary>Become root there with sudo -n.</summary>
    [Parameter]
    public SwitchParameter Sudo { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => hosts.AddRange((Name ?? VirtHost).Select(host => Sudo ? host.WithSudo() : host));

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var answers = Pump(pump => SideBySide(hosts.Distinct(), async host =>
        {
            try
            {
                return new Answer(host, await ReadAsync(host, pump).ConfigureAwait(false), null);
            }
            catch (VirtException problem)
            {
                return new Answer(host, null, problem);
            }
            finally
            {
                pump.Done(host);
            }
        }));
        foreach (var (host, info, problem) in answers)
        {
            if (problem is not null) WriteProblem(problem, host);
            else WriteObject(info);
        }
    }

    private async Task<VirtHostInfo> ReadAsync(VirtHost host, Pump pump)
    {
        var batch = new FactBatch();
        var facts = HostFacts.Ask(batch, host);
        await batch.ReadAsync(HostFactory.Open(host, pump), Stop).ConfigureAwait(false);
        return VirtHostInfo.From(facts());
    }

    private sealed record Answer(VirtHost Host, VirtHostInfo? Info, VirtException? Problem);
}
