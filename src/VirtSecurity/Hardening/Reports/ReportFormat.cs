using VirtSecurity.Resources;

namespace VirtSecurity.Hardening.Reports;

/// <summary>What a report of hardening results is written as.</summary>
public enum ReportFormat
{
    /// <summary>One page that needs nothing else, for people.</summary>
    Html,

    /// <summary>SARIF 2.1.0, for what gathers findings of tools.</summary>
    Sarif,

    /// <summary>JUnit's XML, for what shows tests.</summary>
    JUnit,
}

/// <summary>What a file's name says about it.</summary>
internal static class ReportFormats
{
    /// <summary>The format for a file of that name.</summary>
    /// <exception cref="VirtException">ReportFormatUnknown.</exception>
    public static ReportFormat Of(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".HTML" or ".HTM" => ReportFormat.Html,
        ".SARIF" => ReportFormat.Sarif,
        ".JSON" when path.EndsWith(".sarif.json", StringComparison.OrdinalIgnoreCase) => ReportFormat.Sarif,
        ".XML" => ReportFormat.JUnit,
        _ => throw new VirtException("ReportFormatUnknown", path),
    };
}
