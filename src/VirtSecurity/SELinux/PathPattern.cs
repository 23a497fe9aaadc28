using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using VirtSecurity.Hosts;

namespace VirtSecurity.SELinux;

/// <summary>
/// From a path to the pattern of a file-context rule. Every byte outside <c>A-Z a-z 0-9 _ /</c> becomes <c>\xHH</c>: patterns
/// are matched over bytes, spaces and quotes break semanage's lines, and <c>semanage import</c> (policycoreutils 3.5 and
/// newer) takes any line with <c>-d</c> in it, as in <c>/vm-data</c>, for a deletion. In the first name of a longer path it becomes
/// <c>[\xHH]</c>: libselinux 3.4 takes a first name without meta characters for the name itself, <see cref="RankedRule.Stem"/>, and so
/// <c>/vm\x2ddata/images</c> for a rule that is for no path below /vm-data.
/// </summary>
internal static partial class PathPattern
{
    /// <summary>What follows the directory's own path in a rule for it and all below.</summary>
    public const string TreeSuffix = "(/.*)?";

    /// <summary>What follows it in a rule for all below alone.</summary>
    private const string BelowSuffix = "/.*";

    /// <summary>The pattern for a directory and everything below it.</summary>
    public static string ForTree(string directory) => ForPath(directory) + TreeSuffix;

    /// <summary>The path whose tree, or which alone, a pattern covers; null: the pattern is no plain path. A dot is read as one, as it is mostly meant.</summary>
    public static string? PathOf(string pattern)
    {
        var plain = TextOf(pattern);
        if (!PlainShape().IsMatch(plain)) return null;
        var bytes = new List<byte>();
        for (var i = 0; i < plain.Length; i++)
        {
            if (plain[i] is '[' or ']') continue;
            if (plain[i] != '\\') bytes.AddRange(HostText.Encode(plain[i..(i + 1)]));
            else if (plain[++i] != 'x') bytes.Add((byte)plain[i]);
            else
            {
                bytes.Add(byte.Parse(plain.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
        }

        return HostText.Decode([.. bytes]);
    }

    /// <summary>The pattern without what makes it a tree's.</summary>
    public static string TextOf(string pattern) =>
        pattern.EndsWith(TreeSuffix, StringComparison.Ordinal) ? pattern[..^TreeSuffix.Length]
        : pattern.EndsWith(BelowSuffix, StringComparison.Ordinal) ? pattern[..^BelowSuffix.Length]
        : pattern;

    /// <summary>Whether the pattern of a plain path covers what is below it too.</summary>
    public static bool IsTree(string pattern) => pattern.EndsWith(BelowSuffix, StringComparison.Ordinal) || pattern.EndsWith(TreeSuffix, StringComparison.Ordinal);

    /// <summary>Whether the pattern of a plain path has a dot that stands for any sign.</summary>
    public static bool HasBareDot(string pattern)
    {
        var text = TextOf(pattern);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '.') return true;
        }

        return false;
    }

    /// <summary>The pattern that matches exactly this path.</summary>
    public static string ForPath(string path)
    {
        var pattern = new StringBuilder();
        var bytes = HostText.Encode(path);
        var endOfStem = bytes.Length > 1 ? Array.IndexOf(bytes, (byte)'/', 1) : -1;
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'_' or (byte)'/') pattern.Append((char)value);
            else if (i < endOfStem) pattern.Append(CultureInfo.InvariantCulture, $"[\\x{value:x2}]");
            else pattern.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return pattern.ToString();
    }

    // What a backslash makes plain is any ASCII sign but itself; \s, \d and their like are classes.
    [GeneratedRegex(@"\A/([^\\^$?*+|()\[\]{}\s\ud800-\udfff]|\[\\x[0-9A-Fa-f]{2}\]|\\x[0-9A-Fa-f]{2}|\\[!-/:-@\[\]^_`{-~])*\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainShape();
}
