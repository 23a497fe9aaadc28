using System.Management.Automation;
using VirtSecurity.Changes;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>Takes back what a run did to a host, newest change first, each only where it is still that change.</summary>
[Cmdlet(VerbsCommon.Undo, "VirtChange", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(VirtChange))]
public sealed class UndoVirtChangeCommand : VirtCommand
{
    private PastRunPipeline? pipeline;

    /// <summary>The run.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public string[] Run { get; set; } = [];

    /// <inheritdoc/>
    protected override void BeginProcessing() => pipeline = new(this, new PastRunVerb(
        true,
        run => run.Problem is null && run.Subjects.All(subject => subject.State == SubjectState.Undone),
        PastRun.Unreadable,
        set => set.AllChanges.Reverse().SelectMany(change => change.Undo).Select(call => call.ToString()).Concat(set.Losses),
        PastRunUseReader.UndoDestroys,
        (past, _) => past.UndoAsync(),
        "ProceedUndo",
        "UndoFailed"));

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var host in VirtHost) foreach (var run in Run) pipeline!.Add(host, run);
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => pipeline!.Run();
}
