using System.Management.Automation;
using VirtSecurity.Hardening;

namespace VirtSecurity.Commands;

/// <summary>What checks are judged by, as the host says it: to be saved, and judged later or elsewhere.</summary>
[Cmdlet(VerbsCommon.Get, "Dom0Fact", DefaultParameterSetName = HostSet)]
[OutputType(typeof(Dom0Fact))]
public sealed class GetDom0FactCommand : HardeningCommand
{
    /// <inheritdoc/>
    protected override void EndProcessing() => Ask((_, facts) => WriteObject(facts, true));
}
