using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>A guest that xend manages: the S-expression in its config.sxp, <c>(domain (name web) (device (vbd (uname phy:/dev/vg/web) (mode w) ...)))</c>.</summary>
internal sealed partial class XendDomain
{
    private XendDomain(Sxp domain, string name)
    {
        Name = name;
        Images = [.. FindImages(domain)];
        Paths = [.. Texts(domain).SelectMany(text => AbsolutePath().Matches(text).Select(match => match.Groups["path"].Value)).Concat(Images.Select(image => image.Path)).Distinct()];
    }

    /// <summary>The guest's name.</summary>
    public string Name { get; }

    /// <summary>The images it names.</summary>
    public IReadOnlyList<ImageUse> Images { get; }

    /// <summary>Every absolute path but those of kernel command lines; rather one too many.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Reads a definition.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static XendDomain Parse(string text)
    {
        var domain = Sxp.Parse(text).All("domain").FirstOrDefault() ?? throw new FormatException("it has no domain");
        return new XendDomain(domain, domain.Value("name") ?? throw new FormatException("its domain has no name"));
    }

    private static IEnumerable<ImageUse> FindImages(Sxp domain)
    {
        foreach (var device in domain.All("device").SelectMany(device => device.Children).Where(device => device.Head is "vbd" or "tap" or "tap2"))
        {
            // xend's uname, dev and mode are the three positions of its disks, which have a prefix.
            if (device.Value("uname") is not { Length: > 0 } uname) continue;
            if (XlDisk.Parse($"{(uname.StartsWith('/') ? "phy:" : "")}{uname},{device.Value("dev")},{device.Value("mode")}", out var problem) is { } disk) yield return disk;
            if (problem.Length > 0) throw new FormatException($"disk '{uname}': {problem}");
        }

        foreach (var image in domain.All("image").SelectMany(image => image.Children))
        {
            foreach (var (name, role) in new[] { ("kernel", ImageRole.Kernel), ("ramdisk", ImageRole.Initrd), ("loader", ImageRole.Firmware) })
            {
                if (image.Value(name) is { } path && path.StartsWith('/')) yield return new ImageUse(path, role, null) { IsReadOnly = true };
            }
        }
    }

    private static IEnumerable<string> Texts(Sxp list) => list.Head is "args" or "bootloader_args" ? [] : list.Children.SelectMany(child => child.Text is { } text ? [text] : Texts(child));

    [GeneratedRegex(@"(^|:)(?<path>/.*)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex AbsolutePath();
}
