using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Images;

/// <summary>An image below another.</summary>
/// <param name="Path">As the header above names it, made absolute.</param>
/// <param name="Role">Backing, or Data.</param>
/// <param name="Format">As that header declares it; null: not declared.</param>
internal sealed record ChainLink(string Path, ImageRole Role, string? Format);

/// <summary>What lies below an image, as far as its headers may be believed, and where that ends.</summary>
/// <param name="Links">From the top down.</param>
/// <param name="Problems">By path: what is wrong with a link's or the image's own header.</param>
/// <param name="IsKnown">All of it is known; otherwise an image nobody names may be needed all the same.</param>
internal sealed record BackingChain(IReadOnlyList<ChainLink> Links, IReadOnlyList<(string Path, ImageProblem Problem)> Problems, bool IsKnown);

/// <summary>
/// The chains of copy-on-write images, walked as far as what is known of headers goes. A header is what a guest may have written: what it names is
/// listed, but only an image in a place for images is opened in its turn, and only one declared to be a chain's link. Pure.
/// </summary>
internal sealed class BackingChains
{
    /// <summary>So many images below one are looked for: each may cost a round trip.</summary>
    public const int MostLinks = 8;

    private static readonly string[] Followed = ["qcow2", "qcow"];

    /// <summary>Formats that may have another image below them, and that are not read here.</summary>
    private static readonly string[] NotRead = ["qed", "vmdk", "vhd", "vpc", "vhdx", "vdi", "cow"];

    private readonly IReadOnlyDictionary<string, PathLook> looks;
    private readonly IReadOnlyDictionary<string, Qcow2Answer> headers;
    private readonly Func<string, bool> isPlanned;

    /// <summary>What is known by now.</summary>
    /// <param name="looks">By path.</param>
    /// <param name="headers">By real path.</param>
    /// <param name="isPlanned">Whether a real path lies in a place for images.</param>
    public BackingChains(IReadOnlyDictionary<string, PathLook> looks, IReadOnlyDictionary<string, Qcow2Answer> headers, Func<string, bool> isPlanned)
    {
        this.looks = looks;
        this.headers = headers;
        this.isPlanned = isPlanned;
    }

    /// <summary>Paths that would have to be looked at to go on.</summary>
    public HashSet<string> ToLook { get; } = [];

    /// <summary>Headers that would have to be read to go on: real path to bytes.</summary>
    public Dictionary<string, int> ToRead { get; } = [];

    /// <summary>Walks down from an image that a definition names.</summary>
    /// <param name="path">As named there.</param>
    /// <param name="format">As declared there.</param>
    public BackingChain Walk(string path, string? format)
    {
        var links = new List<ChainLink>();
        var problems = new List<(string, ImageProblem)>();
        var passed = new HashSet<string>();
        BackingChain End(bool isKnown) => new(links, problems, isKnown);
        void Say(string id, params object?[] arguments) => problems.Add((path, new ImageProblem(id, Messages.Format(id, arguments))));

        // Below the first, whose format libvirt and xl take for raw, QEMU guesses where none is declared.
        for (var isTop = true; ; isTop = false)
        {
            if (!looks.TryGetValue(path, out var look))
            {
                ToLook.Add(path);
                // Most often a name means what it says; then its header comes with the same round trip.
                var likely = ImageName.Canonical(path);
                if (format is not null && Followed.Contains(format) && isPlanned(likely) && !headers.ContainsKey(likely)) ToRead.TryAdd(likely, Qcow2.FirstBytes);
                return End(false);
            }

            if (look.State != PathState.Found) return End(look.State == PathState.Missing);
            if (!passed.Add(look.RealPath))
            {
                Say("ChainIsLoop");
                return End(true);
            }

            if (format is not null && NotRead.Contains(format))
            {
                Say("ChainUnknown", $"{format} images are not read");
                return End(false);
            }

            if (format is null && !isTop)
            {
                Say("ChainUnknown", "its format is not declared by the image above it");
                return End(false);
            }

            if (format is null || !Followed.Contains(format)) return End(true);
            if (!isTop && !isPlanned(look.RealPath))
            {
                Say("BackingElsewhere");
                return End(false);
            }

            if (look.Inode!.FileType != '-')
            {
                Say("ChainUnknown", "it is no regular file");
                return End(false);
            }

            if (!headers.TryGetValue(look.RealPath, out var answer) || answer.BytesNeeded > 0)
            {
                ToRead[look.RealPath] = answer?.BytesNeeded ?? Qcow2.FirstBytes;
                return End(false);
            }

            if (answer.Header is not { } header)
            {
                Say("ChainUnknown", answer.Reason);
                return End(false);
            }

            if (header.Data is { } data && PathOf(data, path, Say, out _) is { } dataPath)
            {
                links.Add(new ChainLink(dataPath, ImageRole.Data, "raw"));
                if (!looks.ContainsKey(dataPath)) ToLook.Add(dataPath);
            }

            if (header.Backing is null) return End(true);
            var before = problems.Count;
            var backing = PathOf(header.Backing, path, Say, out var named);
            if (backing is null) return End(problems.Count == before);   // on the network there is no path, and nothing wrong with that
            if (links.Count(link => link.Role == ImageRole.Backing) == MostLinks)
            {
                Say("ChainTooLong", MostLinks);
                return End(false);
            }

            format = named ?? header.BackingFormat;
            links.Add(new ChainLink(backing, ImageRole.Backing, format));
            path = backing;
        }
    }

    private static string? PathOf(string name, string parent, Action<string, object?[]> say, out string? format)
    {
        try
        {
            return ImageName.PathOf(name, parent, out format);
        }
        catch (FormatException problem)
        {
            say("ChainUnknown", [problem.Message]);
            format = null;
            return null;
        }
    }
}
