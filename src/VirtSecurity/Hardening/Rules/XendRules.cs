using VirtSecurity.Facts;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Services about what Xen's tools listen with: xend before Xen 4.5, and the displays of guests.</summary>
internal static class XendRules
{
    private static FactQuestion XendFile { get; } = FactQuestion.Files("xend-config", XendConfig.Path) with { Reduce = GuestDefinitions.XenSecrets };

    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SVC-11", "xend takes guests from nobody, or from listed hosts only")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [XendFile],
            Source = "RHEL 5 Virtualization Guide, Xen live migration",
            Why = "xend's relocation asks for no password: whoever reaches the port can put a guest on the host, and reads guests' memory on its way.",
            Expected = "xend-relocation-server is no, or it is bound to an address and allows listed hosts",
            Judge = RelocationIsClosed,
            Remedy = $"Set (xend-relocation-server no) in {XendConfig.Path}, or name (xend-relocation-address) and (xend-relocation-hosts-allow), and start xend again.",
        },
        new("SVC-12", "xend serves nobody but xm, and its displays have a password")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [XendFile],
            Source = "Xen documentation, xend-config.sxp",
            Why = "xend's HTTP and XML-RPC servers know no users, and a display on any address is the guest's console for everybody.",
            Expected = "xend-http-server, xend-tcp-xmlrpc-server and xend-unix-server are no, vnc-listen is 127.0.0.1, and vncpasswd is set",
            Judge = XendIsQuiet,
            Remedy = $"Set the three servers to no, (vnc-listen '127.0.0.1') and a (vncpasswd ...) in {XendConfig.Path}; the file itself 0600.",
        },
        new("SVC-18", "Displays of Xen's guests are the host's own, or ask for a password")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [.. GuestFiles.Needs, Sockets],
            Source = "xl.cfg(5): vnclisten, vncpasswd, spicehost",
            Why = "A display is the guest's keyboard and screen: who reaches it sits in front of the guest.",
            Expected = "vnclisten and spicehost are loopback addresses, or a password is set",
            Judge = DisplaysAreClosed,
            Remedy = "Take vnclisten out of the guest's file (127.0.0.1 is the default) and come by ssh; or set vncpasswd. SPICE: spicehost = '127.0.0.1'.",
        },
    ];

    private static XendConfig? Config(Judged host) => host.Facts.File(XendFile, XendConfig.Path) is { } file ? XendConfig.Parse(file.Text) : null;

    private static readonly Verdict NoXend = Verdict.NotApplicable("this Xen has no xend; xl moves guests through ssh");

    private static Verdict RelocationIsClosed(Judged host)
    {
        if (Config(host) is not { } config) return NoXend;
        const string Server = "xend-relocation-server";
        const string Secure = "xend-relocation-ssl-server";
        var (address, hosts) = ("xend-relocation-address", "xend-relocation-hosts-allow");
        if (!config.IsOn(Server) && !config.IsOn(Secure)) return Verdict.Pass("it takes none", config.Line(Server), config.Line(Secure));
        // Empty: any address, any host.
        var wrong = new[] { address, hosts }.Where(name => config.Value(name) is null or "" or "0.0.0.0" or ".*").Select(config.Line).ToList();
        return wrong.Count > 0 ? Verdict.Fail(Verdict.Count(wrong), [config.Line(Server), config.Line(Secure), .. wrong]) : Verdict.Pass("from listed hosts", config.Line(Server), config.Line(address), config.Line(hosts));
    }

    private static Verdict XendIsQuiet(Judged host)
    {
        if (Config(host) is not { } config) return NoXend;
        var wrong = new[] { "xend-http-server", "xend-tcp-xmlrpc-server", "xend-unix-server" }.Where(config.IsOn).Select(config.Line).ToList();
        if (config.Value("vnc-listen") is { } listen && !IsLoopback(listen)) wrong.Add(config.Line("vnc-listen"));
        if (config.Value("vncpasswd") is null or "") wrong.Add(config.Line("vncpasswd"));
        return Verdict.Unless(wrong, "no server, displays closed", config.Line("xend-http-server"), config.Line("xend-tcp-xmlrpc-server"), config.Line("vnc-listen"), "vncpasswd is set");
    }

    private static Verdict DisplaysAreClosed(Judged host)
    {
        var files = GuestFiles.XlConfigs(host.Facts);
        var displays = files.SelectMany(file => Displays(file.Path, file.Config)).ToArray();
        var wrong = displays.Where(display => !display.IsClosed).Select(display => display.Line).ToList();
        // A guest that was made from a file that is gone, or with options on the command line, is seen by its socket only.
        var seen = host.Facts.IsOffline ? [] : SocketsOf(host.Facts).Where(socket => socket is { IsLoopback: false, Protocol: "tcp", Port: >= 5900 and < 6900, Process: { } process } && process.StartsWith("qemu", StringComparison.Ordinal)).ToArray();
        if (!displays.Any(display => !IsLoopback(display.Address))) wrong.AddRange(seen.Select(socket => $"{Words(socket)}: not in a guest's file"));
        if (wrong.Count > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        return displays.Length == 0 && seen.Length == 0 ? Verdict.NotApplicable("no guest has a display") : Verdict.Pass("closed", displays.Select(display => display.Line));
    }

    // xl.cfg(5): VNC listens on 127.0.0.1 unless told, SPICE on any address; a display of a PV guest is in its vfb.
    private static IEnumerable<(string Address, bool IsClosed, string Line)> Displays(string path, XlConfig config)
    {
        string? Own(string name) => config.Values(name) is [.., var value] ? value : null;
        static string? Option(string spec, string key) => spec.Split(',').Select(part => part.Trim().Split('=', 2)).FirstOrDefault(pair => pair.Length == 2 && pair[0] == key)?[1];
        foreach (var (of, place) in config.Values("vfb").Select(spec => ((Func<string, string?>)(name => Option(spec, name)), "vfb: ")).Prepend((Own, "")))
        {
            var isHvm = config.Values("builder").Concat(config.Values("type")).Contains("hvm");
            if (of("vnc") is { } vnc ? vnc != "0" : of("vnclisten") is not null || (place.Length == 0 && isHvm))
            {
                // A display's number may stand behind the address.
                var address = of("vnclisten") is { Length: > 0 } listen ? listen.Count(letter => letter == ':') == 1 ? listen.Split(':')[0] : listen : "127.0.0.1";
                var hasPassword = of("vncpasswd") is { Length: > 0 };
                yield return (address, IsLoopback(address) || hasPassword, $"{path}: {place}vnc on {address}, {(hasPassword ? "with a password" : "without a password")}");
            }

            if (of("spice") is { } spice && spice != "0")
            {
                var address = of("spicehost") is { Length: > 0 } listen ? listen : "0.0.0.0";
                var hasPassword = of("spicepasswd") is { Length: > 0 } && of("spicedisable_ticketing") is null or "0";
                yield return (address, IsLoopback(address) || hasPassword, $"{path}: {place}spice on {address}, {(hasPassword ? "with a password" : "without a password")}");
            }
        }
    }
}
