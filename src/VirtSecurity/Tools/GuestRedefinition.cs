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
    // A path counts where one of these is before it and one of those is behind it.
    private const string XmlBefore = "'\">";
    private const string XmlBehind = "'\"<";
    private const string XlBefore = "'\"=:, \t[\n";
    private const string XlBehind = "'\", \t]\n";

    private const string ReplaceFunction = """
        replaced() {
          OLD=$1 NEW=$2 BEFORE=$3 BEHIND=$4 LC_ALL=C awk '
            BEGIN { old = ENVIRON["OLD"]; new = ENVIRON["NEW"]; before = ENVIRON["BEFORE"]; behind = ENVIRON["BEHIND"] }
            {
              line = $0; out = ""
              while ((i = index(line, old)) > 0) {
                a = i > 1 ? substr(line, i - 1, 1) : out == "" ? "\n" : substr(out, length(out))
                b = substr(line, i + length(old), 1)
                if (b == "") b = "\n"
                out = out substr(line, 1, i - 1) (index(before, a) && index(behind, b) ? new : old)
                line = substr(line, i + length(old))
              }
              print out line
            }'
        }

        """;

    // libvirt alone may write its files. Its own text comes back to it, with the passwords that it shows to nobody but root.
    private const string VirshScript = ImageCopy.UnusedFunctions + ReplaceFunction + """
        set -eu
        umask 077
        if [ -n "$7" ]; then unused "$6" "$7" "$5"; fi
        d=$(mktemp -d /run/virtsecurity-define.XXXXXX)
        trap 'rm -rf "$d"' EXIT
        virsh -q -c "$1" dumpxml --inactive --security-info -- "$2" </dev/null >"$d/before"
        replaced "$3" "$4" "$8" "$9" <"$d/before" >"$d/after"
        if cmp -s "$d/before" "$d/after"; then exit 0; fi
        virsh -q -c "$1" define -- "$d/after" </dev/null
        """;

    private const string FileScript = ImageCopy.UnusedFunctions + ReplaceFunction + """
        set -eu
        umask 077
        f=$(realpath -e -- "$1")
        if [ -n "$5" ]; then unused "$4" "$5" "$8"; fi
        n="${f%/*}/.virtsecurity-${f##*/}"
        trap 'rm -f "$n"' EXIT
        cp -a -- "$f" "$n"
        replaced "$2" "$3" "$6" "$7" <"$f" >"$n"
        if [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ]; then truncate -s -1 "$n"; fi
        if cmp -s "$f" "$n"; then exit 0; fi
        sync -- "$n"
        mv -T -- "$n" "$f"
        sync -- "${f%/*}"
        """;

    // What has the new path and the old one no more.
    private const string HasScript = ReplaceFunction + """
        f=$(realpath -e -- "$1") || exit 0
        without() { replaced "$1" "$2" "$3" "$4" <"$f" | cksum; }
        if [ "$(without "$2" "" "$4" "$5")" = "$(without "$2" "$2" "$4" "$5")" ] && [ "$(without "$3" "" "$4" "$5")" != "$(without "$3" "$3" "$4" "$5")" ]; then echo defined; fi
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
            var counts = Before.Contains(before, StringComparison.Ordinal) && Behind.Contains(behind, StringComparison.Ordinal);
            if (counts) text = text[..at] + other + text[(at + old.Length)..];
            at = text.IndexOf(old, at + (counts ? other.Length : old.Length), StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>Makes it so; where it is so already nothing is done.</summary>
    public ToolCall Do() => Call(Old, New, "", "", "");

    /// <summary>Prints something if the definition has the new path, and the old one no more.</summary>
    public ToolCall Has() => ToolCall.Script("guest-defined", HasScript, File, Written(Old), Written(New), Before, Behind);

    /// <summary>Takes it back, unless the image at the new path has been used since, or the old file is gone.</summary>
    public ToolCall Undo(string source, ImageFileFact fact) => Call(New, Old, New, ImageCopy.MarkOf(fact), source);

    private ToolCall Call(string from, string to, string target, string mark, string source)
    {
        var (old, other) = (Written(from), Written(to));
        var call = IsXml
            ? ToolCall.Script("virsh define", VirshScript, Uri, Guest, old, other, source, target, mark, Before, Behind)
            : ToolCall.Script("xl-config", FileScript, File, old, other, target, mark, Before, Behind, source);
        return call with
        {
            Mutating = true,
            Display = IsXml
                ? $"virsh -c {Uri} define {ShellQuote.Word(File)}   # with {ShellQuote.Word(to)} for {ShellQuote.Word(from)}"
                : $"sed -i ... {ShellQuote.Word(File)}   # {ShellQuote.Word(to)} for {ShellQuote.Word(from)}",
        };
    }

    /// <summary>As libvirt writes it in XML (virBufferEscapeString); in xl's files a path stands as it is.</summary>
    private string Written(string path) => IsXml ? SecurityElement.Escape(path) : path;
}
