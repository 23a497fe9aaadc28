using System.Text;
using VirtSecurity.Changes;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain;

/// <summary>Whatever bytes a path has: what the journal gives back is what was written into it.</summary>
public sealed class JournalTextTests
{
    private const string Path = "/srv/a\udcff'\n\udcc3x\U0001F512";

    [Fact]
    public void APathThatIsNoUtf8ComesBack()
    {
        var journal = new Journal(Journal.NewRun(), "Set-VirtImageContext");
        var label = new SecurityContext("system_u", "object_r", "default_t", "s0");
        var change = new Change("mkdir", [Coreutils.MakeDirectory(Path, "0000") with { Display = "mkdir " + Path }], Coreutils.Exists(Path), [Coreutils.RemoveDirectory(Path)]) { Loss = Path };
        var set = new ChangeSet(Path, [change], [new RuleEdit(PathPattern.ForTree(Path), "virt_image_t", null)], [new Relabel(Path, label, "virt_image_t")]) { Keys = ["vg/lv", Path] };

        var lines = new[] { journal.Doing([set]), journal.Committing([Path]), journal.Ended([new SubjectEnd(Path, SubjectState.NotUndone, ["rmdir " + Path], [Path])]) };
        var text = string.Concat(lines.Select(line => new UTF8Encoding(false, true).GetString(line.Stdin!)));
        var run = JournalRun.Parse(journal.Run, text, false);

        Assert.Null(run.Problem);
        var read = Assert.Single(run.Subjects);
        Assert.True(read.CommitBegun);
        Assert.Equal((Path, SubjectState.NotUndone), (read.Set.Subject, read.State));
        Assert.Equal(["rmdir " + Path], read.Left);
        Assert.Equal([Path], read.Gone);
        Assert.Equal(set.Keys, read.Set.Keys);
        Assert.Equal(set.Rules, read.Set.Rules);
        Assert.Equal(set.Labels, read.Set.Labels);
        var own = Assert.Single(read.Set.Own);
        Assert.Equal(Path, own.Loss);
        Assert.Equal(change.Do[0].Argv, own.Do[0].Argv);
        Assert.Equal(change.Do[0].Display, own.Do[0].Display);
        Assert.Equal(change.Check!.Argv, own.Check!.Argv);
        Assert.Equal(change.Undo[0].Argv, own.Undo[0].Argv);
    }
}
