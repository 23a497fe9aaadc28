using System.Management.Automation;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>The labels of images: what they are, what the rules give them, and which rule that is.</summary>
[Cmdlet(VerbsCommon.Get, "VirtImageContext")]
[OutputType(typeof(VirtImageContext))]
public sealed class GetVirtImageContextCommand : LabelCommand
{
    /// <inheritdoc/>
    protected override void EndProcessing() => Labels!.Run(Recurse, false, test => WriteObject(VirtImageContext.From(test)));
}
