using System.Management.Automation;
using VirtSecurity.Changes;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>Finishes a run that was cut off: what is in place is passed over, the rest is made, and all of it is read back.</summary>
[Cmdlet(VerbsLifecycle.Resume, "VirtChange", SupportsShouldProcess = true)]
[OutputType(typeof(VirtChange))]
public sealed class ResumeVirtChangeCommand : VirtCommand
{
    private PastRunPipeline? pipeline;

    /// <summary>The run.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public string[] Run { get; set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this, new PastRunVerb(
        false,
        run => run.Problem is null && run.Subjects.Count > 0 && run.Subjects.All(subject => subject.State == SubjectState.Done),
        PastRun.NotToBeFinished,
        set => set.CommandLines,
        PastRunUseReader.ResumeDestroys,
        (past, stop) => past.ResumeAsync(stop),
        "ProceedResume",
        "ResumeFailed"));

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost) foreach (var run in Run) pipeline!.Add(host, run);
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => pipeline!.Run();
}
