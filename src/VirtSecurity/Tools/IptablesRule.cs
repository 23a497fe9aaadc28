namespace VirtSecurity.Tools;

/// <summary>One rule as iptables-save(8) prints it, in the words of iptables-extensions(8).</summary>
internal static class IptablesRule
{
    /// <summary>Extensions of which all options are known here; what any other looks for is not.</summary>
    private static readonly string[] Extensions =
        ["tcp", "udp", "state", "conntrack", "multiport", "comment", "limit", "hashlimit", "connlimit", "recent", "iprange", "icmp", "icmp6", "addrtype", "pkttype", "physdev"];

    /// <summary>Options of these that ask for nothing by themselves, without a value and with one.</summary>
    private static readonly string[] Flags = ["--connlimit-saddr", "--connlimit-daddr", "--rsource", "--rdest", "--rttl", "--reap", "--limit-iface-in", "--limit-iface-out", "--set"];

    private static readonly string[] Settings =
    [
        "--comment", "--limit-burst", "--hashlimit-burst", "--hashlimit-mode", "--hashlimit-name", "--hashlimit-srcmask", "--hashlimit-dstmask", "--hashlimit-htable-size", "--hashlimit-htable-max",
        "--hashlimit-htable-expire", "--hashlimit-htable-gcinterval", "--hashlimit-rate-interval", "--connlimit-mask", "--seconds", "--hitcount", "--name", "--mask",
    ];

    /// <summary>Reads one.</summary>
    /// <param name="words">What is behind the chain's name.</param>
    /// <param name="line">The whole of it, as evidence shows it.</param>
    /// <param name="isChain">Whether a target is a chain of the table.</param>
    /// <exception cref="FormatException">It ends in the middle.</exception>
    public static FirewallRule Read(string[] words, string line, Func<string, bool> isChain)
    {
        var matches = new List<FirewallMatch>();
        var isNegated = false;
        for (var i = 0; i < words.Length; i++)
        {
            string Next() => ++i < words.Length ? words[i] : throw new FormatException($"'{line}' ends in the middle");
            void Add(FirewallField field, params IEnumerable<string> values) => matches.Add(new(field, [.. values], isNegated));
            void Known(bool isSo) => matches.AddRange(FirewallMatch.Known(isSo != isNegated));
            switch (words[i])
            {
                case "!": isNegated = true; continue;
                case "-i" or "--in-interface": Add(FirewallField.InInterface, Next()); break;
                case "-o" or "--out-interface": Add(FirewallField.OutInterface, Next()); break;
                case "-s" or "--source" or "--src-range": Add(FirewallField.Source, Next()); break;
                case "-d" or "--destination" or "--dst-range": Add(FirewallField.Destination, Next()); break;
                case "--dst-type": Add(FirewallField.Destination, Next().Split(',').Select(type => type.ToLowerInvariant())); break;
                case "--pkt-type": Add(FirewallField.Destination, Next() is "unicast" ? "host" : words[i]); break;
                case "-p" or "--protocol": Add(FirewallField.Protocol, Next() is "ipv6-icmp" ? "icmpv6" : words[i]); break;
                case "--dport" or "--destination-port" or "--dports": Add(FirewallField.Port, Next().Split(',').Select(ports => ports.Replace(':', '-'))); break;
                // Either end's ports: the sender's will do.
                case "--sport" or "--source-port" or "--sports" or "--ports": Add(FirewallField.SourcePort, Next()); break;
                case "--state" or "--ctstate": Add(FirewallField.State, Next().Split(',')); break;
                case "--ctdir": Known(Next() == "ORIGINAL"); break;
                case "--ctstatus" or "--icmp-type" or "--icmpv6-type" or "--physdev-in" or "--physdev-out": Add(FirewallField.NeverOfAStranger, Next()); break;
                // A list of senders seen before is not one of strangers; what a bridge passes on does not come from where they are.
                case "--rcheck" or "--update" or "--remove" or "--physdev-is-in" or "--physdev-is-out" or "--physdev-is-bridged": Add(FirewallField.NeverOfAStranger); break;
                case "--tcp-flags": Known(FirewallMatch.IsFirstOfTcp(Next().Split(','), Next() is "NONE" ? [] : words[i].Split(','))); break;
                case "--syn": Known(true); break;
                case "--limit" or "--hashlimit" or "--hashlimit-upto" or "--connlimit-upto": Add(FirewallField.Rate, Next()); break;
                case "--hashlimit-above" or "--connlimit-above":
                    isNegated = !isNegated;
                    Add(FirewallField.Rate, Next());
                    break;
                case "-m" or "--match": if (!Extensions.Contains(Next())) matches.Add(FirewallMatch.Other); break;
                // The options of a target come behind it, and ask for nothing.
                case "-j" or "--jump":
                    var (target, action) = (Next(), Action(words[i], isChain));
                    return new(matches, action, action == FirewallAction.Jump ? target : null, line);
                case "-g" or "--goto": return new(matches, FirewallAction.Goto, Next(), line);
                case var setting when Settings.Contains(setting): Next(); break;
                case var flag when Flags.Contains(flag): break;
                // Another option asks for something that is not known; a word is the value of one.
                case ['-', ..]: matches.Add(FirewallMatch.Other); break;
                default: break;
            }

            isNegated = false;
        }

        return new(matches, FirewallAction.Continue, null, line);
    }

    private static FirewallAction Action(string target, Func<string, bool> isChain) => target switch
    {
        "ACCEPT" => FirewallAction.Accept,
        "DROP" or "REJECT" => FirewallAction.Deny,
        "RETURN" => FirewallAction.Return,
        _ when isChain(target) => FirewallAction.Jump,
        "LOG" or "NFLOG" or "ULOG" or "MARK" or "CONNMARK" or "CHECKSUM" or "TCPMSS" or "AUDIT" or "CT" or "NOTRACK" or "SECMARK" or "CONNSECMARK" or "SET" or "TRACE" or "DSCP" or "TOS" => FirewallAction.Continue,
        _ => FirewallAction.Unknown,
    };
}
