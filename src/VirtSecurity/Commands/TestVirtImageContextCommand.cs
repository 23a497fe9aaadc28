using System.Management.Automation;
using VirtSecurity.Images;

namespace VirtSecurity.Commands;

/// <summary>The verdict on the labels of images: against the host's own rules, and against what its running guests hold.</summary>
[Cmdlet(VerbsDiagnostic.Test, "VirtImageContext")]
[OutputType(typeof(VirtImageContextTest))]
public sealed class TestVirtImageContextCommand : LabelCommand
{
    /// <summary>The SELinux user is judged as well.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>One answer instead of a record each.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var (judged, wrong) = (0, 0);
        var isAll = Labels!.Run(Recurse, Strict, test =>
        {
            judged++;
            if (test.IsCompliant is not true && test.Verdict != ContextVerdict.RunningGuest) wrong++;
            if (!Quiet) WriteObject(test);
        });
        // What was not judged is not right.
        if (Quiet) WriteObject(isAll && judged > 0 && wrong == 0);
    }
}
