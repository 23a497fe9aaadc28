using System.Management.Automation;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>The administrator's file-context rules and the policy's rules for images, with what is wrong with them.</summary>
[Cmdlet(VerbsCommon.Get, "VirtImageContextRule")]
[OutputType(typeof(VirtImageContextRule))]
public sealed class GetVirtImageContextRuleCommand : VirtCommand
{
    private readonly List<(VirtHost Host, string[] Path)> asked = [];

    /// <summary>The paths of rules.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("MountPoint")]
    [SupportsWildcards]
    public string[]? Path { get; set; }

    /// <summary>Only rules with which something is wrong.</summary>
    [Parameter]
    public SwitchParameter Problem { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => asked.AddRange(VirtHost.Select(host => (host, Path ?? [])));

    /// <inheritdoc/>
    protected override void EndProcessing() => Pump(pump => SideBySide(asked.GroupBy(entry => entry.Host), async host =>
    {
        try
        {
            var rules = await RuleReader.ReadAsync(HostFactory.Open(host.Key, pump), Stop).ConfigureAwait(false);
            pump.Write(_ => Write(rules, [.. host.SelectMany(entry => entry.Path)]));
        }
        catch (VirtException problem)
        {
            pump.Write(_ => WriteProblem(problem, host.Key));
        }
        finally
        {
            pump.Done(host.Key);
        }

        return true;
    }));

    private void Write(IReadOnlyList<VirtImageContextRule> rules, IReadOnlyList<string> paths)
    {
        var patterns = paths.Select(path => new WildcardPattern(path, WildcardOptions.CultureInvariant)).ToArray();
        foreach (var rule in rules.Where(rule => !Problem || rule.Problem.Count > 0))
        {
            if (patterns.Length == 0 || (rule.Path is not null && patterns.Any(pattern => pattern.IsMatch(rule.Path)))) WriteObject(rule);
        }
    }
}
