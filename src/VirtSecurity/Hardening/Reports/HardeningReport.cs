using System.Reflection;
using VirtSecurity.Resources;

namespace VirtSecurity.Hardening.Reports;

/// <summary>What a report is made of.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Written">When it was written, in UTC; when the hosts were judged, results do not say.</param>
/// <param name="Results">The results: at least one, and no check of a host twice.</param>
internal sealed record HardeningReport(string Title, DateTime Written, IReadOnlyList<Dom0HardeningResult> Results)
{
    /// <summary>What wants to be looked at first comes first.</summary>
    public static IReadOnlyList<HardeningStatus> Statuses { get; } =
        [HardeningStatus.Fail, HardeningStatus.Warn, HardeningStatus.Unknown, HardeningStatus.Waived, HardeningStatus.NotApplicable, HardeningStatus.Pass];

    /// <summary>The gravest first.</summary>
    public static IReadOnlyList<HardeningSeverity> Severities { get; } = [.. Enum.GetValues<HardeningSeverity>().OrderDescending()];

    /// <summary>The module's name, as reports have it.</summary>
    public static string ToolName => "VirtSecurity";

    /// <summary>The module's version.</summary>
    public static string ToolVersion { get; } = typeof(HardeningReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>The hosts with their results, in the order they came.</summary>
    public IReadOnlyList<IGrouping<string, Dom0HardeningResult>> Hosts { get; } = [.. Results.GroupBy(result => result.VirtHost.ToString())];

    /// <summary>The checks, each as one of its results has it, in the order they came.</summary>
    public IReadOnlyList<Dom0HardeningResult> Checks { get; } = [.. Results.DistinctBy(result => result.Id)];

    /// <summary>A report of these results.</summary>
    /// <param name="title">Its heading; null: made of the hosts' names.</param>
    /// <param name="written">When it is written, in UTC.</param>
    /// <param name="results">The results.</param>
    /// <exception cref="VirtException">ReportEmpty: a report of nothing would look like one without findings. ResultTwice.</exception>
    public static HardeningReport Of(string? title, DateTime written, IReadOnlyList<Dom0HardeningResult> results)
    {
        if (results.Count == 0) throw new VirtException("ReportEmpty");
        HardeningRuns.ByCheck(results);
        return new HardeningReport(string.IsNullOrWhiteSpace(title) ? DefaultTitle(results) : title, written, results);
    }

    /// <summary>The report's bytes in a format.</summary>
    public byte[] Write(ReportFormat format) => format switch
    {
        ReportFormat.Html => HtmlReport.Write(this),
        ReportFormat.Sarif => SarifReport.Write(this),
        ReportFormat.JUnit => JUnitReport.Write(this),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    /// <summary>The catalogue's entry for a check; null: it is of a version of the module that has others.</summary>
    public static HardeningRule? RuleOf(string id) => Catalogue.Rules.FirstOrDefault(rule => rule.Id == id);

    private static string DefaultTitle(IReadOnlyList<Dom0HardeningResult> results)
    {
        var hosts = results.Select(result => result.VirtHost.Name).Distinct().ToArray();
        return hosts.Length <= 3 ? $"Hardening of {string.Join(", ", hosts)}" : $"Hardening of {hosts.Length} hosts";
    }
}
