using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A boolean of the loaded policy.</summary>
/// <param name="IsOn">Its value now.</param>
/// <param name="Pending">The value that waits to be committed.</param>
internal sealed record SELinuxBoolean(bool IsOn, bool Pending);

/// <summary>SELinux booleans: as they are, and as they will be at the next boot.</summary>
internal static class SELinuxBooleans
{
    /// <summary>Where the kernel shows them.</summary>
    public const string Directory = "/sys/fs/selinux/booleans/";

    /// <summary>On by default in Fedora's policy, off in the reference policy and Debian's. libvirt labels each USB device that it passes through, and guests reach no other.</summary>
    public const string Usb = "virt_use_usb";

    private const string Script = """
        cd /sys/fs/selinux/booleans 2>/dev/null || exit 127
        grep -sH '' *
        exit 0
        """;

    // The store keeps each module in the policy's intermediate language, mostly compressed; a boolean's value there is the one that a boot loads, unless
    // the administrator made another one permanent. A module that overrides another has a higher priority, so its directory comes later.
    // Where there is no bzip2, semanage's own Python reads it.
    private const string DefaultsScript = SELinuxFs.StoreName + """
        plain() {
          if command -v bzip2 >/dev/null; then bzip2 -dc -- "$1"
          else python3 -I -c 'import bz2, sys; sys.stdout.buffer.write(bz2.open(sys.argv[1]).read())' "$1"
          fi
        }
        cd "/var/lib/selinux/$s/active" 2>/dev/null || exit 127
        for n in virt xen qemu; do
          for f in modules/[0-9]*/"$n"/cil; do
            if [ ! -f "$f" ]; then continue; fi
            case $(dd if="$f" bs=3 count=1 2>/dev/null) in BZh) plain "$f";; *) cat "$f";; esac || printf '\nunread %s\n' "$f"
          done
        done | grep -aE '^(unread |\((boolean|tunable) [A-Za-z0-9_]+ (true|false)\))'
        printf 'local\n'
        if [ -f booleans.local ]; then cat booleans.local; fi
        exit 0
        """;

    /// <summary>Asks for their values.</summary>
    public static ToolCall Read() => ToolCall.Script("booleans", Script) with { Display = "getsebool -a" };

    /// <summary>Reads <see cref="Read"/>, by name.</summary>
    /// <exception cref="FormatException">A line is no boolean's, or there is none.</exception>
    public static IReadOnlyDictionary<string, SELinuxBoolean> ReadValues(ToolResult result)
    {
        var booleans = new Dictionary<string, SELinuxBoolean>();
        foreach (var line in result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(':') is not [{ Length: > 0 } name, var values] || values.Split(' ') is not [var now, var pending] || now is not ("0" or "1") || pending is not ("0" or "1")) throw new FormatException($"'{line}' is no boolean");
            booleans[name] = new(now == "1", pending == "1");
        }

        return booleans.Count > 0 ? booleans : throw new FormatException("no boolean was shown");
    }

    /// <summary>Asks which values of the booleans of virt, xen and qemu a boot loads: the modules', and the administrator's permanent ones.</summary>
    public static ToolCall Defaults() => ToolCall.Script("boolean-defaults", DefaultsScript) with { Display = "semanage boolean -l   # from /var/lib/selinux/*/active" };

    /// <summary>Reads <see cref="Defaults"/>, by name.</summary>
    /// <exception cref="FormatException">The answer is not whole.</exception>
    public static IReadOnlyDictionary<string, bool> ReadDefaults(ToolResult result)
    {
        var values = new Dictionary<string, bool>();
        var isLocal = false;
        foreach (var line in result.Stdout.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line == "local") isLocal = true;
            else if (line.StartsWith("unread ", StringComparison.Ordinal)) throw new FormatException($"{line["unread ".Length..]} could not be read");
            else if (!isLocal && line.Trim('(', ')').Split(' ') is [_, var name, var value]) values[name] = value == "true";
            else if (isLocal && line[0] != '#' && line.Split('=', StringSplitOptions.TrimEntries) is [var changed, var set]) values[changed] = set is "1" or "true" or "on";
            else if (!isLocal || line[0] != '#') throw new FormatException($"'{line}' is no boolean");
        }

        return isLocal ? values : throw new FormatException("its end is missing");
    }

    /// <summary>Sets one for good.</summary>
    public static ToolCall Set(string name, bool isOn) => new("setsebool", "-P", name, isOn ? "on" : "off") { Mutating = true };

    /// <summary>Prints something exactly while it has that value.</summary>
    public static ToolCall Check(string name, bool isOn) => new("grep", "-s", isOn ? "^1" : "^0", Directory + name);
}
