using System.Management.Automation;
using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>What was done to a host, when and by whom: its journal as objects.</summary>
[Cmdlet(VerbsCommon.Get, "VirtChange")]
[OutputType(typeof(VirtChange))]
public sealed class GetVirtChangeCommand : VirtCommand
{
    /// <summary>For each host the patterns asked for.</summary>
    private readonly Dictionary<VirtHost, List<string>> asked = [];

    /// <summary>Names of runs.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [AllowEmptyCollection]
    [SupportsWildcards]
    public string[]? Run { get; set; }

    /// <summary>Only those that somebody has yet to finish or undo.</summary>
    [Parameter]
    public SwitchParameter Unfinished { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // An object in the pipeline whose run is empty was made by none; that is not "all of them".
        string[] patterns = MyInvocation.BoundParameters.ContainsKey(nameof(Run)) ? [.. (Run ?? []).Where(run => !string.IsNullOrEmpty(run))] : ["*"];
        foreach (var host in VirtHost)
        {
            if (!asked.TryGetValue(host, out var all)) asked[host] = all = [];
            all.AddRange(patterns);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var answers = Pump(pump => SideBySide(asked.Where(entry => entry.Value.Count > 0), async entry =>
        {
            var (host, patterns) = (entry.Key, entry.Value);
            try
            {
                return new Answer(host, patterns, await JournalReader.ReadAsync(HostFactory.Open(host, pump), Question(patterns), Stop).ConfigureAwait(false), null);
            }
            catch (VirtException problem)
            {
                return new Answer(host, patterns, [], problem);
            }
            finally
            {
                pump.Done(host);
            }
        }));
        foreach (var answer in answers) Write(answer);
    }

    private ToolCall Question(IReadOnlyList<string> patterns) => Unfinished ? JournalFiles.Unfinished()
        : patterns.All(JournalFiles.IsRunName) ? JournalFiles.Some(patterns.Distinct())
        : JournalFiles.All();

    private void Write(Answer answer)
    {
        if (answer.Problem is not null)
        {
            WriteProblem(answer.Problem, answer.Host);
            return;
        }

        var wild = answer.Patterns.Select(pattern => new WildcardPattern(pattern, WildcardOptions.IgnoreCase)).ToArray();
        foreach (var run in answer.Runs.Where(run => wild.Any(pattern => pattern.IsMatch(run.Run)))) WriteObject(VirtChange.From(answer.Host, run));
        foreach (var missing in answer.Patterns.Distinct().Where(pattern => !WildcardPattern.ContainsWildcardCharacters(pattern) && !Unfinished && !answer.Runs.Any(run => run.Run == pattern)))
            WriteProblem(new VirtException("RunNotFound", missing, answer.Host), missing);
    }

    private sealed record Answer(VirtHost Host, IReadOnlyList<string> Patterns, IReadOnlyList<JournalRun> Runs, VirtException? Problem);
}
