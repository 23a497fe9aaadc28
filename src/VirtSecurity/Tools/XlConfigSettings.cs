namespace VirtSecurity.Tools;

/// <summary>What a definition says of what the guest listens with.</summary>
internal sealed partial class XlConfig
{
    /// <summary>
    /// Displays that may be reached by a network. xl.cfg(5): VNC listens on 127.0.0.1 unless told, SPICE on any address; the display of a paravirtual guest is in its
    /// vfb, that of others is there unless switched off.
    /// </summary>
    public IEnumerable<GuestDisplay> Displays
    {
        get
        {
            string? Own(string name) => Values(name) is [.., var value] ? value : null;
            var isHvm = Values("builder").Concat(Values("type")).Contains("hvm");
            return Values("vfb").SelectMany(spec => DisplaysOf(name => Option(spec, name), false)).Concat(DisplaysOf(Own, isHvm));
        }
    }

    /// <summary>One of the settings that a text such as a vif's or a vfb's has; null: it has none of this name.</summary>
    public static string? Option(string spec, string name) => spec.Split(',').Select(part => part.Split('=', 2, StringSplitOptions.TrimEntries)).FirstOrDefault(pair => pair.Length == 2 && pair[0] == name)?[1];

    private static IEnumerable<GuestDisplay> DisplaysOf(Func<string, string?> of, bool isThereByItself)
    {
        if (of("vnc") is { } vnc ? vnc != "0" : isThereByItself || of("vnclisten") is not null)
            yield return new GuestDisplay("vnc", [of("vnclisten") is { Length: > 0 } listen ? listen : "127.0.0.1"], of("vncpasswd") is { Length: > 0 });
        if (of("spice") is { } spice && spice != "0")
            yield return new GuestDisplay("spice", [of("spicehost") is { Length: > 0 } host ? host : "0.0.0.0"], of("spicepasswd") is { Length: > 0 } && of("spicedisable_ticketing") is null or "0");
    }
}
