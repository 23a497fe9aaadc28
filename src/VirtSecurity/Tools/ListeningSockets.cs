using System.Globalization;
using System.Net;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tools;

/// <summary>A socket that waits for what comes from a network.</summary>
/// <param name="Protocol">tcp or udp.</param>
/// <param name="Address">What it is bound to; null: any address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Process">Name of a process that holds it; null: none does, as with the kernel's own, or it is not known.</param>
internal sealed record ListeningSocket(string Protocol, IPAddress? Address, int Port, string? Process)
{
    /// <summary>Only this machine reaches it.</summary>
    public bool IsLoopback => Address is not null && NetAddress.IsLoopback(Address);
}

/// <summary>The kernel's tables of sockets (proc_net(5)), and which process holds which.</summary>
internal static class ListeningSockets
{
    private const string Listening = "0A";
    private const string Unconnected = "07";
    private const string RangePath = "/proc/sys/net/ipv4/ip_local_port_range";

    // The kernel prints an address as numbers of its own byte order; the sixth byte of a program says which that is (elf(5)).
    private const string Script = """
        printf 'order%s\n' "$(od -An -tu1 -j5 -N1 /proc/self/exe)"
        [ -e /proc/net/tcp ] || exit 1
        for f in tcp tcp6 udp udp6; do
          if [ -e "/proc/net/$f" ]; then sed -n "1!s/^/table $f /p" "/proc/net/$f" || exit 1; fi
        done
        if [ -r /proc/sys/net/ipv4/ip_local_port_range ] && read -r a b </proc/sys/net/ipv4/ip_local_port_range; then printf 'range %s %s\n' "$a" "$b"; fi
        find /proc/[0-9]*/fd -maxdepth 1 -lname 'socket:*' -printf 'holds %h %l\n' 2>/dev/null
        grep -sH '' /proc/[0-9]*/comm
        exit 0
        """;

    /// <summary>Asks.</summary>
    public static ToolCall Look() => ToolCall.Script("listening-sockets", Script) with { Display = $"ss --listening --tcp --udp --processes   # from /proc/net, {RangePath}" };

    /// <summary>
    /// Reads <see cref="Look"/>: sockets of TCP that listen, and those of UDP that wait for anybody. A port of UDP from the range that the kernel gives to clients
    /// is left out: it is there for as long as somebody waits for an answer.
    /// </summary>
    /// <exception cref="FormatException">The answer is not whole.</exception>
    public static IReadOnlyList<ListeningSocket> Read(ToolResult result)
    {
        var lines = result.Stdout.Split('\n');
        var isLittle = lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries) switch { ["order", "1"] => true, ["order", "2"] => false, _ => throw new FormatException("its first line is missing") };
        var (names, holders) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        (int First, int Last) clients = (int.MaxValue, 0);
        var tables = new List<string[]>();
        foreach (var line in lines.Skip(1))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["table", _, _, ..]) tables.Add(words);
            else if (words is ["range", var first, var last]) clients = (Number(first), Number(last));
            else if (words is ["holds", var place, ['s', 'o', 'c', 'k', 'e', 't', ':', '[', .. var inode, ']']]) holders.TryAdd(inode, place.Split('/')[2]);
            else if (line.StartsWith("/proc/", StringComparison.Ordinal) && line.IndexOf("/comm:", StringComparison.Ordinal) is > 0 and var end) names.TryAdd(line[6..end], line[(end + 6)..]);
        }

        return [.. tables.Select(words => Socket(words, isLittle, inode => holders.TryGetValue(inode, out var process) ? names.GetValueOrDefault(process) : null)).OfType<ListeningSocket>()
            .Where(socket => socket.Protocol == "tcp" || socket.Port < clients.First || socket.Port > clients.Last)
            .Distinct().OrderBy(socket => socket.Port).ThenBy(socket => socket.Protocol, StringComparer.Ordinal).ThenBy(socket => socket.Address?.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>A line of a table: number, local address, remote address, state, queues, timer, retransmits, user, timeout, inode.</summary>
    private static ListeningSocket? Socket(string[] words, bool isLittle, Func<string, string?> holder)
    {
        if (words.Length < 12) throw new FormatException($"'{string.Join(' ', words)}' is no socket");
        var protocol = words[1][..3];
        if (words[5] != (protocol == "tcp" ? Listening : Unconnected)) return null;
        var colon = words[3].IndexOf(':', StringComparison.Ordinal);
        if (colon is not (8 or 32)) throw new FormatException($"'{words[3]}' is no address");
        var bytes = Convert.FromHexString(words[3][..colon]);
        if (isLittle) for (var i = 0; i < bytes.Length; i += 4) Array.Reverse(bytes, i, 4);
        var port = int.Parse(words[3].AsSpan(colon + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var address = Array.TrueForAll(bytes, value => value == 0) ? null : new IPAddress(bytes);
        return port == 0 ? null : new ListeningSocket(protocol, address, port, holder(words[11]));
    }

    private static int Number(string digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
}
