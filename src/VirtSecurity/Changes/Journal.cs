using System.Globalization;
using System.Text.Json.Nodes;
using VirtSecurity.Hosts;

namespace VirtSecurity.Changes;

/// <summary>
/// The host's own record of a run: /var/lib/virtsecurity/journal/RUN, one JSON object a line, on disk before the changes it announces. A
/// run that was killed can be understood, finished or undone from its lines alone: they hold the calls themselves, and all
/// that its objects ask for. This class writes it; <see cref="JournalFiles"/> and <see cref="JournalRun"/> read it.
/// </summary>
internal sealed class Journal(string run, string command)
{
    /// <summary>Where the runs' files lie; readable by root only.</summary>
    public const string Directory = "/var/lib/virtsecurity/journal";

    /// <summary>The name of the call that writes a line.</summary>
    public const string CallName = "journal";

    /// <summary>The version of the lines written here. 1 held neither rules, labels nor what a call is shown as.</summary>
    public const int FormatVersion = 2;

    // The directory is synced as well when the file is new: a name that a power cut takes away is no journal. A last line
    // that a power cut has torn announced nothing that was begun; it is cut off, so that what follows is a line.
    private const string WriteScript = """
        set -eu
        umask 077
        if [ ! -d "$1" ]; then mkdir -p -m 0700 -- "$1"; fi
        f=$1/$2
        if [ ! -e "$f" ]; then n=1
        else
          n=
          if [ -n "$(tail -c 1 -- "$f")" ]; then
            case $(tail -n 1 -- "$f") in
              *'"event":"'[a-z]*'"}') echo >>"$f";;
              *) truncate -s "-$(tail -n 1 -- "$f" | wc -c)" -- "$f";;
            esac
          fi
        fi
        cat >>"$f"
        sync -- "$f"
        if [ -n "$n" ]; then sync -- "$1"; fi
        """;

    /// <summary>The run's name: when it began, and eight random hex digits. Sorts by time.</summary>
    public string Run => run;

    /// <summary>A new run's name.</summary>
    public static string NewRun() =>
        string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}-{Guid.NewGuid().ToString("N")[..8]}");

    /// <summary>
    /// Announces all that the run is asked to change, one line an object: what a run cut off after this needs to find what it made, to
    /// finish it or to take it back.
    /// </summary>
    public ToolCall Doing(IEnumerable<ChangeSet> sets) => Write(sets.Select(set => Line("do", JournalData.Of(set))));

    /// <summary>Announces that the rules and labels of these objects are about to be committed.</summary>
    public ToolCall Committing(IEnumerable<string> subjects) => Write([Line("commit", Subjects(subjects))]);

    /// <summary>Announces that what cannot be undone of these objects is about to be made: from here on they can be finished only.</summary>
    public ToolCall Ending(IEnumerable<string> subjects) => Write([Line("last", Subjects(subjects))]);

    /// <summary>Announces that these objects are being taken back.</summary>
    public ToolCall Undoing(IEnumerable<string> subjects) => Write([Line("undo", Subjects(subjects))]);

    /// <summary>Announces that these objects are being finished.</summary>
    public ToolCall Resuming(IEnumerable<string> subjects) => Write([Line("resume", Subjects(subjects))]);

    /// <summary>Says how the run, or the undoing of it, ended for each object. It is no end where one of them is left to be finished.</summary>
    public ToolCall Ended(IReadOnlyCollection<SubjectEnd> ends) =>
        Write([Line(ends.Any(end => end.State == SubjectState.NotFinished) ? "part" : "end", new JsonObject { ["outcomes"] = new JsonArray([.. ends.Select(JournalData.Of)]) })]);

    /// <summary>Two of these as one call: one write, one wait for the disk.</summary>
    public static ToolCall Together(ToolCall first, ToolCall second) => first with { Stdin = [.. first.Stdin!, .. second.Stdin!] };

    private static JsonObject Subjects(IEnumerable<string> subjects) => new() { ["subjects"] = JournalData.List(subjects) };

    /// <summary>What the line says comes last: a line that ends with its event is whole, which a shell can see.</summary>
    private string Line(string @event, JsonObject data)
    {
        var line = new JsonObject
        {
            ["v"] = FormatVersion,
            ["run"] = run,
            ["time"] = DateTime.UtcNow.ToString("O", CultureInfo.InvariantCulture),
            ["command"] = command,
            ["user"] = $"{Environment.UserName}@{Environment.MachineName}",
        };
        foreach (var (name, value) in data.ToArray())
        {
            data.Remove(name);
            line[name] = value;
        }

        line["event"] = @event;
        return line.ToJsonString(JournalData.Plain);
    }

    private ToolCall Write(IEnumerable<string> lines) => ToolCall.Script(CallName, WriteScript, Directory, run) with
    {
        Stdin = HostText.Encode(string.Concat(lines.Select(line => line + "\n"))),
        Mutating = true,
        Stop = StopPolicy.LetFinish,
        Display = $"# journal: {Directory}/{run}",
    };
}
