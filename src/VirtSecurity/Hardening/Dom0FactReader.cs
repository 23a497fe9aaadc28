using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>Asks a host all that some rules need, in one round trip.</summary>
internal static class Dom0FactReader
{
    private const string OfflineReason = "it is asked of a host that runs, and this is the tree of one that does not";

    /// <summary>Asks.</summary>
    /// <param name="host">The host; with <paramref name="root"/>, the one on which that tree is.</param>
    /// <param name="questions">What is asked; one that is named twice is asked once.</param>
    /// <param name="root">Where the tree of a host that does not run is mounted; empty: the host itself.</param>
    /// <param name="now">The time, in UTC.</param>
    /// <param name="stop">The user's stop.</param>
    /// <returns>A fact for each question, also for those that have no answer.</returns>
    /// <exception cref="VirtException">NotPrivileged, PrivateMountNamespace; PathNotFound: no such tree; what keeps from reaching the host.</exception>
    public static async Task<IReadOnlyList<Dom0Fact>> ReadAsync(IHost host, IEnumerable<FactQuestion> questions, string root, DateTime now, CancellationToken stop)
    {
        var all = questions.Concat(HardeningFacts.AlwaysAsked).DistinctBy(question => question.Key).ToArray();
        var isOffline = root.Length > 0;
        if (isOffline) HostPath.RequireCanonical(root);
        var asked = all.Where(question => !isOffline || !question.IsOfRunningHost).ToArray();

        var batch = new FactBatch();
        // Of a tree that does not run nothing but who we are is asked of the host that holds it.
        var probe = batch.Ask(isOffline ? HostProbe.Look([]) : HardeningFacts.Host.Command!, result => result);
        var tree = isOffline ? batch.Ask(new ToolCall("test", "-d", root), result => result) : null;
        var commands = asked.Where(question => question.Command is not null).ToDictionary(question => question.Key, question => batch.Ask(question.Command!, result => result));
        var files = asked.Where(question => question.Command is null).GroupBy(question => (question.IsLook, question.Reduce)).Select(group => (Questions: group.ToArray(), Answer: batch.Ask(Call(group, root), result => result))).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);

        var who = HostProbe.Read(probe.Value);
        if (!isOffline) HostFacts.RequireReadable(host.Name, who);
        else if (!who.IsRoot) throw new VirtException("NotPrivileged", host.Name);
        if (tree is not null && !tree.Value.Succeeded) throw new VirtException("PathNotFound", root, host.Name);
        var facts = new Dictionary<string, Dom0Fact>();
        Dom0Fact Fact(FactQuestion question, string outcome, int exitCode, string text, string error) =>
            new() { VirtHost = host.Name, Key = question.Key, Question = question.Words, Outcome = outcome, ExitCode = exitCode, Text = text, Error = error, Taken = now };

        foreach (var question in all.Except(asked)) facts[question.Key] = Fact(question, FactOutcome.NotAsked, -1, "", OfflineReason);
        foreach (var question in asked.Where(question => question.Command is not null)) facts[question.Key] = OfCommand(question, commands[question.Key].Result);
        foreach (var (group, answer) in files)
        {
            var result = answer.Result;
            var sets = result.Succeeded ? HostFiles.ReadFiles(result) : null;
            foreach (var question in group)
            {
                facts[question.Key] = sets is null ? Fact(question, FactOutcome.NoAnswer, result.ExitCode, "", ToolFailure.Of(result).Words)
                    : sets[question.Key] is { Count: > 0 } found ? Fact(question, FactOutcome.Answered, 0, HostFile.Write(found), "")
                    : Fact(question, FactOutcome.Missing, 0, "", "no such file");
            }
        }

        return [.. all.Select(question => facts[question.Key])];

        Dom0Fact OfCommand(FactQuestion question, ToolResult result) => result switch
        {
            { Outcome: ToolOutcome.NotFound } or { Outcome: ToolOutcome.Exited, ExitCode: 127 } => Fact(question, FactOutcome.Missing, -1, "", ToolFailure.Of(result).Words),
            { Outcome: ToolOutcome.Exited } => Fact(question, FactOutcome.Answered, result.ExitCode, result.Stdout, result.Stderr),
            // What it had said by then is half an answer.
            { Outcome: ToolOutcome.TimedOut } => Fact(question, FactOutcome.NoAnswer, -1, "", $"no answer within {result.Call.TimeLimit.TotalSeconds:0} s"),
            _ => Fact(question, FactOutcome.NoAnswer, -1, "", ToolFailure.Of(result).Words),
        };
    }

    private static ToolCall Call(IGrouping<(bool IsLook, string Reduce), FactQuestion> group, string root)
    {
        var sets = group.Select(question => new FileSet(question.Key, question.Paths));
        return (group.Key.IsLook ? HostFiles.Look(root, sets) : HostFiles.Read(root, group.Key.Reduce, sets)) with { TimeLimit = FactQuestion.Limit };
    }
}
