using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using VirtSecurity.Hardening;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Storage;
using VirtSecurity.Tools;

namespace VirtSecurity.Commands;

/// <summary>A completer over a list of words: quick, never failing, quoting what needs it.</summary>
public abstract class WordCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var begun = (wordToComplete ?? "").Trim('\'', '"');
        return Words(fakeBoundParameters)
            .Where(word => word.StartsWith(begun, StringComparison.OrdinalIgnoreCase))
            .Distinct()
            .Order(StringComparer.Ordinal)
            .Select(word => new CompletionResult(Quoted(word), word, CompletionResultType.ParameterValue, word));
    }

    /// <summary>The words to choose from.</summary>
    protected abstract IEnumerable<string> Words(IDictionary boundParameters);

    private static string Quoted(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or '=' or ':' or '@') ? word : $"'{word.Replace("'", "''", StringComparison.Ordinal)}'";
}

/// <summary>The types an image may have.</summary>
public sealed class ImageTypeCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(IDictionary boundParameters) => ImageTypes.All;
}

/// <summary>Mount options.</summary>
public sealed class MountOptionCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(IDictionary boundParameters) => Mount.KnownOptions;
}

/// <summary>Ids of the hardening checks.</summary>
public sealed class RuleIdCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(IDictionary boundParameters) => Catalogue.Rules.Select(rule => rule.Id);
}

/// <summary>Categories of the hardening checks.</summary>
public sealed class CategoryCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(IDictionary boundParameters) => Catalogue.Categories;
}

/// <summary>Hosts of the user's ssh configuration.</summary>
public sealed class VirtHostCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(IDictionary boundParameters) => ["localhost", .. Client.ConfiguredHosts()];
}

/// <summary>A completer over what is on the host that is bound, if asking it costs no log-in.</summary>
public abstract class HostWordCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected sealed override IEnumerable<string> Words(IDictionary boundParameters)
    {
        var name = boundParameters["VirtHost"] switch
        {
            VirtHost host => host,
            object[] and [var first, ..] => AsHost(first),
            var other => AsHost(other),
        };
        return name is null ? [] : Words(name, boundParameters);
    }

    /// <summary>The words to choose from on that host.</summary>
    protected abstract IEnumerable<string> Words(VirtHost host, IDictionary boundParameters);

    private static VirtHost? AsHost(object? value)
    {
        if (value is null) return new VirtHost("localhost");
        return LanguagePrimitives.TryConvertTo<VirtHost>(value, out var host) ? host : null;
    }
}

/// <summary>Volume groups.</summary>
public sealed class VolumeGroupCompleter : HostWordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(VirtHost host, IDictionary boundParameters) => QuickNames.VolumeGroups(host);
}

/// <summary>Logical volumes, of the volume group that is bound or of all.</summary>
public sealed class VolumeCompleter : HostWordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(VirtHost host, IDictionary boundParameters)
    {
        var groups = boundParameters["VolumeGroup"] is { } given && LanguagePrimitives.TryConvertTo<string[]>(given, out var names) ? names : [];
        return QuickNames.Volumes(host).Where(volume => groups.Length == 0 || groups.Contains(volume.VolumeGroup)).Select(volume => volume.Name);
    }
}

/// <summary>Mount points of volumes and partitions, now and at boot, that may be image stores.</summary>
public sealed class MountPointCompleter : HostWordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(VirtHost host, IDictionary boundParameters) => QuickNames.MountPoints(host);
}

/// <summary>Guests, running or defined.</summary>
public sealed class GuestCompleter : HostWordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(VirtHost host, IDictionary boundParameters) => QuickNames.Guests(host);
}

/// <summary>Storage pools.</summary>
public sealed class PoolCompleter : HostWordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Words(VirtHost host, IDictionary boundParameters) => QuickNames.Pools(host);
}
