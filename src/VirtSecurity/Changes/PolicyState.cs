using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Changes;

/// <summary>What is in place now of the rules and labels that runs commit. Null: it could not be told, which is never read as "nothing".</summary>
internal sealed class PolicyState(IHost host)
{
    /// <summary>The host's rules.</summary>
    public async Task<FileContexts?> RulesAsync() =>
        await AskAsync(SELinuxFs.Read()).ConfigureAwait(false) is { Succeeded: true } result ? SELinuxFs.ReadFact(result).FileContexts : null;

    /// <summary>Those of these rules that are as they were to be made.</summary>
    public async Task<IReadOnlyList<RuleEdit>?> InPlaceAsync(IReadOnlyList<RuleEdit> rules) =>
        await RulesAsync().ConfigureAwait(false) is { } contexts ? [.. rules.Where(rule => rule.IsInPlace(contexts))] : null;

    /// <summary>The labels of paths now; what is gone is not among them.</summary>
    public async Task<IReadOnlyDictionary<string, SecurityContext?>?> LabelsAsync(IEnumerable<Relabel> labels) =>
        await AskAsync(Restorecon.Look([.. labels.Select(label => label.Path).Distinct()])).ConfigureAwait(false) is { Outcome: ToolOutcome.Exited } result
            ? Restorecon.ReadLook(result)
            : null;

    private async Task<ToolResult?> AskAsync(ToolCall call)
    {
        try
        {
            return await host.RunAsync([call], BatchMode.RunAll, CancellationToken.None).ConfigureAwait(false) is [var result] ? result : null;
        }
        catch (VirtException)
        {
            return null;
        }
    }
}
