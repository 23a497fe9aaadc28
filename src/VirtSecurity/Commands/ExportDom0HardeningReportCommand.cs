using System.Management.Automation;
using VirtSecurity.Hardening;
using VirtSecurity.Hardening.Reports;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>Writes results of Test-Dom0Hardening to a file of this machine, for people or for other tools. No host is asked.</summary>
[Cmdlet(VerbsData.Export, "Dom0HardeningReport", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportDom0HardeningReportCommand : PSCmdlet
{
    private readonly List<Dom0HardeningResult> results = [];
    private string file = "";

    /// <summary>The results.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [AllowEmptyCollection]
    [ResultRecord]
    public Dom0HardeningResult[] InputObject { get; set; } = [];

    /// <summary>The file.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [Alias("LiteralPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>What it is written as; left out, the file's name says it.</summary>
    [Parameter(Position = 1)]
    public ReportFormat? Format { get; set; }

    /// <summary>Its heading.</summary>
    [Parameter]
    public string? Title { get; set; }

    /// <summary>Replace a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>What is wrong with the file is said before a hundred hosts are asked for what is to be in it.</summary>
    protected override void BeginProcessing()
    {
        try
        {
            file = GivenFiles.Resolve(SessionState, Path);
            Format ??= ReportFormats.Of(file);
            ReportFile.Checked(file, Force);
        }
        catch (VirtException problem)
        {
            ThrowTerminatingError(ErrorRecords.From(problem, Path));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => results.AddRange(InputObject);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        try
        {
            var report = HardeningReport.Of(Title, DateTime.UtcNow, results);
            if (!ShouldProcess(file, Messages.Format("ProceedWriteReport", Format))) return;
            ReportFile.Write(file, report.Write(Format!.Value), Force);
            WriteObject(new FileInfo(file));
        }
        catch (VirtException problem)
        {
            WriteError(ErrorRecords.From(problem, Path));
        }
    }
}
