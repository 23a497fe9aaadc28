using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Changes;

/// <summary>Runs that somebody has yet to finish or undo, and whether they are in the way of another.</summary>
internal static class UnfinishedRuns
{
    /// <summary>Why these objects cannot be touched now; null: nothing is in the way.</summary>
    /// <param name="runs">The host's unfinished runs.</param>
    /// <param name="host">The host, for the words.</param>
    /// <param name="keys">Names, mount points and paths that are to be touched.</param>
    /// <param name="own">The run that asks.</param>
    public static VirtException? Conflict(IReadOnlyList<JournalRun> runs, VirtHost host, IReadOnlyList<string> keys, string own)
    {
        foreach (var run in runs.Where(run => run.Run != own))
        {
            // What it touches beyond what can be read is not known, and so it may be this.
            if (run.Problem is not null) return run.Problem;
            foreach (var subject in run.Subjects.Where(subject => subject.IsOpen))
            {
                if (!Touched(subject.Set).Any(held => keys.Any(key => Meet(key, held)))) continue;
                var working = run.IsWorking ? Messages.Format("RunIsWorkingNow") : Messages.Format("RunIsNotWorkingNow");
                return new VirtException("UnfinishedRun", subject.Set.Subject, host, run.Run, $"{run.Time:u}", run.User, run.Command, working);
            }
        }

        return null;
    }

    private static IEnumerable<string> Touched(ChangeSet set) => set.Keys.Append(set.Subject);

    /// <summary>The same name, or a path at or below the other.</summary>
    private static bool Meet(string one, string other) => one == other || IsBelow(one, other) || IsBelow(other, one);

    private static bool IsBelow(string path, string tree) =>
        path.Length > tree.Length && tree.StartsWith('/') && path.StartsWith(tree, StringComparison.Ordinal) && (tree == "/" || path[tree.Length] == '/');
}
