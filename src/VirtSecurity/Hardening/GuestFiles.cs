using System.Globalization;
using VirtSecurity.Facts;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening;

/// <summary>A guest that a file defines, or that runs.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsRunning">It runs now.</param>
/// <param name="Path">The file, or the command, that says so.</param>
internal sealed record KnownGuest(string Name, bool IsRunning, string Path);

/// <summary>
/// The files in which guests and storage pools are defined, as questions for files: so they can be asked of a tree that does not run too. The same places and the
/// same secrets as <see cref="GuestDefinitions"/>.
/// </summary>
internal static class GuestFiles
{
    private static readonly string[] NoGuests = [".conf", ".sxp", ".xml", "~", "cpupool"];

    /// <summary>libvirt's definitions.</summary>
    public static FactQuestion Defined { get; } = FactQuestion.Files("libvirt-defined", "/etc/libvirt/storage/*.xml", "/etc/libvirt/qemu/*.xml", "/etc/libvirt/libxl/*.xml", "/var/lib/libvirt/qemu/snapshot/*/*.xml") with
    { Reduce = GuestDefinitions.XmlSecrets };

    /// <summary>What libvirt keeps of guests that run.</summary>
    public static FactQuestion Running { get; } = FactQuestion.Files("libvirt-running", "/run/libvirt/storage/*.xml", "/run/libvirt/qemu/*.xml", "/run/libvirt/libxl/*.xml") with { Reduce = GuestDefinitions.XmlSecrets };

    /// <summary>xl's and xend's definitions, and what libxl keeps of guests that run.</summary>
    public static FactQuestion Xen { get; } = FactQuestion.Files("xen-defined", "/etc/xen/*", "/etc/xen/auto/*", "/var/lib/xend/domains/*/config.sxp", "/var/lib/xen/userdata-d.*.libxl-json") with
    { Reduce = GuestDefinitions.XenSecrets };

    /// <summary>When the host was started: what libxl kept of guests before that is of guests that went down with it.</summary>
    public static FactQuestion Boot { get; } = FactQuestion.Files("boot-time", "/proc/stat");

    /// <summary>The guests that Xen runs.</summary>
    public static FactQuestion RunningDomains { get; } = FactQuestion.Run("xl-list", new("xl", "list"));

    /// <summary>All of these.</summary>
    public static IReadOnlyList<FactQuestion> Needs { get; } = [Defined, Running, Xen, Boot, RunningDomains];

    /// <summary>The files, as GuestDefinitions reads them.</summary>
    public static IReadOnlyList<DefinitionFile> Read(HardeningFacts facts)
    {
        var files = facts.Files(Defined).Concat(facts.IsOffline ? [] : facts.Files(Running)).Concat(facts.Files(Xen).Where(file => IsXenDefinition(file, facts)));
        return [.. files.Select(file => new DefinitionFile(file.Path, file.Content, file.Reason))];
    }

    /// <summary>The guests' definitions in xl's language.</summary>
    /// <exception cref="FormatException">A file was not read.</exception>
    public static IReadOnlyList<(string Path, XlConfig Config)> XlConfigs(HardeningFacts facts) =>
        [.. Read(facts).Where(file => GuestDefinitions.KindOf(file.Path) == DefinitionKind.Xl).Select(file => (file.Path, Config: XlConfig.Parse(TextOf(file)))).Where(file => IsGuest(file.Path, file.Config))];

    /// <summary>The guests' definitions in libvirt's XML.</summary>
    /// <exception cref="FormatException">A file was not read, or is not understood.</exception>
    public static IReadOnlyList<(string Path, DomainXml Domain)> Domains(HardeningFacts facts) =>
        [.. Read(facts).Where(file => GuestDefinitions.KindOf(file.Path) == DefinitionKind.Libvirt && !GuestDefinitions.IsPool(file)).Select(file => (file.Path, Understood(file, DomainXml.Parse)))];

    /// <summary>The guests that are defined or run.</summary>
    /// <exception cref="FormatException">A file was not read, or is not understood.</exception>
    public static IReadOnlyList<KnownGuest> Guests(HardeningFacts facts)
    {
        var guests = Domains(facts).Select(file => new KnownGuest(file.Domain.Name, FactQuestion.IsLive(file.Path), file.Path))
            .Concat(XlConfigs(facts).Select(file => new KnownGuest(file.Config.Name ?? Path.GetFileNameWithoutExtension(file.Path), false, file.Path)))
            .Concat(Read(facts).Select(file => GuestDefinitions.KindOf(file.Path) switch
            {
                DefinitionKind.Libxl => new KnownGuest(Understood(file, LibxlDomain.Parse).Name, true, file.Path),
                DefinitionKind.Xend => new KnownGuest(Understood(file, XendDomain.Parse).Name, false, file.Path),
                _ => null,
            }).OfType<KnownGuest>());
        // Where Xen does not run, its tools may be installed all the same, and only say so.
        string[] running = facts.IsOffline || facts.Hypervisor != Hypervisor.Xen ? [] : [.. XlList.Parse(facts.Text(RunningDomains))];
        return [.. guests.Concat(running.Where(name => !IsDeviceModel(name, running)).Select(name => new KnownGuest(name, true, "xl list")))];
    }

    /// <summary>libxl runs a guest's device model in a domain of its own, where it is told to, under the guest's name and <c>-dm</c>.</summary>
    private static bool IsDeviceModel(string name, IReadOnlyCollection<string> running) => name.EndsWith("-dm", StringComparison.Ordinal) && running.Contains(name[..^"-dm".Length]);

    private static bool IsGuest(string path, XlConfig config) => path.EndsWith(".cfg", StringComparison.Ordinal) || path.StartsWith("/etc/xen/auto/", StringComparison.Ordinal) || config.IsGuest;

    private static bool IsXenDefinition(HostFile file, HardeningFacts facts)
    {
        if (file.Path.EndsWith(".libxl-json", StringComparison.Ordinal)) return !facts.IsOffline && file.Modified >= BootTime(facts);
        if (!file.Path.StartsWith("/etc/xen/", StringComparison.Ordinal)) return true;
        var name = Path.GetFileName(file.Path);
        return file.FileType is '-' or '?' && !NoGuests.Any(end => name.EndsWith(end, StringComparison.Ordinal))
            && !new[] { "xlexample", "xmexample", "README" }.Any(start => name.StartsWith(start, StringComparison.Ordinal)) && !name.Contains(".dpkg-", StringComparison.Ordinal) && !name.Contains(".rpm", StringComparison.Ordinal);
    }

    // proc(5), /proc/stat: btime is the time of the boot in seconds since 1970.
    private static long BootTime(HardeningFacts facts) =>
        facts.File(Boot, "/proc/stat")?.Lines.FirstOrDefault(line => line.StartsWith("btime ", StringComparison.Ordinal)) is { } line ? long.Parse(line[6..], CultureInfo.InvariantCulture) : throw new FormatException("/proc/stat does not tell when the host was started");

    private static string TextOf(DefinitionFile file) => file.Text ?? throw new FormatException($"{file.Path} was not read: {file.Reason}");

    private static T Understood<T>(DefinitionFile file, Func<string, T> parse)
    {
        try
        {
            return parse(TextOf(file));
        }
        catch (FormatException problem)
        {
            throw new FormatException($"{file.Path}: {problem.Message}", problem);
        }
    }
}
