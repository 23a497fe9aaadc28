using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VirtSecurity.Hosts;

namespace VirtSecurity.Changes;

/// <summary>
/// The host's own record of a run: /var/lib/virtsecurity/journal/RUN, one JSON object a line, on disk before the changes it announces. A
/// run that was killed can be understood, finished or undone from its lines alone: they hold the calls themselves.
/// </summary>
internal sealed class Journal(string run, string command)
{
    /// <summary>Where the runs' files lie; readable by root only.</summary>
    public const string Directory = "/var/lib/virtsecurity/journal";

    /// <summary>The name of the call that writes a line.</summary>
    public const string CallName = "journal";

    private const int FormatVersion = 1;

    // The directory is synced as well when the file is new: a name that a power cut takes away is no journal.
    private const string WriteScript = """
        set -eu
        umask 077
        if [ ! -d "$1" ]; then mkdir -p -m 0700 -- "$1"; fi
        n=; if [ ! -e "$1/$2" ]; then n=1; fi
        cat >>"$1/$2"
        sync -- "$1/$2"
        if [ -n "$n" ]; then sync -- "$1"; fi
        """;

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The run's name: when it began, and eight random hex digits. Sorts by time.</summary>
    public string Run => run;

    /// <summary>A new run's name.</summary>
    public static string NewRun() =>
        string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}-{Guid.NewGuid().ToString("N")[..8]}");

    /// <summary>Announces an object's changes: all that a run cut off after this needs to find what it made, and to finish it or take it back.</summary>
    public ToolCall Doing(string subject, IReadOnlyList<Change> changes) => Line(new
    {
        v = FormatVersion,
        run,
        time = Now(),
        @event = "do",
        command,
        user = $"{Environment.UserName}@{Environment.MachineName}",
        subject,
        changes = changes.Select(change => new
        {
            step = change.Step,
            @do = change.Do.Select(Data),
            check = change.Check is null ? null : Data(change.Check),
            undo = change.Undo.Select(Data),
        }),
    });

    /// <summary>Announces that an object's changes are being taken back.</summary>
    public ToolCall Undoing(string subject) => Line(new { v = FormatVersion, run, time = Now(), @event = "undo", subject });

    /// <summary>Says how the run ended for each object: done, undone, or what could not be undone.</summary>
    public ToolCall Ended(IEnumerable<(string Subject, string Outcome)> outcomes) =>
        Line(new { v = FormatVersion, run, time = Now(), @event = "end", outcomes = outcomes.Select(outcome => new { subject = outcome.Subject, outcome = outcome.Outcome }) });

    private static string Now() => DateTime.UtcNow.ToString("O", CultureInfo.InvariantCulture);

    private static object Data(ToolCall call) => new { argv = call.Argv, stdin = call.Stdin is null ? null : Convert.ToBase64String(call.Stdin) };

    private ToolCall Line(object entry) => ToolCall.Script(CallName, WriteScript, Directory, run) with
    {
        Stdin = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(entry, Plain) + "\n"),
        Mutating = true,
        Stop = StopPolicy.LetFinish,
        Display = $"# journal: {Directory}/{run}",
    };
}
