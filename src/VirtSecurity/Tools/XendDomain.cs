using System.Text.RegularExpressions;

namespace VirtSecurity.Tools;

/// <summary>A guest that xend manages: the S-expression in its config.sxp, <c>(domain (name web) (device (vbd (uname phy:/dev/vg/web) (mode w) ...)))</c>.</summary>
internal sealed partial class XendDomain
{
    private const int MostDepth = 64;

    private XendDomain(Node domain, string name)
    {
        Name = name;
        Images = [.. FindImages(domain)];
        Paths = [.. domain.Texts().SelectMany(text => AbsolutePath().Matches(text).Select(match => match.Groups["path"].Value)).Concat(Images.Select(image => image.Path)).Distinct()];
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
        var top = new Node("", []);
        var open = new Stack<Node>([top]);
        foreach (Match word in Words().Matches(text))
        {
            switch (word.Value)
            {
                case "(":
                    if (open.Count > MostDepth) throw new FormatException("its parentheses are nested too deep");
                    var node = new Node(null, []);
                    open.Peek().Children.Add(node);
                    open.Push(node);
                    break;
                case ")":
                    if (open.Count == 1) throw new FormatException("a parenthesis closes that was not opened");
                    open.Pop();
                    break;
                default:
                    open.Peek().Children.Add(new Node(Unquoted(word.Value), []));
                    break;
            }
        }

        if (open.Count > 1) throw new FormatException("a parenthesis is not closed");
        var domain = top.Children.FirstOrDefault(node => node.Head == "domain") ?? throw new FormatException("it has no domain");
        return new XendDomain(domain, domain.Value("name") ?? throw new FormatException("its domain has no name"));
    }

    private static IEnumerable<ImageUse> FindImages(Node domain)
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

    private static string Unquoted(string word) => word.Length > 1 && word[0] is '\'' or '"' && word[^1] == word[0] ? Escape().Replace(word[1..^1], "$1") : word;

    [GeneratedRegex(@"[()]|'(?>(?:[^'\\]|\\.)*)'|""(?>(?:[^""\\]|\\.)*)""|[^\s()]+", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Words();

    [GeneratedRegex(@"\\(.)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Escape();

    [GeneratedRegex(@"(^|:)(?<path>/.*)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex AbsolutePath();

    /// <summary>A list, whose text is null, or an atom.</summary>
    private sealed record Node(string? Text, List<Node> Children)
    {
        public string? Head => Children.FirstOrDefault()?.Text;

        public IEnumerable<Node> All(string head) => Children.Where(child => child.Head == head);

        /// <summary>The atom that follows a list's head.</summary>
        public string? Value(string head) => All(head).FirstOrDefault() is { Children: [_, { Text: { } text }, ..] } ? text : null;

        public IEnumerable<string> Texts() => Head is "args" or "bootloader_args" ? [] : Children.SelectMany(child => child.Text is { } text ? [text] : child.Texts());
    }
}
