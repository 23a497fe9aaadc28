using System.Globalization;
using System.Text.Json;
using VirtSecurity.Resources;

namespace VirtSecurity.Changes;

/// <summary>One object of a run, as the journal has it.</summary>
/// <param name="Set">All that it asks for, as it was announced.</param>
/// <param name="State">What became of it.</param>
/// <param name="CommitBegun">Its rules and labels were about to be committed; before that none of them is this run's.</param>
/// <param name="Left">What could not be taken back, as command lines.</param>
/// <param name="Gone">Steps that were no longer in place when they were to be taken back.</param>
internal sealed record JournalSubject(ChangeSet Set, SubjectState State, bool CommitBegun, IReadOnlyList<string> Left, IReadOnlyList<string> Gone)
{
    /// <summary>Nobody has settled it, and nobody else may touch it.</summary>
    public bool IsOpen => State is SubjectState.Begun or SubjectState.Undoing;

    /// <summary>It was begun, and is not being taken back.</summary>
    public bool IsToBeFinished => State is SubjectState.Begun or SubjectState.NotFinished;

    /// <summary>Its changes that cannot be undone were about to be made, so it can be finished only.</summary>
    public bool LastBegun { get; init; }
}

/// <summary>One file of the journal, read. What cannot be read is said, never guessed.</summary>
internal sealed record JournalRun
{
    private JournalRun()
    {
    }

    public required string Run { get; init; }

    /// <summary>When it began, UTC; from its name, which is as exact as anyone needs.</summary>
    public required DateTime Time { get; init; }

    /// <summary>The cmdlet; null: no line could be read.</summary>
    public string? Command { get; private set; }

    /// <summary>Who ran it, and on which machine.</summary>
    public string? User { get; private set; }

    public IReadOnlyList<JournalSubject> Subjects { get; private set; } = [];

    /// <summary>Why it cannot be read to its end; null: it can.</summary>
    public VirtException? Problem { get; private set; }

    /// <summary>A tool of it runs now.</summary>
    public required bool IsWorking { get; init; }

    /// <summary>It was written by a version whose lines do not hold all that an object asks for.</summary>
    public bool IsOld { get; private set; }

    /// <summary>Somebody has to finish it, or to take it back.</summary>
    public bool IsUnfinished => Subjects.Any(subject => subject.IsOpen || subject.IsToBeFinished);

    /// <summary>Reads a file's text.</summary>
    /// <param name="run">The file's name.</param>
    /// <param name="text">All of it. A last line without its newline was torn by a power cut: what it announced was never begun.</param>
    /// <param name="isWorking">A tool of it runs now.</param>
    public static JournalRun Parse(string run, string text, bool isWorking)
    {
        var read = new JournalRun
        {
            Run = run,
            Time = DateTime.ParseExact(run.Split('-')[0], "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
            IsWorking = isWorking,
        };
        var lines = text.Split('\n');
        var subjects = new Dictionary<string, JournalSubject>();
        for (var i = 0; i < lines.Length && read.Problem is null; i++)
        {
            var isTorn = i == lines.Length - 1;
            if (isTorn && lines[i].Length == 0) break;
            try
            {
                using var line = JsonDocument.Parse(lines[i]);
                read.Problem = read.Take(line.RootElement, subjects, i + 1);
            }
            catch (Exception unreadable) when (unreadable is JsonException or KeyNotFoundException or FormatException or InvalidOperationException or ArgumentException)
            {
                if (!isTorn) read.Problem = new VirtException(unreadable, "JournalDamaged", run, i + 1, unreadable.Message);
            }
        }

        read.Subjects = [.. subjects.Values];
        return read;
    }

    private VirtException? Take(JsonElement line, Dictionary<string, JournalSubject> subjects, int number)
    {
        var version = line.GetProperty("v").GetInt32();
        if (version > Journal.FormatVersion) return new VirtException("JournalNewer", Run, number, version, Journal.FormatVersion);
        IsOld |= version < Journal.FormatVersion;
        if (line.TryGetProperty("command", out var command)) Command ??= command.GetString();
        if (line.TryGetProperty("user", out var user)) User ??= user.GetString();
        switch (JournalData.Text(line, "event"))
        {
            case "do":
                var set = JournalData.ReadSet(line);
                subjects[set.Subject] = new(set, SubjectState.Begun, version < Journal.FormatVersion, [], []);
                break;
            case "commit":
                Each(line, subjects, subject => subject with { CommitBegun = true });
                break;
            case "last":
                Each(line, subjects, subject => subject with { LastBegun = true });
                break;
            case "undo":
                Each(line, subjects, subject => subject with { State = SubjectState.Undoing });
                break;
            case "resume":
                break;
            case "end" or "part":
                var ends = line.GetProperty("outcomes").EnumerateArray().Select(JournalData.ReadEnd).ToDictionary(end => end.Subject);
                // Version 1 announced a commit as an object of its own, which no end speaks of.
                if (version < Journal.FormatVersion) foreach (var name in subjects.Keys.Except(ends.Keys).ToArray()) subjects.Remove(name);
                foreach (var end in ends.Values)
                {
                    var known = subjects.GetValueOrDefault(end.Subject) ?? new(new ChangeSet(end.Subject, [], [], []), end.State, false, [], []);
                    subjects[end.Subject] = known with { State = end.State, Left = end.Left, Gone = end.Gone };
                }

                break;
            case var other:
                throw new JsonException($"'{other}' is no event");
        }

        return null;
    }

    private static void Each(JsonElement line, Dictionary<string, JournalSubject> subjects, Func<JournalSubject, JournalSubject> change)
    {
        var names = line.TryGetProperty("subject", out var one) ? [one.GetString()!] : JournalData.ReadList(line, "subjects");
        foreach (var name in names.Where(subjects.ContainsKey)) subjects[name] = change(subjects[name]);
    }
}
