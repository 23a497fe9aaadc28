using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Questions about units, sockets and libvirt's files, and what the rules of several categories read from the answers.</summary>
internal static class ServiceFacts
{
    /// <summary>Made by logging in, by asking too: they are nobody's plan.</summary>
    private static readonly string[] SessionUnits = ["user@", "user-runtime-dir@", "session-"];

    /// <summary>Daemons of libvirt's that have no connection of users' of their own.</summary>
    private static readonly string[] Helpers = ["virtlogd", "virtlockd", "virt-guest-shutdown"];

    /// <summary>Services and sockets, now and at boot.</summary>
    public static FactQuestion Units { get; } = FactQuestion.Run("unit-states", UnitStates.Look());

    /// <summary>What is started at boot, where systemctl cannot be asked.</summary>
    public static FactQuestion UnitLinks { get; } = FactQuestion.Look("boot-links", UnitStates.BootLinks);

    /// <summary>What listens.</summary>
    public static FactQuestion Sockets { get; } = FactQuestion.Run("listening-sockets", ListeningSockets.Look());

    /// <summary>libvirt's own files, less the passwords of displays.</summary>
    public static FactQuestion LibvirtFiles { get; } = FactQuestion.Files("libvirt-conf", "/etc/libvirt/libvirtd.conf", "/etc/libvirt/virt*.conf", "/etc/libvirt/qemu.conf", "/etc/default/libvirtd", "/etc/sysconfig/libvirtd") with
    { Reduce = LibvirtConf.Secrets };

    /// <summary>The questions behind <see cref="UnitsOf"/>.</summary>
    public static IReadOnlyList<FactQuestion> UnitNeeds { get; } = [Units, UnitLinks];

    /// <summary>The questions behind <see cref="DaemonConfs"/>.</summary>
    public static IReadOnlyList<FactQuestion> LibvirtNeeds { get; } = [LibvirtFiles, .. UnitNeeds];

    /// <summary>Services and sockets; where systemd does not run, those that a boot starts.</summary>
    /// <exception cref="FormatException">Nothing is known of either.</exception>
    public static IReadOnlyList<UnitState> UnitsOf(HardeningFacts facts)
    {
        if (!facts.IsOffline && facts.TextOrMissing(Units) is { } text) return UnitStates.Read(text);
        var links = UnitStates.OfLinks(facts.Files(UnitLinks).Select(file => file.Path));
        return links.Count > 0 ? links : throw new FormatException("neither systemd nor the links of a boot were found");
    }

    /// <summary>Whether a unit is made by a session.</summary>
    public static bool IsOfSession(UnitState unit) => SessionUnits.Any(start => unit.Name.StartsWith(start, StringComparison.Ordinal));

    /// <summary>Whether the plan names a unit: itself, or the service that its socket is of.</summary>
    public static bool IsPlanned(DeploymentPlan? plan, string unit) => plan is not null && plan.Services.Any(service => UnitPattern.IsMatch(service.Name, unit)
        || (!service.Name.Contains('.', StringComparison.Ordinal) && UnitPattern.IsMatch(service.Name, Path.GetFileNameWithoutExtension(unit))));

    /// <summary>The plan's guests that need something, by name.</summary>
    public static bool Needs(DeploymentPlan? plan, string guest, GuestNeed need) => plan is not null && plan.Guests.Any(planned => planned.Name == guest && planned.Needs.Contains(need));

    /// <summary>What of a unit's name comes before its first dot, dash or at: the daemon's name.</summary>
    public static string DaemonOf(string unit) => unit.Split('.', '-', '@')[0];

    /// <summary>Whether a daemon is one of libvirt's that people and programs connect to: libvirtd, virtqemud, virtproxyd ...</summary>
    public static bool IsLibvirtDaemon(string daemon) => daemon == "libvirtd" || (daemon.StartsWith("virt", StringComparison.Ordinal) && daemon.EndsWith('d') && daemon is not ("virtiofsd" or "virtlogd" or "virtlockd"));

    /// <summary>Whether libvirt is on the host at all.</summary>
    public static bool HasLibvirt(HardeningFacts facts) => facts.Files(LibvirtFiles).Any(file => file.Path.StartsWith("/etc/libvirt/", StringComparison.Ordinal))
        || facts.Files(HardeningFacts.Hypervisors).Any(file => Path.GetFileName(file.Path) is "libvirtd" or "virtqemud");

    /// <summary>One of libvirt's files; where it is not there, all its settings are as libvirt has them.</summary>
    public static LibvirtConf Conf(HardeningFacts facts, string name) => LibvirtConf.Of($"/etc/libvirt/{name}.conf", facts.File(LibvirtFiles, $"/etc/libvirt/{name}.conf"));

    /// <summary>The files of those daemons that are at work or will be at boot; where that is not known, of all that have one.</summary>
    public static IReadOnlyList<LibvirtConf> DaemonConfs(HardeningFacts facts)
    {
        var daemons = UnitsOf(facts).Where(unit => unit.IsOn).Select(unit => DaemonOf(unit.Name)).Where(IsLibvirtDaemon).Distinct().ToArray();
        if (daemons.Length == 0) daemons = [.. facts.Files(LibvirtFiles).Select(file => Path.GetFileNameWithoutExtension(file.Path)).Where(name => IsLibvirtDaemon(name) && !Helpers.Contains(name)).Distinct()];
        return [.. daemons.Order(StringComparer.Ordinal).Select(daemon => Conf(facts, daemon))];
    }

    /// <summary>The file of the daemon that listens to a network: libvirtd's, or virtproxyd's where the daemons are many.</summary>
    public static LibvirtConf NetworkConf(HardeningFacts facts) => Conf(facts, DaemonConfs(facts).Any(conf => conf.Path.EndsWith("/libvirtd.conf", StringComparison.Ordinal)) ? "libvirtd" : "virtproxyd");

    /// <summary>Whether a socket of libvirt's listens to a network: by its unit, by libvirtd's own argument, or by what is seen on its port. Evidence; empty: it does not.</summary>
    /// <param name="facts">The facts.</param>
    /// <param name="kind">tcp or tls.</param>
    public static IReadOnlyList<string> NetworkListeners(HardeningFacts facts, string kind)
    {
        var conf = NetworkConf(facts);
        var (isTcp, name) = (kind == "tcp", Path.GetFileNameWithoutExtension(conf.Path));
        var units = UnitsOf(facts);
        var found = units.Where(unit => unit.Name is var unitName && (unitName == $"libvirtd-{kind}.socket" || unitName == $"virtproxyd-{kind}.socket") && unit.IsOn).Select(unit => unit.ToString()).ToList();
        var argument = facts.Files(LibvirtFiles).Where(file => file.Path.EndsWith("/libvirtd", StringComparison.Ordinal))
            .SelectMany(file => file.Lines.Where(line => line.TrimStart() is var text && text.StartsWith("LIBVIRTD_ARGS", StringComparison.Ordinal) && text.Split('=', 2)[^1].Trim('"', '\'', ' ').Split(' ').Any(word => word is "--listen" or "-l")).Select(line => $"{file.Path}: {line.Trim()}")).FirstOrDefault();
        var isOn = (conf.Number($"listen_{kind}") ?? (isTcp ? 0 : 1)) != 0;
        if (argument is not null && name == "libvirtd" && isOn) found.Add($"{argument}; {conf.Line($"listen_{kind}")}");
        if (!facts.IsOffline)
        {
            var port = conf.Value($"{kind}_port") is { } set && int.TryParse(set, out var number) ? number : isTcp ? 16509 : 16514;
            found.AddRange(SocketsOf(facts).Where(socket => socket.Protocol == "tcp" && socket.Port == port).Select(Words));
        }

        return found;
    }

    /// <summary>What listens; a host that does not run has nothing that does.</summary>
    public static IReadOnlyList<ListeningSocket> SocketsOf(HardeningFacts facts) =>
        facts.Read(Sockets, result => result.ExitCode == 0 ? ListeningSockets.Read(result) : throw new FormatException($"the sockets could not be read: {result.Stderr.Trim()}"));

    /// <summary>A socket as evidence shows it.</summary>
    public static string Words(ListeningSocket socket) => $"/proc/net: {socket.Protocol} {(socket.Address is null ? "*" : socket.Address.ToString())}:{socket.Port} ({socket.Process ?? "no process"})";

    /// <summary>Whether only the host itself reaches an address that a setting names.</summary>
    public static bool IsLoopback(string address) => address is "localhost" || (System.Net.IPAddress.TryParse(address.Trim('[', ']'), out var ip) && System.Net.IPAddress.IsLoopback(ip));
}
