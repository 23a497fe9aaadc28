using VirtSecurity.Resources;

namespace VirtSecurity.Planning;

/// <summary>All that is wrong with a plan: one look at the file is enough to put it right.</summary>
internal sealed class PlanProblems(PlanDocument document)
{
    private readonly List<(int Line, VirtException Problem)> found = [];

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<VirtException> InOrder => [.. found.OrderBy(one => one.Line).Select(one => one.Problem)];

    /// <summary>PowerShell's ways are followed.</summary>
    public bool IsPowerShell => document.IsPowerShell;

    /// <summary>How keys and words are compared.</summary>
    public StringComparer Comparer => document.IsPowerShell ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    /// <summary>A key that no plan has here.</summary>
    public void Unknown(int line, string path, string key, IReadOnlyCollection<string> known) =>
        found.Add((line, new VirtException("PlanKeyUnknown", document.Place(line), path, NearestWord.Advice(key, known))));

    /// <summary>A key that is there again.</summary>
    public void Twice(int line, string path) => found.Add((line, new VirtException("PlanKeyTwice", document.Place(line), path)));

    /// <summary>A key that must be there.</summary>
    public void Missing(int line, string path) => found.Add((line, new VirtException("PlanKeyMissing", document.Place(line), path)));

    /// <summary>A value that cannot be.</summary>
    public void Wrong(int line, string path, string why) => found.Add((line, new VirtException("PlanValueInvalid", document.Place(line), path, why)));

    /// <summary>The plan of a version to come.</summary>
    public void Newer(int line, decimal version) => found.Add((line, new VirtException("PlanNewer", document.Place(line), version)));
}
