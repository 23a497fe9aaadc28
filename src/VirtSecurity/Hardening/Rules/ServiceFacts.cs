using VirtSecurity.Planning;
using VirtSecurity.Tools;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Questions about units, sockets and libvirt's files, and what the rules of several categories read from the answers.</summary>
internal static class ServiceFacts
{
    /// <summary>Services and sockets, now and at boot.</summary>
    public static FactQuestion Units { get; } = FactQuestion.Run("unit-states", UnitStates.Look());

    /// <summary>What is started at boot: of a host that runs, what has ended since or never came up, too. (systemctl list-unit-files tells it as well, in half a minute.)</summary>
    public static FactQuestion UnitLinks { get; } = FactQuestion.Look("boot-links", UnitStates.BootLinks);

    /// <summary>What listens.</summary>
    public static FactQuestion Sockets { get; } = FactQuestion.Run("listening-sockets", ListeningSockets.Look());

    /// <summary>The questions behind <see cref="UnitsOf"/>.</summary>
    public static IReadOnlyList<FactQuestion> UnitNeeds { get; } = [Units, UnitLinks];

    /// <summary>The questions behind <see cref="DaemonConfs"/>.</summary>
    public static IReadOnlyList<FactQuestion> LibvirtNeeds { get; } = [Questions.LibvirtFiles, .. UnitNeeds];

    /// <summary>Whether what runs now is told: a tree does not run, and without systemd the links of a boot are all there is.</summary>
    public static bool IsToldByUnits(HardeningFacts facts) => !facts.IsOffline && facts.TextOrMissing(Units) is not null;

    /// <summary>Services and sockets; where systemd does not run, those that a boot starts.</summary>
    /// <exception cref="FormatException">Nothing is known of either.</exception>
    public static IReadOnlyList<UnitState> UnitsOf(HardeningFacts facts)
    {
        var files = facts.Files(UnitLinks);
        // systemd has made units of init's links and loaded them; of those that it has a unit of its own for it takes no notice.
        if (!facts.IsOffline && facts.TextOrMissing(Units) is { } text)
            return [.. UnitStates.Read(text).Concat(UnitStates.OfLinks([.. files.Where(file => file.Path.StartsWith("/etc/systemd/", StringComparison.Ordinal))])).DistinctBy(unit => unit.Name)];
        var links = UnitStates.OfLinks(files);
        return links.Count > 0 ? links : throw new FormatException("neither systemd nor the links of a boot were found");
    }

    /// <summary>The verdict where no unit is wrong: of a host that runs without systemd it is known only what its boot starts.</summary>
    /// <param name="facts">The facts.</param>
    /// <param name="wrong">The units that are on, and should not be.</param>
    /// <param name="right">What is, where there are none.</param>
    /// <param name="evidence">What was looked at.</param>
    public static Verdict UnlessOn(HardeningFacts facts, IReadOnlyCollection<UnitState> wrong, string right, string evidence)
    {
        if (wrong.Count > 0) return Verdict.Unless([.. wrong.Select(unit => unit.ToString())], right);
        return IsToldByUnits(facts) ? Verdict.Pass(right, $"systemctl: {evidence}")
            : facts.IsOffline ? Verdict.Pass($"{right}, as far as a boot goes", $"links of the boot: {evidence}")
            : Verdict.Unknown("a boot starts none, and what runs now is not told without systemd", $"links of the boot: {evidence}");
    }

    /// <summary>The plan's guests that need something, by name.</summary>
    public static bool Needs(DeploymentPlan? plan, string guest, GuestNeed need) => plan is not null && plan.Guests.Any(planned => planned.Name == guest && planned.Needs.Contains(need));

    /// <summary>What of a unit's name comes before its first dot, dash or at: the daemon's name.</summary>
    public static string DaemonOf(string unit) => unit.Split('.', '-', '@')[0];

    /// <summary>Whether a daemon is one of libvirt's that people and programs connect to: libvirtd, virtqemud, virtproxyd ...</summary>
    public static bool IsLibvirtDaemon(string daemon) => daemon == "libvirtd" || (daemon.StartsWith("virt", StringComparison.Ordinal) && daemon.EndsWith('d') && daemon is not ("virtiofsd" or "virtlogd" or "virtlockd"));

    /// <summary>Whether libvirt is on the host at all.</summary>
    public static bool HasLibvirt(HardeningFacts facts) => facts.Files(Questions.LibvirtFiles).Any(file => file.Path.StartsWith("/etc/libvirt/", StringComparison.Ordinal))
        || facts.Files(HardeningFacts.Hypervisors).Any(file => Path.GetFileName(file.Path) is "libvirtd" or "virtqemud");

    /// <summary>One of libvirt's files; where it is not there, all its settings are as libvirt has them.</summary>
    public static LibvirtConf Conf(HardeningFacts facts, string name) => LibvirtConf.Of($"/etc/libvirt/{name}.conf", facts.File(Questions.LibvirtFiles, $"/etc/libvirt/{name}.conf"));

    /// <summary>The files of those daemons that are at work or will be at boot; where that is not known, of all that have one.</summary>
    public static IReadOnlyList<LibvirtConf> DaemonConfs(HardeningFacts facts)
    {
        var daemons = UnitsOf(facts).Where(unit => unit.IsOn).Select(unit => DaemonOf(unit.Name)).Where(IsLibvirtDaemon).Distinct().ToArray();
        if (daemons.Length == 0) daemons = [.. facts.Files(Questions.LibvirtFiles).Select(file => Path.GetFileNameWithoutExtension(file.Path)).Where(IsLibvirtDaemon).Distinct()];
        return [.. daemons.Order(StringComparer.Ordinal).Select(daemon => Conf(facts, daemon))];
    }

    /// <summary>The files of the daemons that listen to a network: libvirtd's, virtproxyd's where the daemons are many, or both where both are on.</summary>
    public static IReadOnlyList<LibvirtConf> NetworkConfs(HardeningFacts facts)
    {
        var confs = DaemonConfs(facts).Where(conf => conf.Name is "libvirtd" or "virtproxyd").ToArray();
        return confs.Length > 0 ? confs : [Conf(facts, "virtproxyd")];
    }

    /// <summary>Whether a socket of one of libvirt's daemons listens to a network: by its unit, by libvirtd's own argument, or by what is seen on its port. Evidence; empty: it does not.</summary>
    /// <param name="facts">The facts.</param>
    /// <param name="conf">The daemon's file.</param>
    /// <param name="kind">tcp or tls.</param>
    public static IReadOnlyList<string> NetworkListeners(HardeningFacts facts, LibvirtConf conf, string kind)
    {
        var isTcp = kind == "tcp";
        var found = UnitsOf(facts).Where(unit => unit.Name == $"{conf.Name}-{kind}.socket" && unit.IsOn).Select(unit => unit.ToString()).ToList();
        var isOn = (conf.Number($"listen_{kind}") ?? (isTcp ? 0 : 1)) != 0;
        if (conf.Name == "libvirtd" && isOn && ListenArgument(facts) is { } argument) found.Add($"{argument}; {conf.Line($"listen_{kind}")}");
        if (!facts.IsOffline)
        {
            var port = conf.Value($"{kind}_port") is { } set && int.TryParse(set, out var number) ? number : isTcp ? 16509 : 16514;
            found.AddRange(SocketsOf(facts).Where(socket => socket.Protocol == "tcp" && socket.Port == port).Select(Words));
        }

        return found;
    }

    /// <summary>The line by which libvirtd is told to listen; the last line of a variable counts. Debian's name for it was another once.</summary>
    private static string? ListenArgument(HardeningFacts facts) => facts.Files(Questions.LibvirtFiles).Where(file => file.Path.EndsWith("/libvirtd", StringComparison.Ordinal))
        .SelectMany(file => file.Lines.Select(line => (file.Path, Line: line.Trim(), Pair: line.Split('=', 2, StringSplitOptions.TrimEntries)))).Where(one => one.Pair is ["LIBVIRTD_ARGS" or "libvirtd_opts", _])
        .GroupBy(one => one.Pair[0]).Select(same => same.Last()).Where(one => one.Pair[1].Trim('"', '\'').Split(' ').Any(word => word is "--listen" or "-l" or "-dl" or "-ld")).Select(one => $"{one.Path}: {one.Line}").FirstOrDefault();

    /// <summary>What listens; a host that does not run has nothing that does.</summary>
    public static IReadOnlyList<ListeningSocket> SocketsOf(HardeningFacts facts) =>
        facts.Read(Sockets, result => result.ExitCode == 0 ? ListeningSockets.Read(result) : throw new FormatException($"the sockets could not be read: {result.Stderr.Trim()}"));

    /// <summary>What QEMU listens with for displays, and others reach.</summary>
    public static IReadOnlyList<ListeningSocket> DisplaySockets(HardeningFacts facts) => facts.IsOffline ? []
        : [.. SocketsOf(facts).Where(socket => socket is { IsLoopback: false, Protocol: "tcp", Port: >= 5700 and < 6900, Process: { } process } && process.StartsWith("qemu", StringComparison.Ordinal)).DistinctBy(socket => socket.Port)];

    /// <summary>A socket as evidence shows it.</summary>
    public static string Words(ListeningSocket socket) => $"/proc/net: {socket.Protocol} {(socket.Address is null ? "*" : socket.Address.ToString())}:{socket.Port} ({socket.Process ?? "no process"})";
}
