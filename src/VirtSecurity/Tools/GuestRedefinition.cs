using System.Security;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>
/// A guest's definition given another path for an image. What is written there is found on the host, as a definition may hold passwords that must not leave it;
/// <see cref="Replace"/> does the same to the text that was read, so that it is known before whether it will do.
/// </summary>
/// <param name="File">The definition's file.</param>
/// <param name="Guest">The guest.</param>
/// <param name="Old">The path as the file has it.</param>
/// <param name="New">The path it is to have.</param>
internal sealed record GuestRedefinition(string File, string Guest, string Old, string New)
{
    // A path counts where one of these is before it and one of those is behind it; in xl's files, the end of a line as well.
    private const string XmlBefore = "'\">";
    private const string XmlBehind = "'\"<";
    private const string XlBefore = "'\"=:, \t[";
    private const string XlBehind = "]'\", \t";

    // libvirt alone may write its files. Its own text comes back to it, with the passwords that it shows to nobody but root.
    private const string VirshScript = ImageCopy.UnusedFunctions + """
        set -eu
        umask 077
        if [ -n "$4" ]; then unused "$4" "$5" "$6"; fi
        d=$(mktemp -d /run/virtsecurity-define.XXXXXX)
        trap 'rm -rf "$d"' EXIT
        virsh -q -c "$1" dumpxml --inactive --security-info -- "$2" </dev/null >"$d/before"
        LC_ALL=C sed -e "$3" -- "$d/before" >"$d/after"
        if [ "$(cksum <"$d/before")" = "$(cksum <"$d/after")" ]; then exit 0; fi
        virsh -q -c "$1" define -- "$d/after" </dev/null
        """;

    private const string FileScript = ImageCopy.UnusedFunctions + """
        set -eu
        umask 077
        f=$(realpath -e -- "$1")
        if [ -n "$3" ]; then unused "$3" "$4" "$5"; fi
        n="${f%/*}/.virtsecurity-${f##*/}"
        trap 'rm -f "$n"' EXIT
        cp -a -- "$f" "$n"
        LC_ALL=C sed -e "$2" -- "$f" >"$n"
        if [ "$(cksum <"$f")" = "$(cksum <"$n")" ]; then exit 0; fi
        sync -- "$n"
        mv -T -- "$n" "$f"
        sync -- "${f%/*}/"
        """;

    private const string HasScript = """
        f=$(realpath -e -- "$1") || exit 0
        has() { [ -n "$(LC_ALL=C sed -n -e "$1" -- "$f")" ]; }
        if has "$3" && ! has "$2"; then echo defined; fi
        """;

    private bool IsXml => GuestDefinitions.KindOf(File) == DefinitionKind.Libvirt;

    private string Before => IsXml ? XmlBefore : XlBefore;

    private string Behind => IsXml ? XmlBehind : XlBehind;

    private string Uri => File.StartsWith("/etc/libvirt/libxl/", StringComparison.Ordinal) ? "xen:///system" : "qemu:///system";

    /// <summary>The tool it takes; null: none that a host may lack.</summary>
    public string? Tool => IsXml ? "virsh" : null;

    /// <summary>A text with the new path where it has the old one.</summary>
    public string Replace(string text)
    {
        var (old, other) = (Written(Old), Written(New));
        for (var at = text.IndexOf(old, StringComparison.Ordinal); at >= 0;)
        {
            var (before, behind) = (at == 0 ? '\n' : text[at - 1], at + old.Length == text.Length ? '\n' : text[at + old.Length]);
            var counts = IsIn(Before, before) && IsIn(Behind, behind);
            if (counts) text = text[..at] + other + text[(at + old.Length)..];
            at = text.IndexOf(old, at + (counts ? other.Length : old.Length), StringComparison.Ordinal);
        }

        return text;
    }

    private bool IsIn(string signs, char sign) => signs.Contains(sign, StringComparison.Ordinal) || (sign == '\n' && !IsXml);

    /// <summary>Makes it so; where it is so already nothing is done.</summary>
    public ToolCall Do() => Call(Old, New, "", "", "");

    /// <summary>Prints something if the definition has the new path, and the old one no more.</summary>
    public ToolCall Has() => ToolCall.Script("guest-defined", HasScript, File, $"/{Pattern(Old)}/p", $"/{Pattern(New)}/p");

    /// <summary>Takes it back, unless the image at the new path has been used since, or the old file is gone.</summary>
    public ToolCall Undo(string source, ImageFileFact fact) => Call(New, Old, New, ImageCopy.MarkOf(fact), source);

    private ToolCall Call(string from, string to, string target, string mark, string source)
    {
        // Neighbours share what is between them, and so take turns.
        var once = $"s/{Pattern(from)}/\\1{Escaped(Written(to), "\\&/")}\\2/g";
        var edit = $"{once};{once}";
        var call = IsXml
            ? ToolCall.Script("virsh define", VirshScript, Uri, Guest, edit, target, mark, source)
            : ToolCall.Script("xl-config", FileScript, File, edit, target, mark, source);
        return call with
        {
            Mutating = true,
            Display = IsXml
                ? $"virsh -c {Uri} define {ShellQuote.Word(File)}   # with {ShellQuote.Word(to)} for {ShellQuote.Word(from)}"
                : $"sed -i ... {ShellQuote.Word(File)}   # {ShellQuote.Word(to)} for {ShellQuote.Word(from)}",
        };
    }

    /// <summary>A basic regular expression of sed's for a path and what must be around it.</summary>
    private string Pattern(string path)
    {
        var (start, end) = IsXml ? ("", "") : ("^\\|", "$\\|");
        return $"\\({start}[{Before}]\\){Escaped(Written(path), "\\.*[^$/")}\\({end}[{Behind}]\\)";
    }

    private static string Escaped(string text, string special) => string.Concat(text.Select(sign => special.Contains(sign, StringComparison.Ordinal) ? $"\\{sign}" : sign.ToString()));

    /// <summary>As libvirt writes it in XML (virBufferEscapeString); in xl's files a path stands as it is.</summary>
    private string Written(string path) => IsXml ? SecurityElement.Escape(path) : path;
}
