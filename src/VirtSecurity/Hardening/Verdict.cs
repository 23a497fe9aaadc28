namespace VirtSecurity.Hardening;

/// <summary>What a rule says of a host.</summary>
/// <param name="Status">What became of the check.</param>
/// <param name="Actual">What is, in words; for Unknown and NotApplicable the reason.</param>
/// <param name="Evidence">Where it was seen: a path or command with what it said, one a line.</param>
internal sealed record Verdict(HardeningStatus Status, string Actual, IReadOnlyList<string> Evidence)
{
    /// <summary>More findings than these are counted, not listed.</summary>
    private const int MostEvidence = 50;

    /// <summary>What should be, more exactly than the rule says it; null: as the rule says.</summary>
    public string? Expected { get; init; }

    /// <summary>As it should be.</summary>
    public static Verdict Pass(string actual, params IEnumerable<string> evidence) => new(HardeningStatus.Pass, actual, [.. evidence]);

    /// <summary>Not as it should be.</summary>
    public static Verdict Fail(string actual, params IEnumerable<string> evidence) => new(HardeningStatus.Fail, actual, [.. evidence]);

    /// <summary>Not as it should be, but not in the administrator's hands, or no danger by itself.</summary>
    public static Verdict Warn(string actual, params IEnumerable<string> evidence) => new(HardeningStatus.Warn, actual, [.. evidence]);

    /// <summary>It could not be told.</summary>
    public static Verdict Unknown(string reason, params IEnumerable<string> evidence) => new(HardeningStatus.Unknown, reason, [.. evidence]);

    /// <summary>There is nothing here that the check is about.</summary>
    public static Verdict NotApplicable(string reason, params IEnumerable<string> evidence) => new(HardeningStatus.NotApplicable, reason, [.. evidence]);

    /// <summary>Passes where nothing was found wrong, and fails with what was.</summary>
    /// <param name="wrong">What is not as it should be, as evidence.</param>
    /// <param name="right">What is, where nothing is wrong.</param>
    /// <param name="evidence">What was looked at, where nothing is wrong.</param>
    public static Verdict Unless(IReadOnlyCollection<string> wrong, string right, params IEnumerable<string> evidence) =>
        wrong.Count == 0 ? Pass(right, evidence) : Fail(Count(wrong), wrong);

    /// <summary>What was found, in a line: all of it where it is little, otherwise how much it is.</summary>
    public static string Count(IReadOnlyCollection<string> found) => found.Count switch
    {
        1 => found.First(),
        <= 3 => string.Join("; ", found),
        _ => $"{found.Count} findings, the first: {found.First()}",
    };

    /// <summary>The evidence as one text.</summary>
    public string EvidenceText => string.Join('\n', Evidence.Count <= MostEvidence ? Evidence : [.. Evidence.Take(MostEvidence), $"and {Evidence.Count - MostEvidence} more"]);
}
