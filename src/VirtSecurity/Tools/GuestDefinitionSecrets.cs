namespace VirtSecurity.Tools;

/// <summary>What stays on the host of the files that define guests. It is told that there is a password, never which.</summary>
internal static partial class GuestDefinitions
{
    /// <summary>Elements whose text is handed to the guest or a server, or is whatever somebody noted there.</summary>
    private const string SecretElements = @"\(entry\|cookie\|cmdline\|session\)";

    private const string NotedElements = @"\(metadata\|description\)";

    /// <summary>The names that passwords have in libvirt's and QEMU's words.</summary>
    private const string PasswordNames = @"\([Pp]asswd\|[Pp]assword\|[Pp]assphrase\)[A-Za-z_-]*";

    /// <summary>
    /// sed, for XML: passwords of displays, what firmware and kernel are handed, cookies and queries of servers, and what QEMU's own arguments and variables may hold. The
    /// whole file is one text, as in XML a value may go on in the next line; where one has no end, all that follows is left out. Bytes that XML does not have mark
    /// ends, so that a text goes to the next of them and no further.
    /// </summary>
    internal const string XmlSecrets = $$"""
        :whole
        $!{
        N
        b whole
        }
        s/[\x01-\x04]//g
        s/<!--/\x01/g
        s/-->/\x02/g
        s/\x01[^\x02]*\x02\{0,1\}/ /g
        s/\x02/-->/g
        s/<!\[CDATA\[/\x01/g
        s/]]>/\x02/g
        s/\x01[^\x02]*\x02\{0,1\}/ /g
        s/\x02/]]>/g
        s/<\/{{NotedElements}}[[:space:]]*>/\x02\1>/g
        s/\(<{{NotedElements}}\([[:space:]][^<>]*[^/<>]\)\{0,1\}>\)[^\x02]*/\1/g
        s/\x02/<\//g
        s/<\/{{SecretElements}}[[:space:]]*>/\x02\1>/g
        s/\(<{{SecretElements}}\([[:space:]][^<>]*[^/<>]\)\{0,1\}>\)[^\x02]*/\1/g
        s/\x02/<\//g
        s/\({{PasswordNames}}[[:space:]]*=[[:space:]]*\)'[^']\{1,\}'\{0,1\}/\1'set'/g
        s/\({{PasswordNames}}[[:space:]]*=[[:space:]]*\)"[^"]\{1,\}"\{0,1\}/\1"set"/g
        s/\({{PasswordNames}}[[:space:]]*=[[:space:]]*\)[^,"'<>[:space:]][^,"'<>]*/\1set/g
        s/\(query[[:space:]]*=[[:space:]]*\)\('[^']*'\|"[^"]*"\)/\1''/g
        s/\(<[A-Za-z0-9_.:-]*env[[:space:]][^<>]*value[[:space:]]*=[[:space:]]*\)\('[^']*'\|"[^"]*"\)/\1''/g
        s#://[^]/@,'"<>[:space:][]*:[^/@'"<>[:space:]]*@#://#g
        s/&quot;\|&#34;\|&#[xX]22;/\x04/g
        s/\([\x04"]\(data\|string\|key\|token\|cookies\{0,1\}\|secret\|pass[a-z-]*\)[\x04"][[:space:]]*:[[:space:]]*[\x04"]\)\(\\.\|[^\x04\\"'<>]\)*/\1/g
        s/\x04/\&quot;/g
        :arg
        s/\(<[A-Za-z0-9_.:-]*arg[[:space:]][^<>]*[^A-Za-z0-9]\(data\|key\|token\|cookie\|string\|value\)=\)[^,"'<>]\{1,\}/\1/
        t arg
        """;

    private const string Single = """'\([^'\\]\|\\.\)*'""";

    private const string Double = """
        "\([^"\\]\|\\.\)*"
        """;

    /// <summary>From a line's start: what is before a comment, each text with its end.</summary>
    private const string Before = $$"""\([^'"#]\|{{Single}}\|{{Double}}\)*""";

    private const string Call = $$"""(\([^()'"]\|{{Single}}\|{{Double}}\)*)""";

    private const string Name = "[A-Za-z_-]*[Pp]assw[a-z_-]*";

    /// <summary>Settings inside a text: of a display, or of QEMU's own arguments.</summary>
    private const string Inner = @"\([Pp]assw[a-z_-]*\|data\|key\|token\)";

    /// <summary>
    /// sed, for the files of xl, xm (Python) and xend, and libxl's JSON: passwords as a setting, inside a text, as an entry of a dictionary, and as a list's value; as many as
    /// a line has. Comments are left out, but what is behind a # inside a word, which is none of xend's; a line with a text that has no end is cut off at its first
    /// password. Bytes that no such file has mark what is done.
    /// </summary>
    internal const string XenSecrets = $$"""
        :join
        /[Pp]assw[a-z_-]*["']\{0,1\}[[:space:]]*\([:=][[:space:]]*\([(\\][[:space:]]*\|\[[^]]*\)\{0,1\}\)\{0,1\}$/{
        $!{
        N
        b join
        }
        }
        s/[\x01-\x04]//g
        s/\n/ /g
        s/^\(\({{Before}}\({{Single}}\|{{Double}}\|[],;(){}[:space:][]\)\)\{0,1\}\)#.*/\1/
        /^{{Before}}$/!s/\([Pp]assw[a-z_-]*\).*/\1/
        :string
        s/^\({{Before}}'\([^'\\]\|\\.\)*{{Inner}}[[:space:]]*=[[:space:]]*\)\([^,'\\[:space:]\x01]\|\\.\)\([^,'\\]\|\\.\)*/\1\x01/
        t string
        s/^\({{Before}}"\([^"\\]\|\\.\)*{{Inner}}[[:space:]]*=[[:space:]]*\)\([^,"\\[:space:]\x01]\|\\.\)\([^,"\\]\|\\.\)*/\1\x01/
        t string
        :empty
        s/^\({{Before}}["']\{0,1\}{{Name}}["']\{0,1\}[[:space:]]*[:=][[:space:]]*\)\(''\|""\)\([[:space:]]*\([],;)}]\|$\)\)/\1\x02\5\6/
        t empty
        s/^\({{Before}}({{Name}}[[:space:]]\{1,\}\)\(''\|""\)\([[:space:]]*)\)/\1\x02\5\6/
        t empty
        :value
        s/^\({{Before}}{{Name}}[[:space:]]*+\{0,1\}=[[:space:]]*\)\(\[[^]]*\]\{0,1\}\|\([^'",;[:space:]\x02\x03[]\|{{Single}}\|{{Double}}\|{{Call}}\)\([^'",;]\|{{Single}}\|{{Double}}\|{{Call}}\)*\)/\1\x03/
        t value
        s/^\({{Before}}["']{{Name}}["'][[:space:]]*:[[:space:]]*\)\([0-9]\|{{Single}}\|{{Double}}\)\([0-9[:space:]+]\|{{Single}}\|{{Double}}\)*/\1\x03/
        t value
        s/^\({{Before}}({{Name}}[[:space:]]\{1,\}\)\([^()'"[:space:]\x02\x04]\|{{Single}}\|{{Double}}\)\([^()'"]\|{{Single}}\|{{Double}}\)*/\1\x04/
        t value
        s/[\x01\x04]/set/g
        s/\x03/"set"/g
        s/\x02//g
        """;
}
