using VirtSecurity.Facts;
using VirtSecurity.Tools;
using static VirtSecurity.Hardening.Rules.ServiceFacts;

namespace VirtSecurity.Hardening.Rules;

/// <summary>Checks of the category Services about what Xen's tools listen with: xend before Xen 4.5, and the displays of guests.</summary>
internal static class XendRules
{
    /// <summary>The checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
    [
        new("SVC-11", "xend takes guests from nobody, or from listed hosts only")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [GuestFiles.Xen],
            Source = "RHEL 5 Virtualization Guide, Xen live migration",
            Why = "xend's relocation asks for no password: whoever reaches the port can put a guest on the host, and reads guests' memory on its way.",
            Expected = "xend-relocation-server is no, or it is bound to an address and allows listed hosts",
            Judge = RelocationIsClosed,
            Remedy = $"Set (xend-relocation-server no) in {XendConfig.Path}, or name (xend-relocation-address) and (xend-relocation-hosts-allow), and start xend again.",
        },
        new("SVC-12", "xend serves nobody but xm, and its displays have a password")
        {
            Category = ServiceRules.Category, AppliesTo = Hypervisor.Xen, Severity = HardeningSeverity.High, Needs = [GuestFiles.Xen],
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

    private static XendConfig? Config(Judged host) => host.Facts.File(GuestFiles.Xen, XendConfig.Path) is { } file ? XendConfig.Parse(file.Text) : null;

    private static readonly Verdict NoXend = Verdict.NotApplicable("this Xen has no xend; xl moves guests through ssh");

    private static Verdict RelocationIsClosed(Judged host)
    {
        if (Config(host) is not { } config) return NoXend;
        const string Server = "xend-relocation-server";
        const string Secure = "xend-relocation-ssl-server";
        var (address, hosts) = ("xend-relocation-address", "xend-relocation-hosts-allow");
        if (!config.IsOn(Server) && !config.IsOn(Secure)) return Verdict.Pass("it takes none", config.Line(Server), config.Line(Secure));
        // Empty: any address, any host.
        var wrong = new[] { address, hosts }.Where(name => config.Values(name).DefaultIfEmpty("").Any(value => value is "" or "0.0.0.0" or ".*")).Select(config.Line).ToList();
        return wrong.Count > 0 ? Verdict.Fail(Verdict.Count(wrong), [config.Line(Server), config.Line(Secure), .. wrong]) : Verdict.Pass("from listed hosts", config.Line(Server), config.Line(address), config.Line(hosts));
    }

    private static Verdict XendIsQuiet(Judged host)
    {
        if (Config(host) is not { } config) return NoXend;
        string[] servers = ["xend-http-server", "xend-tcp-xmlrpc-server", "xend-unix-server"];
        var wrong = servers.Where(config.IsOn).Select(config.Line).ToList();
        if (config.Values("vnc-listen").Any(listen => !NetAddress.IsLoopback(listen))) wrong.Add(config.Line("vnc-listen"));
        if (config.Values("vncpasswd").DefaultIfEmpty("").Contains("")) wrong.Add(config.Line("vncpasswd"));
        return Verdict.Unless(wrong, "no server, displays closed", [.. servers.Select(config.Line), config.Line("vnc-listen"), "vncpasswd is set"]);
    }

    private static Verdict DisplaysAreClosed(Judged host)
    {
        // libvirt's guests have a loopback address too unless told otherwise.
        var displays = GuestFiles.XlConfigs(host.Facts).SelectMany(file => file.Config.Displays.Select(display => (file.Path, Guest: file.Config.Name, Display: display)))
            .Concat(GuestFiles.Domains(host.Facts).SelectMany(file => file.Domain.Displays.Select(display => (file.Path, Guest: (string?)file.Domain.Name, Display: display))))
            .SelectMany(one => one.Display.Listen.DefaultIfEmpty("127.0.0.1").Select(address => (
                one.Guest, one.Display.Kind, Address: address, IsRemote: !NetAddress.IsLoopback(address), one.Display.HasPassword, Line: $"{one.Path}: {one.Display.Kind} on {address}, {(one.Display.HasPassword ? "with a password" : "without a password")}"))).ToArray();
        var wrong = displays.Where(display => display.IsRemote && !display.HasPassword).Select(display => display.Line).ToList();
        // A guest that was made from a file that is gone, or with options on the command line, is seen by its socket only: there are more of them than files tell of.
        var seen = DisplaySockets(host.Facts);
        if (seen.Count > displays.Where(display => display.IsRemote).DistinctBy(display => (display.Guest, display.Kind, display.Address)).Count()) wrong.AddRange(seen.Select(socket => $"{Words(socket)}: not all of these are in a guest's file"));
        if (wrong.Count > 0) return Verdict.Fail(Verdict.Count(wrong), wrong);
        return displays.Length == 0 && seen.Count == 0 ? Verdict.NotApplicable("no guest has a display") : Verdict.Pass("closed", displays.Select(display => display.Line));
    }
}
