using System.Globalization;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;

namespace VirtSecurity.Tools;

/// <summary>What lies below the images that libvirt's definitions declare to be copy-on-write.</summary>
/// <param name="Looks">By path as a definition or a header names it, made absolute.</param>
/// <param name="Headers">By path without links.</param>
internal sealed record ImageChainsFact(IReadOnlyDictionary<string, PathLook> Looks, IReadOnlyDictionary<string, Qcow2Answer> Headers);

/// <summary>
/// The headers of copy-on-write images, and those of the images below them, in the one call that finds them too. What is read is decided on the host: at the top what a
/// definition declares to be copy-on-write, below it what the header above declares so, and only in places for images. Of an image that is declared raw not a byte
/// is read, as what is in it is the guest's word. Names that are no plain path (json:, a protocol's) are not followed here.
/// </summary>
internal static class ImageChains
{
    /// <summary>So many images of one chain are looked at: a header may name its own image.</summary>
    private const int Most = 16;

    // awk: of a header's bytes as od prints them the backing file's format and name, the name as printf's %b reads it. Nothing where there is none, or where the name is no line of text.
    private const string Backing = """
        { for (i = 1; i <= NF; i++) b[n++] = $i }
        function number(at) { return ((b[at] * 256 + b[at + 1]) * 256 + b[at + 2]) * 256 + b[at + 3] }
        END {
          version = number(4)
          if (n < 104 || number(8) || version < 2 || version > 3) exit
          name = number(12); size = number(16)
          if (!name || !size || size > 1023 || name + size > n) exit
          format = "-"
          for (at = version == 2 ? 72 : number(100); at + 8 <= name && number(at); at += int((bytes + 7) / 8) * 8) {
            type = number(at); bytes = number(at + 4); at += 8
            if (at + bytes > n) exit
            if (type == 3799591626) { format = ""; for (i = at; i < at + bytes; i++) format = format sprintf("%c", b[i]) }
          }
          if (format !~ /^[a-z0-9-]+$/) exit
          text = ""
          for (i = name; i < name + size; i++) { if (b[i] == 0 || b[i] == 10) exit; text = text sprintf("\\0%03o", b[i]) }
          print format, text
        }
        """;

    // For each path: it and what is below it, a record each. Twice told by whom it is opened: no device, no link at its end, and no waiting for a writer.
    private const string Walk = """
        for p; do
          n=0 format=qcow2
          while [ "$n" -lt "$most" ]; do
            n=$((n + 1))
            q=$(realpath -ms -- "$p")
            if [ -n "$servers" ] && printf '%s\n' "$q" | grep -qE "^($servers)(/|\$)"; then break; fi
            if ! r=$(realpath -e -- "$p" 2>/dev/null); then printf '%s\0%s\0missing\0\0' "$p" "$q"; break; fi
            printf '%s\0%s\0' "$p" "$r"
            if [ -b "$r" ]; then printf 'device\0\0'; break; fi
            if [ ! -f "$r" ]; then printf 'odd\0\0'; break; fi
            isread=
            case $format in qcow|qcow2) isread=$n;; esac
            if [ "$n" -gt 1 ] && [ -z "$(printf '%s\n' "$places" | while IFS= read -r d; do case $r in "$d"/?*) echo y;; esac; done)" ]; then isread=; fi
            if [ -z "$isread" ]; then printf 'file\0\0'; break; fi
            b=$(dd if="$r" iflag=nofollow,nonblock,fullblock bs="$first" count=1 2>/dev/null | base64 -w 0)
            case $b in
              UUZJ+wAA*) printf 'header\0%s\0' "$b";;
              '') printf 'empty\0\0'; break;;
              *) printf 'other\0\0'; break;;
            esac
            below=$(printf '%s' "$b" | base64 -d | od -A n -v -t u1 | awk "$backing")
            if [ -z "$below" ]; then break; fi
            format=${below%% *} name=$(printf '%b' "${below#* }")
            case $name in
              /*) p=$name;;
              *:*) break;;
              *) p=${p%/*}/$name;;
            esac
          done
        done
        """;

    // libvirt writes an element a line, and the format of an image in front of its file; a disk, its backing store and its mirror have each their own. A name with a newline would be two.
    private const string Script = ImagePaths.Common + GuestDefinitions.Files + ImagePaths.Guesses + StorePaths.MountPoints + StorePaths.Rules + """
        export first="$5" backing="$6" most="$8"
        export places="$({ printf '%s\n' /var/lib/libvirt/images /var/lib/xen/images; rules "$7" | names | tr '\0' '\n'; } | grep '^/.')"
        xml named | xargs -0r head -q -c "$4" -- |
          sed -n -e "/<\(disk\|backingStore\|mirror\)[ >]/{s/.*//;h;}" -e "/<\(driver\|format\) [^>]*type='qcow2\{0,1\}'/{s/.*/q/;h;}" -e "/<source [^>]*file='/{G;/\nq\$/s/.*file='\([^']*\)'.*/\1/p;}" |
          sed "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&amp;/\&/g" | grep '^/' |
          tr '\n' '\0' | sort -zu | mine | look
        printf end
        exit 0
        """;

    /// <summary>Asks. Files on network file systems are not touched.</summary>
    public static ToolCall Look() => ToolCall.Script(
        "image-chains", Script, ImagePaths.LocalMode, "", Walk.ReplaceLineEndings("\n"), GuestDefinitions.MostBytes.ToString(CultureInfo.InvariantCulture), Qcow2.FirstBytes.ToString(CultureInfo.InvariantCulture),
        Backing.ReplaceLineEndings("\n"), string.Join(@"\|", ImageTypes.All), Most.ToString(CultureInfo.InvariantCulture)) with
    { Display = $"head -c {Qcow2.FirstBytes} IMAGE...   # of those declared to be qcow2, by definitions or by the image above" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">It is not whole.</exception>
    public static ImageChainsFact Read(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        if (fields[^1] != "end" || fields.Length % 4 != 1) throw new FormatException("its end is missing");
        var (looks, headers) = (new Dictionary<string, PathLook>(), new Dictionary<string, Qcow2Answer>());
        for (var i = 0; i + 4 < fields.Length; i += 4)
        {
            var (path, real, kind) = (fields[i], fields[i + 1], fields[i + 2]);
            var type = kind switch { "device" => 'b', "odd" => '?', _ => '-' };
            looks[path] = new(path, real, kind == "missing" ? PathState.Missing : PathState.Found, kind == "missing" ? null : new ImageInode(type, 0, 0, "", "0:0", null), false, false);
            if (kind == "header") headers[real] = Qcow2.Parse(Convert.FromBase64String(fields[i + 3]));
            else if (kind == "empty") headers[real] = new(null, "it is empty, or cannot be read", 0);
            else if (kind == "other") headers[real] = new(null, "it is no qcow2 image", 0);
        }

        return new(looks, headers);
    }
}
