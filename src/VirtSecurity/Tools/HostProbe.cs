using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>What a host is, as its files and tools tell it without starting anything.</summary>
/// <param name="IsRoot">We are root there.</param>
/// <param name="HasHostsMounts">Our mount namespace is that of the host's first process: what we mount, everybody sees.</param>
/// <param name="Distribution">PRETTY_NAME of os-release(5); null: unknown.</param>
/// <param name="IsXenDom0">/proc/xen/capabilities says control_d.</param>
/// <param name="IsKvm">/dev/kvm is there, or libvirt with a QEMU.</param>
/// <param name="FoundTools">Those of the asked tools that are in the trusted directories.</param>
/// <param name="Daemons">Virtualization daemons that run now, by name.</param>
/// <param name="QemuGroup">The group libvirt runs QEMU in: qemu.conf's, or that of its user, or that of the distribution's user for it; null: unknown.</param>
internal sealed record HostProbeFact(
    bool IsRoot, bool HasHostsMounts, string? Distribution, bool IsXenDom0, bool IsKvm, IReadOnlyList<string> FoundTools, IReadOnlyList<string> Daemons,
    string? QemuGroup);

/// <summary>One script that looks, and asks no daemon: virsh would start libvirtd by its socket, and asking would change the answer.</summary>
internal static class HostProbe
{
    // A process costs more than all else here: what the shell can do by itself, it does. Of qemu.conf's lines the last counts.
    private const string Script = """
        printf 'uid %s\n' "$(id -u)"
        if [ /proc/self/ns/mnt -ef /proc/1/ns/mnt ]; then echo hosts-mounts; fi
        (. /etc/os-release 2>/dev/null && printf 'os %s\n' "$PRETTY_NAME")
        if [ -r /proc/xen/capabilities ] && read -r c </proc/xen/capabilities; then
          case $c in *control_d*) echo xen;; esac
        fi
        if [ -c /dev/kvm ]; then echo kvm; fi
        if command -v libvirtd >/dev/null || command -v virtqemud >/dev/null; then
          for q in /usr/bin/qemu-system-* /usr/bin/qemu-kvm /usr/libexec/qemu-kvm; do
            if [ -x "$q" ]; then echo kvm; break; fi
          done
        fi
        for t in "$@"; do if command -v -- "$t" >/dev/null; then printf 'tool %s\n' "$t"; fi; done
        g= user=
        conf=$(sed -n "s/^[[:space:]]*\(user\|group\)[[:space:]]*=[[:space:]]*[\"']*+\{0,1\}\([A-Za-z0-9_.-]*\).*/\1 \2/p" /etc/libvirt/qemu.conf 2>/dev/null)
        while read -r k v; do
          case $k in group) g=$v;; user) user=$v;; esac
        done <<.
        $conf
        .
        for u in "$user" libvirt-qemu qemu; do
          if [ -n "$g" ] || [ -z "$u" ]; then continue; fi
          # Debian's libvirt-qemu has kvm for its first group, which administrators may be in too, and one of its own.
          case " $(id -Gn -- "$u" 2>/dev/null) " in *" $u "*) g=$u;; *) g=$(id -gn -- "$u" 2>/dev/null);; esac
        done
        if [ -n "$g" ]; then g=$(getent group -- "$g"); printf 'qemu-group %s\n' "${g%%:*}"; fi
        for c in $(grep -hsxE 'libvirtd|virtqemud|xenstored|oxenstored|xl' /proc/[0-9]*/comm); do printf 'daemon %s\n' "$c"; done
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look(IEnumerable<string> tools) => ToolCall.Script("host-probe", Script, [.. tools]);

    /// <summary>Reads <see cref="Look"/>.</summary>
    public static HostProbeFact Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        IReadOnlyList<string> After(string word) => [.. lines.Where(line => line.StartsWith(word + " ", StringComparison.Ordinal)).Select(line => line[(word.Length + 1)..])];
        return new(After("uid") is ["0"], lines.Contains("hosts-mounts"), After("os") is [var os, ..] ? os : null, lines.Contains("xen"), lines.Contains("kvm"), After("tool"), [.. After("daemon").Distinct()],
            After("qemu-group") is [{ Length: > 0 } group, ..] ? group : null);
    }
}
