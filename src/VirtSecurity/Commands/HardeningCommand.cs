using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>The base of the cmdlets that ask hosts for what checks need.</summary>
public abstract class HardeningCommand : VirtCommand
{
    private protected const string HostSet = "Host";
    private protected const string FactSet = "Fact";

    private readonly List<VirtHost> hosts = [];

    /// <summary>Ids of checks; all of them if left out.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(RuleIdCompleter))]
    public string[]? Id { get; set; }

    /// <summary>Categories of checks.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CategoryCompleter))]
    public string[]? Category { get; set; }

    /// <summary>Severities of checks.</summary>
    [Parameter]
    public HardeningSeverity[]? Severity { get; set; }

    /// <summary>Where on the host the tree of another one is mounted, which does not run.</summary>
    [Parameter(ParameterSetName = HostSet)]
    [ValidateNotNullOrEmpty]
    public string? Root { get; set; }

    private protected IReadOnlyList<HardeningRule> Rules { get; private set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        try
        {
            Rules = RulePicks.Pick(Id, Category, Severity);
        }
        catch (VirtException problem)
        {
            ThrowTerminatingError(ErrorRecords.From(problem, Id ?? Category));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => hosts.AddRange(VirtHost);

    /// <summary>Asks each host once, side by side, and hands on the facts as they come; a host that gives none is an error, and the others go on.</summary>
    /// <returns>Whether all of them gave theirs.</returns>
    private protected bool Ask(Action<VirtHost, IReadOnlyList<Dom0Fact>> take)
    {
        var areAll = true;
        void Fail(VirtException problem, VirtHost host)
        {
            areAll = false;
            WriteProblem(problem, host);
        }

        Pump(pump => SideBySide(hosts.Distinct(), async host =>
        {
            try
            {
                var facts = await Dom0FactReader.ReadAsync(HostFactory.Open(host, pump), Catalogue.Questions(Rules), Root ?? "", DateTime.UtcNow, Stop).ConfigureAwait(false);
                pump.Write(_ => Try(() => take(host, facts), problem => Fail(problem, host)));
            }
            catch (VirtException problem)
            {
                pump.Write(_ => Fail(problem, host));
            }
            finally
            {
                pump.Done(host);
            }

            return true;
        }));
        return areAll;
    }

    private protected static void Try(Action act, Action<VirtException> fail)
    {
        try
        {
            act();
        }
        catch (VirtException problem)
        {
            fail(problem);
        }
    }
}
