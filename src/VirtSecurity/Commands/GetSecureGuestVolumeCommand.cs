using System.Management.Automation;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Storage;

namespace VirtSecurity.Commands;

/// <summary>The volumes for guests on a host, as they are, with what does not agree.</summary>
[Cmdlet(VerbsCommon.Get, "SecureGuestVolume")]
[OutputType(typeof(SecureGuestVolume))]
public sealed class GetSecureGuestVolumeCommand : VirtCommand
{
    private readonly List<(VirtHost Host, VolumeFilter Filter)> asked = [];

    /// <summary>Volume groups.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("VGName")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VolumeGroupCompleter))]
    public string[]? VolumeGroup { get; set; }

    /// <summary>Names of logical volumes.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("LVName")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VolumeCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Mount points.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MountPointCompleter))]
    public string[]? MountPoint { get; set; }

    /// <summary>Devices.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    public string[]? DevicePath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var filter = new VolumeFilter(Given(VolumeGroup), Given(Name), Given(MountPoint), Given(DevicePath), WildcardPattern.ContainsWildcardCharacters,
            (pattern, text) => new WildcardPattern(pattern, WildcardOptions.CultureInvariant).IsMatch(text));
        asked.AddRange(VirtHost.Select(host => (host, filter)));
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => Pump(pump => SideBySide(asked.GroupBy(entry => entry.Host), async host =>
    {
        try
        {
            var volumes = await StoreInventory.ReadAsync(HostFactory.Open(host.Key, pump), Stop).ConfigureAwait(false);
            pump.Write(_ => Write(volumes, host));
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

    private void Write(IReadOnlyList<SecureGuestVolume> volumes, IGrouping<VirtHost, (VirtHost Host, VolumeFilter Filter)> host)
    {
        foreach (var (name, filter) in host)
        {
            foreach (var missing in filter.Missing(volumes)) WriteProblem(new VirtException("VolumeNotFound", missing, name.Name), missing);
            foreach (var volume in filter.Of(volumes)) WriteObject(volume);
        }
    }

    /// <summary>An empty property of an object in the pipeline, or an empty cell, asks nothing.</summary>
    private static string[] Given(string[]? texts) => [.. texts?.Where(text => !string.IsNullOrEmpty(text)) ?? []];
}
