using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>
/// The headers of those images that libvirt's definitions themselves declare to be copy-on-write, in the same call that finds them. Which these are is read on the
/// host: of an image that is declared raw not a byte is read, as what is in it is the guest's word.
/// </summary>
internal static class DeclaredHeaders
{
    // libvirt writes an element a line, and the format of an image in front of its file; a disk, its backing store and its mirror have each their own. A name with a newline would be two.
    private const string Script = ImagePaths.Common + GuestDefinitions.Files + ImagePaths.Guesses + """
        xml named | xargs -0r head -q -c "$4" -- |
          sed -n -e "/<\(disk\|backingStore\|mirror\)[ >]/{s/.*//;h;}" -e "/<\(driver\|format\) [^>]*type='qcow2\{0,1\}'/{s/.*/q/;h;}" -e "/<source [^>]*file='/{G;/\nq\$/s/.*file='\([^']*\)'.*/\1/p;}" |
          sed "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&amp;/\&/g" |
          tr '\n' '\0' | sort -zu | mine | xargs -0r realpath -ez -- 2>/dev/null | sort -zu |
          sed -z -e '/\n/d' -e "s/\$/\n$5/" | tr '\n' '\0' | xargs -0r -n 200 sh -c "$3" image-header
        exit 0
        """;

    /// <summary>Asks. Files on network file systems are not touched.</summary>
    public static ToolCall Look() => ToolCall.Script(
        "declared-headers", Script, ImagePaths.LocalMode, "", Qcow2.Script.ReplaceLineEndings("\n"), GuestDefinitions.MostBytes.ToString(CultureInfo.InvariantCulture), Qcow2.FirstBytes.ToString(CultureInfo.InvariantCulture)) with
    { Display = $"head -c {Qcow2.FirstBytes} IMAGE...   # of those declared to be qcow2" };
}
