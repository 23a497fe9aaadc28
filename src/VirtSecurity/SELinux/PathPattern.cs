using System.Globalization;
using System.Text;

namespace VirtSecurity.SELinux;

/// <summary>
/// From a path to the pattern of a file-context rule. Every byte outside <c>A-Z a-z 0-9 _ /</c> becomes <c>\xHH</c>: patterns
/// are matched over bytes, spaces and quotes break semanage's lines, and <c>semanage import</c> (policycoreutils 3.5 and
/// newer) takes any line with <c>-d</c> in it, as in <c>/vm-data</c>, for a deletion.
/// </summary>
internal static class PathPattern
{
    /// <summary>What follows the directory's own path in a rule for it and all below.</summary>
    public const string TreeSuffix = "(/.*)?";

    /// <summary>The pattern for a directory and everything below it.</summary>
    public static string ForTree(string directory) => ForPath(directory) + TreeSuffix;

    /// <summary>The pattern that matches exactly this path.</summary>
    public static string ForPath(string path)
    {
        var pattern = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(path))
        {
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'_' or (byte)'/') pattern.Append((char)value);
            else pattern.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return pattern.ToString();
    }
}
