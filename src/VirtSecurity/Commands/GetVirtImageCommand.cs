using System.Management.Automation;
using VirtSecurity.Hosts;
using VirtSecurity.Images;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>The images on a host: those its guests use, those its pools hold, and those that lie in places for images.</summary>
[Cmdlet(VerbsCommon.Get, "VirtImage")]
[OutputType(typeof(VirtImage))]
public sealed class GetVirtImageCommand : VirtCommand
{
    private readonly List<(VirtHost Host, ImageFilter Filter)> asked = [];

    /// <summary>Paths, by any name of the image.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("LiteralPath", "FullName")]
    [SupportsWildcards]
    public string[]? Path { get; set; }

    /// <summary>Names of guests.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(GuestCompleter))]
    public string[]? Guest { get; set; }

    /// <summary>Names of storage pools.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PoolCompleter))]
    public string[]? Pool { get; set; }

    /// <summary>Only images that no guest uses.</summary>
    [Parameter]
    public SwitchParameter Orphaned { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var filter = new ImageFilter(Given(Path), Given(Guest), Given(Pool), Orphaned, WildcardPattern.ContainsWildcardCharacters,
            (pattern, text) => new WildcardPattern(pattern, WildcardOptions.CultureInvariant).IsMatch(text));
        asked.AddRange(VirtHost.Select(host => (host, filter)));
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => Pump(pump => SideBySide(asked.GroupBy(entry => entry.Host), async host =>
    {
        try
        {
            var answer = await ImageInventoryReader.ReadAsync(HostFactory.Open(host.Key, pump), Stop).ConfigureAwait(false);
            pump.Write(_ => Write(answer, host));
        }
        catch (VirtException problem)
        {
            pump.Write(_ => WriteProblem(problem, host.Key));
        }
        finally
        {
            pump.Done(host.Key);
        }

        return true;
    }));

    private void Write(ImageInventoryAnswer answer, IGrouping<VirtHost, (VirtHost Host, ImageFilter Filter)> host)
    {
        foreach (var problem in answer.Problems) WriteProblem(problem, host.Key);
        var unsure = answer.Images.Where(image => image.IsOrphaned is null).ToArray();
        if (unsure.Length > 0 && host.Any(one => one.Filter.IsForOrphans)) WriteProblem(new VirtException("OrphansUnknown", host.Key.Name, unsure.Length), host.Key);
        foreach (var (name, filter) in host)
        {
            foreach (var missing in filter.Missing(answer.Images)) WriteProblem(new VirtException("ImageNotFound", missing, name.Name), missing);
            foreach (var image in filter.Of(answer.Images)) WriteObject(image);
        }
    }

    /// <summary>An empty property of an object in the pipeline, or an empty cell, asks nothing.</summary>
    private static string[] Given(string[]? texts) => [.. texts?.Where(text => !string.IsNullOrEmpty(text)) ?? []];
}
