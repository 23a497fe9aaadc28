using System.Globalization;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>Whose an inode is, and who may do what with it.</summary>
/// <param name="FileType">First column of <c>ls -l</c>.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Owner">Number of its user.</param>
/// <param name="Group">Number of its group.</param>
internal sealed record AccessEntry(char FileType, UnixFileMode Mode, long Owner, long Group)
{
    /// <summary>As evidence shows it: <c>0:0 0644</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Owner}:{Group} {Coreutils.Octal(Mode)}");

    /// <summary>Whether a user may go through it, as a directory: the first of the three that concerns him decides, path_resolution(7).</summary>
    public bool IsSearchableBy(long user, IReadOnlyCollection<long> groups) =>
        Mode.HasFlag(user == Owner ? UnixFileMode.UserExecute : groups.Contains(Group) ? UnixFileMode.GroupExecute : UnixFileMode.OtherExecute);
}

/// <summary>Whose the images are that definitions name, and the directories on the way to them.</summary>
/// <param name="QemuUser">The user that libvirt runs QEMU as; null: there is none.</param>
/// <param name="QemuGroups">The groups QEMU is in.</param>
/// <param name="Entries">By path without links.</param>
internal sealed record ImageAccess(long? QemuUser, IReadOnlyList<long> QemuGroups, IReadOnlyDictionary<string, AccessEntry> Entries)
{
    // realpath -e leaves out what is missing. A path is printed, then what is left of it without its last name, until nothing is.
    private const string LookScript = """realpath -ez -- "$@" 2>/dev/null | sed -zn ':up; p; s#/[^/]*$##; /./b up'""";

    // qemu.conf(5): the last line counts, and + before a number says that it is one.
    private const string Script = ImagePaths.Common + GuestDefinitions.Files + ImagePaths.Guesses + """
        set_to() { sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*[\"']*+\{0,1\}\([A-Za-z0-9_.-]*\).*/\1/p" /etc/libvirt/qemu.conf 2>/dev/null | tail -n 1; }
        u= g=$(set_to group)
        for n in "$(set_to user)" libvirt-qemu qemu; do
          if [ -z "$u" ] && [ -n "$n" ] && u=$(id -u -- "$n" 2>/dev/null); then gs=$(id -G -- "$n" 2>/dev/null); fi
        done
        if [ -n "$g" ]; then gs="$gs $(getent group -- "$g" | cut -d : -f 3)"; fi
        printf '%s\0%s\0' "$u" "$gs"
        { printf '/\0'; guesses "$4" "$5" "$6" | mine | look; } | sort -zu | xargs -0r stat --printf "$format" -- 2>/dev/null
        exit 0
        """;

    private const string Format = @"%n\0%f %u %g\0";

    /// <summary>Asks. Files on network file systems are not touched.</summary>
    public static ToolCall Look() => ToolCall.Script(
        "image-access", Script, ImagePaths.LocalMode, Format, LookScript, GuestDefinitions.MostBytes.ToString(CultureInfo.InvariantCulture),
        GuestDefinitions.XmlSecrets.ReplaceLineEndings("\n"), GuestDefinitions.XenSecrets.ReplaceLineEndings("\n")) with
    { Display = "stat --format '%n %a %u %g' IMAGE...   # and the directories above; id -u libvirt-qemu" };

    /// <summary>Reads <see cref="Look"/>.</summary>
    /// <exception cref="FormatException">It is not whole.</exception>
    public static ImageAccess Read(ToolResult result)
    {
        var fields = result.Stdout.Split('\0');
        if (fields.Length < 3 || fields.Length % 2 == 0) throw new FormatException("its last record is not whole");
        long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        var entries = new Dictionary<string, AccessEntry>();
        for (var i = 2; i + 1 < fields.Length; i += 2)
        {
            if (fields[i + 1].Split(' ') is not [var mode, var owner, var group]) throw new FormatException($"'{fields[i + 1]}' is no answer of stat");
            var bits = int.Parse(mode, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            entries[fields[i]] = new(Coreutils.TypeOf(bits), (UnixFileMode)(bits & 0xFFF), Number(owner), Number(group));
        }

        return new(fields[0].Length == 0 ? null : Number(fields[0]), [.. fields[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Number)], entries);
    }
}
