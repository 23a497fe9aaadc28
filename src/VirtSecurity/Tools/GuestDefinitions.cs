using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Tools;

/// <summary>A file, directory or device of the host that a guest's definition names.</summary>
/// <param name="Guest">The guest's name.</param>
/// <param name="IsRunning">It runs now; otherwise it is only defined.</param>
/// <param name="Source">The path as the definition has it.</param>
internal sealed record GuestDisk(string Guest, bool IsRunning, string Source);

/// <summary>
/// What guests are defined on a host and what they use, from libvirt's and xl's own files: virsh would start daemons by their
/// sockets, and asking would change the answer.
/// </summary>
internal static partial class GuestDefinitions
{
    // libvirt replaces its files by renaming; one that vanished meanwhile is of a guest that ended. Passwords (of VNC, SPICE, network
    // disks) stay on the host.
    private const string Script = """
        for f in /etc/libvirt/storage/*.xml /run/libvirt/storage/*.xml /etc/libvirt/qemu/*.xml /etc/libvirt/libxl/*.xml \
          /run/libvirt/qemu/*.xml /run/libvirt/libxl/*.xml /etc/xen/*.cfg /etc/xen/auto/*; do
          if [ ! -f "$f" ]; then continue; fi
          if ! c=$(sed -e "s/passwd *= *'[^']*'//g" -e 's/passwd *= *"[^"]*"//g' -e "s/passwd *= *[^,\"']*//g" -e '/<cookie /d' -- "$f"); then
            if [ ! -e "$f" ]; then continue; fi
            exit 1
          fi
          printf '%s\0%s\0' "$f" "$c"
        done
        exit 0
        """;

    private const string PoolDirectory = "/storage/";

    /// <summary>Asks.</summary>
    public static ToolCall Read() => ToolCall.Script("guest-definitions", Script);

    /// <summary>Reads <see cref="Read"/>.</summary>
    /// <exception cref="VirtException">FactUnknown: a definition is not understood.</exception>
    public static IReadOnlyList<GuestDisk> ReadDisks(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        var files = Enumerable.Range(0, fields.Length / 2).Select(i => (Path: fields[2 * i], Text: fields[2 * i + 1])).ToArray();
        // A disk may be named by storage pool and volume; libvirt cannot start one whose pool is in neither directory.
        var pools = files.Where(file => IsPool(file.Path)).SelectMany(file => Pool(file.Path, file.Text)).DistinctBy(pool => pool.Name).ToDictionary(pool => pool.Name, pool => pool.Path);
        return [.. files.Where(file => !IsPool(file.Path)).SelectMany(file => Disks(file.Path, file.Text, pools)).Distinct()];
    }

    private static bool IsPool(string path) => path.Contains(PoolDirectory, StringComparison.Ordinal);

    private static IEnumerable<GuestDisk> Disks(string path, string text, Dictionary<string, string> pools)
    {
        if (!path.EndsWith(".xml", StringComparison.Ordinal)) return Xl(path, text);
        var domain = Parse(path, text).DescendantsAndSelf("domain").FirstOrDefault() ?? throw NotUnderstood(path, "it has no domain");
        var name = domain.Element("name")?.Value ?? throw NotUnderstood(path, "its domain has no name");
        return Sources(domain, pools)
            .Where(source => source.StartsWith('/'))
            .Select(source => new GuestDisk(name, path.StartsWith("/run/", StringComparison.Ordinal), source));
    }

    /// <summary>Every path that a domain's source elements and its boot files have, https://libvirt.org/formatdomain.html; rather one too many.</summary>
    private static IEnumerable<string> Sources(XElement domain, Dictionary<string, string> pools)
    {
        foreach (var source in domain.Descendants("source"))
        {
            foreach (var attribute in (string[])["file", "dev", "dir", "path"])
            {
                if ((string?)source.Attribute(attribute) is { } path) yield return path;
            }

            if ((string?)source.Attribute("pool") is { } pool && (string?)source.Attribute("volume") is { } volume && pools.TryGetValue(pool, out var target))
                yield return $"{target}/{volume}";
            foreach (var element in source.Elements().Where(element => element.Name.LocalName is "block" or "path")) yield return element.Value.Trim();
        }

        foreach (var element in domain.Elements("os").Elements().Where(element => element.Name.LocalName is "kernel" or "initrd" or "dtb" or "loader" or "nvram"))
            yield return element.Value.Trim();
        foreach (var argument in domain.Descendants().Where(element => element.Name.LocalName == "arg").SelectMany(element => Paths((string?)element.Attribute("value") ?? "")))
            yield return argument;
    }

    /// <summary>
    /// xl.cfg(5) by a scan: every absolute path inside quotes, outside comments, but for the guest kernel's command line, whose devices
    /// are the guest's own.
    /// </summary>
    private static IEnumerable<GuestDisk> Xl(string path, string text)
    {
        var settings = KernelCommandLine().Replace(text, "");
        var name = NameSetting().Match(settings) is { Success: true } named ? named.Groups["name"].Value : Path.GetFileNameWithoutExtension(path);
        return CommentOrQuoted().Matches(settings).Select(match => match.Groups["text"]).Where(group => group.Success)
            .SelectMany(group => Paths(group.Value))
            .Select(source => new GuestDisk(name, false, source));
    }

    private static IEnumerable<string> Paths(string text) => AbsolutePath().Matches(text).Select(match => match.Groups["path"].Value.Trim());

    private static IEnumerable<(string Name, string Path)> Pool(string path, string text)
    {
        var pool = Parse(path, text).DescendantsAndSelf("pool").FirstOrDefault() ?? throw NotUnderstood(path, "it has no pool");
        if (pool.Element("name")?.Value is { } name && pool.Element("target")?.Element("path")?.Value is { } target) yield return (name, target.TrimEnd('/'));
    }

    private static XElement Parse(string path, string text)
    {
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException problem)
        {
            throw NotUnderstood(path, problem.Message);
        }
    }

    private static VirtException NotUnderstood(string path, string reason) => new("FactUnknown", path, reason);

    [GeneratedRegex(@"^[ \t]*(root|extra|cmdline|bootargs)[ \t]*\+?=.*$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex KernelCommandLine();

    [GeneratedRegex(@"^[ \t]*name[ \t]*=[ \t]*[""'](?<name>[^""'\n]+)[""']", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex NameSetting();

    [GeneratedRegex(@"#[^\n]*|""(?<text>[^""]*)""|'(?<text>[^']*)'", RegexOptions.CultureInvariant)]
    private static partial Regex CommentOrQuoted();

    [GeneratedRegex(@"(^|[:=,\s])(?<path>/[^,]*)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex AbsolutePath();
}
